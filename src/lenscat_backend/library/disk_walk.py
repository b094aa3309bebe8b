"""A walk over all folders of one place, as they are on disk now and whatever the catalog knows."""

from __future__ import annotations

from collections.abc import Iterator

from lenscat_backend.errors import LenscatError
from lenscat_backend.models.paths import ROOT, LibraryPath, join
from lenscat_backend.storage.base import Entry
from lenscat_backend.storage.local import LocalDisk


def walk_disk(disk: LocalDisk) -> Iterator[tuple[LibraryPath, tuple[Entry, ...]]]:
    """Every folder that can be read, with its entries; links are not followed."""
    waiting = [ROOT]
    while waiting:
        folder = waiting.pop()
        try:
            entries = disk.list_folder(folder).entries
            paths = [join(folder, entry.name) for entry in entries if entry.is_folder]
            waiting += [path for path in paths if not disk.is_link(path)]
        except LenscatError:
            continue
        yield folder, entries
