"""A watch through watchfiles, for macOS (FSEvents) and Windows.

It hears of a linked folder or picture under one name only, and gives up at a name that is not valid Unicode.
"""

from __future__ import annotations

import os
from pathlib import Path

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from lenscat_backend.library.watch import Watch, is_ours
from lenscat_backend.models.paths import LibraryPath, decode_name

_STEP_MS = 5
_DEBOUNCE_MS = 50
_WAIT_MS = 1000
_POLL_MS = 300
_ADDED = 1
MANY_EVENTS = 4000
"""So many at once may be more than the system's queue holds; watchfiles does not tell, and merges those of one path."""


class FilesWatch(Watch):
    """Listens recursively, as watchfiles does."""

    _notify: RustNotify | None = None

    def _open(self) -> None:
        try:
            self._notify = RustNotify([*self._roots, str(self._markers)], False, False, _POLL_MS, True, True)
        except (WatchfilesRustInternalError, UnicodeEncodeError) as error:
            raise OSError(f"The library cannot be watched: {error}.") from error

    def _release(self) -> None:
        if self._notify is not None:
            self._notify.close()

    def _wake(self) -> None:
        """Nothing: the listener is given `_stop` and looks at it itself."""

    def _listen(self) -> None:
        while self._notify is not None and not self._stop.is_set():
            try:
                found = self._notify.watch(_DEBOUNCE_MS, _STEP_MS, _WAIT_MS, self._stop)
            except WatchfilesRustInternalError as error:
                raise OSError(f"The library is not watched any more: {error}.") from error
            if isinstance(found, set):
                self._hear(found)
            elif found in ("stop", "signal"):
                return

    def _hear(self, events: set[tuple[int, str]]) -> None:
        changed: dict[LibraryPath, None] = {}
        markers = []
        for kind, path in events:
            folder, name = os.path.split(path)
            if folder == str(self._markers):
                markers.append(name)
            else:
                changed.update(dict.fromkeys(self._folders_of(folder, name, kind)))
        self._report(changed, markers, missed=len(events) >= MANY_EVENTS)

    def _folders_of(self, folder: str, name: str, kind: int) -> list[LibraryPath]:
        parent = self._library_path(folder)
        if parent is None or is_ours(name) or name.startswith("."):
            return []
        added = Path(folder, name)
        path = self._library_path(str(added))
        if kind == _ADDED and path is not None and added.is_dir():
            return [parent, path]
        return [parent]

    def _library_path(self, path: str) -> LibraryPath | None:
        """The library path of a host path; None outside of the library and inside of hidden folders."""
        root = next((root for root in self._roots if path == root or path.startswith(root + os.sep)), None)
        if root is None:
            return None
        relative = path[len(root) + 1 :]
        if relative.startswith(".") or "/." in relative:
            return None
        return LibraryPath(decode_name(os.fsencode(relative)))
