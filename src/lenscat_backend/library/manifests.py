"""Writing the manifests: `_index.json` where a folder's content changed, `_rollup.json` streamed at the root."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import orjson
from blake3 import blake3

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import ItemRow
from lenscat_backend.catalog.updates import CHANGES
from lenscat_backend.errors import LenscatError, NotFoundError
from lenscat_backend.library.folders import folder_of, make_manifest, manifest_item
from lenscat_backend.library.layout import ROLLUP_PATH, manifest_path
from lenscat_backend.library.place import Place
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.manifest import RollupItem
from lenscat_backend.models.paths import LibraryPath, join
from lenscat_backend.models.times import format_time, now_utc
from lenscat_backend.storage.base import Store

ROLLUP_CHUNK_ITEMS = 500
COPY_BYTES = 1024 * 1024
_ROLLED_UP = "rolled_up"
_NO_ITEMS = b'"items":[]'


class Manifests:
    """The manifest files of one library; `scratch` is a folder for temporary files."""

    def __init__(self, catalog: Catalog, place: Place, scratch: Path) -> None:
        self._catalog = catalog
        self._place = place
        self._scratch = scratch
        self._waiting: set[LibraryPath] = set()
        self.unwritable: str | None = None
        """Why a manifest could not be written the last time; None while they can."""

    def changed(self, folder: LibraryPath) -> None:
        """Remember that a folder's manifest may be out of date."""
        self._waiting.add(folder)

    async def write_waiting(self) -> int:
        """Write the manifests of the folders that changed; returns how many files were written."""
        written = 0
        while self._waiting:
            written += await self.write_folder(self._waiting.pop())
            await asyncio.sleep(0)
        return written

    async def write_folder(self, path: LibraryPath) -> bool:
        """Write one folder's manifest if its content is not what the file holds; whether it was written."""
        row = await self._catalog.folder(path)
        store = await in_thread(self._place.manifests_at, path)
        if row is None or not row.scanned or store is None:
            return False
        async with self._scratch_file() as file:
            digest = await self._fill_manifest(file, path)
            target = manifest_path(path)
            if digest == row.manifest_digest and await in_thread(_exists, store, target):
                return False
            if not await self._copy(file, store, target):
                return False
        await self._catalog.set_manifest_digest(path, digest)
        return True

    async def write_rollup(self) -> tuple[int, str]:
        """Write the search manifest of the whole library; returns how many items it lists and its time."""
        generated_at = format_time(now_utc())
        changes = await self._catalog.fact(CHANGES)
        async with self._scratch_file() as file:
            count = await self._fill_rollup(file, generated_at)
            if await self._copy(file, self._root, ROLLUP_PATH):
                await self._catalog.set_fact(_ROLLED_UP, changes or 0)
        return count, generated_at

    async def rollup_is_stale(self) -> bool:
        """Whether items changed since the rollup was written (before the last start too), or it is missing.

        Where it costs a request to see that it is there, what was written is trusted to be.
        """
        if (await self._catalog.fact(CHANGES) or 0) != await self._catalog.fact(_ROLLED_UP):
            return True
        return not self._root.capabilities.remote and not await in_thread(_exists, self._root, ROLLUP_PATH)

    @property
    def _root(self) -> Store:
        return self._place.upper or self._place.base

    @asynccontextmanager
    async def _scratch_file(self) -> AsyncIterator[IO[bytes]]:
        """Where a manifest is collected, so that no lock is held at the library while the catalog is read."""
        await in_thread(self._scratch.mkdir, parents=True, exist_ok=True)  # a user may have removed the cache
        with SpooledTemporaryFile(COPY_BYTES, dir=str(self._scratch)) as file:
            yield file

    async def _fill_manifest(self, file: IO[bytes], path: LibraryPath) -> bytes:
        """Collect a folder's manifest as the catalog knows it; returns a hash of all in it but the time."""
        manifest = make_manifest(path, (), [folder_of(child) for child in await self._catalog.subfolders(path)])
        digest = blake3(orjson.dumps([manifest.path, manifest.dirs]))
        before, after = orjson.dumps(manifest).split(_NO_ITEMS, 1)
        comma = b""
        file.write(before + _NO_ITEMS[:-1])
        async for rows in self._catalog.walk_items(path):
            chunk = b",".join(orjson.dumps(manifest_item(row)) for row in rows)
            digest.update(chunk)
            await in_thread(file.write, comma + chunk)
            comma = b","
        file.write(_NO_ITEMS[-1:] + after)
        return digest.digest(16)

    async def _fill_rollup(self, file: IO[bytes], generated_at: str) -> int:
        """Collect the rollup; returns how many items it lists."""
        count = 0
        file.write(b'{"v":1,"generated_at":"' + generated_at.encode() + b'","items":[')
        async for chunk, length in self._rollup_chunks():
            await in_thread(file.write, (b"," if count else b"") + chunk)
            count += length
        file.write(b"]}\n")
        return count

    async def _rollup_chunks(self) -> AsyncIterator[tuple[bytes, int]]:
        batch: list[bytes] = []
        async for row in self._catalog.walk_all():
            batch.append(orjson.dumps(rollup_item(row)))
            if len(batch) == ROLLUP_CHUNK_ITEMS:
                yield b",".join(batch), len(batch)
                batch = []
        if batch:
            yield b",".join(batch), len(batch)

    async def _copy(self, file: IO[bytes], store: Store, path: LibraryPath) -> bool:
        file.seek(0)
        return await in_thread(self._write, store, path, iter(partial(file.read, COPY_BYTES), b""))

    def _write(self, store: Store, path: LibraryPath, chunks: Iterator[bytes]) -> bool:
        try:
            store.write_chunks(path, chunks)
        except LenscatError as error:
            self.unwritable = str(error)  # a cache that cannot be kept is no reason not to serve the library
            return False
        self.unwritable = None
        return True


def _exists(store: Store, path: LibraryPath) -> bool:
    try:
        store.stat(path)
    except NotFoundError:
        return False
    return True


def rollup_item(row: ItemRow) -> RollupItem:
    """One image as search results and the rollup show it."""
    record = row.record
    return RollupItem(join(row.folder, record.name), record.name, orjson.loads(record.tags), record.notes)
