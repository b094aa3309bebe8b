"""Pointers as they are followed: which store takes a folder's place, and why one does not."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lenscat_backend.errors import BrokenPointerError, LenscatError, TooLargeError, TransientError
from lenscat_backend.models.paths import ROOT, LibraryPath, join, split
from lenscat_backend.models.pointer import MAX_POINTER_BYTES, POINTER_FILE, Pointer, parse_pointer
from lenscat_backend.storage.base import Store
from lenscat_backend.storage.spots import Spot, spot_of_folder
from lenscat_backend.storage.targets import TargetPlace, Targets

MAX_DEPTH = 16
"""Pointers within pointers; only a circle through several names of one server ever comes so far."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A pointer folder as it is followed.

    The pointer's file is `pointer_path` in `container`, which answers for the folder itself; `parent` is the mount that
    the container is the target of. `target` is None where the pointer is broken, and `error` says why.
    """

    at: LibraryPath
    container: Store
    pointer_path: LibraryPath
    pointer_etag: str
    parent: Mount | None
    spot: Spot
    pointer: Pointer | None = None
    target: TargetPlace | None = None
    error: LenscatError | None = None

    def chain(self) -> Iterator[Mount]:
        """This mount and those it is in, innermost first."""
        mount: Mount | None = self
        while mount is not None:
            yield mount
            mount = mount.parent

    def is_current(self) -> bool:
        """Whether pointer files and targets are the ones followed, as far as that can be told for next to nothing."""
        return all(mount._is_as_followed() for mount in self.chain())

    def _is_as_followed(self) -> bool:
        container = self.container
        if not container.capabilities.remote and container.quick_etag(self.pointer_path) != self.pointer_etag:
            return False
        return self.target is None or self.target.is_current()

    @property
    def readonly(self) -> bool:
        """Whether this pointer says so, or one that it is in: what must not be written has no back doors."""
        return any(mount.pointer is not None and mount.pointer.readonly for mount in self.chain())

    @property
    def label(self) -> str:
        """What the folder is to be called, "" where no pointer says."""
        labels = [mount.pointer.label for mount in self.chain() if mount.at == self.at and mount.pointer is not None]
        return next((label for label in reversed(labels) if label), "")


class Mounts:
    """The mounts of one library by their paths. Safe to use from several threads."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._lock = threading.Lock()
        self._mounts: dict[LibraryPath, Mount] = {}

    def __bool__(self) -> bool:
        return bool(self._mounts)

    def around(self, path: LibraryPath) -> Mount | None:
        """The innermost mount that `path` lies in; a pointer's own file does not lie in its mount."""
        here = split(path)[0] if split(path)[1] == POINTER_FILE else path
        mount = self._innermost(here)
        while mount is not None and here is not path and mount.at == here:
            mount = mount.parent
        return mount

    def at(self, folder: LibraryPath) -> Mount | None:
        """The mount of this very folder."""
        return self._mounts.get(folder)

    def all(self) -> list[Mount]:
        """Every mount known so far."""
        return list(self._mounts.values())

    def names_in(self, folder: LibraryPath) -> set[str]:
        """The names of the mounts directly in `folder`."""
        return {name for above, name in map(split, list(self._mounts)) if above == folder}

    def drop(self, folder: LibraryPath) -> None:
        """Forget the mounts at `folder` and below."""
        with self._lock:
            for path in [path for path in self._mounts if path == folder or path.startswith(folder + "/")]:
                del self._mounts[path]

    def drop_in(self, folder: LibraryPath, names: Iterable[str]) -> None:
        """Forget the mounts directly in `folder` that are named, and those below them."""
        for name in names:
            self.drop(join(folder, name))

    def follow(self, mount: Mount) -> Mount:
        """Follow the pointer of a mount whose target is not known yet, and remember where it leads.

        What is wrong with it stands in `error`; what may pass by another try is raised.
        """
        before = self._mounts.get(mount.at)
        found = self._followed(mount, before)
        with self._lock:
            self._mounts[mount.at] = found
        if before is not None and _leads_elsewhere(before, found):
            self._drop_below(mount.at)
        return found

    def _innermost(self, path: LibraryPath) -> Mount | None:
        while path:
            mount = self._mounts.get(path)
            if mount is not None:
                return mount
            path = split(path)[0]
        return None

    def _drop_below(self, folder: LibraryPath) -> None:
        with self._lock:
            for path in [path for path in self._mounts if path.startswith(folder + "/")]:
                del self._mounts[path]

    def _followed(self, mount: Mount, before: Mount | None) -> Mount:
        try:
            pointer = self._pointer(mount, before)
            mount = replace(mount, pointer=pointer)
            target = self._targets.open(pointer, mount.container.local_path(ROOT), readonly=mount.readonly)
            _check_circle(mount, target.spot)
            return replace(mount, target=target)
        except TransientError:
            with self._lock:
                self._mounts[mount.at] = mount
            raise
        except LenscatError as error:
            return replace(mount, error=error)

    def _pointer(self, mount: Mount, before: Mount | None) -> Pointer:
        if before is not None and before.pointer is not None and _is_same_file(before, mount):
            return before.pointer
        try:
            return parse_pointer(mount.container.read(mount.pointer_path, MAX_POINTER_BYTES).data)
        except TooLargeError as error:
            limit = f"it has more than {MAX_POINTER_BYTES // 1024} KiB"
            raise BrokenPointerError(f"The pointer file {POINTER_FILE} cannot be used: {limit}.") from error
        except BrokenPointerError as error:
            raise BrokenPointerError(f"The pointer file {POINTER_FILE} cannot be used: {error}.") from error


def mount_at(
    at: LibraryPath, container: Store, folder: LibraryPath, etag: str, parent: Mount | None, home: Spot
) -> Mount:
    """A mount yet to follow: the pointer file with `etag` in `folder` of `container`, whose own spot is `home`."""
    here = container.local_path(folder)
    spot = home.below(folder) if here is None else spot_of_folder(here)
    return Mount(at, container, join(folder, POINTER_FILE), etag, parent, spot)


def _check_circle(mount: Mount, target: Spot) -> None:
    """Raise `BrokenPointerError` where the target leads to this pointer again, or to one it is in.

    Every endless way comes through one pointer folder twice. So it is enough to look whether the target holds one of
    the pointer folders on the way, or whether the way has come through this one before (by a link).
    """
    way = list(mount.chain())
    if any(target.holds(above.spot) for above in way) or any(above.spot == mount.spot for above in way[1:]):
        raise BrokenPointerError("The pointer leads in a circle: its target holds this folder. Let it lead elsewhere.")
    if len(way) > MAX_DEPTH:
        raise BrokenPointerError(f"More than {MAX_DEPTH} pointers lie within each other: let them lead elsewhere.")


def _is_same_file(before: Mount, now: Mount) -> bool:
    """Whether a pointer file need not be read again; on a disk that costs nothing, and a quick change shows."""
    same = before.container is now.container and before.pointer_path == now.pointer_path
    return same and now.container.capabilities.remote and before.pointer_etag == now.pointer_etag


def _leads_elsewhere(before: Mount, now: Mount) -> bool:
    stores = [mount.target.store if mount.target is not None else None for mount in (before, now)]
    return stores[0] is not stores[1]
