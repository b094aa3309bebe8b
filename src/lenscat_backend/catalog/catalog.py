"""The catalog's one narrow interface: what the library may ask of its index, whatever engine stands behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

import apsw

from lenscat_backend.catalog import provisional, reads, search, updates
from lenscat_backend.catalog.blocks import storing
from lenscat_backend.catalog.blocks.facets import Facets
from lenscat_backend.catalog.blocks.making import make_apart
from lenscat_backend.catalog.blocks.suggest import Suggestion
from lenscat_backend.catalog.blocks.view import Views
from lenscat_backend.catalog.database import Database
from lenscat_backend.catalog.records import Before, FolderRow, FolderUpdate, ItemRow, KnownItem, Totals, known_of
from lenscat_backend.catalog.search import Found
from lenscat_backend.errors import BusyError
from lenscat_backend.models.paths import ROOT, LibraryPath, split
from lenscat_backend.models.search.nodes import Node
from lenscat_backend.models.search.sorting import BY_PATH, Sort
from lenscat_backend.models.text import sort_key

P = ParamSpec("P")
T = TypeVar("T")

_WALK_BATCH = 2000
_TRIES = 5
_MADE_HERE = 4096
"""Blocks of more items are made in a process of their own."""


class Catalog:
    """The disposable index of one library in one SQLite file. All calls may raise `BusyError`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, self._prepare)
        self._views = Views(self._database.connect)

    def _prepare(self, connection: apsw.Connection) -> None:
        updates.add_folder(connection, ROOT)
        self._views.close()  # it reads the file that was wiped

    def close(self) -> None:
        """Finish what runs and close the file."""
        self._database.close()
        self._views.close()

    def size_bytes(self) -> int:
        """Size on disk, in bytes."""
        return self._database.size_bytes()

    async def apply(self, changes: Sequence[FolderUpdate]) -> None:
        """Store what scans found, in one transaction."""
        await self._database.write(updates.apply_updates, changes)

    async def apply_provisional(self, found: Sequence[FolderUpdate]) -> None:
        """Store what a manifest says of folders that no scan has reached."""
        await self._database.write(provisional.apply_provisional, found)

    async def add_folder(self, path: LibraryPath) -> None:
        """Enter a folder of which only the name is known."""
        await self._database.write(updates.add_folder, path)

    async def remove_folder(self, path: LibraryPath) -> None:
        """Forget a folder and all below it."""
        await self._database.write(updates.remove_folder, path)

    async def set_folder_error(self, path: LibraryPath, error: str, *, pointer: bool, label: str | None = None) -> None:
        """Remember that a folder, perhaps a `pointer`, could not be looked at; what was known below it stays.

        So does what it was called, where nobody can tell a `label`.
        """
        await self._database.write(updates.set_folder_error, path, error, pointer=pointer, label=label)

    async def make_block(self, least: int) -> bool:
        """Put changed items into a block, if they are at least so many; whether there may be more to do."""
        rows = await self._database.read(storing.rows_to_make, least)
        if not rows:
            return False
        if rows > _MADE_HERE:
            return await asyncio.to_thread(make_apart, self._database.path, least)
        made = await self._database.read(storing.make_block, least)
        return made is not None and await self._database.write(storing.store_block, made)

    async def empty_log(self) -> None:
        """Give back the disk space that a large change took."""
        await self._database.empty_log()

    async def set_item(self, path: LibraryPath, **columns: object) -> bool:
        """Change single columns of one item; False where the catalog does not know it."""
        return await self._database.write(updates.set_columns, path, sort_key(split(path)[1]), columns)

    async def set_manifest_digest(self, path: LibraryPath, digest: bytes) -> None:
        """Remember which content the folder's manifest was last written with."""
        await self._database.write(updates.set_manifest_digest, path, digest)

    async def set_fact(self, name: str, value: str | int) -> None:
        """Remember one fact of the whole library."""
        await self._database.write(updates.set_fact, name, value)

    async def fact(self, name: str) -> str | int | None:
        """One remembered fact of the whole library, or None."""
        return await self._database.read(reads.fact, name)

    async def folder(self, path: LibraryPath) -> FolderRow | None:
        """One folder, or None where it is unknown."""
        return await self._database.read(reads.folder, path)

    async def subfolders(self, path: LibraryPath) -> list[FolderRow]:
        """The folders directly below `path`, in no order."""
        return await self._database.read(reads.subfolders, path)

    async def unscanned_folders(self, limit: int, below: LibraryPath = ROOT) -> list[FolderRow]:
        """Up to `limit` folders, `below` or below it, that nobody has looked at yet."""
        return await self._database.read(reads.unscanned_folders, limit, below)

    async def newest_ids(self) -> Before:
        """The largest ids given so far; 0 where there is none."""
        return await self._database.read(reads.newest_ids)

    async def folder_etags(self) -> list[tuple[LibraryPath, str]]:
        """Every scanned folder's path and etag."""
        return await self._database.read(reads.folder_etags)

    async def folders_after(self, after: str, limit: int, below: LibraryPath = ROOT) -> list[FolderRow]:
        """Up to `limit` folders below `below` whose paths come after `after` in code-point order."""
        return await self._database.read(reads.folders_after, after, limit, below)

    async def walk_folders(self) -> AsyncIterator[FolderRow]:
        """Every folder in path order, in bounded memory; the root comes first."""
        root = await self.folder(ROOT)
        if root is not None:
            yield root
        batch: list[FolderRow] = []
        after = ""
        while batch := await self.folders_after(after, _WALK_BATCH):
            for row in batch:
                yield row
            after = batch[-1].path

    async def items(self, folder: LibraryPath, offset: int = 0, limit: int = -1) -> list[ItemRow]:
        """A folder's items in the order people count in."""
        return await self._database.read(reads.items, folder, offset, limit)

    async def walk_items(self, folder: LibraryPath) -> AsyncIterator[list[ItemRow]]:
        """A folder's items in the same order, in batches and bounded memory; each batch is a snapshot of its own."""
        after = ("", "")
        while batch := await self._database.read(reads.items_after, folder, after, _WALK_BATCH):
            yield batch
            after = (sort_key(batch[-1].record.name), batch[-1].record.name)

    async def walk_all(self) -> AsyncIterator[ItemRow]:
        """Every item in path order, in bounded memory; each batch is a snapshot of its own."""
        after = ("", "", "", "")
        while batch := await self._database.read(reads.all_items_after, after, _WALK_BATCH):
            for row in batch:
                yield row
            after = reads.standing_of(batch[-1])

    async def item(self, path: LibraryPath) -> ItemRow | None:
        """One item, or None where it is unknown."""
        return await self._database.read(reads.item, path, sort_key(split(path)[1]))

    async def known_item(self, path: LibraryPath) -> KnownItem | None:
        """What decides whether one item must be looked at again, or None where it is unknown."""
        row = await self.item(path)
        return None if row is None else known_of(row.record)

    async def known_items(self, folder: LibraryPath) -> dict[str, KnownItem]:
        """What decides whether each item of a folder must be looked at again, by name."""
        return await self._database.read(reads.known_items, folder)

    async def known_named(self, folder: LibraryPath, names: Sequence[str]) -> dict[str, KnownItem]:
        """The same for some items of a folder."""
        return await self._database.read(reads.known_named, folder, names)

    async def count_items(self, folder: LibraryPath) -> int:
        """How many items of a folder are known."""
        return await self._database.read(reads.count_items, folder)

    async def pointers(self) -> list[FolderRow]:
        """The folders that are pointers, broken ones too, in path order."""
        return await self._database.read(reads.pointers)

    async def problems(self) -> list[tuple[LibraryPath, list[str]]]:
        """Folders whose last look met something that cannot be shown, with what it was."""
        return await self._database.read(reads.problems)

    async def failed_folders(self) -> list[tuple[LibraryPath, str]]:
        """Folders that could not be looked at, pointers too, with the reason, in path order."""
        return await self._database.read(reads.failed_folders)

    async def damaged(self, limit: int) -> list[ItemRow]:
        """Items that cannot be read, or whose sidecar cannot, in path order."""
        return await self._database.read(reads.damaged, limit)

    async def totals(self) -> Totals:
        """Counts over the whole library."""
        return await self._database.read(reads.totals)

    async def search(
        self, query: Node, sort: Sort = BY_PATH, limit: int = -1, offset: int = 0, cursor: str | None = None
    ) -> Found:
        """Matching items in an order, `limit` at most (-1: all), from `offset` or behind a `cursor`; and the total."""
        return await self._searching(search.search, query, sort, limit, offset, cursor)

    async def walk_matches(self, query: Node, sort: Sort = BY_PATH) -> AsyncIterator[ItemRow]:
        """Every match in an order, in bounded memory; each batch is a snapshot of its own."""
        cursor: str | None = None
        while True:
            found = await self.search(query, sort, _WALK_BATCH, cursor=cursor)
            for row in found.rows:
                yield row
            cursor = found.cursor
            if cursor is None:
                return

    async def facets(self, query: Node, folder: LibraryPath = ROOT, limit: int = 50) -> tuple[Facets, int, bool]:
        """What the matches have in common, how many they are, and whether that is partial, see `search.Found`."""
        return await self._searching(search.count_facets, query, folder, limit)

    async def _searching(
        self, work: Callable[Concatenate[apsw.Connection, Views, P], T], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Run a search; again where a block was replaced before it was read."""
        for _ in range(_TRIES):
            try:
                return await self._database.read(work, self._views, *args, **kw)
            except LookupError:
                continue
        raise BusyError("The catalog is being put in order: try again in a moment.")

    async def walk_without(self, missing: Literal["thumbnail", "hash"]) -> AsyncIterator[ItemRow]:
        """Every readable item that has no fresh thumbnail, or no hash, in the order of the catalog."""
        after = 0
        batch, after = await self._database.read(reads.items_without, missing, after, _WALK_BATCH)
        while batch:
            for row in batch:
                yield row
            batch, after = await self._database.read(reads.items_without, missing, after, _WALK_BATCH)

    async def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        """Tags, then words of names, that somebody may be typing."""
        return await self._searching(search.suggest, typed, limit)
