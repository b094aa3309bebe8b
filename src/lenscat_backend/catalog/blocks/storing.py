"""Blocks in the catalog's file: made of items that changed, merged as they grow many, and read again.

`changed` has a line for each change of an item since it was last put into a block; what is in no block yet, or
otherwise than there, is exactly what stands in it. A block's items that are in a newer block, or are gone, are dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import apsw
import numpy as np
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks.block import PARTS, Ids
from lenscat_backend.catalog.blocks.building import Builder, Row
from lenscat_backend.catalog.blocks.packing import pack, unpack
from lenscat_backend.models.paths import LibraryPath

BLOCK_ITEMS = 262_144
"""How many items a block holds at most. More make it slower to make, and many small ones make searches slower."""
_TIER = 8
"""Blocks of like size (within this factor) are merged when there are as many; large ones when there are two."""

TABLES = """
-- Search reads blocks of items; see catalog/blocks/storing.py.
CREATE TABLE blocks (
  id INTEGER PRIMARY KEY,
  made INTEGER NOT NULL,  -- the generation that it came with: no other catalog's block has the same
  items INTEGER NOT NULL,
  dead BLOB NOT NULL      -- a bit for each item
);
CREATE TABLE block_parts (block INTEGER NOT NULL, part TEXT NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX block_parts_by_name ON block_parts(block, part);
CREATE TABLE changed (seq INTEGER PRIMARY KEY AUTOINCREMENT, item_id INTEGER NOT NULL);
"""

_ROWS = (
    f"SELECT {', '.join(f'items.{column}' for column in Row._fields)} FROM wanted "
    "JOIN items ON items.id = wanted.id ORDER BY wanted.id"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A block in the file, without its parts; `made` is the generation that it came with."""

    number: int
    made: int
    items: int
    dead: NDArray[np.bool_]

    @property
    def living(self) -> int:
        """How many items are not dead."""
        return self.items - int(np.count_nonzero(self.dead))


@dataclass(frozen=True, slots=True)
class Made:
    """A new block, to be stored: of the changes up to `seq` and the items of the blocks it `replaces`."""

    generation: int
    seq: int
    ids: NDArray[np.int64]
    parts: dict[str, bytes]
    replaces: Sequence[int]


def generation(connection: apsw.Connection) -> int:
    """Counts the changes of the set of blocks, from a number of chance on: a file made anew has others."""
    return int(connection.execute("SELECT value FROM facts WHERE name = 'blocks'").get)


def latest_change(connection: apsw.Connection) -> int:
    """The number of the latest line in `changed`."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM changed").get)


def count_changes(connection: apsw.Connection, seq: int) -> int:
    """How many lines come after one, at most about a block full."""
    count = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM changed WHERE seq > ? LIMIT ?)", (seq, BLOCK_ITEMS)
    ).get
    return int(count)


def changed_since(connection: apsw.Connection, seq: int) -> NDArray[np.int64]:
    """The ids of the items that changed after a line, ascending and each once."""
    rows = connection.execute("SELECT DISTINCT item_id FROM changed WHERE seq > ? ORDER BY item_id", (seq,))
    return np.array([row[0] for row in rows], np.int64)


def stored_blocks(connection: apsw.Connection) -> list[Stored]:
    """The blocks, oldest first."""
    found: list[Any] = connection.execute("SELECT id, made, items, dead FROM blocks ORDER BY id").fetchall()
    return [Stored(number, made, items, _bits(dead, items)) for number, made, items, dead in found]


def read_part(connection: apsw.Connection, number: int, part: str) -> object:
    """One part of a block; raises `LookupError` where the block has been replaced, `CorruptError` for damage."""
    data = connection.execute("SELECT data FROM block_parts WHERE block = ? AND part = ?", (number, part)).get
    if data is None:
        raise LookupError(f"no block {number}")
    try:
        return unpack(PARTS[part], data)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise apsw.CorruptError(f"block {number} is damaged") from error


def rows_of(connection: apsw.Connection, ids: Iterable[int]) -> Iterator[Row]:
    """The items with these ids that exist, in the order of their ids."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (id INTEGER PRIMARY KEY); DELETE FROM wanted")
    connection.executemany("INSERT INTO wanted VALUES (?)", ((int(number),) for number in ids))
    yield from map(Row._make, connection.execute(_ROWS))


def folder_paths(connection: apsw.Connection) -> dict[int, LibraryPath]:
    """The paths of all folders by their ids, in the order of the tree."""
    rows: list[Any] = connection.execute("SELECT id, path FROM folders ORDER BY sort_path, path").fetchall()
    return {number: LibraryPath(path) for number, path in rows}


