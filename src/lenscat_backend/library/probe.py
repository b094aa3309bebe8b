"""Looking at one folder: list, compare, read what changed. Blocking, for threads and processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from lenscat_backend.catalog.records import ITEM_COLUMNS, FolderUpdate, ItemRecord, ItemValues, KnownItem
from lenscat_backend.errors import (
    ForbiddenError,
    LenscatError,
    NotFoundError,
    TooLargeError,
    TransientError,
    UnsupportedError,
)
from lenscat_backend.imaging.facts import read_facts
from lenscat_backend.imaging.formats import format_of_name
from lenscat_backend.library.layout import sidecar_path, thumbnail_path
from lenscat_backend.library.listing import (
    Change,
    DerivedEntry,
    FolderListing,
    changes_since,
    merge_listings,
    removed_since,
)
from lenscat_backend.library.place import Place
from lenscat_backend.library.records import Read, is_unread, make_record, name_only_record, read_sidecar
from lenscat_backend.models.facts import ImageFacts
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.sidecar import MAX_SIDECAR_BYTES, Sidecar
from lenscat_backend.storage.base import Listing, RangeReader

_EMPTY = Listing((), "")
_Passing = tuple[type[LenscatError], ...]
"""Errors that may be gone at the next try, while the file that met them is the same."""
ReadSidecar = tuple[Sidecar | None, str | None] | LenscatError
"""A sidecar, or what is wrong with it; an error that may pass in the place of both."""
_NO_SIDECAR: ReadSidecar = (None, None)
_ETAG = ITEM_COLUMNS.index("etag")
PART = 1000
"""Images in one update: what a writer's transaction holds at most, so that others wait only milliseconds."""


def list_folder(place: Place, path: LibraryPath) -> FolderListing:
    """The folder over all its layers; a folder that an upper layer does not have is empty there."""
    base = place.base.list_folder(path)
    upper = place.upper_at(path)
    if upper is None:
        return merge_listings(base, None)
    try:
        return merge_listings(base, upper.list_folder(path))
    except (NotFoundError, ForbiddenError):
        return merge_listings(base, _EMPTY)


def pointer_label(place: Place, path: LibraryPath) -> tuple[bool, str | None]:
    """Whether a folder that cannot be listed is a pointer, and what it is called; None where nobody can tell."""
    if not place.base.points(path) and not place.capabilities(path).remote:
        with suppress(LenscatError):  # what is wrong with it is known
            place.base.meet(path)  # so far only a worker process has
    return place.base.points(path), place.base.label_of(path)


