"""What a served library does by itself: scan, follow what changes on disk, keep its manifests up to date."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.freshness import SMALL_LIBRARY, Freshness
from lenscat_backend.library.manifests import Manifests
from lenscat_backend.library.retrying import until_done
from lenscat_backend.library.scan import Scanner
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Store

_log = logging.getLogger("lenscat")
QUIET_S = 0.2
"""How long to let changes gather before following them."""
FIRST_PAINT_S = 1.0
"""A large library that is known from before is served for so long before a scan takes the processor."""
WATCH_AGAIN_S = 60.0
"""How often to try to listen again, after a limit was reached or a disk was away."""
POLL_PAUSES = 20
"""Between two polls pass at least so many times what one took: a bucket of millions is not listed without end."""
ROLLUP_QUIET_S = 5.0
ROLLUP_PAUSES = 20
"""Between two rollups pass at least so many times what writing one took: edits cost no more than a twentieth."""
_CANCEL_AGAIN_S = 1.0
"""A task that did not end is told again after so long."""


class Upkeep:
    """The background work of one library. Until `start`, changes are only noted."""

    def __init__(self, catalog: Catalog, scanner: Scanner, freshness: Freshness, manifests: Manifests) -> None:
        self._catalog = catalog
        self._scanner = scanner
        self._freshness = freshness
        self._manifests = manifests
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._rolling_up: asyncio.Task[None] | None = None
        self._rollup_took_s = 0.0
        self._serving = False
        self._tried: dict[int, str | None] = {}
        """What is wrong with conditional writes to each store that has been tried, by its `id`."""

    @property
    def conditions_problem(self) -> str | None:
        """Why writes on a condition cannot be trusted; None where they can, or nobody tried."""
        return next(filter(None, self._tried.values()), None)

    def start(
        self,
        scan: Callable[[], Awaitable[object]],
        written: Callable[[], Sequence[Store]],
        *,
        watch: bool,
        polled: bool,
        poll_s: float,
    ) -> None:
        """Watch for changes and scan the whole library; returns at once.

        Every `poll_s` the whole is scanned again if it is to be `polled`, else what lies in buckets behind pointers.
        The remote stores among those `written` are tried, each once: where two servers could lose each other's edits
        that is said.
        """
        self._serving = True
        self._freshness.started = time.monotonic()
        self.spawn(self._try_conditions(written, poll_s))
        self.spawn(self._watch_and_scan(scan, watch, poll_s if polled else None))
        if not polled:
            self.spawn(self._poll_targets(poll_s))

    def changed(self, folder: LibraryPath) -> None:
        """Something in `folder` is not as it was: its manifest and the rollup follow."""
        self._manifests.changed(folder)
        self.follow()

    def follow(self) -> None:
        """Follow changes in the background, once they have been quiet for a moment."""
        if self._serving and (self._following is None or self._following.done()):
            self._following = self.spawn(self._follow_changes())

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Do `work` in the background; an error is logged, and `close` ends it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """End all of it; what remains to be written is written after the next start."""
        self._serving = False
        while self._tasks:  # again, where one was at the end of something that lets nobody interrupt it
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(list(self._tasks), timeout=_CANCEL_AGAIN_S)

    async def _try_conditions(self, written: Callable[[], Sequence[Store]], pause_s: float) -> None:
        """Again and again: a bucket may be away at the start, and others are met behind pointers."""
        while True:
            for store in written():
                if store.capabilities.remote and id(store) not in self._tried:
                    await self._try_one(store)
            await asyncio.sleep(pause_s)

    async def _try_one(self, store: Store) -> None:
        with suppress(LenscatError):  # unreachable, or not to be written: every call says that
            problem = self._tried[id(store)] = await in_thread(store.conditions_problem)
            if problem is not None:
                _log.warning(problem)

    async def _watch_and_scan(self, scan: Callable[[], Awaitable[object]], watch: bool, poll_s: float | None) -> None:
        if watch:
            await self._freshness.start_watching()
        if (await self._catalog.totals()).items > SMALL_LIBRARY:
            await asyncio.sleep(FIRST_PAINT_S)
        await self._scan_and_write(scan)
        if poll_s is not None:
            await self._poll(scan, poll_s)
        while watch:
            await asyncio.sleep(WATCH_AGAIN_S)
            with suppress(LenscatError):  # then it is owed, and tried again
                await self._freshness.watch_again()

    async def _scan_and_write(self, scan: Callable[[], Awaitable[object]]) -> None:
        await until_done(scan)
        with suppress(LenscatError):  # manifests that cannot be written now are written after a later change
            await self._manifests.write_waiting()
            if await self._manifests.rollup_is_stale():
                await self._write_rollup()

    async def _poll(self, scan: Callable[[], Awaitable[object]], poll_s: float) -> None:
        await _again_and_again(lambda: self._scan_and_write(scan), poll_s)

    async def _poll_targets(self, poll_s: float) -> None:
        async def poll() -> None:
            if not self._freshness.scanning:
                await self._freshness.poll_targets()

        await _again_and_again(poll, poll_s)

    async def _follow_changes(self) -> None:
        await asyncio.sleep(QUIET_S)
        if self._freshness.scanning:
            return
        if self._freshness.watch is not None:
            await self._freshness.refresh()
        await self._scanner.make_blocks()
        await self._manifests.write_waiting()
        if self._rolling_up is None or self._rolling_up.done():
            self._rolling_up = self.spawn(self._roll_up())

    async def _roll_up(self) -> None:
        await asyncio.sleep(max(ROLLUP_QUIET_S, ROLLUP_PAUSES * self._rollup_took_s))
        while await self._manifests.rollup_is_stale():
            await self._write_rollup()
            await asyncio.sleep(ROLLUP_PAUSES * self._rollup_took_s)

    async def _write_rollup(self) -> None:
        began = time.monotonic()
        await self._manifests.write_rollup()
        self._rollup_took_s = time.monotonic() - began

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("Background work failed: %s", error, exc_info=error)


async def _again_and_again(work: Callable[[], Awaitable[None]], pause_s: float) -> None:
    """Do `work` every `pause_s`, or less often where it takes long."""
    took_s = 0.0
    while True:
        await asyncio.sleep(max(pause_s, POLL_PAUSES * took_s))
        began = time.monotonic()
        await work()
        took_s = time.monotonic() - began
