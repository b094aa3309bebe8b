"""A store that follows pointers: one library out of many disks and buckets.

A folder that holds a pointer file shows its target's content, and every path below it is the target's. Which folders
are pointers is learnt from listings; where a path is not found, the folders above it are looked at before that is said,
so that an address of a picture works before any listing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from lenscat_backend.errors import LenscatError, NotFoundError
from lenscat_backend.models.paths import ROOT, LibraryPath, split
from lenscat_backend.storage import pointer_folders
from lenscat_backend.storage.base import Capabilities, Entry, Listing, Report, Store, ignore
from lenscat_backend.storage.pointer_discovery import PointerDiscovery
from lenscat_backend.storage.pointer_listing import below, is_bucket, is_in_bucket, joint_etag
from lenscat_backend.storage.routed import RoutedStore
from lenscat_backend.storage.spots import Spot
from lenscat_backend.storage.targets import TargetPlace, Targets

T = TypeVar("T")


class PointerStore(RoutedStore):
    """`base`, with its pointers followed. Safe to use from several threads.

    What is wrong with a pointer is raised by every call about its folder's content: `BrokenPointerError`,
    `OutsideLibraryError`, `UnreachableError`, `ForbiddenError`. Calls about the whole place are about `base` alone.
    """

    def __init__(self, base: Store, home: Spot, targets: Targets) -> None:
        """`home` is the spot of `base`."""
        self.base = base
        self._pointers = PointerDiscovery(base, home, targets)
        self._mounts = self._pointers.mounts

    @property
    def capabilities(self) -> Capabilities:
        """Those of the base."""
        return self.base.capabilities

    def capabilities_at(self, path: LibraryPath) -> Capabilities:
        """Those of the store that answers for `path`; without writing where a pointer on the way is broken."""
        try:
            return self.at(path)[0].capabilities
        except LenscatError:
            return Capabilities(folder_etag=False, writable=False)

    def expect(self, folders: Iterable[LibraryPath]) -> None:
        """Take it that these folders may be pointers, as they were once: they are looked at before they are passed."""
        self._pointers.expect(folders)

    def points(self, folder: LibraryPath) -> bool:
        """Whether `folder` is known to be a pointer, a broken one too."""
        return self._mounts.at(folder) is not None

    def label_of(self, folder: LibraryPath) -> str | None:
        """What a pointer folder is called; None where no pointer could be read there."""
        mount = self._mounts.at(folder)
        return None if mount is None or mount.pointer is None else mount.label

    def is_mounted(self, path: LibraryPath) -> bool:
        """Whether `path` is a pointer folder that is followed, or lies in one."""
        return self._pointers.mount_around(path) is not None

    def remote_targets(self) -> list[LibraryPath]:
        """The pointer folders known so far whose targets are in buckets, and that lie in no such target."""
        return [mount.at for mount in self._mounts.all() if is_bucket(mount) and not is_in_bucket(mount)]

    def written_targets(self) -> list[Store]:
        """The buckets behind pointers known so far that may be written."""
        stores = {
            id(mount.target.store): mount.target.store for mount in self._mounts.all() if mount.target is not None
        }
        return [store for store in stores.values() if store.capabilities.remote and store.capabilities.writable]

    def local_targets(self) -> dict[LibraryPath, Path]:
        """The pointer folders known so far whose targets are on this machine, and those."""
        stores = {mount.at: mount.target.store for mount in self._mounts.all() if mount.target is not None}
        folders = {at: store.local_path(ROOT) for at, store in stores.items()}
        return {at: folder for at, folder in folders.items() if folder is not None}

    def place_of(self, path: LibraryPath) -> Hashable:
        """The same for all paths of one file, however it is reached."""
        store, rest = self.at(path)
        return id(store), rest

    def target_at(self, path: LibraryPath) -> TargetPlace | None:
        """The target that `path` lies in; None where that is the base, or the pointer is broken."""
        mount = self._pointers.mount_around(path)
        return mount.target if mount is not None else None

    def at(self, path: LibraryPath) -> tuple[Store, LibraryPath]:
        """See `RoutedStore.at`; raises what is wrong with a pointer on the way."""
        mount = self._pointers.mount_around(path)
        if mount is None:
            return self.base, path
        return self._pointers.store_of(mount), below(mount.at, path)

    def ask(self, path: LibraryPath, call: Callable[[Store, LibraryPath], T]) -> T:
        """See `RoutedStore.ask`; what is not found is looked for behind pointers not met yet."""
        store, rest = self.at(path)
        try:
            found = call(store, rest)
        except NotFoundError:
            if not self._pointers.discover(split(path)[0]):
                raise
            return call(*self.at(path))
        folder = split(rest)[0]
        if folder and (store, folder) not in self._pointers.plain:
            self._pointers.plain.add(store, folder)
        return found

    def list_folder(self, folder: LibraryPath) -> Listing:
        """See `Store.list_folder`: of a pointer folder its target's entries, and the pointer file."""
        before = self._kept_by_listings(folder)
        listing = pointer_folders.list_folder(self._pointers, folder)
        gone = before - {entry.name for entry in listing.entries if entry.is_folder}
        self._mounts.drop_in(folder, gone)
        return listing

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """See `Store.list_pages`; a pointer file comes first, and then its target's entries."""
        gone = self._kept_by_listings(folder)
        for page in pointer_folders.list_pages(self._pointers, folder, report):
            gone.difference_update(entry.name for entry in page if entry.is_folder)
            yield page
        self._mounts.drop_in(folder, gone)

    def meet(self, folder: LibraryPath) -> None:
        """Look whether a folder not met yet is a pointer, where that costs no request."""
        self._pointers.meet_for_free(folder)

    def said(self, folder: LibraryPath, is_empty: bool) -> tuple[str, str]:
        """What a pointer folder that was just listed is called, and what is wrong with it; both "" for others."""
        return pointer_folders.said_of(self._pointers, folder, is_empty)

    def peek(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.peek`: of a pointer folder its own names."""
        if self._mounts.at(folder) is None:
            return super().peek(folder)
        container, rest, _ = self._pointers.container_of(folder)
        return container.peek(rest)

    def stat(self, path: LibraryPath) -> Entry:
        """See `Store.stat`: a pointer folder is one, whatever has become of its target."""
        mount = self._mounts.at(path)
        if mount is not None and mount.is_current():
            return Entry(split(path)[1], True, 0, 0, "", True)
        return super().stat(path)

    def quick_folder_etag(self, folder: LibraryPath) -> str:
        """See `Store.quick_folder_etag`."""
        mount = self._mounts.at(folder)
        if mount is None:
            return super().quick_folder_etag(folder)
        if mount.target is None or not mount.is_current():
            return ""
        return joint_etag(mount, mount.target.store.quick_folder_etag(ROOT))

    def walk(self) -> Iterator[tuple[LibraryPath, Sequence[Entry]]]:
        """See `Store.walk`: of the base alone."""
        return self.base.walk()

    def describe(self) -> str:
        """See `Store.describe`."""
        return self.base.describe()

    def identity(self) -> str:
        """See `Store.identity`: of the base."""
        return self.base.identity()

    def conditions_problem(self) -> str | None:
        """See `Store.conditions_problem`: of the base."""
        return self.base.conditions_problem()

    def _kept_by_listings(self, folder: LibraryPath) -> set[str]:
        """The pointers directly in `folder` that count until a listing tells otherwise: on a disk each use looks."""
        names = self._mounts.names_in(folder)
        return names if names and self.capabilities_at(folder).remote else set()
