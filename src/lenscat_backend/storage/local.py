"""The store on a local disk."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from lenscat_backend.errors import LenscatError, ReadOnlyError, TooLargeError, UnsupportedError
from lenscat_backend.models.paths import ROOT, LibraryPath, decode_name, encode_name, join, split
from lenscat_backend.storage.base import Blob, Capabilities, Entry, Listing, RangeReader, Report, ignore
from lenscat_backend.storage.descent import is_link, not_regular
from lenscat_backend.storage.file_writing import Conditions, FileWriter, split_file, sweep_folder
from lenscat_backend.storage.folder_listing import entry_of, etag_of, folder_etag, list_entries
from lenscat_backend.storage.local_file import LocalFile, check_range, open_each, read_at, read_small
from lenscat_backend.storage.names import is_left_out
from lenscat_backend.storage.os_errors import MISSING, translate
from lenscat_backend.storage.root_folder import FolderHandle, RootFolder

__all__ = ["FolderHandle", "LocalDisk"]


class LocalDisk:
    """The files below one folder, under library paths. Safe to use from several threads and processes at once.

    Nothing outside the folder is ever opened, links or not, unless `follow_outside`. Every call may raise
    `UnreachableError` (the disk is gone or fails), `ForbiddenError` (no permission, a link out of the library),
    `InvalidPathError` (a name the file system refuses) and `BusyError` (too many open files).
    """

    def __init__(
        self,
        root: Path,
        *,
        writable: bool = True,
        follow_outside: bool = False,
        make_folders: bool = True,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Without `make_folders` nothing is written into a folder that is gone: it was renamed, or somebody removed it.

        `clock` gives nanoseconds since 1970. The root need not exist yet; it is looked for at each call."""
        self.writable = writable
        self.follow_outside = follow_outside
        self._root = RootFolder(os.fsencode(root.absolute()), follow_outside=follow_outside)
        self._clock = clock
        self._writer = FileWriter(self._root, makes_folders=make_folders)

    @property
    def capabilities(self) -> Capabilities:
        """Folder etags, and writes where the disk allows them."""
        return Capabilities(folder_etag=True, writable=self.writable)

    def describe(self) -> str:
        """``local disk``: the path is the host's own business."""
        return "local disk" if self.writable else "local disk, read-only"

    def local_path(self, path: LibraryPath) -> Path:
        """Where `path` lies on this machine; does not touch the disk, and follows no rule about links."""
        return Path(os.fsdecode(self._raw(path)))

    def open_folder(self, folder: LibraryPath) -> FolderHandle:
        """The folder, open: the fast way to many of its files. `NotFoundError` where there is none."""
        with self.translated(folder):
            return self._root.open_folder(folder)

    def make_folder(self, folder: LibraryPath) -> None:
        """Make a folder, and those above it, where they are missing."""
        self._check_writable()
        with self.translated(folder, writing=True), self._root.open_folder(folder, make=True, durable=True):
            pass

    def list_folder(self, folder: LibraryPath) -> Listing:
        """The entries of `folder`, hidden names and special files left out. `NotFoundError` where there is none."""
        with self.translated(folder):
            with self._root.open_folder(folder) as handle:
                listing = list_entries(handle, self._clock)
            if not folder and not listing.entries:
                self._root.check_present()
            return listing

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """See `Store.list_pages`: one part."""
        listing = self.list_folder(folder)
        for problem in listing.problems:
            report(problem)
        yield listing.entries

    def stat(self, path: LibraryPath) -> Entry:
        """The entry of a file or folder; a folder's etag is that of its listing. `NotFoundError` where nothing is."""
        info = self._stat(path)
        return entry_of(split(path)[1], info, self._clock())

    def quick_etag(self, path: LibraryPath) -> str | None:
        """A file's etag in one system call, None where it cannot be had; to compare with one that another call gave.

        Links are followed without a check, so that a different etag only says that a checked call must look again.
        """
        try:
            return etag_of(os.stat(self._raw(path)))  # noqa: PTH116 - bytes
        except OSError:
            return None

    def quick_folder_etag(self, folder: LibraryPath) -> str:
        """The etag that a listing of `folder` would have, "" where it cannot be had; as unchecked as `quick_etag`."""
        try:
            return folder_etag(os.stat(self._raw(folder)), self._clock())  # noqa: PTH116 - bytes
        except OSError:
            return ""

    def peek(self, folder: LibraryPath) -> list[str]:
        """The names in `folder`, links and special files among them, without a look at the files themselves."""
        with self.translated(folder), self._root.open_folder(folder) as handle, os.scandir(handle.descriptor) as found:
            names = [decode_name(os.fsencode(item.name)) for item in found]
        return [name for name in names if not is_left_out(name)]

    def _is_link(self, path: LibraryPath) -> bool:
        folder, name = split(path)
        with self.translated(path), self._root.open_folder(folder) as handle:
            return bool(name) and is_link(encode_name(name), handle.descriptor)

    def identity(self) -> str:
        """The number of the device that the root lies on; it changes when a disk is mounted there or unmounted."""
        with self.translated(ROOT), self._root.open_folder(ROOT) as handle:
            return str(os.fstat(handle.descriptor).st_dev)

    def walk(self) -> Iterator[tuple[LibraryPath, Sequence[Entry]]]:
        """See `Store.walk`."""
        waiting = [ROOT]
        while waiting:
            folder = waiting.pop()
            try:
                entries = self.list_folder(folder).entries
                paths = [join(folder, entry.name) for entry in entries if entry.is_folder]
                waiting += [path for path in paths if not self._is_link(path)]
            except LenscatError:
                continue
            yield folder, entries

    def read(self, path: LibraryPath, max_bytes: int) -> Blob:
        """The whole of a small file, its version the hex BLAKE3 hash of its bytes; `TooLargeError` above the limit.

        The etag was taken before the bytes: where another program rewrites the file in place meanwhile, the etag is
        out of date rather than the bytes.
        """
        with self._opened(path) as (descriptor, info):
            data = read_at(descriptor, 0, min(info.st_size, max_bytes) + 1)
        if len(data) > max_bytes:
            raise TooLargeError(f"{path!r} is larger than {max_bytes} bytes.")
        return Blob(data, version_of(data), etag_of(info), info.st_mtime_ns)

    def read_range(self, path: LibraryPath, offset: int, length: int) -> bytes:
        """Bytes `offset` to `offset + length` (end excluded), fewer at the end of the file, b"" beyond it."""
        check_range(offset, length)
        with self._opened(path) as (descriptor, info):
            return read_at(descriptor, offset, min(length, max(info.st_size - offset, 0)))

    def signed_url(self, path: LibraryPath, expires_s: float) -> str:
        """None: `UnsupportedError`."""
        raise UnsupportedError("A local disk has no addresses to hand out: stream its files instead.")

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[RangeReader | LenscatError]:
        """See `Store.open_each`."""
        with self.open_folder(folder) as handle:
            yield from open_each(handle, entries)

    def read_each(
        self, folder: LibraryPath, entries: Sequence[Entry], max_bytes: int
    ) -> Iterator[bytes | LenscatError]:
        """See `Store.read_each`."""
        for entry, file in zip(entries, self.open_each(folder, entries), strict=True):
            yield read_small(file, join(folder, entry.name), max_bytes)

    def open(self, path: LibraryPath, entry: Entry | None = None) -> LocalFile:
        """See `Store.open`; also `UnsupportedError` for a FIFO, a socket or a device."""
        folder, name = split_file(path)
        with self.translated(path), self._root.open_folder(folder) as handle:
            return LocalFile(*handle.open_regular(name))

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
        """Write a whole file atomically, as `Store.write` promises, also against other processes of this machine.

        A file replaced keeps its mode, and its owner where the system permits. A link to a file stays: its target
        is replaced; `BrokenLinkError` for one that leads nowhere. `BusyError` where the folder stays locked for 10 s.
        Unless the disk fails after the file got its name, an error means that the old file is untouched.
        """
        self._check_writable()
        conditions = Conditions(if_version, create_only)
        with self.translated(path, writing=True):
            info = self._writer.write(path, (data,), conditions, durable=durable)
        return Blob(data, version_of(data), etag_of(info), info.st_mtime_ns)

    def write_chunks(self, path: LibraryPath, chunks: Iterable[bytes]) -> None:
        """Write a large file atomically as its chunks come, without a condition and not flushed to the disk.

        Nothing is locked while the chunks are made; an error that they raise leaves the old file as it is.
        """
        self._check_writable()
        with self.translated(path, writing=True):
            self._writer.write(path, chunks, Conditions(), durable=False)

    def delete(self, path: LibraryPath, *, if_version: str | None = None) -> None:
        """Remove one file, or the link of that name. `NotFoundError` where missing or a folder."""
        self._check_writable()
        with self.translated(path, writing=True):
            self._writer.delete(path, if_version)

    def conditions_problem(self) -> str | None:
        """None."""
        return None

    def sweep(self, folder: LibraryPath) -> Sequence[str]:
        """Remove unfinished writes older than an hour; returns their names, none where the disk is read-only."""
        if not self.writable:
            return ()
        with self.translated(folder, writing=True), self._root.open_folder(folder) as handle:
            return sweep_folder(handle, self._clock())

    def _stat(self, path: LibraryPath) -> os.stat_result:
        folder, name = split(path)
        with self.translated(path), self._root.open_folder(folder) as handle:
            info = handle.stat(name) if name else os.fstat(handle.descriptor)
        if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
            raise not_regular(path)
        return info

    @contextmanager
    def _opened(self, path: LibraryPath) -> Iterator[tuple[int, os.stat_result]]:
        folder, name = split_file(path)
        with self.translated(path):
            with self._root.open_folder(folder) as handle:
                descriptor, info = handle.open_regular(name)
            try:
                yield descriptor, info
            finally:
                os.close(descriptor)

    def _raw(self, path: LibraryPath) -> bytes:
        return self._root.path + b"/" + encode_name(path) if path else self._root.path

    def _check_writable(self) -> None:
        if not self.writable:
            raise ReadOnlyError("This library is opened read-only: nothing was changed.")

    @contextmanager
    def translated(self, path: LibraryPath, *, writing: bool = False) -> Iterator[None]:
        """Raise any `OSError` of the body as what it means for `path`."""
        try:
            yield
        except OSError as error:
            if error.errno in MISSING:
                self._root.check_present()  # what is missing with the whole disk is not deleted
            raise translate(error, path, writing=writing) from error


def version_of(data: bytes) -> str:
    """The version of a file of these bytes: their BLAKE3 hash in hex."""
    return blake3(data).hexdigest()