def updates_of(
    place: Place,
    path: LibraryPath,
    listing: FolderListing,
    known: Mapping[str, KnownItem],
    names_only: bool = False,
) -> Iterator[FolderUpdate]:
    """What changed in the folder, in parts of at most `PART` images; the last part completes the folder.

    With `names_only` no image is opened: its row holds what the listing tells, until a later scan reads the rest.
    """
    changes = changes_since(listing, known)
    all_read = True
    for start in range(0, max(len(changes) - PART, 0), PART):
        records = records_of(place, path, changes[start : start + PART], names_only)
        all_read = all_read and len(records) == PART and _are_read(records)
        yield FolderUpdate(path, records, complete=False)
    last = changes[(len(changes) - 1) // PART * PART :] if changes else []
    records = records_of(place, path, last, names_only)
    all_read = all_read and len(records) == len(last) and _are_read(records)
    yield FolderUpdate(
        path,
        records,
        removed=removed_since(listing, known),
        etag=listing.etag,
        fingerprint=listing.fingerprint if all_read else None,
        subfolders=listing.subfolders,
        pointer=listing.pointer,
        label=listing.label,
        error=listing.error,
        problems=listing.problems,
    )


def look_at_item(place: Place, path: LibraryPath, known: KnownItem | None) -> Change | None:
    """One image with its sidecar and thumbnail as they are on disk; None where the image is gone."""
    try:
        image = place.base.stat(path)
    except NotFoundError:
        return None
    return Change(image, _derived(place, sidecar_path(path)), _derived(place, thumbnail_path(path)), known)


def probe_images(place: Place, path: LibraryPath, changes: Sequence[Change]) -> FolderUpdate:
    """Read just these images of a folder, without completing it."""
    return FolderUpdate(path, records_of(place, path, changes, names_only=False), complete=False)


def _derived(place: Place, path: LibraryPath) -> DerivedEntry | None:
    for number, layer in enumerate(place.layers_at(path)):
        try:
            entry = layer.stat(path)
        except (NotFoundError, ForbiddenError, UnsupportedError):
            continue
        if not entry.is_folder:
            return DerivedEntry(entry, number)
    return None


def records_of(place: Place, path: LibraryPath, changes: Sequence[Change], names_only: bool) -> list[ItemValues]:
    """The rows of these images of a folder, but for those of which the catalog knows more than can be read now.

    With `names_only` as in `updates_of`.
    """
    if names_only:
        new = [change for change in changes if change.known is None or not is_unread(change.known)]
        return [tuple(name_only_record(change, _format_name(change))) for change in new]
    passing: _Passing = (TransientError, ForbiddenError) if place.capabilities(path).remote else (TransientError,)
    sidecars = _read_sidecars(place, path, changes, passing)
    images = place.base.open_each(path, [change.image for change in changes])
    read = [
        _record(change, image, sidecars.get(change.image.name, _NO_SIDECAR), passing)
        for change, image in zip(changes, images, strict=True)
    ]
    return [tuple(record) for record in read if record is not None]


def _are_read(records: Sequence[ItemValues]) -> bool:
    """Whether every row holds what its image says: else the next look compares them one by one."""
    return all(record[_ETAG] for record in records)


def _record(
    change: Change, image: RangeReader | LenscatError, sidecar: ReadSidecar, passing: _Passing
) -> ItemRecord | None:
    """A row, or None where the catalog's stays. What fails for a `passing` reason is tried again by the next scan.

    Permission is one at an object store: it may come back while the image, and so its etag, is the same.
    """
    try:
        if isinstance(sidecar, LenscatError):
            raise sidecar
        facts, problem = _read_facts(image, passing)
        return make_record(change, _format_name(change), Read(facts, problem, *sidecar))
    except passing as error:
        if change.known is not None and not is_unread(change.known):
            return None
        problem = None if isinstance(error, TransientError) else str(error)
        return name_only_record(change, _format_name(change))._replace(problem=problem)


def _read_facts(image: RangeReader | LenscatError, passing: _Passing) -> tuple[ImageFacts | None, str | None]:
    try:
        if isinstance(image, LenscatError):
            raise image
        return read_facts(image), None
    except passing:
        raise
    except OSError as error:
        return None, f"The file cannot be read ({error.strerror})."
    except LenscatError as error:
        return None, str(error)


def _read_sidecars(
    place: Place, path: LibraryPath, changes: Sequence[Change], passing: _Passing
) -> dict[str, ReadSidecar]:
    """Of the images that have one, by the image's name."""
    found: dict[str, ReadSidecar] = {}
    for number, layer in enumerate(place.layers_at(path)):
        here = [change for change in changes if change.sidecar is not None and change.sidecar.layer == number]
        if not here:
            continue  # a layer above need not have the folder at all
        entries = [change.sidecar.entry for change in here if change.sidecar is not None]
        for change, data in zip(here, layer.read_each(path, entries, MAX_SIDECAR_BYTES), strict=True):
            found[change.image.name] = _read_sidecar(data, passing, overlaid=layer is place.upper)
    return found


def _read_sidecar(data: bytes | LenscatError, passing: _Passing, *, overlaid: bool) -> ReadSidecar:
    if isinstance(data, passing):
        return data
    match data:
        case bytes():
            return read_sidecar(data, overlaid=overlaid)
        case NotFoundError():
            return _NO_SIDECAR
        case TooLargeError():
            return None, f"it is larger than {MAX_SIDECAR_BYTES} bytes"
    return None, str(data)


def _format_name(change: Change) -> str:
    found = format_of_name(change.image.name)
    return found.name if found else ""
