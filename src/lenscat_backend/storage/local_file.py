"""Open files of the local disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lenscat_backend.errors import InvalidError, LenscatError, TooLargeError
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Entry, RangeReader
from lenscat_backend.storage.closing import Closing
from lenscat_backend.storage.folder_listing import etag_of
from lenscat_backend.storage.os_errors import translate
from lenscat_backend.storage.root_folder import FolderHandle

MAX_READ_BYTES = 1 << 30
"""What one system call is asked for; Linux reads at most 2 GiB - 4 KiB at once."""
STREAM_CHUNK_BYTES = 1 << 20


class LocalFile(Closing):
    """See `OpenedFile`. It stays the file that was opened, though another takes its name."""

    __slots__ = ("_descriptor", "etag", "mtime_ns", "size")

    def __init__(self, descriptor: int, info: os.stat_result) -> None:
        """Takes over the descriptor."""
        self._descriptor = descriptor
        self.size = info.st_size
        self.etag = etag_of(info)
        self.mtime_ns = info.st_mtime_ns

    def read(self, offset: int, length: int) -> bytes:
        """See `OpenedFile.read`; `OSError` as it comes."""
        return read_at(self._descriptor, offset, min(length, max(self.size - offset, 0)))

    def stream(self, offset: int, length: int) -> Iterator[bytes]:
        """See `OpenedFile.stream`."""
        check_range(offset, length)
        end = min(offset + length, self.size)
        while offset < end and (chunk := read_at(self._descriptor, offset, min(end - offset, STREAM_CHUNK_BYTES))):
            yield chunk
            offset += len(chunk)

    def on_disk(self) -> Path:
        """The open file itself: its name may be any bytes, and nobody can swap a link in."""
        return Path(f"/dev/fd/{self._descriptor}")

    def close(self) -> None:
        """Close it; harmless a second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class ListedFile:
    """An open file of which a listing told the size: as little as reading its head takes."""

    __slots__ = ("_descriptor", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """See `RangeReader.read`."""
        return os.pread(self._descriptor, min(length, max(self.size - offset, 0)), offset)


def open_each(folder: FolderHandle, entries: Iterable[Entry]) -> Iterator[ListedFile | LenscatError]:
    """See `Store.open_each`."""
    for entry in entries:
        try:
            descriptor = folder.open_listed(entry.name)
        except LenscatError as error:
            yield error
            continue
        try:
            yield ListedFile(descriptor, entry.size)
        finally:
            os.close(descriptor)


def read_small(file: RangeReader | LenscatError, path: LibraryPath, max_bytes: int) -> bytes | LenscatError:
    """The whole of an open file, or why it cannot be had."""
    if isinstance(file, LenscatError):
        return file
    if file.size > max_bytes:
        return TooLargeError(f"{path!r} is larger than {max_bytes} bytes.")
    try:
        return file.read(0, file.size)
    except OSError as error:
        return translate(error, path)


def check_range(offset: int, length: int) -> None:
    """Raise `InvalidError` for a range that begins or ends before the file does."""
    if offset < 0 or length < 0:
        raise InvalidError("A range cannot start or extend before the beginning of the file.")


def read_at(descriptor: int, offset: int, length: int) -> bytes:
    """Up to `length` bytes from `offset`: all of them unless the file ends before."""
    first = os.pread(descriptor, min(length, MAX_READ_BYTES), offset)
    if len(first) in (0, length):
        return first
    parts, got = [first], len(first)
    while got < length and (part := os.pread(descriptor, min(length - got, MAX_READ_BYTES), offset + got)):
        parts.append(part)
        got += len(part)
    return b"".join(parts)
