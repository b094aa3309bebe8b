"""Reading the catalog: folders, items, counts. Every function runs on one snapshot of a reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from lenscat_backend.catalog.records import ITEM_COLUMNS, Before, FolderRow, ItemRecord, ItemRow, KnownItem, Totals
from lenscat_backend.models.paths import LibraryPath, split
from lenscat_backend.models.text import sort_key, sort_path

ITEM_SELECT = f"SELECT folders.path, {', '.join('items.' + column for column in ITEM_COLUMNS)} FROM items "
IN_ORDER = "folders.sort_path, folders.path, items.sort_key, items.name"
_FOLDER_SELECT = (
    "SELECT id, path, etag, fingerprint, images, pointer, scanned, label, error, manifest_digest FROM folders "
)


def folder(connection: apsw.Connection, path: LibraryPath) -> FolderRow | None:
    """One folder, or None where the catalog does not know it."""
    row = connection.execute(_FOLDER_SELECT + "WHERE path = ?", (path,)).fetchone()
    return None if row is None else folder_row(row)


def subfolders(connection: apsw.Connection, path: LibraryPath) -> list[FolderRow]:
    """The folders directly below `path`, in no order."""
    return [folder_row(row) for row in connection.execute(_FOLDER_SELECT + "WHERE parent = ?", (path,))]


_BELOW = "(?1 = '' OR path >= ?1 || '/' AND path < ?1 || '0')"


def folders_after(connection: apsw.Connection, after: str, limit: int, below: LibraryPath) -> list[FolderRow]:
    """Up to `limit` folders below `below` whose paths come after `after` in code-point order."""
    rows = connection.execute(
        _FOLDER_SELECT + f"WHERE path > ?2 AND {_BELOW} ORDER BY path LIMIT ?3", (below, after, limit)
    )
    return [folder_row(row) for row in rows]


def newest_ids(connection: apsw.Connection) -> Before:
    """The largest ids given so far; 0 where there is none."""
    item = connection.execute("SELECT coalesce(max(id), 0) FROM items").get
    return Before(0, int(item), int(connection.execute("SELECT coalesce(max(id), 0) FROM folders").get))


def unscanned_folders(connection: apsw.Connection, limit: int, below: LibraryPath) -> list[FolderRow]:
    """Up to `limit` folders, `below` or below it, that nobody has looked at yet."""
    rows = connection.execute(
        _FOLDER_SELECT + f"WHERE scanned = 0 AND (path = ?1 OR {_BELOW}) ORDER BY path LIMIT ?2", (below, limit)
    )
    return [folder_row(row) for row in rows]


def folder_etags(connection: apsw.Connection) -> list[tuple[LibraryPath, str]]:
    """Every scanned folder's path and etag."""
    rows = connection.execute("SELECT path, etag FROM folders WHERE scanned")
    return [(LibraryPath(str(path)), str(etag)) for path, etag in rows]


def items(connection: apsw.Connection, path: LibraryPath, offset: int, limit: int) -> list[ItemRow]:
    """The folder's items in the order people count in, from `offset`, at most `limit` (-1: all)."""
    rows = connection.execute(
        ITEM_SELECT + "JOIN folders ON folders.id = items.folder_id WHERE folders.path = ? "
        "ORDER BY items.sort_key, items.name LIMIT ? OFFSET ?",
        (path, limit, offset),
    )
    return [item_row(row) for row in rows]


def items_after(connection: apsw.Connection, path: LibraryPath, after: tuple[str, str], limit: int) -> list[ItemRow]:
    """Up to `limit` of the folder's items whose sort keys and names come after those of `after`."""
    rows = connection.execute(
        ITEM_SELECT + "JOIN folders ON folders.id = items.folder_id WHERE folders.path = ? "
        "AND (items.sort_key, items.name) > (?, ?) ORDER BY items.sort_key, items.name LIMIT ?",
        (path, *after, limit),
    )
    return [item_row(row) for row in rows]


Standing = tuple[str, str, str, str]
"""Where an item stands in the order of the whole library: its folder's sort path and path, its sort key and name."""


def all_items_after(connection: apsw.Connection, after: Standing, limit: int) -> list[ItemRow]:
    """Up to `limit` items of the whole library, in path order, that come after one."""
    rows = connection.execute(
        ITEM_SELECT + f"JOIN folders ON folders.id = items.folder_id WHERE ({IN_ORDER}) > (?, ?, ?, ?) "
        f"ORDER BY {IN_ORDER} LIMIT ?",
        (*after, limit),
    )
    return [item_row(row) for row in rows]


def standing_of(row: ItemRow) -> Standing:
    """Where an item stands."""
    return sort_path(row.folder), row.folder, row.record.sort_key, row.record.name


def item(connection: apsw.Connection, path: LibraryPath, sort_key: str) -> ItemRow | None:
    """One item, or None where the catalog does not know it."""
    folder_path, name = split(path)
    row = connection.execute(
        ITEM_SELECT + "JOIN folders ON folders.id = items.folder_id "
        "WHERE folders.path = ? AND items.sort_key = ? AND items.name = ?",
        (folder_path, sort_key, name),
    ).fetchone()
    return None if row is None else item_row(row)


