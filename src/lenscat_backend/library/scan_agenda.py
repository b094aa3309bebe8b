"""What remains of a scan, and which folders to look at next.

The catalog is the list of what remains: first folders of which only the name is known, then every folder that was known
when the scan began. What a scan finds (new subfolders, a changed folder) goes back into that list.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from typing import NamedTuple

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import NOTHING, FolderRow, KnownItem
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan_tasks import FolderTask
from lenscat_backend.library.streaming import LARGE_IMAGES
from lenscat_backend.models.paths import ROOT, LibraryPath

BATCH_FOLDERS = 32


class Part(NamedTuple):
    """What a scan looks at: the folder `below` and all in it; of known remote folders none with `skip_remote`."""

    below: LibraryPath = ROOT
    skip_remote: bool = False


WHOLE = Part()


class ScanAgenda:
    """The folders of one scan that are still to be looked at, for several workers to draw from."""

    def __init__(self, catalog: Catalog, place: Place, part: Part, *, ask_again: bool) -> None:
        """With `ask_again` of a known folder on a disk only whether it changed is asked first: listing it is cheap."""
        self._catalog = catalog
        self._place = place
        self._part = part
        self._ask_again = ask_again
        self._before = NOTHING
        self._walked_to: str | None = None
        self._walk_done = False
        self._new: set[LibraryPath] = set()
        self._changed: deque[LibraryPath] = deque()
        self._in_work: Counter[LibraryPath] = Counter()
        """By how many a folder is held: one that was put aside may be taken up before its batch is done."""
        self._elsewhere: dict[LibraryPath, FolderTask] = {}
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """Take note of what is known before the scan."""
        if await self._catalog.folder(self._part.below) is None:
            await self._catalog.add_folder(self._part.below)
            self._walk_done = True
        else:
            self._before = await self._catalog.newest_ids()

    @property
    def is_in_work(self) -> bool:
        """Whether folders are being looked at, which may bring more."""
        return bool(self._in_work or self._elsewhere)

    async def remains(self) -> bool:
        """Whether there is more to do."""
        return (
            not self._walk_done
            or bool(self._changed)
            or bool(await self._catalog.unscanned_folders(1, self._part.below))
        )

    def add_changed(self, path: LibraryPath) -> None:
        """Look at a folder again, with all that is known of it."""
        self._changed.append(path)

    def put_aside(self, task: FolderTask) -> None:
        """A folder in a bucket: this process looks at it while workers look at those on its disks."""
        self._elsewhere[task.path] = task

    def done(self, tasks: Iterable[FolderTask]) -> None:
        """These folders have been looked at, or nobody could."""
        self._in_work.subtract(task.path for task in tasks)
        self._in_work = +self._in_work

    async def next(self) -> list[FolderTask]:
        """The next folders, none where nothing is left for now."""
        async with self._turn:
            tasks = await self._changed_tasks() or await self._new_tasks() or await self._walk_tasks()
            self._in_work.update(task.path for task in tasks)
            return tasks

    async def next_on_disk(self) -> list[FolderTask]:
        """The next folders on this machine; those in buckets are put aside on the way."""
        while tasks := await self.next():
            remote = [task for task in tasks if self._place.capabilities(task.path).remote]
            for task in remote:
                self.put_aside(task)
            self.done(remote)
            if len(remote) < len(tasks):
                return [task for task in tasks if task.path not in self._elsewhere]
        return []

    async def next_elsewhere(self) -> list[FolderTask]:
        """One folder in a bucket."""
        for path in self._elsewhere:
            self._in_work[path] += 1
            return [self._elsewhere.pop(path)]
        return []

    async def _changed_tasks(self) -> list[FolderTask]:
        paths = [self._changed.popleft() for _ in range(min(BATCH_FOLDERS, len(self._changed)))]
        return [FolderTask(path, None, await self._catalog.known_items(path), self._before) for path in paths]

    async def _new_tasks(self) -> list[FolderTask]:
        busy = self._in_work.keys() | self._elsewhere.keys()
        found = await self._catalog.unscanned_folders(BATCH_FOLDERS + len(busy), self._part.below)
        new = [row for row in found if row.path not in busy][:BATCH_FOLDERS]
        self._new.update(row.path for row in new)
        return [await self._new_task(row) for row in new]

    async def _new_task(self, row: FolderRow) -> FolderTask:
        """Of a folder that nobody has looked at, a manifest may have told."""
        known = await self._known(row) if row.images else {}
        return FolderTask(row.path, None, known, self._before._replace(images=row.images))

    async def _walk_tasks(self) -> list[FolderTask]:
        """The next folders that were known before; those that this scan entered itself it has looked at already."""
        self._walk_done = self._walk_done or not self._before.newest_folder
        while not self._walk_done:
            rows = await self._next_known()
            self._walk_done = not rows
            tasks = [
                FolderTask(row.path, row.fingerprint, await self._known(row), self._before._replace(images=row.images))
                for row in rows
                if row.scanned and self._is_wanted(row)
            ]
            if tasks:
                return tasks
        return []

    async def _next_known(self) -> list[FolderRow]:
        if self._walked_to is None:
            first = await self._catalog.folder(self._part.below)
            rows = [first] if first else []
        else:
            rows = await self._catalog.folders_after(self._walked_to, BATCH_FOLDERS * 4, self._part.below)
        self._walked_to = rows[-1].path if rows else self._walked_to or self._part.below
        return rows

    async def _known(self, row: FolderRow) -> dict[str, KnownItem] | None:
        """What is sent along with a known folder: nothing where listing it twice is cheap, should it have changed.

        Nor where it is so large that it is asked for in parts.
        """
        remote = not self._ask_again or self._place.capabilities(row.path).remote
        return await self._catalog.known_items(row.path) if remote and row.images < LARGE_IMAGES else None

    def _is_wanted(self, row: FolderRow) -> bool:
        known_before = row.id <= self._before.newest_folder and row.path not in self._new
        return known_before and not (self._part.skip_remote and self._place.capabilities(row.path).remote)
