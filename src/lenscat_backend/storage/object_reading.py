"""Reading parts of objects: one, a stream, or many at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, Protocol

from lenscat_backend.errors import LenscatError, UnreachableError
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.local_file import STREAM_CHUNK_BYTES
from lenscat_backend.storage.object_bucket import Bucket, Got
from lenscat_backend.storage.object_errors import CLIENT_ERRORS, RequestFailedError, understand
from lenscat_backend.storage.object_patience import Patience

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


def open_range(bucket: Bucket, patience: Patience, key: str, offset: int, length: int, etag: str) -> Got | None:
    """The reply whose body is the range; None, without a request where it is empty, if the object ends before it.

    The client library repeats what may pass and reads on where a body is cut, but not where that of an error is.
    """
    if length == 0:
        return None
    try:
        return patience.persist(
            lambda: bucket.get(key, start=offset, end=offset + length, etag=etag), lambda trouble: trouble.is_cut
        )
    except CLIENT_ERRORS as error:
        if understand(error).is_beyond_end:
            return None
        raise


def stream_range(bucket: Bucket, patience: Patience, key: str, offset: int, length: int, etag: str) -> Iterator[bytes]:
    """The range in chunks of at most 1 MiB; fewer bytes where the object ends.

    The client library reads on after a cut, but only so often in one request: after that, where much has come since,
    the rest is asked for anew, of the same version.
    """
    done, end = offset, offset + length
    while got := open_range(bucket, patience, key, done, end - done, etag):
        began, etag = done, got.found.etag
        try:
            for chunk in _stream_body(bucket, got):
                done += len(chunk)
                yield chunk
            return
        except CLIENT_ERRORS as error:
            if done - began < _STREAM_BYTES or not understand(error).is_passing:
                raise


def _stream_body(bucket: Bucket, got: Got) -> Iterator[bytes]:
    for chunk in got.result.stream(min_chunk_size=_STREAM_BYTES):
        bucket.counter.add("GET", 0, received_bytes=len(chunk))
        for start in range(0, len(chunk), STREAM_CHUNK_BYTES):
            yield bytes(chunk[start : start + STREAM_CHUNK_BYTES])


def read_many(read: ReadRange, requests: Iterable[RangeRequest], concurrency: int) -> Iterator[bytes | LenscatError]:
    """The answers in the order of the requests, `concurrency` at once; an error stands in the place of its answer.

    `requests` is drawn from as answers are taken: at most twice `concurrency` ahead. Once the store answers nobody any
    more, its error is the answer to all that is left: thousands of pictures do not wait for it one by one.
    """
    answer = _Answers(read, patient=concurrency == 1)
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


class _Answers:
    """Answers requests from several threads until the store is gone: while one waited in vain, none had an answer.

    That something is missing, changed or forbidden is an answer too.
    """

    def __init__(self, read: ReadRange, *, patient: bool) -> None:
        """`patient`: two must fail in a row, for there are no others meanwhile."""
        self._read = read
        self._most = self._left = 2 if patient else 1
        self._answered = 0
        self._gone: UnreachableError | None = None
        self._lock = threading.Lock()

    def __call__(self, request: RangeRequest) -> bytes | LenscatError:
        if self._gone is not None:
            return self._gone
        before, answer = self._answered, self._ask(request)
        with self._lock:
            if isinstance(answer, UnreachableError) and not isinstance(answer, RequestFailedError):
                self._left -= self._answered == before
                if self._left <= 0:
                    self._gone = answer
            else:
                self._answered += 1
                self._left = self._most
        return answer

    def _ask(self, request: RangeRequest) -> bytes | LenscatError:
        try:
            return self._read(request)
        except LenscatError as error:
            return error
