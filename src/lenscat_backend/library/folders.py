"""What a folder holds, as its manifest says it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import FolderRow, ItemRow
from lenscat_backend.errors import InvalidError, LenscatError, NotFoundError
from lenscat_backend.imaging.formats import MIME_TYPES
from lenscat_backend.library.layout import is_image
from lenscat_backend.library.listing import FolderListing
from lenscat_backend.library.manifest_reading import read_manifest
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan import Looked, Scanner
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.manifest import (
    PAGE_ITEMS,
    FolderKind,
    FolderManifest,
    ManifestFolder,
    ManifestItem,
    folder_kind,
)
from lenscat_backend.models.paths import LibraryPath, is_hidden, join, split
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.models.text import sort_key
from lenscat_backend.models.times import format_time, now_utc

POINTER_WAIT_S = 1.0
"""How long a listing waits for the targets of pointers that nobody has looked at yet."""

FIRST_LOOK_S = 0.5
"""How long the first look at a remote folder may take before the folder's manifest is shown instead."""
POINTERS_AT_ONCE = 8
LARGE_WAIT_S = 1.0
"""How long the first listing of a large remote folder is waited for before what came so far is shown."""
MOST_PEEKS = 100
"""Of more subfolders that no scan has reached yet nobody asks a bucket what they hold, for one listing."""


