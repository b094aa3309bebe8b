"""Reading parts of objects: one, a stream, or many at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, Protocol

from lenscat_backend.errors import LenscatError
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.local_file import STREAM_CHUNK_BYTES
from lenscat_backend.storage.object_bucket import Bucket, Got
from lenscat_backend.storage.object_errors import CLIENT_ERRORS, understand

_STREAM_BYTES = 256 << 10
"""What the client library gathers before it hands over a chunk."""


class RangeRequest(NamedTuple):
    """Bytes `offset` to `offset + length` (end excluded) of a file, which must still have the listing's `etag`.

    With `etag` "" any version will do.
    """

    path: LibraryPath
    offset: int
    length: int
    etag: str = ""


class ReadRange(Protocol):
    """What answers one request."""

    def __call__(self, request: RangeRequest) -> bytes:
        """The bytes; raises `LenscatError`."""
        ...


def open_range(bucket: Bucket, key: str, offset: int, length: int, etag: str) -> Got | None:
    """The reply whose body is the range; None, without a request where it is empty, if the object ends before it."""
    if length == 0:
        return None
    try:
        return bucket.get(key, start=offset, end=offset + length, etag=etag)
    except CLIENT_ERRORS as error:
        if understand(error).is_beyond_end:
            return None
        raise


def stream_body(bucket: Bucket, got: Got) -> Iterator[bytes]:
    """The body in chunks of at most 1 MiB."""
    for chunk in got.result.stream(min_chunk_size=_STREAM_BYTES):
        bucket.counter.add("GET", 0, received_bytes=len(chunk))
        for start in range(0, len(chunk), STREAM_CHUNK_BYTES):
            yield bytes(chunk[start : start + STREAM_CHUNK_BYTES])


def read_many(read: ReadRange, requests: Iterable[RangeRequest], concurrency: int) -> Iterator[bytes | LenscatError]:
    """The answers in the order of the requests, `concurrency` at once; an error stands in the place of its answer.

    `requests` is drawn from as answers are taken: at most twice `concurrency` ahead.
    """

    def answer(request: RangeRequest) -> bytes | LenscatError:
        try:
            return read(request)
        except LenscatError as error:
            return error

    waiting = iter(requests)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="lenscat-object") as threads:
        ahead: deque[Future[bytes | LenscatError]] = deque()
        try:
            ahead.extend(threads.submit(answer, request) for request in islice(waiting, 2 * concurrency))
            while ahead:
                yield ahead.popleft().result()
                ahead.extend(threads.submit(answer, request) for request in islice(waiting, 1))
        finally:
            for future in ahead:
                future.cancel()
