"""Removing what we derived from a library, and nothing else: thumbnails and manifests, never a sidecar.

It is removed wherever it lies: beside the pictures, and in the overlay or the cache. A read-only library itself is left
alone: without an overlay there is nothing to clean then, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import orjson

from lenscat_backend.errors import LenscatError, ReadOnlyError
from lenscat_backend.library.check import HealthReport
from lenscat_backend.library.layout import (
    FOLDER_MANIFEST,
    HEALTH_REPORT,
    MANIFESTS,
    ROLLUP,
    THUMBNAIL_SUFFIX,
    looks_derived,
)
from lenscat_backend.library.options import LibraryOptions, open_places
from lenscat_backend.library.thumbnails import MAX_THUMBNAIL_BYTES, is_whole_webp
from lenscat_backend.models.paths import ROOT, LibraryPath, join, split
from lenscat_backend.storage.base import Entry, Store

_HEAD = 64
_MANIFEST_KEYS = {
    FOLDER_MANIFEST: {"v", "path", "generated_at", "items", "dirs", "page", "page_count"},
    HEALTH_REPORT: {field.name for field in fields(HealthReport)},
}


@dataclass(frozen=True, slots=True)
class CleanPlace:
    """A place to clean; `name` tells it from the pictures' own, which has none."""

    name: str
    store: Store

    def shown(self, path: LibraryPath) -> str:
        """How a file of this place is called."""
        return f"{self.name}: {path}" if self.name else path


@dataclass(frozen=True, slots=True)
class Leftover:
    """One derived file."""

    path: LibraryPath
    size: int


def open_to_clean(location: str, options: LibraryOptions) -> tuple[list[CleanPlace], Path]:
    """Where a library's derived files may be removed, and the folder of its catalog.

    Raises `ReadOnlyError` where the library is read-only and has no overlay, `SettingsError` where it cannot be opened.
    """
    if options.read_only and options.overlay is None:
        raise ReadOnlyError(
            "This library is read-only, so nothing of it is removed. To clean it, leave out --read-only "
            "(LENSCAT_READ_ONLY); to clean its overlay, name it with --overlay (LENSCAT_OVERLAY)."
        )
    opened = open_places(location, options)
    places = [] if options.read_only else [CleanPlace("", opened.place.base.base)]
    if opened.place.upper is not None:
        places.append(CleanPlace("cache" if options.overlay is None else "overlay", opened.place.upper))
    return places, opened.cache


def derived_files(store: Store) -> Iterator[Leftover]:
    """Every file of a place that we derived, found by its name and its content; links are not followed."""
    for folder, entries in store.walk():
        for entry in entries:
            path = join(folder, entry.name)
            if not entry.is_folder and _is_ours(store, folder, path, entry):
                yield Leftover(path, entry.size)


def remove_files(store: Store, files: list[Leftover]) -> list[tuple[LibraryPath, LenscatError]]:
    """Delete the files, and unfinished writes of a crash; returns what could not be deleted, with the reason."""
    failed = []
    for file in files:
        try:
            if _is_ours(store, split(file.path)[0], file.path, store.stat(file.path)):  # it may be another's by now
                store.delete(file.path)
        except LenscatError as error:
            failed.append((file.path, error))
    for folder, _ in store.walk():
        with suppress(LenscatError):  # a folder that cannot be written keeps its files
            store.sweep(folder)
    return failed


def _is_ours(store: Store, folder: LibraryPath, path: LibraryPath, entry: Entry) -> bool:
    if entry.name.endswith(THUMBNAIL_SUFFIX) and looks_derived(entry.name):
        return _is_thumbnail(store, path, entry)
    if entry.name not in MANIFESTS or (entry.name != FOLDER_MANIFEST and folder != ROOT):
        return False
    if entry.name == ROLLUP:
        return _head(store, path).startswith(b'{"v":1,"generated_at":"')
    return _has_keys(store, path, entry)


def _is_thumbnail(store: Store, path: LibraryPath, entry: Entry) -> bool:
    try:
        return is_whole_webp(store.read(path, MAX_THUMBNAIL_BYTES).data)
    except LenscatError:
        return False


def _head(store: Store, path: LibraryPath) -> bytes:
    try:
        return store.read_range(path, 0, _HEAD)
    except LenscatError:
        return b""


def _has_keys(store: Store, path: LibraryPath, entry: Entry) -> bool:
    try:
        found = orjson.loads(store.read(path, max(entry.size, 1)).data)
    except (LenscatError, orjson.JSONDecodeError):
        return False
    if not isinstance(found, dict) or found.keys() != _MANIFEST_KEYS[entry.name] or found["v"] != 1:
        return False
    return entry.name != FOLDER_MANIFEST or found["path"] == split(path)[0]
