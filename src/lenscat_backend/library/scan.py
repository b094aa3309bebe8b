"""The one scan: list, compare with the catalog, read only what changed, commit in batches, say what changed.

Browsing looks at one folder (`look`), and `scan_tree` at all of them; both end in the same update of the catalog. The
catalog itself holds the list of folders still to look at, so that memory stays bounded and a killed scan goes on.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from lenscat_backend.catalog.blocks.storing import BLOCK_ITEMS
from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import FolderRow, FolderUpdate
from lenscat_backend.errors import LenscatError, NotFoundError, UnreachableError
from lenscat_backend.library import probe
from lenscat_backend.library.listing import FolderListing, changes_since, in_order, is_unchanged
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan_agenda import WHOLE, Part
from lenscat_backend.library.scan_tasks import DiskSpec
from lenscat_backend.library.streaming import LargeFolder, known_from, open_folder, updates_in_parts
from lenscat_backend.library.threads import in_thread
from lenscat_backend.library.tree_scan import REMOTE_FOLDERS, Hooks, ScanProgress, TreeScan
from lenscat_backend.models.paths import ROOT, LibraryPath, split

P = ParamSpec("P")
T = TypeVar("T")

LOOKS_AT_ONCE = 32
"""Threads for folders that somebody opens: buckets that do not answer hold some of them, and not all."""
READ_AT_ONCE = 3000
"""A folder with more new images than this is listed by name first; their facts follow."""
READ_AT_ONCE_REMOTE = 300
"""The same where each is a request."""
LARGE_AGAIN_S = 30.0
"""For so long what was listed of a large folder is believed: each of its pages would list it whole again."""
MANY_CHANGES = 500
"""Fewer are no reason for another block: searches look at them apart."""
BLOCK_PAUSE_S = 0.5
MUCH_READ = 10_000
"""After so many pictures the log of the catalog is large enough to give its space back."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One fresh look at a folder: its listing, and whether the catalog had to change for it.

    Of a folder that is too large to hold there is no listing: the catalog alone knows what it holds.
    """

    listing: FolderListing | None
    changed: bool


class Scanner:
    """Keeps one library's catalog equal to its files."""

    def __init__(
        self,
        catalog: Catalog,
        place: Place,
        spec: DiskSpec | None,
        *,
        on_change: Callable[[LibraryPath], None],
        on_unread: Callable[[LibraryPath], None],
        threads: int | None = None,
    ) -> None:
        self._catalog = catalog
        self._place = place
        self._spec = spec
        self._on_change = on_change
        self._on_unread = on_unread
        self._processes = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._processes + 1 + REMOTE_FOLDERS, "scan")
        self._look_pool = ThreadPoolExecutor(LOOKS_AT_ONCE, "look")
        self._scans = 0
        """How many scans are running."""
        self._looks: dict[LibraryPath, asyncio.Task[Looked]] = {}
        self._queued: dict[LibraryPath, asyncio.Task[Looked]] = {}
        self._streamed: dict[LibraryPath, float] = {}
        """When each large folder was looked at (`time.monotonic`)."""
        self.streaming: set[LibraryPath] = set()
        """The large folders that are looked at right now: the catalog knows what came so far."""

    def close(self) -> None:
        """Wait for the threads."""
        self._look_pool.shutdown(cancel_futures=True)
        self._pool.shutdown(cancel_futures=True)

    async def look(self, path: LibraryPath) -> Looked:
        """Make the catalog equal to the folder as it is now, and return its listing.

        Every caller sees the folder as it was after its call began: calls that come while a look runs share the next.
        """
        queued = self._queued.get(path)
        if queued is None:
            queued = asyncio.ensure_future(self._look_after(path, self._looks.get(path)))
            self._queued[path] = queued
        return await asyncio.shield(queued)

    async def note_error(self, path: LibraryPath, error: LenscatError) -> None:
        """Remember why a folder could not be looked at; one that is gone is forgotten."""
        if isinstance(error, NotFoundError):
            await self._catalog.remove_folder(path)
            return
        # not in the scan's own threads, which may all wait for this
        pointer, label = await in_thread(probe.pointer_label, self._place, path)
        if pointer:
            await self._ensure_parents(path)
            await self._catalog.add_folder(path)
        await self._catalog.set_folder_error(path, str(error), pointer=pointer, label=label)

    async def look_at_item(self, path: LibraryPath) -> None:
        """Make the catalog know one item as it is on disk now, without a look at the rest of its folder."""
        folder = split(path)[0]
        known = await self._catalog.known_item(path)
        change = await self._in_thread(probe.look_at_item, self._place, path, known)
        if change is not None and not is_unchanged(change):
            await self._ensure_parents(path)
            await self._catalog.apply([await self._in_thread(probe.probe_images, self._place, folder, [change])])
            self._on_change(folder)

    async def read_images(self, path: LibraryPath, listing: FolderListing, names: Collection[str]) -> None:
        """Read those of the named images of a folder whose facts are not in the catalog yet."""
        known = await self._catalog.known_items(path)
        wanted = [change for change in changes_since(listing, known) if change.image.name in names]
        if wanted:
            await self._catalog.apply([await self._in_thread(probe.probe_images, self._place, path, wanted)])

    async def read_rest(self, path: LibraryPath) -> None:
        """Read what `look` left of a large folder."""
        found = await self._open(path, await self._catalog.folder(path))
        if isinstance(found, LargeFolder):
            await self._store_parts(found)
        else:
            await self._store(probe.updates_of(self._place, path, found, await self._catalog.known_items(path)))
        self._on_change(path)

    async def scan_tree(self, progress: ScanProgress | None = None, part: Part = WHOLE) -> ScanProgress:
        """Look at every folder of the library, or a part of it, and put what is new into blocks for searches."""
        progress = progress or ScanProgress()
        hooks = Hooks(self._on_change, self.note_error)
        scan = TreeScan(self._catalog, self._place, self._spec, self._pool, progress, hooks, part)
        ended = asyncio.Event()
        behind = asyncio.ensure_future(self._make_blocks_until(ended))
        self._scans += 1
        try:
            await scan.run(self._processes)
        finally:
            scan.stop()
            ended.set()
            self._scans -= 1
            await behind
            progress.running = False
        await self.make_blocks()
        if progress.images_read > MUCH_READ:
            await self._catalog.empty_log()
        return progress

    async def make_blocks(self) -> None:
        """Put what changed into blocks where it is much; searches are right before that, only slower."""
        while await self._catalog.make_block(MANY_CHANGES):
            pass

    async def _make_blocks_until(self, ended: asyncio.Event) -> None:
        """Behind a scan, a whole block at a time: at its end little is left to do."""
        while not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(BLOCK_PAUSE_S):
                    await ended.wait()
                return
            await self._catalog.make_block(BLOCK_ITEMS // 2)

    async def _look_after(self, path: LibraryPath, running: asyncio.Task[Looked] | None) -> Looked:
        if running is not None:
            await asyncio.wait([running])
        task = self._queued.pop(path)
        self._looks[path] = task
        try:
            return await self._look_now(path)
        finally:
            if self._looks.get(path) is task:
                del self._looks[path]

    async def _look_now(self, path: LibraryPath) -> Looked:
        if time.monotonic() - self._streamed.get(path, float("-inf")) < LARGE_AGAIN_S:
            return Looked(None, changed=False)
        row = await self._catalog.folder(path)
        try:
            listing = await self._open(path, row)
        except LenscatError as error:
            if row is not None if isinstance(error, NotFoundError) else self._place.base.points(path):
                await self.note_error(path, error)
            raise
        if isinstance(listing, LargeFolder):
            return await self._look_in_parts(listing)
        if path == ROOT:
            await self._check_mounted(listing)
        if row is not None and row.scanned and row.fingerprint is not None and row.fingerprint == listing.fingerprint:
            return Looked(listing, changed=False)
        await self._ensure_parents(path)
        await self._update(path, listing)
        with suppress(LenscatError):  # what a crash left in a place that cannot be written stays
            await self._in_thread(self._place.base.sweep, path)
        self._on_change(path)
        return Looked(listing, changed=True)

    async def _open(self, path: LibraryPath, row: FolderRow | None) -> FolderListing | LargeFolder:
        before = (await self._catalog.newest_ids())._replace(images=row.images if row else 0)
        return await self._in_thread(open_folder, self._place, path, before)

    async def _look_in_parts(self, folder: LargeFolder) -> Looked:
        """Enter the names of a large folder as they come; what the pictures say is read after that."""
        path = folder.path
        await self._ensure_parents(path)
        self.streaming.add(path)
        try:
            changed = await self._store_parts(folder, names_only=True)
        finally:
            self.streaming.discard(path)
        self._streamed[path] = time.monotonic()
        self._on_change(path)
        if changed and not self._scans:  # a scan reads them on its way
            self._on_unread(path)
        return Looked(None, changed)

    async def _store_parts(self, folder: LargeFolder, *, names_only: bool = False) -> bool:
        known_of = known_from(self._catalog, folder.path, asyncio.get_running_loop())
        return await self._store(updates_in_parts(self._place, folder, known_of, names_only))

    async def _store(self, parts: Iterator[FolderUpdate]) -> bool:
        """Store the parts of a folder as they come; whether any picture had to be entered anew."""
        changed = False
        while (update := await self._in_thread(next, parts, None)) is not None:
            await self._catalog.apply([update])
            changed = changed or bool(update.upserts)
        return changed

    async def _update(self, path: LibraryPath, listing: FolderListing) -> None:
        known = await self._catalog.known_items(path)
        changes = changes_since(listing, known)
        at_once = READ_AT_ONCE_REMOTE if self._place.capabilities(path).remote else READ_AT_ONCE
        large = len(changes) > at_once
        await self._store(probe.updates_of(self._place, path, listing, known, names_only=large))
        if large:
            await self.read_images(path, listing, {image.name for image in in_order(listing.images)[:at_once]})
            self._on_unread(path)

    async def _check_mounted(self, listing: FolderListing) -> None:
        """A root that lost everything and lies on another device is an unmounted disk, not an empty library."""
        identity = self._place.base.identity()
        before = await self._catalog.fact("identity")
        empty = not listing.images and not listing.subfolders
        if empty and before is not None and before != identity and await self._catalog.subfolders(ROOT):
            raise UnreachableError("The library's folder is empty and on another device: is its disk mounted?", 5.0)
        if not empty and before != identity:
            await self._catalog.set_fact("identity", identity)

    async def _ensure_parents(self, path: LibraryPath) -> None:
        """The catalog's tree has no gaps: a folder opened before the scan came by is entered with those above."""
        while path != ROOT:
            path = split(path)[0]
            if await self._catalog.folder(path) is None:
                await self._catalog.add_folder(path)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._look_pool, lambda: work(*args, **kw))