class Folders:
    """The folders of one library."""

    def __init__(self, catalog: Catalog, place: Place, scanner: Scanner) -> None:
        self._catalog = catalog
        self._place = place
        self._scanner = scanner

    async def manifest(self, path: LibraryPath, page: int | None = None) -> FolderManifest:
        """The folder as it is on disk now. `NotFoundError` for a folder or page that does not exist."""
        if is_hidden(path):
            raise NotFoundError("There is no such folder.")
        look = asyncio.ensure_future(self._scanner.look(path))
        look.add_done_callback(_hear_out)
        told = await self._told_meanwhile(path, look)
        if told is not None:
            return _page_of(told, page)
        listing = await self._listing(path, look)
        names = await self._known_subfolders(path) if listing is None else listing.subfolders
        dirs = await self._dirs(path, names)
        if page is None:
            return make_manifest(path, await self._catalog.items(path), dirs)
        count = await self._catalog.count_items(path) if listing is None else len(listing.images)
        page_count = max(1, -(-count // PAGE_ITEMS))
        _check_page(page, page_count)
        return make_manifest(path, await self._page(path, page, listing), dirs, page, page_count)

    async def _page(self, path: LibraryPath, page: int, listing: FolderListing | None) -> list[ItemRow]:
        rows = await self._catalog.items(path, page * PAGE_ITEMS, PAGE_ITEMS)
        unread = {row.record.name for row in rows if not row.record.etag and row.record.problem is None}
        if listing is not None and unread:  # a large folder that was listed by name only
            await self._scanner.read_images(path, listing, unread)
            rows = await self._catalog.items(path, page * PAGE_ITEMS, PAGE_ITEMS)
        return rows

    async def _told_meanwhile(self, path: LibraryPath, look: asyncio.Future[Looked]) -> FolderManifest | None:
        """What the manifest says of a remote folder that is looked at for the first time, where that takes long."""
        row = await self._catalog.folder(path)
        if (row is not None and row.scanned) or not self._place.capabilities(path).remote:
            return None
        if (await asyncio.wait([look], timeout=FIRST_LOOK_S))[0]:
            return None
        told = await in_thread(read_manifest, self._place, path)
        return None if look.done() else told

    async def _listing(self, path: LibraryPath, look: asyncio.Future[Looked]) -> FolderListing | None:
        """What a look finds; None of a large folder: the catalog is then as far as the look came in a moment."""
        while not (await asyncio.wait([look], timeout=LARGE_WAIT_S))[0]:
            if path in self._scanner.streaming:
                return None
        return look.result().listing

    async def _known_subfolders(self, path: LibraryPath) -> list[str]:
        return [split(row.path)[1] for row in await self._catalog.subfolders(path)]

    async def _dirs(self, path: LibraryPath, names: Sequence[str]) -> list[ManifestFolder]:
        """Each subfolder as it is now: from the catalog where the folder's own etag is still the same."""
        if not names:
            return []
        rows = {row.path: row for row in await self._catalog.subfolders(path)}
        dirs = await in_thread(self._trusted, path, names, rows)
        unknown = [name for name in names if name not in dirs]
        if self._place.capabilities(path).remote:  # a request each, side by side
            unknown, rest = unknown[:MOST_PEEKS], unknown[MOST_PEEKS:]
            dirs.update((name, ManifestFolder(name, "branch")) for name in rest)
            peeked = await asyncio.gather(*(in_thread(self._peek, join(path, name)) for name in unknown))
        else:
            peeked = await in_thread(lambda: [self._peek(join(path, name)) for name in unknown])
        dirs.update((name, ManifestFolder(name, kind)) for name, kind in zip(unknown, peeked, strict=True))
        await self._look_behind(path, dirs, [name for name in unknown if dirs[name].kind == "leaf-pointer"])
        return [dirs[name] for name in names]

    def _trusted(
        self, path: LibraryPath, names: Sequence[str], rows: dict[LibraryPath, FolderRow]
    ) -> dict[str, ManifestFolder]:
        """The folders that are as the catalog knows them.

        Of a remote folder that is what the last look at it found: where every further look costs a request, that has to
        do. A pointer that was broken then is looked at again behind the reply.
        """
        dirs = {}
        for name in names:
            row = rows.get(join(path, name))
            if row is not None and self._is_as_known(row):
                dirs[name] = folder_of(row)
        return dirs

    def _is_as_known(self, row: FolderRow) -> bool:
        if self._place.capabilities(row.path).remote:
            return row.scanned or row.images > 0  # the rollup told of them
        return row.scanned and bool(row.etag) and row.etag == self._place.base.quick_folder_etag(row.path)

    async def _look_behind(self, path: LibraryPath, dirs: dict[str, ManifestFolder], names: Sequence[str]) -> None:
        """Fill in what pointers not known yet are called, and what is wrong with them; not for long."""
        if not names:
            return
        places = asyncio.Semaphore(POINTERS_AT_ONCE)

        async def look(name: str) -> Looked:
            async with places:
                return await self._scanner.look(join(path, name))

        looks = [asyncio.ensure_future(look(name)) for name in names]
        done, late = await asyncio.wait(looks, timeout=POINTER_WAIT_S)
        for task in (*done, *late):
            task.add_done_callback(_hear_out)
        rows = {row.path: row for row in await self._catalog.subfolders(path)}
        for name in names:
            row = rows.get(join(path, name))
            if row is not None and row.pointer:
                dirs[name] = folder_of(row)

    def _peek(self, path: LibraryPath) -> FolderKind:
        try:
            names = self._place.base.peek(path)
        except LenscatError:
            return "branch"
        return folder_kind(pointer=POINTER_FILE in names, images=any(is_image(name) for name in names))


def _hear_out(ended: asyncio.Future[Looked]) -> None:
    """Take note of an error that nobody waits for any more: it is not the event loop's business to report it."""
    if not ended.cancelled():
        ended.exception()


def make_manifest(
    path: LibraryPath,
    rows: Sequence[ItemRow],
    dirs: Sequence[ManifestFolder],
    page: int | None = None,
    page_count: int | None = None,
) -> FolderManifest:
    """The manifest of a folder from its rows, folders in the order people count in."""
    ordered = sorted(dirs, key=lambda folder: (sort_key(folder.name), folder.name))
    return FolderManifest(
        v=1,
        path=path,
        generated_at=format_time(now_utc()),
        items=[manifest_item(row) for row in rows],
        dirs=ordered,
        page=page,
        page_count=page_count,
    )


def manifest_item(row: ItemRow) -> ManifestItem:
    """One image as the manifest shows it."""
    record = row.record
    return ManifestItem(
        path=join(row.folder, record.name),
        name=record.name,
        type=MIME_TYPES.get(record.format, "application/octet-stream"),
        w=record.width,
        h=record.height,
        size=record.size,
        has_thumb=record.thumb_source != "",
        has_meta=bool(record.has_sidecar),
        hash=record.hash,
    )


def folder_of(row: FolderRow) -> ManifestFolder:
    """One subfolder as the manifest shows it."""
    kind = folder_kind(pointer=row.pointer, images=row.images > 0)
    return ManifestFolder(row.path.rpartition("/")[2], kind, row.label, row.error)


def _page_of(manifest: FolderManifest, page: int | None) -> FolderManifest:
    """One page of a manifest that was read whole."""
    if page is None:
        return manifest
    page_count = max(1, -(-len(manifest.items) // PAGE_ITEMS))
    _check_page(page, page_count)
    items = manifest.items[page * PAGE_ITEMS : (page + 1) * PAGE_ITEMS]
    return replace(manifest, items=items, page=page, page_count=page_count)


def _check_page(page: int, page_count: int) -> None:
    if page < 0:
        raise InvalidError("Pages count from 0.")
    if page >= page_count:
        raise NotFoundError(f"This folder has {page_count} page{'s' if page_count > 1 else ''}, counted from 0.")
