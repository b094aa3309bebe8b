"""Which of many matches come first in an order, without sorting them all."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import apsw
import numpy as np
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks.block import Block
from lenscat_backend.catalog.blocks.texts import Mask
from lenscat_backend.catalog.blocks.view import Source, Tree, View
from lenscat_backend.models.text import sort_path

_CHUNK = 4096
_FEW = 64
"""One in so many items are few."""
_NEAR = 4
"""So many rows are looked at for one that is still there."""
Key = tuple[Any, ...]


class Match(NamedTuple):
    """A block, and which of its living items match."""

    source: Source
    mask: Mask


@dataclass(frozen=True, slots=True)
class Order:
    """How matches are put in order: by `values` of their block, smaller ones first, and then by place.

    The place is that in the tree (folder, then name), or with `by_name` the name and then the folder. `descending`
    turns all of it round; `values` is None where only the place counts.
    """

    values: Callable[[Match], NDArray[np.int64]] | None = None
    by_name: bool = False
    descending: bool = False

    def line(self, block: Block) -> NDArray[np.uint32]:
        """The block's items by place."""
        line = block.core.by_name if self.by_name else block.core.by_path
        return line[::-1] if self.descending else line

    def values_of(self, match: Match) -> NDArray[np.int64] | None:
        """The values, smaller ones first also where the order is turned round."""
        if self.values is None:
            return None
        values = self.values(match)
        return -values if self.descending else values


class Position(NamedTuple):
    """Where an item stands in an order: after it a page goes on. `value` is 0 where only the place counts."""

    value: int
    folder: str
    sort_key: str
    name: str


class _Candidate(NamedTuple):
    value: int
    folder_rank: int
    source: int
    number: int
    id: int


def first(
    connection: apsw.Connection, view: View, matches: Sequence[Match], order: Order, count: int, after: Position | None
) -> list[tuple[int, int]]:
    """The ids of the first `count` matches in an order, with their values; those that come `after` a position."""
    places = _Places(connection, view.tree, order)
    cut = None if after is None else (after.value, places.key_of(after))
    found: list[_Candidate] = []
    for number, match in enumerate(matches):
        if match.mask.any():
            found += _first_of(match, number, order, count, places, cut)
    ordered = _merged(found, places, count)
    return [(one.id, -one.value if order.descending else one.value) for one in ordered[:count]]


def _first_of(
    match: Match, number: int, order: Order, count: int, places: _Places, cut: tuple[int, Key] | None
) -> list[_Candidate]:
    block, values, mask = match.source.block, order.values_of(match), match.mask
    line = order.line(block)
    if cut is not None:
        behind = places.behind(match.source, cut[1])
        value = -cut[0] if order.descending else cut[0]
        mask = mask & (behind if values is None else (values > value) | ((values == value) & behind))
    items = _in_place(block, order, mask, count) if values is None else _smallest(line, mask, values, count)
    folder = block.core.folder
    ranks = [places.ranks[folder.values[code] or 0] for code in folder.codes[items].tolist()]
    numbers = [0] * len(items) if values is None else values[items].tolist()
    rows = zip(numbers, ranks, range(len(items)), block.ids[items].tolist(), strict=True)
    return [_Candidate(value, rank, number, place, id_) for value, rank, place, id_ in rows]


def _in_place(block: Block, order: Order, mask: Mask, count: int) -> NDArray[np.uint32]:
    """The first matches by place: few are sorted, of many the line is walked until there are enough."""
    items = np.flatnonzero(mask)
    if order.by_name or len(items) * _FEW > len(block):
        return _in_line(order.line(block), mask, count)
    places = block.core.path_place[items]
    sorted_items = items[np.argsort(places)].astype(np.uint32)
    return (sorted_items[::-1] if order.descending else sorted_items)[:count]


def _in_line(line: NDArray[np.uint32], mask: Mask, count: int) -> NDArray[np.uint32]:
    """The first matches by place."""
    found: list[NDArray[np.uint32]] = []
    begin, size = 0, _CHUNK
    while begin < len(line) and count > 0:
        part = line[begin : begin + size]
        hits = part[mask[part]]
        found.append(hits[:count])
        count -= len(hits)
        begin, size = begin + size, size * 4
    return np.concatenate(found) if found else line[:0]


