"""A watch through Linux's inotify: on just the folders that the library lists, each counted once."""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from inotify_simple import INotify, flags

from lenscat_backend.library.watch import Watch
from lenscat_backend.library.watch_links import LinkMap
from lenscat_backend.library.watch_tree import MASK, Event, WatchTree

GATHER_S = 0.002
"""Events come in groups (a file is made, written, closed), and the system merges equal ones that nobody has read."""
_OVERFLOWED = int(flags.Q_OVERFLOW)


class InotifyWatch(Watch):
    """Listens with inotify (7)."""

    _inotify: Any = None
    _alarm = -1
    _marker_number = -1

    def _open(self) -> None:
        links = LinkMap([os.fsencode(root) for root in self._roots], follow_outside=self._follow_outside)
        self._alarm = os.eventfd(0)
        try:
            self._inotify = INotify()
            self._marker_number = self._inotify.add_watch(self._markers, MASK)
            self._tree = WatchTree(self._inotify, links, self._stop.is_set)
            self._tree.listen_to_all()
        except OSError as error:
            raise _explained(error) from error

    def _release(self) -> None:
        if self._inotify is not None:
            self._inotify.close()
        if self._alarm >= 0:
            os.close(self._alarm)

    def _wake(self) -> None:
        if self._alarm >= 0:
            os.eventfd_write(self._alarm, 1)

    def _listen(self) -> None:
        waiting = select.poll()
        waiting.register(self._inotify.fileno(), select.POLLIN)
        waiting.register(self._alarm, select.POLLIN)
        while not self._stop.is_set():
            if not self._tree.backlog:
                waiting.poll()
            try:
                if self._hear(self._read()):
                    time.sleep(GATHER_S)
            except OSError as error:
                raise _explained(error) from error

    def _read(self) -> Iterable[Event]:
        backlog, self._tree.backlog = self._tree.backlog, []
        return backlog or self._inotify.read(timeout=0)

    def _hear(self, events: Iterable[Event]) -> bool:
        """Whether there was more than markers, for which somebody waits."""
        markers, missed, more = [], False, False
        for number, mask, _, name in events:
            if mask & _OVERFLOWED:
                self._tree.listen_to_all()
                self._mark_again()
                missed = True
            elif number == self._marker_number:
                markers.append(name)
            else:
                more = True
                self._tree.hear(number, mask, os.fsencode(name))
        self._report(self._tree.take_changed(), markers, missed)
        return more

    def _mark_again(self) -> None:
        """Of the markers that were lost, another event."""
        for marker in self._markers.iterdir():
            with suppress(FileNotFoundError):
                os.utime(marker)


def _explained(error: OSError) -> OSError:
    """The error as a sentence that says what to do."""
    if error.errno == errno.ENOSPC:
        limit = "watched folders (fs.inotify.max_user_watches)"
    elif error.errno == errno.EMFILE:
        limit = "listeners (fs.inotify.max_user_instances)"
    else:
        return OSError(f"The library cannot be watched: {error.strerror or error}.")
    return OSError(f"The library cannot be watched: the system's limit of {limit} is reached. Raise it with sysctl.")