def known_items(connection: apsw.Connection, path: LibraryPath) -> dict[str, KnownItem]:
    """What decides whether each item of a folder must be looked at again, by name."""
    rows = connection.execute(
        "SELECT name, sort_key, etag, sidecar_etag, thumb_etag, thumb_source, hash FROM items "
        "WHERE folder_id = (SELECT id FROM folders WHERE path = ?)",
        (path,),
    )
    return {name: KnownItem._make(rest) for name, *rest in rows}


def known_named(connection: apsw.Connection, path: LibraryPath, names: Sequence[str]) -> dict[str, KnownItem]:
    """The same for some items of a folder."""
    found = {}
    for name in names:
        row = connection.execute(
            "SELECT sort_key, etag, sidecar_etag, thumb_etag, thumb_source, hash FROM items "
            "WHERE folder_id = (SELECT id FROM folders WHERE path = ?) AND sort_key = ? AND name = ?",
            (path, sort_key(name), name),
        ).fetchone()
        if row is not None:
            found[name] = KnownItem._make(row)
    return found


def count_items(connection: apsw.Connection, path: LibraryPath) -> int:
    """How many items of a folder are known."""
    return _whole(
        connection.execute(
            "SELECT count(*) FROM items WHERE folder_id = (SELECT id FROM folders WHERE path = ?)", (path,)
        ).get
    )


def items_without(connection: apsw.Connection, missing: str, after_id: int, limit: int) -> tuple[list[ItemRow], int]:
    """Up to `limit` readable items without a fresh `thumbnail` or a `hash`, past an id, and the id to go on from."""
    condition = {"thumbnail": "items.thumb_source = ''", "hash": "items.hash IS NULL"}[missing]
    rows = connection.execute(
        ITEM_SELECT.replace("SELECT", "SELECT items.id,", 1) + "JOIN folders ON folders.id = items.folder_id "
        f"WHERE {condition} AND items.problem IS NULL AND items.id > ? ORDER BY items.id LIMIT ?",
        (after_id, limit),
    ).fetchall()
    return [item_row(row[1:]) for row in rows], _whole(rows[-1][0]) if rows else after_id


def pointers(connection: apsw.Connection) -> list[FolderRow]:
    """The folders that are pointers, broken ones too, in path order."""
    return [folder_row(row) for row in connection.execute(_FOLDER_SELECT + "WHERE pointer = 1 ORDER BY path")]


def problems(connection: apsw.Connection) -> list[tuple[LibraryPath, list[str]]]:
    """Folders whose last look met something that cannot be shown, with what it was; not what ails pointers."""
    rows = connection.execute(
        "SELECT path, problems, iif(pointer, '', error) FROM folders "
        "WHERE problems != '[]' OR error != '' ORDER BY path"
    )
    found = [(LibraryPath(path), [*orjson.loads(problems), *filter(None, [error])]) for path, problems, error in rows]
    return [(path, problems) for path, problems in found if problems]


def failed_folders(connection: apsw.Connection) -> list[tuple[LibraryPath, str]]:
    """Folders that could not be looked at, pointers too, with the reason, in path order."""
    rows = connection.execute("SELECT path, error FROM folders WHERE error != '' ORDER BY path")
    return [(LibraryPath(str(path)), str(error)) for path, error in rows]


def damaged(connection: apsw.Connection, limit: int) -> list[ItemRow]:
    """Items that cannot be read, or whose sidecar cannot, in path order."""
    rows = connection.execute(
        ITEM_SELECT + "JOIN folders ON folders.id = items.folder_id "
        "WHERE items.problem IS NOT NULL OR items.sidecar_problem IS NOT NULL "
        f"ORDER BY {IN_ORDER} LIMIT ?",
        (limit,),
    )
    return [item_row(row) for row in rows]


def totals(connection: apsw.Connection) -> Totals:
    """Counts over the whole library."""
    counts = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(thumb_source != ''), 0), "
        "coalesce(sum(has_sidecar), 0), coalesce(sum(problem IS NOT NULL), 0), "
        "coalesce(sum(sidecar_problem IS NOT NULL), 0) FROM items"
    ).fetchall()[0]
    folders = connection.execute("SELECT count(*), coalesce(sum(scanned = 0), 0) FROM folders").fetchall()[0]
    waiting = connection.execute("SELECT count(*) FROM changed").get
    items, size, thumbs, sidecars, unreadable, damaged_count = (_whole(count) for count in counts)
    found, unscanned = (_whole(count) for count in folders)
    return Totals(items, found, unscanned, size, thumbs, sidecars, unreadable, damaged_count, _whole(waiting))


def fact(connection: apsw.Connection, name: str) -> str | int | None:
    """One remembered fact of the whole library, or None."""
    value = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).get
    return value if isinstance(value, str | int) else None


def item_row(row: apsw.SQLiteValues) -> ItemRow:
    """An item from a row that starts with its folder's path and goes on with the record's columns."""
    return ItemRow(LibraryPath(str(row[0])), ItemRecord._make(row[1:]))


def folder_row(row: apsw.SQLiteValues) -> FolderRow:
    """A folder from a row of its columns."""
    values: tuple[Any, ...] = row
    ident, path, etag, fingerprint, images, pointer, scanned, *rest = values
    return FolderRow(ident, LibraryPath(path), etag, fingerprint, images, bool(pointer), bool(scanned), *rest)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
