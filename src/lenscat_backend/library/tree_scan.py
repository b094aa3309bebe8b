"""Looking at every folder of a library, with worker processes where there is much to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import FolderUpdate
from lenscat_backend.errors import LenscatError, NotFoundError, TransientError
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan_agenda import Part, ScanAgenda
from lenscat_backend.library.scan_tasks import DiskSpec, FolderReply, FolderTask, look_or_fail
from lenscat_backend.library.streaming import known_from
from lenscat_backend.library.workers import ScanWorker
from lenscat_backend.models.paths import LibraryPath

WORKERS_FROM_IMAGES = 3000
"""A scan that has met more images than this goes on in worker processes, which take a moment to start."""
REMOTE_FOLDERS = 4
"""Folders of a remote place looked at side by side; within each, the store reads many pictures at once."""
STORE_AT_ONCE = 1000
"""Images in one transaction: others wait only milliseconds for the writer."""
MAX_WORKER_DEATHS = 3

OnReply = Callable[[FolderTask, FolderReply], None]
Look = Callable[[Sequence[FolderTask], OnReply], None]
Draw = Callable[[], Awaitable[list[FolderTask]]]


class Hooks(NamedTuple):
    """Who hears of a folder that changed, and of one that could not be looked at."""

    on_change: Callable[[LibraryPath], None]
    note_error: Callable[[LibraryPath, LenscatError], Awaitable[None]]


@dataclass(slots=True)
class ScanProgress:
    """How far a scan is: folders looked at, those of them that changed, images read anew, folders that failed."""

    folders: int = 0
    folders_changed: int = 0
    images_read: int = 0
    failed: int = 0
    running: bool = True


class TreeScan:
    """One scan of a whole library; `run` once."""

    def __init__(
        self,
        catalog: Catalog,
        place: Place,
        spec: DiskSpec | None,
        pool: ThreadPoolExecutor,
        progress: ScanProgress,
        hooks: Hooks,
        part: Part,
    ) -> None:
        self._catalog = catalog
        self._place = place
        self._spec = spec
        self._pool = pool
        self._progress = progress
        self._hooks = hooks
        self._part = part
        self._agenda = ScanAgenda(catalog, place, part, ask_again=spec is not None)
        self._disks_done = False
        self.stopped = False
        self._root_error: LenscatError | None = None
        self._loop = asyncio.get_running_loop()

    async def run(self, processes: int) -> None:
        """Look at everything; returns when nothing remains. Raises what the scan's first folder itself raised."""
        await self._agenda.begin()
        if self._spec is None:
            await self._drain_elsewhere(self._agenda.next)
        else:
            await asyncio.gather(
                self._drain_disks(self._spec, processes),
                self._drain_elsewhere(self._agenda.next_elsewhere, until=lambda: self._disks_done),
            )
        if self._root_error is not None:
            raise self._root_error

    def stop(self) -> None:
        """End soon, with a `TransientError` in whatever thread works; what is stored stays, and a next scan goes on."""
        self.stopped = True

    async def _drain_elsewhere(self, draw: Draw, until: Callable[[], bool] = lambda: True) -> None:
        """In buckets, where work is waiting: each thread looks at a folder, and reads many of its pictures."""
        await asyncio.gather(*(self._drain(self._look_anywhere, draw, until=until) for _ in range(REMOTE_FOLDERS)))

    async def _drain_disks(self, spec: DiskSpec, processes: int) -> None:
        try:
            await self._drain(self._look_on_disk, self._agenda.next_on_disk, done=self._is_large)
            if await self._agenda.remains():
                await self._drain_in_processes(spec, processes)
        finally:
            self._disks_done = True

    async def _drain_in_processes(self, spec: DiskSpec, processes: int) -> None:
        """In worker processes, and here until the first of them has started."""
        started = asyncio.Event()
        await asyncio.gather(
            self._drain(self._look_on_disk, self._agenda.next_on_disk, done=started.is_set),
            *(self._drain_in_process(spec, started) for _ in range(processes)),
        )

    async def _drain_in_process(self, spec: DiskSpec, started: asyncio.Event) -> None:
        for _ in range(MAX_WORKER_DEATHS):
            worker = ScanWorker(spec)
            try:
                await self._loop.run_in_executor(None, worker.wait_until_ready)
                started.set()
                await self._drain(worker.look, self._agenda.next_on_disk)
                return
            except TransientError:
                if self.stopped:
                    raise
                continue  # the folders it had are handed out again
            finally:
                await self._loop.run_in_executor(None, worker.close)
        started.set()
        await self._drain(self._look_on_disk, self._agenda.next_on_disk)

    async def _drain(
        self,
        look: Look,
        draw: Draw,
        done: Callable[[], bool] = lambda: False,
        until: Callable[[], bool] = lambda: True,
    ) -> None:
        """Do what there is to do, until it is `done` or nothing is left, but not before `until`."""
        while not done():
            tasks = await draw()
            if not tasks:
                if until() and not self._agenda.is_in_work:
                    return
                await asyncio.sleep(0.005)  # another worker may still find subfolders
                continue
            try:
                await self._loop.run_in_executor(self._pool, self._exchange, look, tasks)
            finally:
                self._agenda.done(tasks)

    def _is_large(self) -> bool:
        return self._progress.images_read >= WORKERS_FROM_IMAGES

    def _look_on_disk(self, tasks: Sequence[FolderTask], on_reply: OnReply) -> None:
        for task in tasks:
            for reply in look_or_fail(self._place, task):
                on_reply(task, reply)

    def _look_anywhere(self, tasks: Sequence[FolderTask], on_reply: OnReply) -> None:
        for task in tasks:
            for reply in look_or_fail(self._place, task, known_from(self._catalog, task.path, self._loop)):
                on_reply(task, reply)

    def _exchange(self, look: Look, tasks: Sequence[FolderTask]) -> None:
        """In a thread: have `look` do the tasks, and store what it finds while it goes on."""
        stored: Future[None] | None = None
        updates: list[FolderUpdate] = []

        def on_reply(task: FolderTask, reply: FolderReply) -> None:
            nonlocal stored, updates
            if self.stopped:
                raise TransientError("The scan was stopped.")
            self._count(task, reply)
            if reply.update is not None:
                updates.append(reply.update)
                if sum(len(update.upserts) + len(update.listed) for update in updates) >= STORE_AT_ONCE:
                    stored = self._store(updates, stored)
                    updates = []
            elif reply.state == "failed" and reply.error is not None:
                asyncio.run_coroutine_threadsafe(self._note_failure(task.path, reply.error), self._loop).result()

        look(tasks, on_reply)
        stored = self._store(updates, stored)
        if stored is not None:
            stored.result()

    def _store(self, updates: list[FolderUpdate], before: Future[None] | None) -> Future[None] | None:
        """Start storing once the batch before is stored: at most two batches are in memory."""
        if before is not None:
            before.result()
        if not updates:
            return None
        return asyncio.run_coroutine_threadsafe(self._catalog.apply(updates), self._loop)

    def _count(self, task: FolderTask, reply: FolderReply) -> None:
        progress = self._progress
        if reply.update is not None:
            progress.images_read += len(reply.update.upserts)
        if reply.state == "changed":
            self._agenda.add_changed(task.path)
        elif reply.state == "elsewhere":
            self._agenda.put_aside(task)
        elif reply.state != "part":
            progress.folders += 1
            progress.failed += reply.error is not None and not isinstance(reply.error, NotFoundError)
            if reply.state == "done":
                progress.folders_changed += 1
                self._loop.call_soon_threadsafe(self._hooks.on_change, task.path)

    async def _note_failure(self, path: LibraryPath, error: LenscatError) -> None:
        await self._hooks.note_error(path, error)
        if path == self._part.below:
            self._root_error = error
