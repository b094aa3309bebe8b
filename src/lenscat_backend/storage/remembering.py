"""A remote store that remembers what it listed a moment ago, so that nobody pays for the same answer twice.

A page lists a folder and then asks for a hundred of its thumbnails; each needs to know which version of its picture is
the present one, and whether there is a thumbnail at all. The listing has told both. For `young_s` seconds after it,
`stat`, `quick_etag` and reads of what is not there are answered from it. Our own writes are remembered with it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lenscat_backend.errors import LenscatError, NotFoundError
from lenscat_backend.models.paths import LibraryPath, split
from lenscat_backend.storage.base import (
    Blob,
    Capabilities,
    Entry,
    Listing,
    OpenedFile,
    RangeReader,
    Report,
    Store,
    ignore,
)

YOUNG_S = 5.0
"""How long what was listed counts as known: as long as another program's change may stay unseen by one picture."""
MAX_ENTRIES = 100_000
MAX_FOLDER = 20_000


@dataclass(slots=True)
class _Listed:
    """One folder's entries by name, as they were at `at` (monotonic) and with our own writes since."""

    at: float
    entries: dict[str, Entry]


class RememberingStore:
    """`store`, with a memory of its listings. Safe to use from several threads."""

    def __init__(self, store: Store, *, young_s: float = YOUNG_S, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds of no particular origin."""
        self._store = store
        self._young_s = young_s
        self._clock = clock
        self._lock = threading.Lock()
        self._folders: OrderedDict[LibraryPath, _Listed] = OrderedDict()
        self._count = 0

    @property
    def capabilities(self) -> Capabilities:
        """Those of the store."""
        return self._store.capabilities

    def describe(self) -> str:
        """See `Store.describe`."""
        return self._store.describe()

    def local_path(self, path: LibraryPath) -> Path | None:
        """See `Store.local_path`."""
        return self._store.local_path(path)

    def list_folder(self, folder: LibraryPath) -> Listing:
        """See `Store.list_folder`; always asks."""
        began = self._clock()
        try:
            listing = self._store.list_folder(folder)
        except LenscatError:
            self._forget(folder)
            raise
        self._remember(folder, _Listed(began, {entry.name: entry for entry in listing.entries}))
        return listing

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """See `Store.list_pages`; always asks. A folder whose end is reached is remembered, unless it is very large."""
        began = self._clock()
        self._forget(folder)
        entries: dict[str, Entry] | None = {}
        for page in self._store.list_pages(folder, report):
            if entries is not None:
                entries.update((entry.name, entry) for entry in page)
                entries = entries if len(entries) <= MAX_FOLDER else None
            yield page
        if entries is not None:
            self._remember(folder, _Listed(began, entries))

    def walk(self) -> Iterator[tuple[LibraryPath, Sequence[Entry]]]:
        """See `Store.walk`."""
        return self._store.walk()

    def peek(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.peek`; a young listing is enough."""
        listed = self._young(folder)
        return self._store.peek(folder) if listed is None else list(listed.entries)

    def quick_folder_etag(self, folder: LibraryPath) -> str:
        """See `Store.quick_folder_etag`."""
        return self._store.quick_folder_etag(folder)

    def quick_etag(self, path: LibraryPath) -> str | None:
        """From a young listing; None where there is none."""
        entry = self._known(path)
        return entry.etag if entry is not None and not entry.is_folder else None

    def identity(self) -> str:
        """See `Store.identity`."""
        return self._store.identity()

    def stat(self, path: LibraryPath) -> Entry:
        """See `Store.stat`; a young listing is enough."""
        return self._known_or_missing(path) or self._store.stat(path)

    def read(self, path: LibraryPath, max_bytes: int) -> Blob:
        """See `Store.read`; asks, unless a young listing knows that nothing is there."""
        self._known_or_missing(path)
        return self._store.read(path, max_bytes)

    def read_range(self, path: LibraryPath, offset: int, length: int) -> bytes:
        """See `Store.read_range`."""
        return self._store.read_range(path, offset, length)

    def open(self, path: LibraryPath, entry: Entry | None = None) -> OpenedFile:
        """See `Store.open`."""
        return self._store.open(path, entry or self._known_or_missing(path))

    def signed_url(self, path: LibraryPath, expires_s: float) -> str:
        """See `Store.signed_url`."""
        return self._store.signed_url(path, expires_s)

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[RangeReader | LenscatError]:
        """See `Store.open_each`."""
        return self._store.open_each(folder, entries)

    def read_each(
        self, folder: LibraryPath, entries: Sequence[Entry], max_bytes: int
    ) -> Iterator[bytes | LenscatError]:
        """See `Store.read_each`."""
        return self._store.read_each(folder, entries, max_bytes)

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
        try:
            blob = self._store.write(
                path, data, if_version=if_version, create_only=create_only, durable=durable, source=source
            )
        except LenscatError:
            self._forget(split(path)[0])  # somebody else was there, or nobody knows what is there now
            raise
        self._note(path, Entry(split(path)[1], False, len(data), blob.mtime_ns, blob.etag, True))
        return blob

    def write_chunks(self, path: LibraryPath, chunks: Iterable[bytes]) -> None:
        """See `Store.write_chunks`."""
        self._forget(split(path)[0])
        self._store.write_chunks(path, chunks)

    def delete(self, path: LibraryPath, *, if_version: str | None = None) -> None:
        """See `Store.delete`."""
        self._forget(split(path)[0])
        self._store.delete(path, if_version=if_version)

    def conditions_problem(self) -> str | None:
        """See `Store.conditions_problem`."""
        return self._store.conditions_problem()

    def sweep(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.sweep`."""
        return self._store.sweep(folder)

    def _known_or_missing(self, path: LibraryPath) -> Entry | None:
        """From a young listing, None where there is none; `NotFoundError` where it knows that nothing is there."""
        folder, name = split(path)
        listed = self._young(folder)
        if listed is None or not name or name.startswith("."):
            return None
        if name not in listed.entries:
            raise NotFoundError(f"There is no {path!r}.")
        entry = listed.entries[name]
        return None if entry.is_folder else entry

    def _known(self, path: LibraryPath) -> Entry | None:
        folder, name = split(path)
        listed = self._young(folder)
        return None if listed is None else listed.entries.get(name)

    def _young(self, folder: LibraryPath) -> _Listed | None:
        with self._lock:
            listed = self._folders.get(folder)
        return listed if listed is not None and self._clock() - listed.at < self._young_s else None

    def _remember(self, folder: LibraryPath, listed: _Listed) -> None:
        self._forget(folder)
        with self._lock:
            self._folders[folder] = listed
            self._count += len(listed.entries)
            while self._count > MAX_ENTRIES:
                _, oldest = self._folders.popitem(last=False)
                self._count -= len(oldest.entries)

    def _note(self, path: LibraryPath, entry: Entry) -> None:
        folder, name = split(path)
        with self._lock:
            listed = self._folders.get(folder)
            if listed is not None:
                self._count += name not in listed.entries
                listed.entries[name] = entry

    def _forget(self, folder: LibraryPath) -> None:
        with self._lock:
            listed = self._folders.pop(folder, None)
            if listed is not None:
                self._count -= len(listed.entries)
