"""Hearing of changes on a local disk from the operating system, with a way to know that all have been heard.

Events of one watcher arrive in order. So a file that we write into a folder of our own, watched by the same watcher,
is a marker: once its event arrives, everything that happened before it has arrived too (Watchman calls it a cookie).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from lenscat_backend.library.layout import MANIFESTS, THUMBNAIL_SUFFIX
from lenscat_backend.models.paths import LibraryPath, decode_name

_STEP_MS = 5
_DEBOUNCE_MS = 50
_WAIT_MS = 1000
MARKER_TIMEOUT_S = 3.0
_ADDED = 1
MANY_EVENTS = 4000
"""Linux queues 16,384 events and then drops them; one file gives up to four, and those of one path are merged here."""


class Watch:
    """Folders of a local library in which something changed, in the order of the events."""

    def __init__(
        self,
        root: str,
        overlay: str | None,
        marker_folder: Path,
        loop: asyncio.AbstractEventLoop,
        on_change: Callable[[], None],
    ) -> None:
        """Starts listening to the library at `root` and to its `overlay`; `on_change` is called on `loop`.

        Raises `OSError` where the system cannot watch: its limit of watches is reached, or the place cannot tell.
        """
        marker_folder.mkdir(parents=True, exist_ok=True)
        self._root = os.path.realpath(root)
        self._roots = [self._root] if overlay is None else [self._root, os.path.realpath(overlay)]
        self._identity = _identity(self._root)
        self._markers = Path(os.path.realpath(marker_folder))
        self._notify = self._open()
        self._loop = loop
        self._on_change = on_change
        self._changed: dict[LibraryPath, None] = {}
        self._missed = False
        self._waiting: dict[str, asyncio.Future[bool]] = {}
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._notify.close()
        self._thread.join(timeout=2)

    async def heard_all(self) -> bool:
        """Wait until every change that happened before this call has been heard; False where the system is silent."""
        name = f"{os.getpid()}-{next(self._numbers)}"
        heard = self._waiting[name] = self._loop.create_future()
        marker = self._markers / name
        try:
            await asyncio.to_thread(marker.touch)
            return await asyncio.wait_for(heard, MARKER_TIMEOUT_S)
        except (TimeoutError, OSError):
            return False
        finally:
            self._waiting.pop(name, None)
            with suppress(OSError):
                await asyncio.to_thread(marker.unlink, True)

    @property
    def failed(self) -> bool:
        """Whether it has stopped listening for good: it met a name that is not UTF-8, which watchfiles cannot tell."""
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Whether the library's root still is the folder that is watched: it may have been replaced or mounted anew."""
        return self._identity is not None and _identity(self._root) == self._identity

    def take_missed(self) -> bool:
        """Whether, since the last call, so much happened at once that the system may have dropped some of it."""
        missed, self._missed = self._missed, False
        return missed

    def take_changed(self) -> list[LibraryPath]:
        """The folders with changes heard of since the last call; a folder that is new itself is among them."""
        found, self._changed = list(self._changed), {}
        return found

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                found = self._notify.watch(_DEBOUNCE_MS, _STEP_MS, _WAIT_MS, self._stop)
            except WatchfilesRustInternalError:
                self._on_loop(self._give_up)
                return
            if isinstance(found, set):
                self._on_loop(self._take, found)
            elif found in ("stop", "signal"):
                return

    def _open(self) -> RustNotify:
        try:
            return RustNotify([*self._roots, str(self._markers)], False, False, 300, True, True)
        except (WatchfilesRustInternalError, UnicodeEncodeError) as error:
            raise OSError(f"The library cannot be watched: {error}") from error

    def _on_loop(self, call: Callable[..., None], *args: object) -> None:
        with suppress(RuntimeError):  # the loop may be closing
            self._loop.call_soon_threadsafe(call, *args)

    def _give_up(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(False)

    def _take(self, events: set[tuple[int, str]]) -> None:
        markers = str(self._markers)
        self._missed = self._missed or len(events) >= MANY_EVENTS
        for kind, path in events:
            folder, name = os.path.split(path)
            if folder == markers:
                waiting = self._waiting.get(name)
                if waiting is not None and not waiting.done():
                    waiting.set_result(True)
            else:
                self._note(folder, name, kind)
        if self._changed:
            self._on_change()

    def _note(self, folder: str, name: str, kind: int) -> None:
        parent = self._library_path(folder)
        if parent is None or name in MANIFESTS or name.endswith(THUMBNAIL_SUFFIX) or name.startswith("."):
            return  # our own derived files: they change nothing that a search could find
        self._changed[parent] = None
        if kind == _ADDED:
            added = Path(folder, name)
            path = self._library_path(str(added))
            if path is not None and added.is_dir():
                self._changed[path] = None

    def _library_path(self, path: str) -> LibraryPath | None:
        """The library path of a host path; None outside of the library and inside of hidden folders."""
        root = next((root for root in self._roots if path == root or path.startswith(root + os.sep)), None)
        if root is None:
            return None
        relative = path[len(root) + 1 :]
        if relative.startswith(".") or "/." in relative:
            return None
        return LibraryPath(decode_name(os.fsencode(relative)))


def _identity(root: str) -> tuple[int, int] | None:
    try:
        info = os.stat(root)  # noqa: PTH116 - a plain path of the system's
    except OSError:
        return None
    return info.st_dev, info.st_ino