def _smallest(line: NDArray[np.uint32], mask: Mask, values: NDArray[np.int64], count: int) -> NDArray[np.uint32]:
    """The matches with the smallest values, by value and then by place."""
    within = values[mask]
    if len(within) > count > 0:
        limit = np.partition(within, count - 1)[count - 1]
        below = mask & (values < limit)
        at_limit = _in_line(line, mask & (values == limit), count - int(np.count_nonzero(below)))
        items = np.concatenate((_in_line(line, below, len(line)), at_limit))
    else:
        items = _in_line(line, mask, len(line))[:count]
    return items[np.argsort(values[items], kind="stable")]


def _merged(found: list[_Candidate], places: _Places, count: int) -> list[_Candidate]:
    """Candidates of several blocks in order; names are compared only where blocks share a folder."""
    if len({one.source for one in found}) < 2:
        return found
    if places.order.by_name:
        keys = places.keys([one.id for one in found])
        turned = sorted(found, key=lambda one: keys[one.id], reverse=places.order.descending)
        return sorted(turned, key=lambda one: one.value)
    sign = -1 if places.order.descending else 1
    found.sort(key=lambda one: (one.value, sign * one.folder_rank, one.source, one.number))
    merged: list[_Candidate] = []
    for _, group in groupby(found, key=lambda one: (one.value, one.folder_rank)):
        alike = list(group)
        if alike[0].source != alike[-1].source:
            keys = places.keys([one.id for one in alike])
            alike.sort(key=lambda one: keys[one.id], reverse=places.order.descending)
        merged += alike
        if len(merged) >= count:
            break
    return merged


class _Places:
    """The places of items as keys that compare, read from the catalog one by one: few are needed."""

    def __init__(self, connection: apsw.Connection, tree: Tree, order: Order) -> None:
        self._connection = connection
        self.ranks = tree.ranks
        self.order = order

    def keys(self, ids: Sequence[int]) -> dict[int, Key]:
        """The keys of items by their ids."""
        marks = ",".join("?" * len(ids))
        rows = self._connection.execute(f"SELECT id, folder_id, sort_key, name FROM items WHERE id IN ({marks})", ids)
        return {int(id_): self._key(self.ranks[int(folder)], key, name) for id_, folder, key, name in rows}

    def key_of(self, position: Position) -> Key:
        """The key of a position, whose folder may be gone."""
        row = self._connection.execute(
            "SELECT count(*) FROM folders WHERE (sort_path, path) < (?, ?)",
            (sort_path(position.folder), position.folder),
        ).get
        exists = self._connection.execute("SELECT 1 FROM folders WHERE path = ?", (position.folder,)).get
        return self._key(int(row) if exists else int(row) - 0.5, position.sort_key, position.name)

    def behind(self, source: Source, key: Key) -> Mask:
        """The living items of a block that come after a place."""
        block, core = source.block, source.block.core
        upward = core.by_name if self.order.by_name else core.by_path
        upward = upward[source.live[upward]]
        ids = block.ids[upward]
        found = np.zeros(len(block), bool)
        if self.order.descending:
            found[upward[: bisect_left(range(len(ids)), key, key=lambda at: self._key_at(ids, at))]] = True
        else:
            found[upward[bisect_right(range(len(ids)), key, key=lambda at: self._key_at(ids, at)) :]] = True
        return found

    def _key_at(self, ids: NDArray[np.int64], at: int) -> Key:
        near = ids[at : at + _NEAR].tolist()
        found = self.keys(near)
        return next(
            (found[id_] for id_ in near if id_ in found), (math.inf,) if not self.order.by_name else ("\U0010ffff",)
        )

    def _key(self, rank: float, sort_key: Any, name: Any) -> Key:
        return (sort_key, name, rank) if self.order.by_name else (rank, sort_key, name)