def rows_to_make(connection: apsw.Connection, least: int) -> int:
    """How many items the next block would have to be made of; 0 where there is none to make."""
    _, changed = _earliest_changes(connection, least)
    merged = _to_merge(stored_blocks(connection), len(changed))
    return len(changed) + sum(block.living for block in merged)


def make_block(connection: apsw.Connection, least: int) -> Made | None:
    """A block of the earliest changes, if they are at least so many, or of blocks of like size that are many."""
    seq, changed = _earliest_changes(connection, least)
    blocks = stored_blocks(connection)
    merged = _to_merge(blocks, len(changed))
    if not len(changed) and not merged:
        return None
    living = [_ids(connection, block.number)[~block.dead] for block in merged]
    builder = Builder()
    for row in rows_of(connection, np.unique(np.concatenate([changed, *living]))):
        builder.add(row)
    parts = builder.parts(folder_paths(connection))
    packed = {name: pack(part) for name, part in parts.items()}
    return Made(generation(connection), seq, changed, packed, [block.number for block in merged])


def store_block(connection: apsw.Connection, made: Made) -> bool:
    """Store a block that was made, in a transaction; False where the set of blocks is another by now."""
    if generation(connection) != made.generation:
        return False
    for number in made.replaces:
        connection.execute("DELETE FROM blocks WHERE id = ?", (number,))
        connection.execute("DELETE FROM block_parts WHERE block = ?", (number,))
    _bury(connection, made.ids)
    items = len(unpack(PARTS["ids"], made.parts["ids"]).ids)
    if items:
        connection.execute(
            "INSERT INTO blocks (made, items, dead) VALUES (?, ?, ?)",
            (made.generation + 1, items, _packed(np.zeros(items, bool))),
        )
        number = connection.last_insert_rowid()
        connection.executemany(
            "INSERT INTO block_parts VALUES (?, ?, ?)", ((number, part, data) for part, data in made.parts.items())
        )
    connection.execute("DELETE FROM changed WHERE seq <= ?", (made.seq,))
    connection.execute("UPDATE facts SET value = ? WHERE name = 'blocks'", (made.generation + 1,))
    return True


def _earliest_changes(connection: apsw.Connection, least: int) -> tuple[int, NDArray[np.int64]]:
    """The number of the last of the earliest changes, a block full at most, and which items they are about."""
    lines: list[Any] = connection.execute(
        "SELECT seq, item_id FROM changed ORDER BY seq LIMIT ?", (BLOCK_ITEMS,)
    ).fetchall()
    if len(lines) < max(least, 1):
        return 0, np.empty(0, np.int64)
    return lines[-1][0], np.unique(np.array([line[1] for line in lines], np.int64))


def _to_merge(blocks: Sequence[Stored], new: int) -> list[Stored]:
    """Blocks to make one of, with so many new items: those that are many of a size, or half dead."""
    room = BLOCK_ITEMS - new
    sparse = [block for block in blocks if block.living * 2 < block.items and block.living <= room]
    if sparse:
        return sparse[:1]
    small = sorted((block for block in blocks if block.living * 2 <= BLOCK_ITEMS), key=lambda block: block.living)
    for first in range(len(small)):
        alike = [block for block in small[first:] if block.living <= max(small[first].living, 1) * _TIER]
        if len(alike) >= (2 if small[first].living * 4 >= BLOCK_ITEMS else _TIER):
            return _that_fit(alike, room)
    return []


def _that_fit(blocks: Sequence[Stored], room: int) -> list[Stored]:
    fit: list[Stored] = []
    for block in blocks:
        room -= block.living
        if room < 0:
            break
        fit.append(block)
    return fit if len(fit) > 1 else []


def _bury(connection: apsw.Connection, ids: NDArray[np.int64]) -> None:
    """Mark items dead in the blocks that hold them."""
    for block in stored_blocks(connection) if len(ids) else ():
        places = places_of(_ids(connection, block.number), ids)
        if len(places):
            dead = block.dead.copy()
            dead[places] = True
            connection.execute("UPDATE blocks SET dead = ? WHERE id = ?", (_packed(dead), block.number))


def places_of(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in ascending `ids` those of `wanted` stand that are there."""
    if not len(ids):
        return np.empty(0, np.int64)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found: NDArray[np.int64] = places[ids[places] == wanted]
    return found


def _ids(connection: apsw.Connection, number: int) -> NDArray[np.int64]:
    part = read_part(connection, number, "ids")
    return cast(Ids, part).ids


def _bits(data: bytes, count: int) -> NDArray[np.bool_]:
    bits: NDArray[np.bool_] = np.unpackbits(np.frombuffer(data, np.uint8), count=count).view(bool)
    return bits


def _packed(bits: NDArray[np.bool_]) -> bytes:
    return np.packbits(bits).tobytes()
