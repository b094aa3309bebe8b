"""Looking at every folder of a library, with worker processes where there is much to do.

The catalog is the list of what remains: first folders of which only the name is known, then every folder that was known
when the scan began. What a scan finds (new subfolders, a changed folder) goes back into that list.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import NOTHING, FolderRow, FolderUpdate, KnownItem
from lenscat_backend.errors import LenscatError, NotFoundError, TransientError
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan_tasks import DiskSpec, FolderReply, FolderTask, look_or_fail
from lenscat_backend.library.streaming import LARGE_IMAGES, known_from
from lenscat_backend.library.workers import ScanWorker
from lenscat_backend.models.paths import ROOT, LibraryPath

BATCH_FOLDERS = 32
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


class Part(NamedTuple):
    """What a scan looks at: the folder `below` and all in it; of known remote folders none with `skip_remote`."""

    below: LibraryPath = ROOT
    skip_remote: bool = False


WHOLE = Part()


@dataclass(slots=True)
class ScanProgress:
    """How far a scan is: folders looked at, those of them that changed, images read anew, folders that failed."""

    folders: int = 0
    folders_changed: int = 0
    images_read: int = 0
    failed: int = 0
    running: bool = True


@dataclass(slots=True)
class _Work:
    """What remains to be done, shared by the workers of one scan."""

    newest_known: int = 0
    walked_to: str | None = None
    walk_done: bool = False
    new: set[LibraryPath] = field(default_factory=set)
    changed: deque[LibraryPath] = field(default_factory=deque)
    in_work: set[LibraryPath] = field(default_factory=set)
    elsewhere: dict[LibraryPath, FolderTask] = field(default_factory=dict)
    """Folders in buckets, which this process looks at while workers look at those on its disks."""


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
        self._work = _Work()
        self._turn = asyncio.Lock()
        self._before = NOTHING
        self.stopped = False
        self._root_error: LenscatError | None = None
        self._loop = asyncio.get_running_loop()

    async def run(self, processes: int) -> None:
        """Look at everything; returns when nothing remains. Raises what the scan's first folder itself raised."""
        if await self._catalog.folder(self._part.below) is None:
            await self._catalog.add_folder(self._part.below)
        else:
            self._before = await self._catalog.newest_ids()
            self._work.newest_known = self._before.newest_folder
        if self._spec is None:
            await self._drain_in_threads()
        else:
            await self._drain(self._look_here, self._next_tasks, done=self._is_large)
            if await self._remains():
                await self._drain_in_processes(self._spec, processes)
        if self._root_error is not None:
            raise self._root_error

    def stop(self) -> None:
        """End soon, with a `TransientError` in whatever thread works; what is stored stays, and a next scan goes on."""
        self.stopped = True

    async def _drain_in_threads(self) -> None:
        """Of a remote place, whose work is waiting: each thread looks at a folder, and reads many of its pictures."""
        await asyncio.gather(*(self._drain(self._look_here, self._next_tasks) for _ in range(REMOTE_FOLDERS)))

    async def _drain_in_processes(self, spec: DiskSpec, processes: int) -> None:
        """In worker processes, and here until the first of them has started."""
        started = asyncio.Event()
        await asyncio.gather(
            self._drain(self._look_here, self._next_on_disk, done=started.is_set),
            *(self._drain_in_process(spec, started) for _ in range(processes)),
            *(self._drain(self._look_here, self._next_elsewhere) for _ in range(REMOTE_FOLDERS)),
        )

    async def _drain_in_process(self, spec: DiskSpec, started: asyncio.Event) -> None:
        for _ in range(MAX_WORKER_DEATHS):
            worker = ScanWorker(spec)
            try:
                await self._loop.run_in_executor(None, worker.wait_until_ready)
                started.set()
                await self._drain(worker.look, self._next_on_disk)
                return
            except TransientError:
                if self.stopped:
                    raise
                continue  # the folders it had are handed out again
            finally:
                await self._loop.run_in_executor(None, worker.close)
        started.set()
        await self._drain(self._look_here, self._next_on_disk)

    async def _drain(self, look: Look, draw: Draw, done: Callable[[], bool] = lambda: False) -> None:
        while not done():
            tasks = await draw()
            if not tasks:
                if not self._work.in_work and not self._work.elsewhere:
                    return
                await asyncio.sleep(0.005)  # another worker may still find subfolders
                continue
            try:
                await self._loop.run_in_executor(self._pool, self._exchange, look, tasks)
            finally:
                self._work.in_work.difference_update(task.path for task in tasks)

    async def _remains(self) -> bool:
        if not self._work.walk_done or self._work.changed:
            return True
        return bool(await self._catalog.unscanned_folders(1, self._part.below))

    def _is_large(self) -> bool:
        return self._progress.images_read >= WORKERS_FROM_IMAGES

    async def _next_tasks(self) -> list[FolderTask]:
        async with self._turn:
            tasks = await self._changed_tasks() or await self._new_tasks() or await self._walk_tasks()
            self._work.in_work.update(task.path for task in tasks)
            return tasks

    async def _next_on_disk(self) -> list[FolderTask]:
        """The next folders on this machine; those in buckets are put aside on the way."""
        while tasks := await self._next_tasks():
            remote = [task for task in tasks if self._place.capabilities(task.path).remote]
            self._work.elsewhere.update((task.path, task) for task in remote)
            self._work.in_work.difference_update(task.path for task in remote)
            if len(remote) < len(tasks):
                return [task for task in tasks if task.path not in self._work.elsewhere]
        return []

    async def _next_elsewhere(self) -> list[FolderTask]:
        """One folder in a bucket."""
        for path in self._work.elsewhere:
            self._work.in_work.add(path)
            return [self._work.elsewhere.pop(path)]
        return []

    async def _changed_tasks(self) -> list[FolderTask]:
        paths = [self._work.changed.popleft() for _ in range(min(BATCH_FOLDERS, len(self._work.changed)))]
        return [FolderTask(path, None, await self._catalog.known_items(path), self._before) for path in paths]

    async def _new_tasks(self) -> list[FolderTask]:
        busy = self._work.in_work | self._work.elsewhere.keys()
        found = await self._catalog.unscanned_folders(BATCH_FOLDERS + len(busy), self._part.below)
        new = [path for path in found if path not in busy][:BATCH_FOLDERS]
        self._work.new.update(new)
        return [FolderTask(path, None, {}, self._before) for path in new]

    async def _walk_tasks(self) -> list[FolderTask]:
        """The next folders that were known before; those that this scan entered itself it has looked at already."""
        work = self._work
        work.walk_done = work.walk_done or not work.newest_known
        while not work.walk_done:
            if work.walked_to is None:
                first = await self._catalog.folder(self._part.below)
                rows = [first] if first else []
            else:
                rows = await self._catalog.folders_after(work.walked_to, BATCH_FOLDERS * 4, self._part.below)
                work.walk_done = not rows
            work.walked_to = rows[-1].path if rows else work.walked_to or self._part.below
            tasks = [
                FolderTask(row.path, row.fingerprint, await self._known(row), self._before._replace(images=row.images))
                for row in rows
                if row.scanned and row.id <= work.newest_known and row.path not in work.new and self._is_wanted(row)
            ]
            if tasks:
                return tasks
        return []

    async def _known(self, row: FolderRow) -> dict[str, KnownItem] | None:
        """What is sent along with a known folder: nothing where listing it twice is cheap, should it have changed.

        Nor where it is so large that it is asked for in parts.
        """
        remote = self._spec is None or self._place.capabilities(row.path).remote
        return await self._catalog.known_items(row.path) if remote and row.images < LARGE_IMAGES else None

    def _is_wanted(self, row: FolderRow) -> bool:
        return not (self._part.skip_remote and self._place.capabilities(row.path).remote)

    def _look_here(self, tasks: Sequence[FolderTask], on_reply: OnReply) -> None:
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
            self._work.changed.append(task.path)
        elif reply.state == "elsewhere":
            self._work.elsewhere[task.path] = task
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
