"""Sidecars and thumbnails whose picture is gone, over both layers of a library: pictures are only in the lower one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lenscat_backend.errors import LenscatError, NotFoundError
from lenscat_backend.library.layout import is_image, looks_derived, orphans
from lenscat_backend.library.place import Place
from lenscat_backend.models.paths import LibraryPath, join
from lenscat_backend.storage.base import Entry


def orphans_in(place: Place, folder: LibraryPath, entries: Iterable[Entry]) -> list[LibraryPath]:
    """Those of one folder, whose `entries` beside the pictures are given; one that lies in both layers comes once."""
    merged = {entry.name: entry for entry in [*_upper_entries(place, folder), *entries]}
    return [join(folder, name) for name in orphans(merged.values())]


def orphans_of_gone_folders(place: Place) -> Iterator[LibraryPath]:
    """Those of the upper layer in folders that the library no longer has; one that cannot be reached is not gone."""
    if place.upper is None:
        return
    for folder, entries in place.upper.walk():
        derived = [entry.name for entry in entries if not entry.is_folder and looks_derived(entry.name)]
        if derived and _is_gone(place, folder):
            yield from (join(folder, name) for name in derived)


def _upper_entries(place: Place, folder: LibraryPath) -> list[Entry]:
    if place.upper is None:
        return []
    try:
        return [entry for entry in place.upper.list_folder(folder).entries if not is_image(entry.name)]
    except LenscatError:
        return []


def _is_gone(place: Place, folder: LibraryPath) -> bool:
    try:
        place.base.stat(folder)
    except NotFoundError:
        return True
    except LenscatError:
        return False
    return False
