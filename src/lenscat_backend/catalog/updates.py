"""Writing what scans found. Every function runs inside one transaction of the writer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw
import orjson

from lenscat_backend.catalog import listings
from lenscat_backend.catalog.records import ITEM_COLUMNS, FolderUpdate
from lenscat_backend.models.paths import ROOT, LibraryPath, join, split
from lenscat_backend.models.text import sort_path

CHANGES = "changes"
"""The fact that counts how often items were stored, changed or removed."""
_INSERT_FOLDER = "INSERT OR IGNORE INTO folders (path, sort_path, parent) VALUES (?, ?, ?)"
_CHANGING = [column for column in ITEM_COLUMNS if column not in ("sort_key", "name")]
_UPSERT_ITEM = (
    f"INSERT INTO items (folder_id, {', '.join(ITEM_COLUMNS)}) VALUES (?{', ?' * len(ITEM_COLUMNS)}) "
    "ON CONFLICT (folder_id, sort_key, name) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _CHANGING)
)


def apply_updates(connection: apsw.Connection, updates: Iterable[FolderUpdate]) -> None:
    """Store every update; what a complete update does not name any more is removed with all below it."""
    for update in updates:
        if update.upserts or update.removed:
            _count_change(connection)
        folder_id = _folder_id(connection, update.path)
        connection.executemany(_UPSERT_ITEM, ((folder_id, *record) for record in update.upserts))
        connection.executemany(
            "DELETE FROM items WHERE folder_id = ? AND sort_key = ? AND name = ?",
            ((folder_id, sort_key, name) for sort_key, name in update.removed),
        )
        if update.listing:
            _apply_part(connection, folder_id, update)
        elif update.complete:
            _complete(connection, folder_id, update)
            _set_subfolders(connection, update.path, update.subfolders)
        else:
            _distrust(connection, folder_id)


def add_folder(connection: apsw.Connection, path: LibraryPath) -> None:
    """Enter a folder of which only the name is known."""
    _folder_id(connection, path)


def remove_folder(connection: apsw.Connection, path: LibraryPath) -> None:
    """Forget `path` and everything below it."""
    ids = connection.execute(
        "SELECT id FROM folders WHERE path = ?1 OR (path >= ?1 || '/' AND path < ?1 || '0') OR ?1 = ''",
        (path,),
    ).fetchall()
    _count_change(connection)
    connection.executemany("DELETE FROM items WHERE folder_id = ?", ids)
    connection.executemany("DELETE FROM folders WHERE id = ?", ids)


def set_folder_error(
    connection: apsw.Connection, path: LibraryPath, error: str, *, pointer: bool, label: str | None
) -> None:
    """Remember that a folder, perhaps a `pointer`, could not be looked at; what was known below it stays.

    So does what it was called, where nobody can tell a `label`.
    """
    connection.execute(
        "UPDATE folders SET scanned = 1, etag = '', fingerprint = NULL, error = ?1, pointer = ?2, "
        "label = iif(?2, coalesce(?3, label), '') WHERE path = ?4",
        (error, int(pointer), label, path),
    )


def set_columns(connection: apsw.Connection, path: LibraryPath, sort_key: str, values: dict[str, object]) -> bool:
    """Change single columns of one item; False where the catalog does not know it."""
    folder, name = split(path)
    unknown = set(values) - set(ITEM_COLUMNS)
    if unknown:
        raise ValueError(f"no such columns: {unknown}")
    connection.execute(
        f"UPDATE items SET {', '.join(f'{column} = ?' for column in values)} "
        "WHERE folder_id = (SELECT id FROM folders WHERE path = ?) AND sort_key = ? AND name = ?",
        (*values.values(), folder, sort_key, name),
    )
    if not connection.changes():
        return False
    connection.execute("UPDATE folders SET fingerprint = NULL WHERE path = ?", (folder,))
    return True


def set_manifest_digest(connection: apsw.Connection, path: LibraryPath, digest: bytes) -> None:
    """Remember which content the folder's manifest was last written with."""
    connection.execute("UPDATE folders SET manifest_digest = ? WHERE path = ?", (digest, path))


def set_fact(connection: apsw.Connection, name: str, value: str | int) -> None:
    """Remember one fact of the whole library."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def _count_change(connection: apsw.Connection) -> None:
    """So that whoever wrote down what the items are (the rollup) sees that they are others now."""
    connection.execute("INSERT INTO facts VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1", (CHANGES,))


def _distrust(connection: apsw.Connection, folder_id: int) -> None:
    """The folder's fingerprint says no more what its items' rows hold: the next look compares them one by one."""
    connection.execute("UPDATE folders SET fingerprint = NULL WHERE id = ?", (folder_id,))


def _complete(connection: apsw.Connection, folder_id: int, update: FolderUpdate) -> None:
    connection.execute(
        "UPDATE folders SET etag = ?2, fingerprint = ?3, pointer = ?4, scanned = 1, problems = ?5, label = ?6, "
        "error = ?7, "
        "images = (SELECT count(*) FROM items WHERE folder_id = ?1) WHERE id = ?1",
        (
            folder_id,
            update.etag,
            update.fingerprint,
            int(update.pointer),
            orjson.dumps(list(update.problems)).decode(),
            update.label,
            update.error,
        ),
    )


def _apply_part(connection: apsw.Connection, folder_id: int, update: FolderUpdate) -> None:
    """A part of a folder that is listed in parts, or with the last of them its end."""
    listings.note(connection, update)
    if not update.complete:
        _add_subfolders(connection, update.path, {join(update.path, name) for name in update.subfolders})
        _distrust(connection, folder_id)
        return
    if listings.remove_unlisted(connection, folder_id, update, lambda path: remove_folder(connection, path)):
        _count_change(connection)
    listings.forget(connection, update.listing)
    _complete(connection, folder_id, update)


def _set_subfolders(connection: apsw.Connection, path: LibraryPath, names: Sequence[str]) -> None:
    wanted = {join(path, name) for name in names}
    found = {row[0] for row in connection.execute("SELECT path FROM folders WHERE parent = ?", (path,))}
    for gone in found - wanted:
        remove_folder(connection, LibraryPath(gone))
    _add_subfolders(connection, path, wanted - found)


def _add_subfolders(connection: apsw.Connection, path: LibraryPath, new: Iterable[LibraryPath]) -> None:
    connection.executemany(_INSERT_FOLDER, ((folder, sort_path(folder), path) for folder in new))


def _folder_id(connection: apsw.Connection, path: LibraryPath) -> int:
    row = connection.execute("SELECT id FROM folders WHERE path = ?", (path,)).fetchone()
    if row is not None:
        return int(row[0])
    parent = None if path == ROOT else split(path)[0]
    connection.execute(_INSERT_FOLDER, (path, sort_path(path), parent))
    return connection.last_insert_rowid()
