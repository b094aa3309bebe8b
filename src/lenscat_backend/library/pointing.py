"""Making, listing and removing pointer folders."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.errors import (
    AlreadyExistsError,
    ForbiddenError,
    InvalidPathError,
    LenscatError,
    NotFoundError,
    SettingsError,
    TransientError,
)
from lenscat_backend.library.place import Place
from lenscat_backend.models.paths import ROOT, LibraryPath, decode_name, is_hidden, join
from lenscat_backend.models.pointer import (
    MAX_POINTER_BYTES,
    POINTER_FILE,
    BucketTarget,
    LocalTarget,
    Pointer,
    Target,
    describe_target,
    parse_pointer,
    serialize_pointer,
)
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.location import parse_location


@dataclass(frozen=True, slots=True)
class PointerInfo:
    """A pointer folder of a library.

    `target` is the path or URL that it leads to. `error` says why its target cannot be shown, "" where it can; of a
    pointer just made, what has to be done before it can.
    """

    path: LibraryPath
    target: str
    label: str
    readonly: bool
    error: str = ""


def parse_target(text: str, *, relative: bool, region: str = "", endpoint: str = "", anonymous: bool = False) -> Target:
    """The target that a user typed: a folder or a URL. `SettingsError` says what is wrong.

    A `relative` folder is kept so: relative to the root of the library, which then can be moved with it. Else it is one
    of the folder that the user is in.
    """
    location = parse_location(text)
    if location.scheme in ("s3", "gs", "az"):
        return BucketTarget(location.scheme, location.bucket, location.prefix, region, endpoint, anonymous)
    if location.path is None:
        raise SettingsError("A pointer leads to a folder, or to s3://bucket/prefix, gs:// or az://.")
    is_typed_relative = "://" not in text and not Path(text).expanduser().is_absolute()
    return LocalTarget(decode_name(os.fsencode(text if relative and is_typed_relative else location.path)))


def add_pointer(place: Place, path: LibraryPath, pointer: Pointer) -> PointerInfo:
    """Make the folder at `path` a pointer.

    `AlreadyExistsError` where it holds something. A pointer that can never lead anywhere is not kept, and what is wrong
    is raised; one that only wants a permission or a connection is kept, and its `error` says so.
    """
    if path == ROOT or is_hidden(path):
        raise InvalidPathError("Name a folder of the library to become the pointer; hidden ones cannot.")
    _check_free(place, path)
    made = _make_folder(place, path)
    place.base.write(join(path, POINTER_FILE), serialize_pointer(pointer), create_only=True)
    try:
        error = place.base.list_folder(path).error
    except (ForbiddenError, TransientError) as problem:
        if isinstance(pointer.target, LocalTarget) and isinstance(problem, TransientError):
            _take_back(place, path, made)
            raise
        error = str(problem)
    except LenscatError:
        _take_back(place, path, made)
        raise
    return PointerInfo(path, describe_target(pointer.target), pointer.label, pointer.readonly, error)


def remove_pointer(place: Place, path: LibraryPath) -> None:
    """Make a pointer a plain folder again; its target is not touched. `NotFoundError` where there is no pointer."""
    try:
        place.base.delete(join(path, POINTER_FILE))
    except NotFoundError:
        raise NotFoundError(f"{path!r} is no pointer folder: lenscat pointer list names them.") from None


async def list_pointers(catalog: Catalog, place: Place) -> list[PointerInfo]:
    """The pointers of a library freshly scanned, in path order."""
    return [_info(place, row.path, row.error) for row in await catalog.pointers()]


def _info(place: Place, path: LibraryPath, error: str) -> PointerInfo:
    try:
        pointer = parse_pointer(place.base.read(join(path, POINTER_FILE), MAX_POINTER_BYTES).data)
    except LenscatError as problem:
        return PointerInfo(path, "", "", readonly=False, error=error or str(problem))
    return PointerInfo(path, describe_target(pointer.target), pointer.label, pointer.readonly, error)


def _check_free(place: Place, path: LibraryPath) -> None:
    """Raise where a pointer would hide what is there."""
    with suppress(NotFoundError):
        names = list(place.base.peek(path))
        if POINTER_FILE in names:
            raise AlreadyExistsError(f"{path!r} is a pointer already: remove it first, or choose another folder.")
        if names:
            raise AlreadyExistsError(f"{path!r} is not empty: choose a new or empty folder, or move its files first.")


def _make_folder(place: Place, path: LibraryPath) -> Path | None:
    """Make the folder where it is missing; returns where it lies then, None where it was there or need not be made."""
    store, rest = place.base.at(path)
    if not isinstance(store, LocalDisk) or store.local_path(rest).exists():
        return None
    store.make_folder(rest)
    return store.local_path(rest)


def _take_back(place: Place, path: LibraryPath, made: Path | None) -> None:
    with suppress(LenscatError):
        place.base.delete(join(path, POINTER_FILE))
    if made is not None:
        with suppress(OSError):
            made.rmdir()
