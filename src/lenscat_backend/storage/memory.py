"""A store in memory, whole and with the rules of the others: for tests and demonstrations."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from lenscat_backend.errors import (
    AlreadyExistsError,
    InvalidPathError,
    LenscatError,
    NotFoundError,
    ReadOnlyError,
    TooLargeError,
    UnsupportedError,
    VersionMismatchError,
)
from lenscat_backend.models.paths import MAX_NAME_BYTES, ROOT, LibraryPath, encode_name, join, split
from lenscat_backend.storage.base import Blob, Capabilities, Entry, Listing, RangeReader, Report, ignore
from lenscat_backend.storage.local_file import STREAM_CHUNK_BYTES, check_range, read_small
from lenscat_backend.storage.names import is_left_out
from lenscat_backend.storage.os_errors import missing
from lenscat_backend.storage.remote_file import RemoteFile

_PAGE = 1000


class MemoryStore:
    """A `Store` that forgets everything when it is dropped. Safe to use from several threads.

    A folder is there while a file is in it, the root always; so a folder vanishes with its last file. Every write
    counts on, so that every state has an etag of its own: all entries are settled.
    """

    def __init__(self, *, writable: bool = True, remote: bool = False, clock: Callable[[], int] = time.time_ns) -> None:
        """`clock` gives nanoseconds since 1970. As `remote` it is used as sparingly as a bucket."""
        self._remote = remote
        self._writable = writable
        self._clock = clock
        self._lock = threading.Lock()
        self._folders: dict[LibraryPath, _Folder] = {ROOT: _Folder("0", {}, set())}
        self._serial = 0

    @property
    def capabilities(self) -> Capabilities:
        """Folder etags, and writes unless opened read-only."""
        return Capabilities(folder_etag=not self._remote, writable=self._writable, remote=self._remote)

    def describe(self) -> str:
        """``memory``."""
        return "memory" if self._writable else "memory, read-only"

    def local_path(self, path: LibraryPath) -> Path | None:
        """None: nothing here lies on a disk."""
        return None

    def list_folder(self, folder: LibraryPath) -> Listing:
        """See `Store.list_folder`."""
        with self._lock:
            found = self._folder(folder)
            files = [_entry(name, file) for name, file in found.files.items() if not is_left_out(name)]
            folders = [Entry(name, True, 0, 0, "", True) for name in found.folders if not is_left_out(name)]
            return Listing((*files, *folders), "" if self._remote else found.etag)

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """See `Store.list_pages`: at most 1,000 entries at a time."""
        entries = sorted(self.list_folder(folder).entries, key=lambda found: found.name + "/" * found.is_folder)
        for start in range(0, max(len(entries), 1), _PAGE):
            yield entries[start : start + _PAGE]

    def walk(self) -> Iterator[tuple[LibraryPath, Sequence[Entry]]]:
        """See `Store.walk`."""
        with self._lock:
            folders = list(self._folders)
        for folder in folders:
            with suppress(NotFoundError):
                yield folder, self.list_folder(folder).entries

    def peek(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.peek`."""
        return [entry.name for entry in self.list_folder(folder).entries]

    def quick_folder_etag(self, folder: LibraryPath) -> str:
        """See `Store.quick_folder_etag`."""
        with self._lock:
            found = self._folders.get(folder)
            return found.etag if found is not None and not self._remote else ""

    def quick_etag(self, path: LibraryPath) -> str | None:
        """See `Store.quick_etag`."""
        with suppress(LenscatError):
            return self.stat(path).etag
        return None

    def identity(self) -> str:
        """See `Store.identity`."""
        return ""

    def stat(self, path: LibraryPath) -> Entry:
        """See `Store.stat`."""
        name = split(path)[1]
        with self._lock:
            folder = self._folders.get(path)
            if folder is not None:
                return Entry(name, True, 0, 0, folder.etag, True)
            return _entry(name, self._file(path))

    def read(self, path: LibraryPath, max_bytes: int) -> Blob:
        """See `Store.read`."""
        with self._lock:
            file = self._file(path)
        if len(file.data) > max_bytes:
            raise TooLargeError(f"{path!r} is larger than {max_bytes} bytes.")
        return _blob(file)

    def read_range(self, path: LibraryPath, offset: int, length: int) -> bytes:
        """See `Store.read_range`."""
        check_range(offset, length)
        with self._lock:
            return self._file(path).data[offset : offset + length]

    def signed_url(self, path: LibraryPath, expires_s: float) -> str:
        """None: `UnsupportedError`."""
        raise UnsupportedError("A store in memory has no addresses to hand out: stream its files instead.")

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[RangeReader | LenscatError]:
        """See `Store.open_each`."""
        for entry in entries:
            try:
                yield self.open(join(folder, entry.name))
            except LenscatError as error:
                yield error

    def read_each(
        self, folder: LibraryPath, entries: Sequence[Entry], max_bytes: int
    ) -> Iterator[bytes | LenscatError]:
        """See `Store.read_each`."""
        for entry, file in zip(entries, self.open_each(folder, entries), strict=True):
            yield read_small(file, join(folder, entry.name), max_bytes)

    def open(self, path: LibraryPath, entry: Entry | None = None) -> RemoteFile:
        """See `Store.open`; what is read is the file as it was then."""
        with self._lock:
            file = self._file(path)
        return RemoteFile(_entry(split(path)[1], file), partial(_slice, file.data), partial(_chunks, file.data))

    def write(
        self,
        path: LibraryPath,
        data: bytes,
        *,
        if_version: str | None = None,
        create_only: bool = False,
        durable: bool = True,
        source: str = "",
    ) -> Blob:
        """See `Store.write`; nothing here outlasts the process, `durable` or not."""
        self._check_writable()
        if create_only and if_version is not None:
            raise ValueError("if_version and create_only exclude each other")
        name = _check_names(path)
        with self._lock:
            if path in self._folders:
                raise InvalidPathError(f"{path!r} is a folder, not a file: name a file.")
            self._check_parents(path)
            self._check(path, if_version, create_only)
            folder = self._made_folder(split(path)[0])
            self._serial += 1
            file = folder.files[name] = _File(bytes(data), self._clock(), self._serial, source)
            self._touch(split(path)[0])
        return _blob(file)

    def delete(self, path: LibraryPath, *, if_version: str | None = None) -> None:
        """See `Store.delete`."""
        self._check_writable()
        with self._lock:
            self._file(path)
            self._check(path, if_version, create_only=False)
            folder, name = split(path)
            del self._folders[folder].files[name]
            self._touch(folder)
            self._drop_empty(folder)

    def write_chunks(self, path: LibraryPath, chunks: Iterable[bytes]) -> None:
        """See `Store.write_chunks`."""
        self.write(path, b"".join(chunks))

    def conditions_problem(self) -> str | None:
        """None."""
        return None

    def sweep(self, folder: LibraryPath) -> Sequence[str]:
        """Nothing: no write here is ever left unfinished."""
        return ()

    def _folder(self, path: LibraryPath) -> _Folder:
        if path not in self._folders:
            raise missing(path)
        return self._folders[path]

    def _file(self, path: LibraryPath) -> _File:
        _check_names(path)
        if path in self._folders:
            raise NotFoundError(f"{path!r} is a folder, not a file.")
        folder, name = split(path)
        if folder not in self._folders or name not in self._folders[folder].files:
            raise missing(path)
        return self._folders[folder].files[name]

    def _check_writable(self) -> None:
        if not self._writable:
            raise ReadOnlyError("This library is opened read-only: nothing was changed.")

    def _check_parents(self, path: LibraryPath) -> None:
        parent = split(path)[0]
        while parent:
            above, name = split(parent)
            if above in self._folders and name in self._folders[above].files:
                raise missing(path)
            parent = above

    def _check(self, path: LibraryPath, if_version: str | None, create_only: bool) -> None:
        folder, name = split(path)
        file = self._folders[folder].files.get(name) if folder in self._folders else None
        if create_only and file is not None:
            raise AlreadyExistsError(f"{path!r} exists already: nothing was written.")
        if if_version is None:
            return
        if file is None:
            raise missing(path)
        if blake3(file.data).hexdigest() != if_version:
            raise VersionMismatchError(f"{path!r} was changed meanwhile: read it again, merge and retry.")

    def _made_folder(self, path: LibraryPath) -> _Folder:
        if path not in self._folders:
            above, name = split(path)
            self._made_folder(above).folders.add(name)
            self._serial += 1
            self._touch(above)
            self._folders[path] = _Folder(str(self._serial), {}, set())
        return self._folders[path]

    def _drop_empty(self, path: LibraryPath) -> None:
        while path and not self._folders[path].files and not self._folders[path].folders:
            del self._folders[path]
            above, name = split(path)
            self._folders[above].folders.discard(name)
            self._touch(above)
            path = above

    def _touch(self, path: LibraryPath) -> None:
        self._serial += 1
        self._folders[path] = self._folders[path]._replace(etag=str(self._serial))


class _File(NamedTuple):
    data: bytes
    mtime_ns: int
    serial: int
    source: str = ""


class _Folder(NamedTuple):
    etag: str
    files: dict[str, _File]
    folders: set[str]


def _check_names(path: LibraryPath) -> str:
    name = split(path)[1]
    if not name:
        raise InvalidPathError("The library itself is a folder, not a file: name a file.")
    if any(len(encode_name(segment)) > MAX_NAME_BYTES for segment in path.split("/")):
        raise InvalidPathError("A name in the path is longer than the file system allows: shorten it.")
    return name


def _slice(data: bytes, offset: int, length: int) -> bytes:
    return data[offset : offset + length]


def _chunks(data: bytes, offset: int, length: int) -> Iterator[bytes]:
    for start in range(offset, min(offset + length, len(data)), STREAM_CHUNK_BYTES):
        yield data[start : min(start + STREAM_CHUNK_BYTES, offset + length)]


def _entry(name: str, file: _File) -> Entry:
    return Entry(name, False, len(file.data), file.mtime_ns, f"{len(file.data):x}-{file.serial:x}", True)


def _blob(file: _File) -> Blob:
    return Blob(file.data, blake3(file.data).hexdigest(), _entry("", file).etag, file.mtime_ns, file.source)
