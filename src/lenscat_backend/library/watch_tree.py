"""The real folders that are listened to, and what an event in one of them means.

A folder is taken up first and read then: what comes into it meanwhile is either read or heard of. The system counts
watches by inode, so a folder that was moved keeps its watch, and one mounted at two places has one watch for both.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from inotify_simple import flags

from lenscat_backend.library.watch import is_ours
from lenscat_backend.library.watch_links import LinkMap, is_under, lineage
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.links import parent_of
from lenscat_backend.storage.names import TEMP_PREFIX, is_left_out

_APPEARED = int(flags.CREATE | flags.MOVED_TO)
_VANISHED = int(flags.DELETE | flags.MOVED_FROM)
_MOVED_AWAY = int(flags.MOVED_FROM)
_MOVED_ITSELF = int(flags.MOVE_SELF)
_ATTRIBUTES = int(flags.ATTRIB)
_IS_FOLDER = int(flags.ISDIR)
_IGNORED = int(flags.IGNORED)
_UNMOUNTED = int(flags.UNMOUNT)
MASK = (
    _APPEARED
    | _VANISHED
    | _MOVED_ITSELF
    | _ATTRIBUTES
    | int(flags.MODIFY | flags.CLOSE_WRITE)
    | int(flags.ONLYDIR | flags.DONT_FOLLOW | flags.EXCL_UNLINK)
)
_GONE_OR_CLOSED = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM))
"""A folder that vanished meanwhile or may not be read: the library does not show it either."""
_REMOVED_AT_ONCE = 4000
"""Each removed watch leaves an event in the system's queue, which holds 16,384."""

Event = tuple[int, int, int, str]
"""Number of the watch, mask, cookie, name ("" for the folder itself)."""


