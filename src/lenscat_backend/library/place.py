"""Where a library's files lie: the pictures in one store, what we derive beside them or in a second one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from lenscat_backend.errors import NotFoundError, ReadOnlyError
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Blob, Capabilities, Store
from lenscat_backend.storage.pointer_store import PointerStore
from lenscat_backend.storage.shadows import Shadows

_READ_ONLY = (
    "This library is read-only. To edit it, serve it without --read-only, or give a second place for sidecars with "
    "--overlay (LENSCAT_OVERLAY)."
)
_READ_ONLY_POINTER = (
    "This folder is a read-only pointer: its pictures cannot be edited here, unless there is a second place for "
    "sidecars (--overlay, LENSCAT_OVERLAY)."
)


@dataclass(frozen=True, slots=True)
class Place:
    """The stores of one library.

    `base` holds the pictures. `upper`, where there is one, holds derived files at the same relative paths and is
    looked at first; what lies beside the pictures still counts where `upper` has none. `sidecars` is the one of the two
    that takes edits, None where the library cannot be edited. `shadows` does for single pointers that must not be
    written what `upper` does for a whole library.
    """

    base: PointerStore
    upper: Store | None = None
    sidecars: Store | None = None
    shadows: Shadows | None = None

    def capabilities(self, path: LibraryPath) -> Capabilities:
        """What the store that holds `path` can do."""
        return self.base.capabilities_at(path)

    def upper_at(self, path: LibraryPath) -> Store | None:
        """The store above the pictures' own at `path`, if there is one."""
        if self.upper is not None or self.shadows is None:
            return self.upper
        target = self.base.target_at(path)
        return self.shadows if target is not None and target.shadow is not None else None

    def derived_at(self, path: LibraryPath) -> Store:
        """The store that takes thumbnails."""
        return self.upper_at(path) or self.base

    def layers_at(self, path: LibraryPath) -> tuple[Store, ...]:
        """The stores to look for a derived file in, first one first."""
        upper = self.upper_at(path)
        return (self.base,) if upper is None else (upper, self.base)

    def manifests_at(self, path: LibraryPath) -> Store | None:
        """The store that takes a folder's manifest: none for a pointer's target, whose manifests are its own."""
        return None if self.upper is None and self.base.is_mounted(path) else self.upper or self.base

    def editable_at(self, path: LibraryPath) -> Store:
        """The store that takes sidecars; raises `ReadOnlyError` where there is none."""
        if self.sidecars is None:
            raise ReadOnlyError(_READ_ONLY)
        if self.sidecars is self.base and self.base.is_mounted(path) and not self.capabilities(path).writable:
            self.base.at(path)  # a broken pointer says what is wrong with it
            raise ReadOnlyError(_READ_ONLY_POINTER)
        return self.sidecars

    def file_at(self, path: LibraryPath) -> Hashable:
        """The same for all paths of one picture whose thumbnail is the same file too."""
        return self.base.place_of(path) if self.upper is None else path

    def read_derived(self, path: LibraryPath, max_bytes: int) -> tuple[Store, Blob]:
        """A derived file from the first layer that has it, and that layer. `NotFoundError` where none has."""
        for layer in self.layers_at(path):
            try:
                return layer, layer.read(path, max_bytes)
            except NotFoundError:
                continue
        raise NotFoundError("There is no such file.")
