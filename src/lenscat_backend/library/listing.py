"""What a folder's listings mean: which entries are images, which are our files, and what changed since last time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from blake3 import blake3

from lenscat_backend.catalog.records import KnownItem
from lenscat_backend.imaging.formats import format_of_name
from lenscat_backend.library.layout import MANIFESTS, sidecar_name, thumbnail_name
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.models.text import sort_key
from lenscat_backend.storage.base import Entry, Listing


class DerivedEntry(NamedTuple):
    """A derived file's entry and the number of the layer that holds it (0: the first looked at)."""

    entry: Entry
    layer: int

    @property
    def etag(self) -> str:
        """Differs between layers, and from any etag that was seen before the entry settled."""
        return self.plain_etag if self.entry.settled else self.plain_etag + "?"

    @property
    def plain_etag(self) -> str:
        """Enough for a file that is only ever replaced whole, as thumbnails are."""
        return f"{self.layer}:{self.entry.etag}"


@dataclass(frozen=True, slots=True)
class FolderListing:
    """One folder over all its layers. `derived` holds every other file by name, from the first layer that has it."""

    images: tuple[Entry, ...]
    subfolders: tuple[str, ...]
    derived: Mapping[str, DerivedEntry]
    pointer: bool
    etag: str
    fingerprint: bytes | None
    problems: tuple[str, ...]
    label: str
    error: str


class Change(NamedTuple):
    """An image to look at again, with what the catalog knew of it."""

    image: Entry
    sidecar: DerivedEntry | None
    thumbnail: DerivedEntry | None
    known: KnownItem | None


def merge_listings(base: Listing, upper: Listing | None) -> FolderListing:
    """One folder from the listing of the pictures' store and, where there is one, of the layer above it."""
    images: list[Entry] = []
    subfolders: list[str] = []
    derived: dict[str, DerivedEntry] = {}
    base_layer = 0 if upper is None else 1
    for entry in base.entries:
        if entry.is_folder:
            subfolders.append(entry.name)
        elif format_of_name(entry.name) is not None:
            images.append(entry)
        else:
            derived[entry.name] = DerivedEntry(entry, base_layer)
    pointer = POINTER_FILE in derived
    for entry in upper.entries if upper else ():
        if not entry.is_folder:
            derived[entry.name] = DerivedEntry(entry, 0)
    return FolderListing(
        tuple(images),
        tuple(subfolders),
        derived,
        pointer,
        base.etag,
        _fingerprint(base, upper),
        base.problems,
        base.label,
        base.error,
    )


def changes_since(listing: FolderListing, known: Mapping[str, KnownItem]) -> list[Change]:
    """The images that are new or whose own, sidecar's or thumbnail's etag is not the one the catalog holds."""
    changed = []
    for image in listing.images:
        sidecar = listing.derived.get(sidecar_name(image.name))
        thumbnail = listing.derived.get(thumbnail_name(image.name))
        before = known.get(image.name)
        change = Change(image, sidecar, thumbnail, before)
        if not is_unchanged(change):
            changed.append(change)
    return changed


def removed_since(listing: FolderListing, known: Mapping[str, KnownItem]) -> list[tuple[str, str]]:
    """(sort key, name) of the images that the catalog holds and the folder does not."""
    present = {image.name for image in listing.images}
    return [(item.sort_key, name) for name, item in known.items() if name not in present]


def in_order(images: tuple[Entry, ...]) -> list[Entry]:
    """The images in the order people count in."""
    return sorted(images, key=lambda image: (sort_key(image.name), image.name))


def is_unchanged(change: Change) -> bool:
    """Whether the catalog's row still holds what the files would tell."""
    image, sidecar, thumbnail, before = change
    return (
        before is not None
        and image.settled
        and before.etag == image.etag
        and before.sidecar_etag == (sidecar.etag if sidecar else "")
        and (sidecar is None or sidecar.entry.settled)
        and before.thumb_etag == (thumbnail.plain_etag if thumbnail else "")
    )


def _fingerprint(base: Listing, upper: Listing | None) -> bytes | None:
    """A hash over every entry that matters here, or None while one of them has not settled."""
    marks: list[str] = []
    for number, layer in enumerate((base, upper)):
        for entry in layer.entries if layer else ():
            if entry.name in MANIFESTS:
                continue
            if not entry.settled:
                return None
            marks.append(f"{number}\0{entry.name}\0{entry.etag}")
    marks.sort()
    marks += [*base.problems, base.label, base.error]
    return blake3("\n".join(marks).encode("utf-8", "surrogatepass")).digest(16)
