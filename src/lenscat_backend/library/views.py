"""What a library gives its callers: items, health, progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import orjson

from lenscat_backend.catalog.records import ItemRow
from lenscat_backend.imaging.formats import MIME_TYPES
from lenscat_backend.models.paths import LibraryPath, join
from lenscat_backend.models.sidecar import Fields


@dataclass(frozen=True, slots=True)
class Item:
    """One picture as the catalog knows it. `tags` and `notes` are its sidecar's, `exif` what the file itself tells.

    `rating` is the sidecar's, else the one embedded in the file. `hash` is None until somebody asked for it.
    """

    path: LibraryPath
    name: str
    type: str
    size: int
    width: int | None
    height: int | None
    created_at: str | None
    tags: tuple[str, ...]
    notes: str
    rating: int | None
    label: str | None
    favorite: bool
    hash: str | None
    exif: Fields
    problem: str | None


class Page(NamedTuple):
    """A page of search results, how many match in all, and what asks for the next page; None where there is none.

    `partial`: so much has changed that not all of it was looked at; a moment later it is.
    """

    items: list[Item]
    total: int
    cursor: str | None
    partial: bool


def item_of(row: ItemRow) -> Item:
    """An item from its row."""
    record = row.record
    return Item(
        path=join(row.folder, record.name),
        name=record.name,
        type=MIME_TYPES.get(record.format, ""),
        size=record.size,
        width=record.width,
        height=record.height,
        created_at=record.created_at,
        tags=tuple(orjson.loads(record.tags)) if record.tags != "[]" else (),
        notes=record.notes,
        rating=record.rating,
        label=record.label,
        favorite=bool(record.favorite),
        hash=record.hash,
        exif=orjson.loads(record.exif) if record.exif != "{}" else {},
        problem=record.problem,
    )
