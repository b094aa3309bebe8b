"""The store on a local disk: `LocalDisk` behind a pool of threads."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Blob, Capabilities, Entry, Listing
from lenscat_backend.storage.local import LocalDisk, check_range, read_at

STREAM_CHUNK_BYTES = 1 << 20
DEFAULT_THREADS = 16
"""Enough to keep a spinning disk's queue and a NAS's latency busy; the calls wait for the disk, not the processor."""

_T = TypeVar("_T")


class LocalStore:
    """A `Store` over `disk`, on `threads` threads of its own, started as needed; see `Store` and `LocalDisk`.

    A call that is cancelled goes on in its thread: a write may still take place, whole or not at all.
    """

    def __init__(self, disk: LocalDisk, *, threads: int = DEFAULT_THREADS) -> None:
        self._disk = disk
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="lenscat-disk")

    @property
    def disk(self) -> LocalDisk:
        """The synchronous core."""
        return self._disk

    @property
    def capabilities(self) -> Capabilities:
        """Folder etags, and writes where the disk allows them."""
        return Capabilities(folder_etag=True, writable=self._disk.writable)

    def describe(self) -> str:
        """``local disk``: the path is the host's own business."""
        return "local disk" if self._disk.writable else "local disk, read-only"

    def local_path(self, path: LibraryPath) -> Path | None:
        """Where `path` lies on this machine; does not touch the disk."""
        return self._disk.local_path(path)

    async def list_folder(self, folder: LibraryPath) -> Listing:
        """See `Store.list_folder`."""
        return await self._run(self._disk.list_folder, folder)

    async def stat(self, path: LibraryPath) -> Entry:
        """See `Store.stat`."""
        return await self._run(self._disk.stat, path)

    async def read(self, path: LibraryPath, max_bytes: int) -> Blob:
        """See `Store.read`."""
        return await self._run(self._disk.read, path, max_bytes)

    async def read_range(self, path: LibraryPath, offset: int, length: int) -> bytes:
        """See `Store.read_range`."""
        return await self._run(self._disk.read_range, path, offset, length)

    async def stream(self, path: LibraryPath, offset: int, length: int) -> AsyncIterator[bytes]:
        """See `Store.stream`; the file is closed also when the reader stops early."""
        check_range(offset, length)
        source = _RangeReader(self._disk, path, offset, length)
        try:
            while chunk := await self._run(source.read_next):
                yield chunk
        finally:
            source.close()

    async def write(
        self,
        path: LibraryPath,
        data: bytes,
        *,
        if_version: str | None = None,
        create_only: bool = False,
        durable: bool = True,
    ) -> Blob:
        """See `Store.write`."""
        write = partial(self._disk.write, if_version=if_version, create_only=create_only, durable=durable)
        return await self._run(write, path, data)

    async def delete(self, path: LibraryPath, *, if_version: str | None = None) -> None:
        """See `Store.delete`."""
        await self._run(partial(self._disk.delete, if_version=if_version), path)

    async def sweep(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.sweep`."""
        return await self._run(self._disk.sweep, folder)

    def close(self) -> None:
        """End the threads once they are idle; calls after this fail."""
        self._threads.shutdown(wait=False)

    async def _run(self, call: Callable[..., _T], *args: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)


class _RangeReader:
    """A range of a file, chunk by chunk, read in threads and closed from anywhere without waiting for them."""

    def __init__(self, disk: LocalDisk, path: LibraryPath, offset: int, length: int) -> None:
        self._disk, self._path = disk, path
        self._offset, self._end = offset, offset + length
        self._descriptor = -1
        self._closed = False
        self._lock = threading.Lock()

    def read_next(self) -> bytes:
        """The next chunk, b"" at the end of the range or the file, or once closed."""
        try:
            with self._lock:
                return b"" if self._closed else self._read()
        finally:
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close the file, or have the thread that is reading close it."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                descriptor, self._descriptor = self._descriptor, -1
                if descriptor >= 0:
                    os.close(descriptor)
            finally:
                self._lock.release()

    def _read(self) -> bytes:
        with self._disk.translated(self._path):
            if self._descriptor < 0:
                self._descriptor = self._disk.open_regular(self._path)
            chunk = read_at(self._descriptor, self._offset, min(self._end - self._offset, STREAM_CHUNK_BYTES))
        self._offset += len(chunk)
        return chunk
