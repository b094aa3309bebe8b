"""Bringing the catalog up to date before a search, at a cost that follows what changed.

Where the system tells of changes (`watch`), only the folders it names are looked at. Where it does not, a small library
is compared whole, and of a large one the folders whose own time changed: that misses files rewritten in place, until
their folder is opened or the next full scan.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan import Scanner
from lenscat_backend.library.scan_agenda import WHOLE, Part
from lenscat_backend.library.tree_scan import ScanProgress
from lenscat_backend.library.watch import Watch
from lenscat_backend.library.watch_targets import TargetWatches
from lenscat_backend.models.paths import ROOT, LibraryPath

_log = logging.getLogger("lenscat")
SMALL_LIBRARY = 20_000
YOUNG_S = 2.0
"""How long a folder that was made just now is looked at again each time: its watch may have come after its files."""
FIRST_SCAN_S = 1.5
SCAN_POLL_S = 0.02
SCAN_POLLS = 50
"""A search waits this long for a running scan to end; after that it answers from what has been found so far."""
ON_DISKS = Part(skip_remote=True)
"""What a search compares: buckets behind pointers are compared at intervals, for that costs time and money."""
_COMPARING = "%s Until that works again, changes are found by comparing instead."
_AT_ONCE = 8
_NEW_FOLDERS = 500


class Freshness:
    """Knows how far the catalog of one library can be trusted."""

    def __init__(
        self,
        catalog: Catalog,
        place: Place,
        scanner: Scanner,
        make_watch: Callable[[], Watch] | None,
        targets: TargetWatches,
        *,
        poll_s: float,
    ) -> None:
        self._catalog = catalog
        self._place = place
        self._scanner = scanner
        self._make_watch = make_watch
        self._targets = targets
        self._poll_s = poll_s
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._young: dict[LibraryPath, float] = {}
        self._lost = False
        self._deaf: str | None = None
        """Why the last attempt to listen failed."""
        self.watch: Watch | None = None
        self.started = float("-inf")
        """When background work started (`time.monotonic`); minus infinity where there is none."""
        self.scanned_at = float("-inf")
        """When the last full scan ended (`time.monotonic`)."""
        self.scanned = False
        """Whether a full scan has ended since this process started."""
        self.scanning = False
        """Whether a full scan is running."""
        self.owed: str | None = None
        """Why the last full scan failed, so that another is owed; None while none is."""

    @property
    def is_first_scan_to_come(self) -> bool:
        """Whether a server has not begun its first scan: searches do not make it themselves, for it may take long."""
        return self.started > float("-inf") and not (self.scanned or self.scanning or self.owed)

    @property
    def is_incomplete(self) -> bool:
        """Whether a scan runs, or the first one has yet to."""
        return self.scanning or self.is_first_scan_to_come

    @property
    def problem(self) -> str | None:
        """What is to be said of a scan that is owed."""
        return self.owed and f"The library could not be scanned, and is tried again: {self.owed}"

    async def start_watching(self) -> None:
        """Listen for changes, where the system can tell."""
        if self._make_watch is None:
            return
        watch = self._make_watch()
        try:
            await asyncio.to_thread(watch.start)
        except OSError as error:
            if str(error) != self._deaf:
                _log.warning(_COMPARING, error)
            self._deaf = str(error)
        except asyncio.CancelledError:
            watch.stop()  # the thread that starts it ends soon
            raise
        else:
            self.watch, self._deaf = watch, None

    async def watch_again(self) -> None:
        """Listen again where that had failed; what changed in between is found by a scan."""
        if self.watch is None:
            await self.start_watching()
            if self.watch is not None:
                await self.scan_all()

    async def refresh(self) -> None:
        """Make the catalog know what had happened on disk before this call. Calls that come together share one run."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._after(self._running))
        await asyncio.shield(self._next)

    async def _after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        await self._refresh_now()

    async def _refresh_now(self) -> None:
        await self._first_scan_soon()
        watch = self.watch
        heard = watch is not None and await watch.heard_all()
        if watch is not None and not watch.failed and not watch.is_alive:
            await self._watch_anew(watch)
        elif watch is not None and heard:
            changed = watch.take_changed()
            if not self.scanning and (watch.take_missed() or self.owed is not None):
                await self.scan_all(part=ON_DISKS)
            await self._look_at([*changed, *await self._changed_behind_pointers()])
        else:
            self._drop_failed()
            await self._compare()

    def _drop_failed(self) -> None:
        """Do without a watch that stopped listening: what it had heard, and could not hear any more, is lost."""
        if self.watch is not None and self.watch.failed:
            _log.warning(_COMPARING, self.watch.failed)
            self.watch = None
            self._lost = True

    async def _compare(self) -> None:
        """Where nothing is heard: compare everything, or in a large library the times of folders."""
        if self.is_first_scan_to_come or (self.scanning and not await self._scan_ends_soon()):
            return
        if self._place.base.capabilities.remote:
            await self._poll()
            return
        small = (await self._catalog.totals()).items <= SMALL_LIBRARY
        if small or self._lost or self.owed or not self.scanned:
            self._lost = False
            await self.scan_all(part=ON_DISKS if self.scanned else WHOLE)
        else:
            await self._look_at(await self._folders_with_new_times())

    async def _poll(self) -> None:
        """A remote library is compared at intervals only, for to list it costs time and money; a server does it."""
        served = self.started > float("-inf")
        if not served and (not self.scanned or self.owed or time.monotonic() - self.scanned_at > self._poll_s):
            await self.scan_all()

    async def poll_targets(self) -> None:
        """Compare what lies in buckets behind pointers; one that cannot be reached says so in its folder."""
        for pointer in self._place.base.remote_targets():
            with suppress(LenscatError):
                await self._scanner.scan_tree(part=Part(below=pointer))

    async def close(self) -> None:
        """Stop listening."""
        await self._targets.close()
        if self.watch is not None:
            await asyncio.to_thread(self.watch.close)

    async def _changed_behind_pointers(self) -> list[LibraryPath]:
        """The folders on this machine that changed behind pointers; what nobody heard of is compared here."""
        targets = {pointer: str(folder) for pointer, folder in self._place.base.local_targets().items()}
        heard = await self._targets.hear(targets)
        for pointer in heard.unheard:
            with suppress(LenscatError):
                await self._scanner.scan_tree(part=Part(below=pointer, skip_remote=True))
        return heard.changed

    async def scan_all(self, progress: ScanProgress | None = None, part: Part = WHOLE) -> None:
        """Scan the whole library. A scan that fails is owed: every refresh tries again until one succeeds."""
        try:
            await self._scanner.scan_tree(progress, part)
        except Exception as error:
            self.owed = str(error) if isinstance(error, LenscatError) else "Something unexpected: the log tells what."
            raise
        self.owed = None
        self.scanned = True
        self.scanned_at = time.monotonic()

    async def _watch_anew(self, dead: Watch) -> None:
        """The root was replaced: nothing that was heard of the old one counts, so watch the new one and compare all."""
        self.watch = None
        await asyncio.to_thread(dead.close)
        await self.start_watching()
        with suppress(LenscatError):
            await self.scan_all()

    async def _first_scan_soon(self) -> None:
        """Just after a server's start, let its first scan end, if it does so soon: then nothing is missing."""
        while not self.scanned and time.monotonic() - self.started < FIRST_SCAN_S:
            await asyncio.sleep(SCAN_POLL_S)

    async def _scan_ends_soon(self) -> bool:
        for _ in range(SCAN_POLLS):
            if not self.scanning:
                return True
            await asyncio.sleep(SCAN_POLL_S)
        return False

    async def _look_at(self, paths: Iterable[LibraryPath]) -> None:
        now = time.monotonic()
        self._young = {path: since for path, since in self._young.items() if now - since < YOUNG_S}
        await self._look_at_each({*paths, *self._young})
        while not self.scanning and (rows := await self._catalog.unscanned_folders(_NEW_FOLDERS)):
            new = [row.path for row in rows]
            self._young.update(dict.fromkeys(new, now))
            await self._look_at_each(new)

    async def _look_at_each(self, paths: Iterable[LibraryPath]) -> None:
        places = asyncio.Semaphore(_AT_ONCE)

        async def look(path: LibraryPath) -> None:
            async with places:
                try:
                    await self._scanner.look(path)
                except LenscatError as error:
                    await self._note_gone(path, error)

        await asyncio.gather(*(look(path) for path in paths))

    async def _note_gone(self, path: LibraryPath, error: LenscatError) -> None:
        if path != ROOT and await self._catalog.folder(path) is not None:
            await self._scanner.note_error(path, error)

    async def _folders_with_new_times(self) -> list[LibraryPath]:
        known = await self._catalog.folder_etags()
        return await asyncio.to_thread(lambda: [path for path, etag in known if self._has_new_time(path, etag)])

    def _has_new_time(self, path: LibraryPath, etag: str) -> bool:
        if not etag:
            return not self._place.capabilities(path).remote
        return self._place.base.quick_folder_etag(path) != etag
