"""Where a library's files lie: the pictures in one store, what we derive beside them or in a second one."""

from __future__ import annotations

from dataclasses import dataclass

from lenscat_backend.errors import NotFoundError, ReadOnlyError
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Blob, Entry, Store


@dataclass(frozen=True, slots=True)
class Place:
    """The stores of one library.

    `base` holds the pictures. `upper`, where there is one, holds derived files at the same relative paths and is
    looked at first; what lies beside the pictures still counts where `upper` has none. `sidecars` is the one of the two
    that takes edits, None where the library cannot be edited.
    """

    base: Store
    upper: Store | None = None
    sidecars: Store | None = None

    @property
    def derived(self) -> Store:
        """The store that takes thumbnails and manifests."""
        return self.base if self.upper is None else self.upper

    @property
    def layers(self) -> tuple[Store, ...]:
        """The stores to look for a derived file in, first one first."""
        return (self.base,) if self.upper is None else (self.upper, self.base)

    def editable(self) -> Store:
        """The store that takes sidecars; raises `ReadOnlyError` where there is none."""
        if self.sidecars is None:
            raise ReadOnlyError(
                "This library is read-only. To edit it, serve it without --read-only, or give a second place for "
                "sidecars with --overlay (LENSCAT_OVERLAY)."
            )
        return self.sidecars

    def read_derived(self, path: LibraryPath, max_bytes: int) -> tuple[Store, Blob]:
        """A derived file from the first layer that has it, and that layer. `NotFoundError` where none has."""
        for layer in self.layers:
            try:
                return layer, layer.read(path, max_bytes)
            except NotFoundError:
                continue
        raise NotFoundError("There is no such file.")

    def stat_derived(self, path: LibraryPath) -> tuple[Store, Entry]:
        """The entry of a derived file in the first layer that has it. `NotFoundError` where none has."""
        for layer in self.layers:
            try:
                return layer, layer.stat(path)
            except NotFoundError:
                continue
        raise NotFoundError("There is no such file.")
