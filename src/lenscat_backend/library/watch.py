"""Hearing of changes on a local disk from the operating system, with a way to know that all have been heard.

Events of one watch arrive in order. So a file that we write into a folder of our own, listened to by the same watch, is
a marker: once its event arrives, everything that happened before it has arrived too (Watchman calls it a cookie).

This is what all systems have in common; `watch_inotify` and `watch_files` listen, and `watch_system` picks one.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from lenscat_backend.library.layout import MANIFESTS, THUMBNAIL_SUFFIX
from lenscat_backend.models.paths import LibraryPath

MARKER_TIMEOUT_S = 3.0
_CLOSE_TIMEOUT_S = 2.0


class Watch(ABC):
    """Folders of a local library in which something changed. Made and asked on one event loop; listens in a thread."""

    def __init__(
        self,
        root: str,
        overlay: str | None,
        marker_folder: Path,
        loop: asyncio.AbstractEventLoop,
        on_change: Callable[[], None],
        *,
        follow_outside: bool = False,
    ) -> None:
        """Of the library at `root` and its `overlay`; `on_change` is called on `loop`. Nothing is touched yet."""
        self.failed: str | None = None
        """Why it stopped listening for good; None while it listens."""
        self.is_alive = True
        """Whether the root was the folder that is watched, when last asked: it may be replaced or mounted anew."""
        self._roots = [root] if overlay is None else [root, overlay]
        self._follow_outside = follow_outside
        self._markers = marker_folder
        self._identity: tuple[int, int] | None = None
        self._loop = loop
        self._on_change = on_change
        self._changed: dict[LibraryPath, None] = {}
        self._missed = False
        self._waiting: dict[str, asyncio.Future[bool]] = {}
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._is_open = False
        self._opening = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to listen, once; blocks while every folder is taken up, until `stop`.

        Raises `OSError` where the system cannot watch: its limit of watches is reached, or the place cannot tell.
        """
        self._markers.mkdir(parents=True, exist_ok=True)
        self._markers = self._markers.resolve()
        self._roots = [os.path.realpath(root) for root in self._roots]
        self._identity = _identity(self._roots[0])
        try:
            self._is_open = True
            self._open()
            with self._opening:
                if self._stop.is_set():
                    raise OSError("The library is being closed.")
                self._thread.start()
        except BaseException:
            self._shut()
            raise

    def stop(self) -> None:
        """Have it stop listening soon; returns at once."""
        self._stop.set()
        with self._opening:
            if self._is_open:
                self._wake()

    def close(self) -> None:
        """Stop listening, and wait for the thread."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout=_CLOSE_TIMEOUT_S)

    async def heard_all(self) -> bool:
        """Wait until every change that happened before this call has been heard; False where the system is silent."""
        name = f"{os.getpid()}-{next(self._numbers)}"
        heard = self._waiting[name] = self._loop.create_future()
        marker = self._markers / name
        try:
            self.is_alive = await asyncio.to_thread(self._mark, marker)
            async with asyncio.timeout(MARKER_TIMEOUT_S):  # wait_for may swallow a cancellation
                return not self.failed and await heard
        except (TimeoutError, OSError):
            return False
        finally:
            self._waiting.pop(name, None)
            with suppress(RuntimeError):  # the loop may be closing
                self._loop.run_in_executor(None, _remove, marker)

    def _mark(self, marker: Path) -> bool:
        """Make a marker; whether the root still is the folder that is watched."""
        marker.touch()
        try:
            return _identity(self._roots[0]) == self._identity
        except OSError:
            return False

    def take_missed(self) -> bool:
        """Whether, since the last call, something was lost because too much happened at once: compare everything."""
        missed, self._missed = self._missed, False
        return missed

    def take_changed(self) -> list[LibraryPath]:
        """The folders with changes heard of since the last call; a folder that is new itself is among them."""
        found, self._changed = list(self._changed), {}
        return found

    @abstractmethod
    def _open(self) -> None:
        """Begin to listen to `_roots` and `_markers`; raises `OSError`."""

    @abstractmethod
    def _listen(self) -> None:
        """In a thread: call `_report`, until `_stop` is set. An `OSError` ends it for good."""

    @abstractmethod
    def _wake(self) -> None:
        """Have `_listen` look at `_stop` now."""

    @abstractmethod
    def _release(self) -> None:
        """Give back what `_open` took, however far it came."""

    def _report(self, changed: Iterable[LibraryPath], markers: Iterable[str], missed: bool = False) -> None:
        """From the thread: what was heard, all of it older than the markers."""
        with suppress(RuntimeError):  # the loop may be closing
            self._loop.call_soon_threadsafe(self._take, list(changed), list(markers), missed)

    def _take(self, changed: list[LibraryPath], markers: list[str], missed: bool) -> None:
        self._changed.update(dict.fromkeys(changed))
        self._missed = self._missed or missed
        for name in markers:
            self._answer(name, True)
        if changed or missed:
            self._on_change()

    def _answer(self, name: str, heard: bool) -> None:
        waiting = self._waiting.get(name)
        if waiting is not None and not waiting.done():
            waiting.set_result(heard)

    def _run(self) -> None:
        try:
            self._listen()
        except OSError as error:
            self._give_up(str(error))
        except BaseException:
            self._give_up("The library is not watched any more: something unexpected happened.")
            raise
        finally:
            self._shut()

    def _give_up(self, why: str) -> None:
        self.failed = why
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answer_all)

    def _answer_all(self) -> None:
        for name in self._waiting:
            self._answer(name, False)
        self._on_change()

    def _shut(self) -> None:
        with self._opening:
            if self._is_open:
                self._is_open = False
                self._release()


def is_ours(name: str) -> bool:
    """Whether a file of this name is derived, so that a search can find nothing new in it."""
    return name in MANIFESTS or name.endswith(THUMBNAIL_SUFFIX)


def _remove(marker: Path) -> None:
    with suppress(OSError):
        marker.unlink(missing_ok=True)


def _identity(root: str) -> tuple[int, int]:
    info = Path(root).stat()
    return info.st_dev, info.st_ino