class WatchTree:
    """Watches of one library, by number. For one thread."""

    def __init__(self, inotify: Any, links: LinkMap, stopped: Callable[[], bool]) -> None:
        self._inotify = inotify
        self._links = links
        self._stopped = stopped
        self._folders: dict[int, tuple[bytes, ...]] = {}
        self._only_entries: set[bytes] = set()
        """Folders that are listened to only because a link leads to something in them."""
        self._touched: dict[bytes, None] = {}
        self._gone: set[bytes] = set()
        self._above_gone: set[bytes] = set()
        self._retargeted: set[bytes] = set()
        self._to_relink: dict[bytes, None] = {}
        self.backlog: list[Event] = []
        """Events that had to be read meanwhile: they come before any other."""

    def listen_to_all(self) -> None:
        """Take up every folder anew, and drop the watches that are not needed any more."""
        before, self._folders = self._folders, {}
        touched, self._touched = self._touched, {}
        self._links.clear()
        self._only_entries.clear()
        self._enter_all(self._links.roots)
        self._remove([number for number in before if number not in self._folders])
        self._touched = touched
        for noted in (self._gone, self._above_gone, self._retargeted, self._to_relink):
            noted.clear()

    def hear(self, number: int, mask: int, name: bytes) -> None:
        """Note what one event means."""
        if mask & _IGNORED:
            self._lose(self._folders.pop(number, ()))
            return
        for folder in self._folders.get(number, ()):
            if mask & _UNMOUNTED:
                self._touched[parent_of(folder)] = None
                self._enter_all((folder,))
            elif mask & _MOVED_ITSELF:
                self._lose_moved(number, folder)
            elif not name:
                self._touched[folder] = None
            elif not _is_noise(name):
                self._hear_of(folder, name, mask)

    def take_changed(self) -> list[LibraryPath]:
        """The library paths of every folder that something was heard of since the last call."""
        self._settle()
        touched, self._touched = self._touched, {}
        return [path for folder in touched for path in self._links.paths(folder)]

    def __len__(self) -> int:
        return len(self._folders)

    def _hear_of(self, folder: bytes, name: bytes, mask: int) -> None:
        path = folder.rstrip(b"/") + b"/" + name
        self._tell_dependents(folder, path, mask)
        if mask & _IS_FOLDER and mask & _MOVED_AWAY and (self._links.paths(path) or self._links.dependents(path)):
            self._gone.add(path)
            self._above_gone.update(lineage(path))
        if is_left_out(os.fsdecode(name)) or folder in self._only_entries:
            return
        self._touched[folder] = None
        if mask & _IS_FOLDER:
            if mask & (_APPEARED | _ATTRIBUTES) and self._links.paths(path):
                self._enter_again(path)
        elif mask & (_APPEARED | _VANISHED):
            if mask & _APPEARED and os.path.islink(path):  # noqa: PTH114 - the path is bytes, which pathlib does not take
                self._enter_all(self._link_all(folder, (name,)))
            elif (target := self._links.remove(path)) is not None:
                self._retargeted.add(target)

    def _tell_dependents(self, folder: bytes, path: bytes, mask: int) -> None:
        """Links that lead to `path`, or over it, are as good as changed themselves."""
        moved = mask & (_APPEARED | _VANISHED)
        for other in self._links.dependents(path):
            self._touched[other] = None
            if moved:
                self._to_relink[other] = None
        for other in self._links.dependents(folder + b"/"):
            self._touched[other] = None
            if moved and (mask & _IS_FOLDER or os.path.islink(path)):  # noqa: PTH114 - the path is bytes, which pathlib does not take
                self._to_relink[other] = None

    def _enter_again(self, folder: bytes) -> None:
        """Take up a folder that appeared, after what was moved away from that very place is forgotten."""
        if self._gone and (folder in self._above_gone or is_under(folder, self._gone)):
            self._settle()
        self._enter_all((folder,))

    def _enter_all(self, tops: Iterable[bytes]) -> None:
        waiting = list(tops)
        while waiting and not self._stopped():
            folder = waiting.pop()
            if self._add(folder):
                waiting += self._read(folder)

    def _read(self, folder: bytes) -> list[bytes]:
        """Read a folder that is new to us; returns the folders to go on with."""
        self._touched[folder] = None
        subfolders, links = _folders_and_links(folder)
        return subfolders + self._link_all(folder, links)

    def _link_all(self, folder: bytes, names: Iterable[bytes]) -> list[bytes]:
        """Take up links; returns the folders that they lead to."""
        found = []
        seen: dict[bytes, bytes] = {}
        for name in names:
            followed = self._links.add(folder, name, seen)
            for home in followed.looked_up_in:
                if not self._links.paths(home):
                    self._add(home, only_entries=True)
            self._retargeted.update(followed.retargeted)
            if followed.folder is not None:
                found.append(followed.folder)
        return found

    def _add(self, folder: bytes, *, only_entries: bool = False) -> bool:
        """Listen to a folder; False where that was so already, or where there is nothing to listen to."""
        try:
            number = self._inotify.add_watch(folder, MASK)
        except OSError as error:
            if error.errno in _GONE_OR_CLOSED:
                return False
            raise
        known = self._folders.get(number, ())
        if folder in known and (only_entries or folder not in self._only_entries):
            return False
        (self._only_entries.add if only_entries else self._only_entries.discard)(folder)
        if folder not in known:
            self._folders[number] = (*known, folder)
        return True

    def _lose(self, folders: Iterable[bytes]) -> None:
        """The system has dropped a watch: its folder is gone. Of one that the library lists, the folder above tells."""
        for folder in folders:
            if folder in self._only_entries:
                self._only_entries.discard(folder)
                dependents = dict.fromkeys(self._links.dependents(folder + b"/"))
                self._touched.update(dependents)
                self._to_relink.update(dependents)

    def _lose_moved(self, number: int, folder: bytes) -> None:
        if folder in self._only_entries:
            self._remove([number])
            self._lose((folder,))

    def _settle(self) -> None:
        """Draw the conclusions: each costs a walk over all that is known, so once for many events."""
        if self._gone:
            self._retargeted.update(self._links.remove_under(self._gone))
            self._sift()
        while self._to_relink:
            folder = self._to_relink.popitem()[0]
            self._enter_all(self._link_all(folder, _folders_and_links(folder)[1]))
        if self._retargeted:
            self._sift()

    def _sift(self) -> None:
        """Drop the folders that were moved away or that no link leads to any more."""
        dropped = []
        for number, folders in self._folders.items():
            kept = tuple(folder for folder in folders if self._stays(folder))
            if not kept:
                dropped.append(number)
            elif kept != folders:
                self._folders[number] = kept
        self._remove(dropped)
        for noted in (self._gone, self._above_gone, self._retargeted):
            noted.clear()

    def _stays(self, folder: bytes) -> bool:
        if is_under(folder, self._gone):
            return False
        if not is_under(folder, self._retargeted) or folder in self._only_entries:
            return True
        listed = bool(self._links.paths(folder))
        if listed:  # perhaps under a name that it did not have before
            self._touched[folder] = None
        return listed

    def _remove(self, numbers: list[int]) -> None:
        for count, number in enumerate(numbers, 1):
            self._folders.pop(number, None)
            with suppress(OSError):  # the system has dropped it already
                self._inotify.rm_watch(number)
            if count % _REMOVED_AT_ONCE == 0:
                self.backlog += self._inotify.read(timeout=0)


def _folders_and_links(folder: bytes) -> tuple[list[bytes], list[bytes]]:
    """Paths of the subfolders, and names of the links, hidden ones left out; none where the folder cannot be read."""
    subfolders, links = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(b"."):
                    continue
                if entry.is_symlink():
                    links.append(entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    subfolders.append(entry.path)
    except OSError as error:
        if error.errno not in _GONE_OR_CLOSED:
            raise
    return subfolders, links


def _is_noise(name: bytes) -> bool:
    text = os.fsdecode(name)
    return is_ours(text) or text.startswith(TEMP_PREFIX)
