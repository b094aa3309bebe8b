"""A store made of others: each path has one that answers for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from lenscat_backend.errors import LenscatError
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Blob, Entry, Listing, OpenedFile, RangeReader, Report, Store, ignore

T = TypeVar("T")


class RoutedStore(ABC):
    """The part of `Store` that is about single paths."""

    @abstractmethod
    def at(self, path: LibraryPath) -> tuple[Store, LibraryPath]:
        """The store that answers for `path`, and what the path is called there."""

    def ask(self, path: LibraryPath, call: Callable[[Store, LibraryPath], T]) -> T:
        """What the store at `path` answers."""
        return call(*self.at(path))

    def local_path(self, path: LibraryPath) -> Path | None:
        """See `Store.local_path`."""
        store, rest = self.at(path)
        return store.local_path(rest)

    def list_folder(self, folder: LibraryPath) -> Listing:
        """See `Store.list_folder`."""
        return self.ask(folder, lambda store, rest: store.list_folder(rest))

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """See `Store.list_pages`."""
        store, rest = self.at(folder)
        return store.list_pages(rest, report)

    def peek(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.peek`."""
        return self.ask(folder, lambda store, rest: store.peek(rest))

    def quick_folder_etag(self, folder: LibraryPath) -> str:
        """See `Store.quick_folder_etag`."""
        store, rest = self.at(folder)
        return store.quick_folder_etag(rest)

    def quick_etag(self, path: LibraryPath) -> str | None:
        """See `Store.quick_etag`."""
        store, rest = self.at(path)
        return store.quick_etag(rest)

    def stat(self, path: LibraryPath) -> Entry:
        """See `Store.stat`."""
        return self.ask(path, lambda store, rest: store.stat(rest))

    def read(self, path: LibraryPath, max_bytes: int) -> Blob:
        """See `Store.read`."""
        return self.ask(path, lambda store, rest: store.read(rest, max_bytes))

    def read_range(self, path: LibraryPath, offset: int, length: int) -> bytes:
        """See `Store.read_range`."""
        return self.ask(path, lambda store, rest: store.read_range(rest, offset, length))

    def open(self, path: LibraryPath, entry: Entry | None = None) -> OpenedFile:
        """See `Store.open`."""
        return self.ask(path, lambda store, rest: store.open(rest, entry))

    def signed_url(self, path: LibraryPath, expires_s: float) -> str:
        """See `Store.signed_url`."""
        return self.ask(path, lambda store, rest: store.signed_url(rest, expires_s))

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[RangeReader | LenscatError]:
        """See `Store.open_each`."""
        store, rest = self.at(folder)
        return store.open_each(rest, entries)

    def read_each(
        self, folder: LibraryPath, entries: Sequence[Entry], max_bytes: int
    ) -> Iterator[bytes | LenscatError]:
        """See `Store.read_each`."""
        store, rest = self.at(folder)
        return store.read_each(rest, entries, max_bytes)

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
        """See `Store.write`."""
        store, rest = self.at(path)
        return store.write(rest, data, if_version=if_version, create_only=create_only, durable=durable, source=source)

    def write_chunks(self, path: LibraryPath, chunks: Iterable[bytes]) -> None:
        """See `Store.write_chunks`."""
        store, rest = self.at(path)
        store.write_chunks(rest, chunks)

    def delete(self, path: LibraryPath, *, if_version: str | None = None) -> None:
        """See `Store.delete`."""
        store, rest = self.at(path)
        store.delete(rest, if_version=if_version)

    def sweep(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.sweep`."""
        store, rest = self.at(folder)
        return store.sweep(rest)
