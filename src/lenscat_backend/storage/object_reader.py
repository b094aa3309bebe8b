"""The reading half of an object store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from lenscat_backend.errors import LenscatError, TooLargeError, UnsupportedError
from lenscat_backend.models.paths import LibraryPath, split
from lenscat_backend.storage.base import Blob, Entry, Listing, Report, ignore
from lenscat_backend.storage.local_file import check_range
from lenscat_backend.storage.object_keys import folder_entry, folder_key, object_etag
from lenscat_backend.storage.object_listing import Located
from lenscat_backend.storage.object_place import ObjectPlace
from lenscat_backend.storage.object_reading import RangeRequest, open_range, read_many, stream_range
from lenscat_backend.storage.os_errors import missing
from lenscat_backend.storage.remote_file import RemoteFile


class ObjectReader(ObjectPlace):
    """The calls that change nothing; see `ObjectStore`."""

    def list_folder(self, folder: LibraryPath) -> Listing:
        """See `Store.list_folder`: a LIST for each 1,000 names; keys that cannot be shown are `problems`."""
        with self._translated(folder, may_be_missing=False):
            listing = self._lister.folder(folder_key(self._prefix, folder))
        if listing is None and folder:
            raise missing(folder)
        return listing or Listing((), "")

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """See `Store.list_pages`: at most 1,000 entries at a time.

        Only one page is in memory (for ``gs``, ``az`` and memory: the folder). `report` hears of keys that cannot be
        shown.
        """
        exists = not folder
        with self._translated(folder, may_be_missing=False):
            for entries in self._lister.folder_pages(folder_key(self._prefix, folder), report):
                exists = True
                yield entries
        if not exists:
            raise missing(folder)

    def list_tree_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Located]]:
        """All files below `folder` with their paths, in key order, a LIST for each 1,000; nothing where none is.

        Hidden names and what lies in hidden folders are left out; empty folders do not show.
        """
        with self._translated(folder, may_be_missing=False):
            yield from self._lister.tree_pages(folder_key(self._prefix, folder), folder, report)

    def stat(self, path: LibraryPath) -> Entry:
        """See `Store.stat`: a HEAD for a file; a LIST more for a folder, and alone for the root."""
        name = split(path)[1]
        with self._translated(path):
            try:
                return self._head(self._key(path))[0].entry(name) if path else self._stat_folder(path)
            except FileNotFoundError:
                return self._stat_folder(path)

    def read(self, path: LibraryPath, max_bytes: int) -> Blob:
        """See `Store.read`: one GET, whose body is not fetched where it is too large."""
        with self._translated(path):
            got = self._patience.persist(lambda: self._bucket.get(self._key(path)), lambda trouble: trouble.is_cut)
            if got.found.size > max_bytes:
                raise TooLargeError(f"{path!r} is larger than {max_bytes} bytes.")
            data = self._bucket.body(got)
            entry = got.found.entry("")
            return Blob(data, got.version, entry.etag, entry.mtime_ns, got.source)

    def read_range(self, path: LibraryPath, offset: int, length: int) -> bytes:
        """See `Store.read_range`: one GET; no request where `length` is 0."""
        return self._read_request(RangeRequest(path, offset, length))

    def read_many(self, requests: Iterable[RangeRequest]) -> Iterator[bytes | LenscatError]:
        """The ranges in the order asked, one GET each, several at once; an error stands in the place of its bytes.

        `VersionMismatchError` where the file no longer has the etag of the request.
        """
        return read_many(self._read_request, requests, self._concurrency)

    def stream(self, path: LibraryPath, offset: int, length: int, etag: str = "") -> Iterator[bytes]:
        """The range in chunks of at most 1 MiB, by one GET; `VersionMismatchError` where `etag` is given and gone.

        The request is made at the first step.
        """
        check_range(offset, length)
        return self._stream(RangeRequest(path, offset, length, etag))

    def open(self, path: LibraryPath, entry: Entry | None = None) -> RemoteFile:
        """See `Store.open`: a HEAD, or no request where the `entry` is given; each read is a GET with ``If-Match``."""
        if entry is None:
            with self._translated(path):
                entry = self._head(self._key(path), believe_404=False)[0].entry(split(path)[1])
        return RemoteFile(
            entry,
            partial(self._read_opened, path, entry.etag),
            partial(self.stream, path, etag=entry.etag),
        )

    def signed_url(self, path: LibraryPath, expires_s: float) -> str:
        """An address where anybody can GET the file until it expires; made without a request, also if it is missing."""
        key = self._key(path)
        if not self._bucket.can_sign:
            raise UnsupportedError("This store has no addresses to hand out: stream its files instead.")
        with self._translated(path):
            address = self._bucket.sign(key, expires_s)
        if self._bucket.dialect.one_slash and "%" in urlsplit(address).path:  # obstore 0.12 signs it encoded: refused
            raise UnsupportedError(f"No address can be signed for {path!r}: stream it instead.")
        return address

    def _read_request(self, request: RangeRequest) -> bytes:
        path, offset, length, etag = request
        check_range(offset, length)
        with self._translated(path):
            got = open_range(self._bucket, self._patience, self._key(path), offset, length, object_etag(etag))
            return self._bucket.body(got) if got else b""

    def _read_opened(self, path: LibraryPath, etag: str, offset: int, length: int) -> bytes:
        return self._read_request(RangeRequest(path, offset, length, etag))

    def _stream(self, request: RangeRequest) -> Iterator[bytes]:
        path, offset, length, etag = request
        with self._translated(path):
            yield from stream_range(self._bucket, self._patience, self._key(path), offset, length, object_etag(etag))

    def _stat_folder(self, folder: LibraryPath) -> Entry:
        with self._translated(folder, may_be_missing=False):
            listed = self._lister.exists(folder_key(self._prefix, folder))
        if folder and not listed:
            raise missing(folder)
        return folder_entry(split(folder)[1])
