"""Removing what we derived from a library, and nothing else: thumbnails and manifests, never a sidecar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import orjson

from lenscat_backend.errors import LenscatError
from lenscat_backend.library.layout import (
    FOLDER_MANIFEST,
    HEALTH_REPORT,
    MANIFESTS,
    ROLLUP,
    THUMBNAIL_SUFFIX,
    looks_derived,
)
from lenscat_backend.models.paths import ROOT, LibraryPath, join
from lenscat_backend.storage.base import Entry
from lenscat_backend.storage.local import LocalDisk

_HEAD = 64
_MANIFEST_KEYS = {
    FOLDER_MANIFEST: ("v", "path", "generated_at", "items", "dirs"),
    HEALTH_REPORT: ("v", "generated_at", "images"),
}


@dataclass(frozen=True, slots=True)
class Leftover:
    """One derived file."""

    path: LibraryPath
    size: int


def derived_files(disk: LocalDisk) -> Iterator[Leftover]:
    """Every file of the library that we derived, found by its name and its content; links are not followed."""
    for folder, entries in _folders(disk):
        for entry in entries:
            path = join(folder, entry.name)
            if not entry.is_folder and _is_ours(disk, folder, path, entry):
                yield Leftover(path, entry.size)


def remove_files(disk: LocalDisk, files: list[Leftover], on_file: Callable[[], None] | None = None) -> list[str]:
    """Delete the files, and unfinished writes of a crash; returns what could not be deleted, with the reason."""
    failed = []
    for file in files:
        try:
            disk.delete(file.path)
        except LenscatError as error:
            failed.append(f"{file.path}: {error}")
        if on_file is not None:
            on_file()
    for folder, _ in _folders(disk):
        with suppress(LenscatError):  # a folder that cannot be written keeps its files
            disk.sweep(folder)
    return failed


def _folders(disk: LocalDisk) -> Iterator[tuple[LibraryPath, tuple[Entry, ...]]]:
    """Every folder that can be read, with its entries."""
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


def _is_ours(disk: LocalDisk, folder: LibraryPath, path: LibraryPath, entry: Entry) -> bool:
    if entry.name.endswith(THUMBNAIL_SUFFIX) and looks_derived(entry.name):
        return _head(disk, path)[8:12] == b"WEBP"
    if entry.name not in MANIFESTS or (entry.name != FOLDER_MANIFEST and folder != ROOT):
        return False
    if entry.name == ROLLUP:
        return _head(disk, path).startswith(b'{"v":1,"generated_at":"')
    return _has_keys(disk, path, entry)


def _head(disk: LocalDisk, path: LibraryPath) -> bytes:
    try:
        return disk.read_range(path, 0, _HEAD)
    except LenscatError:
        return b""


def _has_keys(disk: LocalDisk, path: LibraryPath, entry: Entry) -> bool:
    try:
        found = orjson.loads(disk.read(path, max(entry.size, 1)).data)
    except (LenscatError, orjson.JSONDecodeError):
        return False
    return isinstance(found, dict) and all(key in found for key in _MANIFEST_KEYS[entry.name])
