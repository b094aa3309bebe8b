"""Searches over the catalog: which pictures match, in which order, and what they have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apsw
import numpy as np

from lenscat_backend.catalog.blocks import cursors, facets
from lenscat_backend.catalog.blocks.matching import matching
from lenscat_backend.catalog.blocks.ordering import Match, first
from lenscat_backend.catalog.blocks.orders import order_of
from lenscat_backend.catalog.blocks.suggest import Suggestion
from lenscat_backend.catalog.blocks.suggest import suggest as suggestions
from lenscat_backend.catalog.blocks.view import View, Views
from lenscat_backend.catalog.reads import ITEM_SELECT, item_row
from lenscat_backend.catalog.records import ItemRow
from lenscat_backend.models.paths import ROOT, LibraryPath, join
from lenscat_backend.models.search.nodes import Node
from lenscat_backend.models.search.sorting import BY_PATH, Sort

_ROWS_AT_ONCE = 500


class Found(NamedTuple):
    """A page of matches, how many match in all, and where the next page begins; None where this one is the last.

    `partial`: so much has changed that not all of it was looked at.
    """

    rows: list[ItemRow]
    total: int
    cursor: str | None
    partial: bool


def search(
    connection: apsw.Connection,
    views: Views,
    query: Node,
    sort: Sort = BY_PATH,
    limit: int = -1,
    offset: int = 0,
    cursor: str | None = None,
) -> Found:
    """The matches in an order: `limit` at most (-1: all), from `offset`, or those that come behind a `cursor`."""
    view, matches = _matches(connection, views, query)
    total = sum(int(np.count_nonzero(match.mask)) for match in matches)
    after = None if cursor is None else cursors.decode(cursor, sort)
    count = total if limit < 0 else min(total, offset + limit)
    placed = first(connection, view, matches, order_of(sort, query), count + 1, after)[offset:]
    page = placed[: max(0, count - offset)]
    rows = _rows(connection, [id_ for id_, _ in page])
    more = len(placed) > len(page) > 0 and bool(rows)
    return Found(rows, total, cursors.encode(sort, page[-1][1], _path(rows[-1])) if more else None, view.partial)


def count_facets(
    connection: apsw.Connection, views: Views, query: Node, folder: LibraryPath = ROOT, limit: int = 50
) -> tuple[facets.Facets, int, bool]:
    """What the matches have in common, how many they are, and whether that is partial, see `Found`."""
    view, matches = _matches(connection, views, query)
    total = sum(int(np.count_nonzero(match.mask)) for match in matches)
    return facets.facets(matches, view.tree, folder, limit), total, view.partial


def suggest(connection: apsw.Connection, views: Views, typed: str, limit: int) -> list[Suggestion]:
    """What somebody may be typing, see `blocks.suggest`."""
    return suggestions(views.view(connection), typed, limit)


def _matches(connection: apsw.Connection, views: Views, query: Node) -> tuple[View, list[Match]]:
    view = views.view(connection)
    return view, [Match(source, matching(query, source.block, view.tree) & source.live) for source in view.sources]


def _rows(connection: apsw.Connection, ids: Sequence[int]) -> list[ItemRow]:
    """The items with these ids, in their order; of what a partial view did not look at, some may be gone."""
    found: dict[int, ItemRow] = {}
    for part in _parts(ids):
        marks = ",".join("?" * len(part))
        rows: Iterable[tuple[Any, ...]] = connection.execute(_ROWS.format(marks), part)
        found.update((row[0], item_row(row[1:])) for row in rows)
    return [found[id_] for id_ in ids if id_ in found]


_ROWS = (
    ITEM_SELECT.replace("SELECT", "SELECT items.id,", 1)
    + "JOIN folders ON folders.id = items.folder_id WHERE items.id IN ({})"
)


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(ids), _ROWS_AT_ONCE):
        yield ids[begin : begin + _ROWS_AT_ONCE]


def _path(row: ItemRow) -> LibraryPath:
    return join(row.folder, row.record.name)
