"""A place in the cache for what is derived of targets that must not be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lenscat_backend.errors import NotFoundError
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Capabilities, Entry, Store
from lenscat_backend.storage.pointer_store import PointerStore
from lenscat_backend.storage.routed import RoutedStore


class Shadows(RoutedStore):
    """One folder a target, whatever leads to it: two pointers share their thumbnails."""

    def __init__(self, pointers: PointerStore) -> None:
        self._pointers = pointers

    @property
    def capabilities(self) -> Capabilities:
        """As a local disk's."""
        return Capabilities(folder_etag=True, writable=True)

    def at(self, path: LibraryPath) -> tuple[Store, LibraryPath]:
        """See `RoutedStore.at`; `NotFoundError` where nothing is kept apart."""
        store, rest = self._pointers.at(path)
        target = self._pointers.target_at(path)
        if target is None or target.store is not store or target.shadow is None:
            raise NotFoundError("There is no such file.")
        return target.shadow, rest

    def walk(self) -> Iterator[tuple[LibraryPath, Sequence[Entry]]]:
        """Nothing."""
        return iter(())

    def describe(self) -> str:
        """``cache``."""
        return "cache"

    def identity(self) -> str:
        """Nothing."""
        return ""

    def conditions_problem(self) -> str | None:
        """None."""
        return None
