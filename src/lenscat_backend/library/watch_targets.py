"""Hearing of changes in the folders of this machine that pointers lead to: a watch each, beside the library's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lenscat_backend.library.watch import Watch
from lenscat_backend.models.paths import LibraryPath

_log = logging.getLogger("lenscat")

MakeWatch = Callable[[str], Watch]


@dataclass(slots=True)
class Heard:
    """What became known of the targets: folders with changes, and pointers whose target must be compared whole."""

    changed: list[LibraryPath]
    unheard: list[LibraryPath]


class TargetWatches:
    """The watches of one library's targets, by the folder that each listens to."""

    def __init__(self, make: MakeWatch | None) -> None:
        """`make` a watch of a folder; None where nothing is watched."""
        self._make = make
        self._watches: dict[str, Watch] = {}
        self._deaf: set[str] = set()
        self._new: set[str] = set()

    async def hear(self, targets: Mapping[LibraryPath, str]) -> Heard:
        """What happened in the targets of these pointers before this call, since the last one."""
        await self._follow(set(targets.values()))
        found: dict[str, list[LibraryPath] | None] = {}
        for folder, watch in list(self._watches.items()):
            found[folder] = await self._changes(folder, watch)
        heard = Heard([], [])
        for pointer, folder in targets.items():
            changes = found.get(folder)
            if changes is None:
                heard.unheard.append(pointer)
            else:
                heard.changed += _within(pointer, changes)
        return heard

    async def close(self) -> None:
        """Stop listening."""
        await self._follow(set())

    async def _follow(self, folders: set[str]) -> None:
        for gone in self._watches.keys() - folders:
            await asyncio.to_thread(self._watches.pop(gone).close)
        self._deaf &= folders
        for folder in folders - self._watches.keys() - self._deaf:
            await self._start(folder)

    async def _start(self, folder: str) -> None:
        if self._make is None:
            return
        watch = self._make(folder)
        try:
            await asyncio.to_thread(watch.start)
        except OSError as error:
            self._deaf.add(folder)
            _log.warning("%s Changes behind a pointer are found by comparing instead.", error)
        except asyncio.CancelledError:
            watch.stop()
            raise
        else:
            self._watches[folder] = watch
            self._new.add(folder)

    async def _changes(self, folder: str, watch: Watch) -> list[LibraryPath] | None:
        """The folders heard of; None where something may have been missed, as before the watch began."""
        heard = not watch.failed and await watch.heard_all()
        if watch.failed or not watch.is_alive:
            await asyncio.to_thread(self._watches.pop(folder).close)
            return None
        changed, missed = watch.take_changed(), watch.take_missed()
        if not heard or missed or folder in self._new:
            self._new.discard(folder)
            return None
        return changed


def _within(pointer: LibraryPath, folders: Iterable[LibraryPath]) -> list[LibraryPath]:
    return [LibraryPath(f"{pointer}/{folder}" if folder else pointer) for folder in folders]
