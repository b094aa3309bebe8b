"""Where a page of results ends, as text that a client gives back to go on."""

from __future__ import annotations

import base64
import binascii

import orjson

from lenscat_backend.catalog.blocks.ordering import Position
from lenscat_backend.errors import InvalidQueryError
from lenscat_backend.models.paths import LibraryPath, join, split
from lenscat_backend.models.search.sorting import Sort
from lenscat_backend.models.text import sort_key


def encode(sort: Sort, value: int, path: LibraryPath) -> str:
    """The cursor behind a picture, which has this value in the order."""
    data = orjson.dumps([sort.key, sort.descending, sort.seed, value, path])
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(cursor: str, sort: Sort) -> Position:
    """Where a cursor stands. Raises `InvalidQueryError` where it is none, or of another order."""
    try:
        key, descending, seed, value, path = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        folder, name = split(join(LibraryPath(""), path))
        position = Position(int(value), folder, sort_key(name), name)
    except (ValueError, TypeError, binascii.Error):
        raise InvalidQueryError("The cursor is none that a search gave: begin at the first page.", 1) from None
    if (key, descending, seed) != (sort.key, sort.descending, sort.seed) or abs(position.value) >= 1 << 62:
        raise InvalidQueryError("The cursor belongs to another order: begin at the first page.", 1)
    return position
