"""What a store of objects says of many files at once, from its pages and ranges."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby

from lenscat_backend.errors import LenscatError, TooLargeError
from lenscat_backend.models.paths import ROOT, LibraryPath, join, split
from lenscat_backend.storage.base import Entry, RangeReader, Report, ignore
from lenscat_backend.storage.object_listing import Located
from lenscat_backend.storage.object_reading import RangeRequest

HEAD_BYTES = 65536
"""What is asked of each picture: nearly every photograph has header and metadata in it, so that one request does."""


class FetchedHead:
    """A file of which the beginning is here; what lies further in is a request each."""

    __slots__ = ("_fetch", "_head", "size")

    def __init__(self, head: bytes, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self.size = size
        self._head = head
        self._fetch = fetch

    def read(self, offset: int, length: int) -> bytes:
        """See `RangeReader.read`."""
        length = min(length, max(self.size - offset, 0))
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        return self._fetch(offset, length)


class ManyObjects(ABC):
    """The part of an object store that is made of its other calls."""

    @abstractmethod
    def read_many(self, requests: Iterable[RangeRequest]) -> Iterator[bytes | LenscatError]:
        """See `ObjectStore.read_many`."""

    @abstractmethod
    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """See `Store.list_pages`."""

    @abstractmethod
    def list_tree_pages(self, folder: LibraryPath) -> Iterator[Sequence[Located]]:
        """See `ObjectStore.list_tree_pages`."""

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[RangeReader | LenscatError]:
        """See `Store.open_each`: a GET of the head of each file."""
        requests = [_request(folder, entry, HEAD_BYTES) for entry in entries]
        for entry, request, head in zip(entries, requests, self.read_many(requests), strict=True):
            if isinstance(head, LenscatError):
                yield head
            else:
                yield FetchedHead(head, entry.size, partial(self._more, request))

    def read_each(
        self, folder: LibraryPath, entries: Sequence[Entry], max_bytes: int
    ) -> Iterator[bytes | LenscatError]:
        """See `Store.read_each`: a GET each."""
        small = [_request(folder, entry, max_bytes) for entry in entries if entry.size <= max_bytes]
        found = self.read_many(small)
        for entry in entries:
            if entry.size > max_bytes:
                yield TooLargeError(f"{join(folder, entry.name)!r} is larger than {max_bytes} bytes.")
            else:
                yield next(found)

    def walk(self) -> Iterator[tuple[LibraryPath, Sequence[Entry]]]:
        """See `Store.walk`: a LIST for each 1,000 files of the whole store."""
        for page in self.list_tree_pages(ROOT):
            for folder, files in groupby(page, lambda located: split(located[0])[0]):
                yield folder, [entry for _, entry in files]

    def peek(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.peek`: one LIST."""
        return [entry.name for entry in next(self.list_pages(folder), ())]

    def quick_folder_etag(self, folder: LibraryPath) -> str:
        """Nothing: folders have no etags here."""
        return ""

    def quick_etag(self, path: LibraryPath) -> str | None:
        """None: every etag costs a request."""
        return None

    def identity(self) -> str:
        """Nothing: a bucket is its name."""
        return ""

    def _more(self, request: RangeRequest, offset: int, length: int) -> bytes:
        (answer,) = self.read_many([request._replace(offset=offset, length=length)])
        if isinstance(answer, LenscatError):
            raise answer
        return answer


def _request(folder: LibraryPath, entry: Entry, most: int) -> RangeRequest:
    return RangeRequest(join(folder, entry.name), 0, min(entry.size, most), entry.etag)
