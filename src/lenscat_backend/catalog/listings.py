"""Folders that are listed in parts: noting what came, and removing what did not. Inside the writer's transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import apsw

from lenscat_backend.catalog.records import FolderUpdate
from lenscat_backend.models.paths import LibraryPath, split

_STALE_S = 86_400
"""A listing that began so long ago was broken off."""
_IS_LISTED = "SELECT 1 FROM listed WHERE listing = ? AND name = ?"


def note(connection: apsw.Connection, update: FolderUpdate) -> None:
    """Note what a part of a listing names."""
    connection.execute("INSERT OR IGNORE INTO listings VALUES (?, unixepoch())", (update.listing,))
    names: Iterable[str] = (*update.listed, *(f"{name}/" for name in update.subfolders))
    connection.executemany("INSERT OR IGNORE INTO listed VALUES (?, ?)", ((update.listing, name) for name in names))


def remove_unlisted(
    connection: apsw.Connection, folder_id: int, update: FolderUpdate, remove_folder: Callable[[LibraryPath], None]
) -> bool:
    """Remove what was in the folder before the listing began and came in none of its parts; whether anything was."""
    before = connection.total_changes()
    connection.execute(
        "DELETE FROM items WHERE folder_id = ?1 AND id <= ?3 "
        "AND name NOT IN (SELECT name FROM listed WHERE listing = ?2)",
        (folder_id, update.listing, update.before.newest_item),
    )
    for path in _known_subfolders(connection, update):
        if not connection.execute(_IS_LISTED, (update.listing, split(path)[1] + "/")).get:
            remove_folder(path)
    return connection.total_changes() > before


def forget(connection: apsw.Connection, listing: int) -> None:
    """Forget what a listing named, and what those did that were broken off."""
    over = "SELECT id FROM listings WHERE id = ?1 OR began < unixepoch() - ?2"
    connection.execute(f"DELETE FROM listed WHERE listing IN ({over})", (listing, _STALE_S))
    connection.execute(f"DELETE FROM listings WHERE id IN ({over})", (listing, _STALE_S))


def _known_subfolders(connection: apsw.Connection, update: FolderUpdate) -> list[LibraryPath]:
    """Those that were there before the listing began."""
    rows = connection.execute(
        "SELECT path FROM folders WHERE parent = ? AND id <= ?", (update.path, update.before.newest_folder)
    )
    return [LibraryPath(str(path)) for (path,) in rows.fetchall()]
