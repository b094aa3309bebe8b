"""Looking at one folder of a local disk: list, compare, read what changed. Synchronous, for threads and processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lenscat_backend.catalog.records import FolderUpdate, ItemValues, KnownItem
from lenscat_backend.errors import (
    CorruptError,
    ForbiddenError,
    LenscatError,
    NotFoundError,
    TooLargeError,
    UnsupportedError,
)
from lenscat_backend.imaging.facts import read_facts
from lenscat_backend.imaging.formats import format_of_name
from lenscat_backend.library.layout import sidecar_name, sidecar_path, thumbnail_path
from lenscat_backend.library.listing import (
    Change,
    DerivedEntry,
    FolderListing,
    changes_since,
    merge_listings,
    removed_since,
)
from lenscat_backend.library.records import Read, make_record, name_only_record, read_sidecar
from lenscat_backend.models.facts import ImageFacts
from lenscat_backend.models.paths import LibraryPath, join
from lenscat_backend.models.sidecar import MAX_SIDECAR_BYTES, Sidecar
from lenscat_backend.storage.base import Listing
from lenscat_backend.storage.local import FolderHandle, LocalDisk

_EMPTY = Listing((), "")
PART = 1000
"""Images in one update: what a writer's transaction holds at most, so that others wait only milliseconds."""


@dataclass(frozen=True, slots=True)
class Disks:
    """The local disks of one library, the first looked at first for derived files; the last holds the pictures."""

    base: LocalDisk
    upper: LocalDisk | None = None

    @property
    def layers(self) -> tuple[LocalDisk, ...]:
        """In the order in which derived files are looked for."""
        return (self.base,) if self.upper is None else (self.upper, self.base)


class OpenFile:
    """An open image as a source of bytes."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.size = size
        self._descriptor = descriptor

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset`, fewer at the end of the file."""
        return os.pread(self._descriptor, min(length, max(self.size - offset, 0)), offset)


def list_folder(disks: Disks, path: LibraryPath) -> FolderListing:
    """The folder over all its layers; a folder that an upper layer does not have is empty there."""
    base = disks.base.list_folder(path)
    if disks.upper is None:
        return merge_listings(base, None)
    try:
        return merge_listings(base, disks.upper.list_folder(path))
    except (NotFoundError, ForbiddenError):
        return merge_listings(base, _EMPTY)


def updates_of(
    disks: Disks,
    path: LibraryPath,
    listing: FolderListing,
    known: Mapping[str, KnownItem],
    names_only: bool = False,
) -> Iterator[FolderUpdate]:
    """What changed in the folder, in parts of at most `PART` images; the last part completes the folder.

    With `names_only` no image is opened: its row holds what the listing tells, until a later scan reads the rest.
    """
    changes = changes_since(listing, known)
    for start in range(0, max(len(changes) - PART, 0), PART):
        records = _records(disks, path, changes[start : start + PART], names_only)
        yield FolderUpdate(path, records, complete=False)
    last = changes[(len(changes) - 1) // PART * PART :] if changes else []
    yield FolderUpdate(
        path,
        _records(disks, path, last, names_only),
        removed=removed_since(listing, known),
        etag=listing.etag,
        fingerprint=None if names_only and changes else listing.fingerprint,
        subfolders=listing.subfolders,
        pointer=listing.pointer,
        problems=listing.problems,
    )


def look_at_item(disks: Disks, path: LibraryPath, known: KnownItem | None) -> Change | None:
    """One image with its sidecar and thumbnail as they are on disk; None where the image is gone."""
    try:
        image = disks.base.stat(path)
    except NotFoundError:
        return None
    return Change(image, _derived(disks, sidecar_path(path)), _derived(disks, thumbnail_path(path)), known)


def probe_images(disks: Disks, path: LibraryPath, changes: Sequence[Change]) -> FolderUpdate:
    """Read just these images of a folder, without completing it."""
    return FolderUpdate(path, _records(disks, path, changes, names_only=False), complete=False)


def _derived(disks: Disks, path: LibraryPath) -> DerivedEntry | None:
    for number, layer in enumerate(disks.layers):
        try:
            entry = layer.stat(path)
        except (NotFoundError, ForbiddenError, UnsupportedError):
            continue
        if not entry.is_folder:
            return DerivedEntry(entry, number)
    return None


def _records(disks: Disks, path: LibraryPath, changes: Sequence[Change], names_only: bool) -> list[ItemValues]:
    if names_only:
        return [tuple(name_only_record(change, _format_name(change))) for change in changes]
    if not changes:
        return []
    with disks.base.open_folder(path) as folder:
        reads = ((change, _read(disks, path, folder, change)) for change in changes)
        return [tuple(make_record(change, _format_name(change), read)) for change, read in reads]


def _format_name(change: Change) -> str:
    found = format_of_name(change.image.name)
    return found.name if found else ""


def _read(disks: Disks, path: LibraryPath, folder: FolderHandle, change: Change) -> Read:
    facts, problem = _read_facts(folder, change)
    sidecar, sidecar_problem = _read_sidecar(disks, path, folder, change)
    return Read(facts, problem, sidecar, sidecar_problem)


def _read_facts(folder: FolderHandle, change: Change) -> tuple[ImageFacts | None, str | None]:
    try:
        descriptor = folder.open_listed(change.image.name)
    except LenscatError as error:
        return None, str(error)
    try:
        return read_facts(OpenFile(descriptor, change.image.size)), None
    except (UnsupportedError, CorruptError) as error:
        return None, str(error)
    except OSError as error:
        return None, f"The file cannot be read ({error.strerror})."
    finally:
        os.close(descriptor)


def _read_sidecar(
    disks: Disks, path: LibraryPath, folder: FolderHandle, change: Change
) -> tuple[Sidecar | None, str | None]:
    if change.sidecar is None:
        return None, None
    name = sidecar_name(change.image.name)
    layer = disks.layers[change.sidecar.layer]
    try:
        if layer is disks.base and change.sidecar.entry.size <= MAX_SIDECAR_BYTES:
            return read_sidecar(_read_whole(folder, name, change.sidecar.entry.size))
        return read_sidecar(layer.read(join(path, name), MAX_SIDECAR_BYTES).data, overlaid=layer is disks.upper)
    except NotFoundError:
        return None, None
    except TooLargeError:
        return None, f"it is larger than {MAX_SIDECAR_BYTES} bytes"
    except OSError as error:
        return None, f"it cannot be read ({error.strerror})"
    except LenscatError as error:
        return None, str(error)


def _read_whole(folder: FolderHandle, name: str, size: int) -> bytes:
    descriptor = folder.open_listed(name)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)
