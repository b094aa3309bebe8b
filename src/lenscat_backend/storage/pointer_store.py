"""A store that follows pointers: one library out of many disks and buckets.

A folder that holds a pointer file shows its target's content, and every path below it is the target's. Which folders
are pointers is learnt from listings; where a path is not found, the folders above it are looked at before that is said,
so that an address of a picture works before any listing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from copy import copy
from itertools import chain
from pathlib import Path
from typing import TypeVar

from lenscat_backend.errors import LenscatError, NotFoundError
from lenscat_backend.models.paths import ROOT, LibraryPath, join, split
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.storage.base import Capabilities, Entry, Listing, Report, Store, ignore
from lenscat_backend.storage.mounts import Mount, Mounts, mount_at
from lenscat_backend.storage.pointer_listing import (
    STRAY_POINTER,
    below,
    hidden_by_pointer,
    is_bucket,
    is_in_bucket,
    joint_etag,
    pointer_etag,
    pointer_in,
    with_stray_pointer,
)
from lenscat_backend.storage.pointer_pages import NO_FILE, begin_pages, close_pages, is_no_pointer
from lenscat_backend.storage.routed import RoutedStore
from lenscat_backend.storage.spots import Spot
from lenscat_backend.storage.targets import TargetPlace, Targets

T = TypeVar("T")

_NOTHING = "The pointer's target holds nothing: check its prefix."
_PLAIN_FOLDERS = 20_000
"""How many folders of remote places are remembered to be no pointers."""


class PointerStore(RoutedStore):
    """`base`, with its pointers followed. Safe to use from several threads.

    What is wrong with a pointer is raised by every call about its folder's content: `BrokenPointerError`,
    `OutsideLibraryError`, `UnreachableError`, `ForbiddenError`. Calls about the whole place are about `base` alone.
    """

    def __init__(self, base: Store, home: Spot, targets: Targets) -> None:
        """`home` is the spot of `base`."""
        self.base = base
        self._home = home
        self._mounts = Mounts(targets)
        self._suspects: set[LibraryPath] = set()
        self._plain: OrderedDict[tuple[int, LibraryPath], None] = OrderedDict()
        """Folders of remote stores (by their `id`) that are no pointers."""
        self._lock = threading.Lock()

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
        self._suspects.update(folders)

    def points(self, folder: LibraryPath) -> bool:
        """Whether `folder` is known to be a pointer, a broken one too."""
        return self._mounts.at(folder) is not None

    def label_of(self, folder: LibraryPath) -> str | None:
        """What a pointer folder is called; None where no pointer could be read there."""
        mount = self._mounts.at(folder)
        return None if mount is None or mount.pointer is None else mount.label

    def is_mounted(self, path: LibraryPath) -> bool:
        """Whether `path` is a pointer folder that is followed, or lies in one."""
        return self._mount(path) is not None

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
        mount = self._mount(path)
        return mount.target if mount is not None else None

    def at(self, path: LibraryPath) -> tuple[Store, LibraryPath]:
        """See `RoutedStore.at`; raises what is wrong with a pointer on the way."""
        mount = self._mount(path)
        if mount is None:
            return self.base, path
        return self._store_of(mount), below(mount.at, path)

    def ask(self, path: LibraryPath, call: Callable[[Store, LibraryPath], T]) -> T:
        """See `RoutedStore.ask`; what is not found is looked for behind pointers not met yet."""
        store, rest = self.at(path)
        try:
            found = call(store, rest)
        except NotFoundError:
            if not self._discover(split(path)[0]):
                raise
            return call(*self.at(path))
        folder = split(rest)[0]
        if folder and not self._is_plain(store, folder):
            self._note_plain(store, folder)
        return found

    def list_folder(self, folder: LibraryPath) -> Listing:
        """See `Store.list_folder`: of a pointer folder its target's entries, and the pointer file."""
        before = self._kept_by_listings(folder)
        try:
            listing = self._list(folder)
        except NotFoundError:
            if not self._look_again(folder):
                raise
            listing = self._list(folder)
        self._drop_all(folder, before - {entry.name for entry in listing.entries if entry.is_folder})
        if not any(map(is_no_pointer, listing.entries)):
            return listing
        entries = tuple(entry for entry in listing.entries if not is_no_pointer(entry))
        return listing._replace(entries=entries, problems=(*listing.problems, NO_FILE))

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """See `Store.list_pages`; a pointer file comes first, and then its target's entries."""
        gone = self._kept_by_listings(folder)
        for page in self._pages(folder, report):
            gone.difference_update(entry.name for entry in page if entry.is_folder)
            if any(map(is_no_pointer, page)):
                report(NO_FILE)
                page = [entry for entry in page if not is_no_pointer(entry)]
            yield page
        self._drop_all(folder, gone)

    def _pages(self, folder: LibraryPath, report: Report) -> Iterator[Sequence[Entry]]:
        container, rest, parent = self._container(folder)
        pages = container.list_pages(rest, report)
        try:
            begun, pointer = begin_pages(container, rest, pages)
        except NotFoundError:
            if not self._look_again(folder):
                raise
            yield from self._pages(folder, report)
            return
        if pointer is None or not folder:
            self._note_no_pointer(folder, container, rest)
            for page in chain(begun, pages):
                yield page if pointer is None else [entry for entry in page if entry.name != POINTER_FILE]
            if pointer is not None:
                report(STRAY_POINTER)
            return
        self._plain.pop((id(container), rest), None)
        close_pages(pages)  # what the pointer hides is not asked for
        yield [pointer]
        for problem in hidden_by_pointer(chain.from_iterable(begun)):
            report(problem)
        yield from self._target_pages(
            mount_at(folder, container, rest, pointer.etag, parent, self._spot(parent)), report
        )

    def meet(self, folder: LibraryPath) -> None:
        """Look whether a folder not met yet is a pointer, where that costs no request."""
        container, _, _ = self._container(folder)
        if folder and self._mounts.at(folder) is None and not container.capabilities.remote:
            self._meet(folder, free=True)

    def said(self, folder: LibraryPath, is_empty: bool) -> tuple[str, str]:
        """What a pointer folder that was just listed is called, and what is wrong with it; both "" for others."""
        mount = self._mounts.at(folder)
        return ("", "") if mount is None else (mount.label, _NOTHING if is_empty and is_bucket(mount) else "")

    def peek(self, folder: LibraryPath) -> Sequence[str]:
        """See `Store.peek`: of a pointer folder its own names."""
        if self._mounts.at(folder) is None:
            return super().peek(folder)
        container, rest, _ = self._container(folder)
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

    def _mount(self, path: LibraryPath) -> Mount | None:
        if self._suspects:
            self._meet_suspects(path)
        mount = self._mounts.around(path) if self._mounts else None
        if mount is None or mount.is_current():
            return mount
        self._mounts.drop(next(above.at for above in reversed(list(mount.chain())) if not above.is_current()))
        self._discover(path)
        return self._mounts.around(path)

    def _store_of(self, mount: Mount) -> Store:
        if mount.error is None and mount.target is None:
            mount = self._mounts.follow(mount)  # it was out of reach the last time
        if mount.target is None:
            raise copy(mount.error) if mount.error is not None else NotFoundError("There is no such folder.")
        return mount.target.store

    def _container(self, folder: LibraryPath) -> tuple[Store, LibraryPath, Mount | None]:
        """What answers for the folder itself, whatever its pointer says."""
        mount = self._mount(join(folder, POINTER_FILE)) if folder else None
        if mount is None:
            return self.base, folder, None
        return self._store_of(mount), below(mount.at, folder), mount

    def _list(self, folder: LibraryPath) -> Listing:
        container, rest, parent = self._container(folder)
        own = container.list_folder(rest)
        pointer = pointer_in(own.entries)
        if pointer is None or not folder:
            self._note_no_pointer(folder, container, rest)
            return own if pointer is None else with_stray_pointer(own)
        self._plain.pop((id(container), rest), None)
        mount, listing = self._list_target(mount_at(folder, container, rest, pointer.etag, parent, self._spot(parent)))
        shown = [entry for entry in listing.entries if entry.name != POINTER_FILE]
        return Listing(
            (*shown, pointer),
            joint_etag(mount, listing.etag) if pointer.settled else "",
            (*listing.problems, *hidden_by_pointer(own.entries)),
            *self.said(folder, not listing.entries),
        )

    def _list_target(self, mount: Mount) -> tuple[Mount, Listing]:
        """Follow a pointer to its end, for a target may be a pointer itself."""
        while True:
            mount = self._mounts.follow(mount)
            store = self._store_of(mount)
            listing = store.list_folder(ROOT)
            pointer = pointer_in(listing.entries)
            if pointer is None:
                self._note_plain(store, ROOT)
                return mount, listing
            self._plain.pop((id(store), ROOT), None)
            mount = mount_at(mount.at, store, ROOT, pointer.etag, mount, self._spot(mount))

    def _target_pages(self, mount: Mount, report: Report) -> Iterator[Sequence[Entry]]:
        mount = self._mounts.follow(mount)
        store = self._store_of(mount)
        pages = store.list_pages(ROOT, report)
        begun, pointer = begin_pages(store, ROOT, pages)
        if pointer is not None:
            self._plain.pop((id(store), ROOT), None)
            close_pages(pages)
            yield from self._target_pages(
                mount_at(mount.at, store, ROOT, pointer.etag, mount, self._spot(mount)), report
            )
            return
        yield from begun
        yield from pages
        self._note_plain(store, ROOT)

    def _spot(self, mount: Mount | None) -> Spot:
        return self._home if mount is None or mount.target is None else mount.target.spot

    def _meet_suspects(self, path: LibraryPath) -> None:
        folder = path = split(path)[0] if split(path)[1] == POINTER_FILE else path
        while folder:
            if folder in self._suspects:
                self._discover(path, whole=False)
                return
            folder = split(folder)[0]

    def _kept_by_listings(self, folder: LibraryPath) -> set[str]:
        """The pointers directly in `folder` that count until a listing tells otherwise: on a disk each use looks."""
        names = self._mounts.names_in(folder)
        return names if names and self.capabilities_at(folder).remote else set()

    def _drop_all(self, folder: LibraryPath, names: Iterable[str]) -> None:
        for name in names:
            self._mounts.drop(join(folder, name))

    def _look_again(self, folder: LibraryPath) -> bool:
        """Whether a folder that was not found may be there all the same, behind a pointer not met yet."""
        mount = self._mounts.at(folder)
        if mount is not None and mount.target is not None:
            self._mounts.drop(folder)
        return self._discover(split(folder)[0])

    def _discover(self, path: LibraryPath, *, whole: bool = True) -> bool:
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

    def _meet(self, folder: LibraryPath, *, whole: bool = True, free: bool = False) -> bool:
        """Follow the pointers at `folder` that have not been followed yet; `free`: those that cost no request."""
        mount, met = self._mounts.at(folder), False
        if mount is None:
            container, rest, parent = self._container(folder)
        elif mount.target is not None:
            container, rest, parent = mount.target.store, ROOT, mount
        else:
            return False
        while not self._is_plain(container, rest):
            is_target = parent is not None and parent.at == folder
            if container.capabilities.remote and (free or (is_target and not whole)):
                break
            etag = pointer_etag(container, rest)
            if etag is None:
                self._note_plain(container, rest)
                break
            mount = self._mounts.follow(mount_at(folder, container, rest, etag, parent, self._spot(parent)))
            met = True
            if mount.target is None:
                break
            container, rest, parent = mount.target.store, ROOT, mount
        return met

    def _is_plain(self, container: Store, folder: LibraryPath) -> bool:
        return (id(container), folder) in self._plain

    def _note_no_pointer(self, folder: LibraryPath, container: Store, rest: LibraryPath) -> None:
        """What `folder` just listed has no pointer in it, any more perhaps."""
        if self._mounts.at(folder) is not None:
            self._mounts.drop(folder)
        self._note_plain(container, rest)

    def _note_plain(self, container: Store, folder: LibraryPath) -> None:
        """Remember that a folder and those above it are no pointers, where to ask again would cost requests."""
        if not container.capabilities.remote:
            return
        with self._lock:
            self._plain[id(container), folder] = None
            while (folder := split(folder)[0]) and not self._is_plain(container, folder):
                self._plain[id(container), folder] = None
            while len(self._plain) > _PLAIN_FOLDERS:
                self._plain.popitem(last=False)
