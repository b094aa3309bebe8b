"""The rows that go into and come out of the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lenscat_backend.models.paths import LibraryPath


class ItemRecord(NamedTuple):
    """One image as the scan stores it.

    `etag` is that of the image when its facts were read, "" where they have not been read yet. `exif` and `tags` are
    JSON. `thumb_source` is the image etag that the thumbnail `thumb_etag` was made from, "" where it is stale.
    `problem` says why the image or `sidecar_problem` why its sidecar cannot be read.
    """

    sort_key: str
    name: str
    format: str
    size: int
    mtime_ns: int
    etag: str
    width: int | None
    height: int | None
    created_at: str | None
    exif: str
    problem: str | None
    sidecar_etag: str
    has_sidecar: int
    sidecar_problem: str | None
    tags: str
    notes: str
    rating: int | None
    label: str | None
    favorite: int
    hash: str | None
    thumb_etag: str
    thumb_source: str


ITEM_COLUMNS = ItemRecord._fields
ItemValues = tuple[str | int | None, ...]
"""An `ItemRecord` as a plain tuple, which travels between processes at a third of the cost."""


class KnownItem(NamedTuple):
    """What decides whether an image must be looked at again."""

    sort_key: str
    etag: str
    sidecar_etag: str
    thumb_etag: str
    thumb_source: str
    hash: str | None


class Before(NamedTuple):
    """What the catalog held before a folder was listed: how many images of it, and the newest ids of all."""

    images: int = 0
    newest_item: int = 0
    newest_folder: int = 0


NOTHING = Before()


@dataclass(frozen=True, slots=True)
class FolderUpdate:
    """What one look at a folder found, or a part of it where the folder is large.

    `subfolders` and `fingerprint` come with the last part only (`complete`); names of `removed` items carry their sort
    keys. A `fingerprint` of None means: compare every entry next time.

    Of a folder that is too large to be known whole, each part has the number of its `listing`, the names of all images
    that were `listed` in it and its `subfolders`; the last one removes what was there `before` and listed in no part.
    """

    path: LibraryPath
    upserts: Sequence[ItemValues]
    removed: Sequence[tuple[str, str]] = ()
    complete: bool = True
    etag: str = ""
    fingerprint: bytes | None = None
    subfolders: Sequence[str] = ()
    pointer: bool = False
    problems: Sequence[str] = ()
    label: str = ""
    error: str = ""
    listing: int = 0
    listed: Sequence[str] = ()
    before: Before = NOTHING


class FolderRow(NamedTuple):
    """A folder as the catalog knows it; `scanned` is False where only its name is known.

    `label` is what a pointer says its folder is to be called, `error` why the folder cannot be shown; else "".
    """

    id: int
    path: LibraryPath
    etag: str
    fingerprint: bytes | None
    images: int
    pointer: bool
    scanned: bool
    label: str
    error: str
    manifest_digest: bytes | None


class ItemRow(NamedTuple):
    """An image with its place; a record's fields, and the folder's path in front."""

    folder: LibraryPath
    record: ItemRecord


class Totals(NamedTuple):
    """Counts over the whole library."""

    items: int
    folders: int
    folders_unscanned: int
    bytes: int
    with_thumbnail: int
    with_sidecar: int
    unreadable: int
    damaged_sidecars: int
    unindexed: int


def known_of(record: ItemRecord) -> KnownItem:
    """The part of a record that decides whether the image must be looked at again."""
    return KnownItem._make(getattr(record, column) for column in KnownItem._fields)
