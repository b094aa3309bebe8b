"""Rows that a manifest speaks of and nobody has looked at yet. Inside the writer's transactions."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from lenscat_backend.catalog import updates
from lenscat_backend.catalog.records import FolderUpdate
from lenscat_backend.models.paths import ROOT, split


def apply_provisional(connection: apsw.Connection, found: Sequence[FolderUpdate]) -> None:
    """Store what a manifest says of folders that have not been looked at; those that have are known better."""
    for update in found:
        if _is_scanned(connection, update):
            continue
        folder = update.path
        while folder != ROOT:
            folder = split(folder)[0]
            updates.add_folder(connection, folder)
        updates.apply_updates(connection, [update])
        connection.execute("UPDATE folders SET images = images + ? WHERE path = ?", (len(update.upserts), update.path))


def _is_scanned(connection: apsw.Connection, update: FolderUpdate) -> bool:
    return bool(connection.execute("SELECT scanned FROM folders WHERE path = ?", (update.path,)).get)
