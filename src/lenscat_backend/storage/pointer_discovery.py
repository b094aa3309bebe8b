"""Which folders are pointers, and which store answers for a path: learnt from listings, or by a look when needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from copy import copy

from lenscat_backend.errors import NotFoundError
from lenscat_backend.models.paths import ROOT, LibraryPath, join, split
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.storage.base import Store
from lenscat_backend.storage.mounts import Mount, Mounts, mount_at
from lenscat_backend.storage.pointer_listing import below, pointer_etag
from lenscat_backend.storage.spots import Spot
from lenscat_backend.storage.targets import Targets

_PLAIN_FOLDERS = 20_000
"""How many folders of remote places are remembered to be no pointers."""


class PlainFolders:
    """Folders of remote stores that are known to be no pointers, the latest ones. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, LibraryPath], None] = OrderedDict()
        """By the `id` of the store."""

    def __contains__(self, place: tuple[Store, LibraryPath]) -> bool:
        store, folder = place
        return (id(store), folder) in self._known

    def add(self, store: Store, folder: LibraryPath) -> None:
        """Remember that a folder and those above it are no pointers, where to ask again would cost requests."""
        if not store.capabilities.remote:
            return
        with self._lock:
            self._known[id(store), folder] = None
            while (folder := split(folder)[0]) and (store, folder) not in self:
                self._known[id(store), folder] = None
            while len(self._known) > _PLAIN_FOLDERS:
                self._known.popitem(last=False)

    def remove(self, store: Store, folder: LibraryPath) -> None:
        """Forget it: the folder has a pointer now."""
        self._known.pop((id(store), folder), None)


class PointerDiscovery:
    """The pointers of one library as far as they have been met. Safe to use from several threads."""

    def __init__(self, base: Store, home: Spot, targets: Targets) -> None:
        """`home` is the spot of `base`, the library's own store."""
        self._base = base
        self._home = home
        self.mounts = Mounts(targets)
        self.plain = PlainFolders()
        self._suspects: set[LibraryPath] = set()

    def expect(self, folders: Iterable[LibraryPath]) -> None:
        """Take it that these folders may be pointers, as they were once: they are looked at before they are passed."""
        self._suspects.update(folders)

    def mount_around(self, path: LibraryPath) -> Mount | None:
        """The innermost pointer folder that `path` lies in, as it is now."""
        if self._suspects:
            self._meet_suspects(path)
        mount = self.mounts.around(path) if self.mounts else None
        if mount is None or mount.is_current():
            return mount
        self.mounts.drop(next(above.at for above in reversed(list(mount.chain())) if not above.is_current()))
        self.discover(path)
        return self.mounts.around(path)

    def store_of(self, mount: Mount) -> Store:
        """The store that a pointer leads to; raises what is wrong with the pointer."""
        if mount.error is None and mount.target is None:
            mount = self.mounts.follow(mount)  # it was out of reach the last time
        if mount.target is None:
            raise copy(mount.error) if mount.error is not None else NotFoundError("There is no such folder.")
        return mount.target.store

    def container_of(self, folder: LibraryPath) -> tuple[Store, LibraryPath, Mount | None]:
        """What answers for the folder itself, whatever its pointer says."""
        mount = self.mount_around(join(folder, POINTER_FILE)) if folder else None
        if mount is None:
            return self._base, folder, None
        return self.store_of(mount), below(mount.at, folder), mount

    def mount_to_follow(
        self, at: LibraryPath, store: Store, folder: LibraryPath, etag: str, parent: Mount | None
    ) -> Mount:
        """A mount yet to follow: for the pointer file with `etag` in `folder` of `store`, the target of `parent`."""
        self.plain.remove(store, folder)
        spot = self._home if parent is None or parent.target is None else parent.target.spot
        return mount_at(at, store, folder, etag, parent, spot)

    def note_no_pointer(self, at: LibraryPath, store: Store, folder: LibraryPath) -> None:
        """What was just listed has no pointer in it, any more perhaps."""
        if self.mounts.at(at) is not None:
            self.mounts.drop(at)
        self.plain.add(store, folder)

    def look_again(self, folder: LibraryPath) -> bool:
        """Whether a folder that was not found may be there all the same, behind a pointer not met yet."""
        mount = self.mounts.at(folder)
        if mount is not None and mount.target is not None:
            self.mounts.drop(folder)
        return self.discover(split(folder)[0])

    def discover(self, path: LibraryPath, *, whole: bool = True) -> bool:
        """Look for pointers at `path` and the folders above it that have not been looked at; whether one was found.

        `whole`: also whether a bucket that a pointer leads to is a pointer itself, which nothing else needs to ask it.
        """
        found = False
        segments = path.split("/") if path else []
        for count in range(1, len(segments) + 1):
            folder = LibraryPath("/".join(segments[:count]))
            self._suspects.discard(folder)
            found = self._meet(folder, whole=whole) or found
        return found

    def meet_for_free(self, folder: LibraryPath) -> None:
        """Look whether a folder not met yet is a pointer, where that costs no request."""
        container, _, _ = self.container_of(folder)
        if folder and self.mounts.at(folder) is None and not container.capabilities.remote:
            self._meet(folder, free=True)

    def _meet_suspects(self, path: LibraryPath) -> None:
        folder = path = split(path)[0] if split(path)[1] == POINTER_FILE else path
        while folder:
            if folder in self._suspects:
                self.discover(path, whole=False)
                return
            folder = split(folder)[0]

    def _meet(self, folder: LibraryPath, *, whole: bool = True, free: bool = False) -> bool:
        """Follow the pointers at `folder` that have not been followed yet; `free`: those that cost no request."""
        mount, met = self.mounts.at(folder), False
        if mount is None:
            container, rest, parent = self.container_of(folder)
        elif mount.target is not None:
            container, rest, parent = mount.target.store, ROOT, mount
        else:
            return False
        while (container, rest) not in self.plain:
            is_target = parent is not None and parent.at == folder
            if container.capabilities.remote and (free or (is_target and not whole)):
                break
            etag = pointer_etag(container, rest)
            if etag is None:
                self.plain.add(container, rest)
                break
            mount = self.mounts.follow(self.mount_to_follow(folder, container, rest, etag, parent))
            met = True
            if mount.target is None:
                break
            container, rest, parent = mount.target.store, ROOT, mount
        return met
