"""What a folder holds, as its manifest says it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import FolderRow, ItemRow
from lenscat_backend.errors import InvalidError, LenscatError, NotFoundError
from lenscat_backend.imaging.formats import MIME_TYPES
from lenscat_backend.library.layout import POINTER_FILE, is_image
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan import Scanner
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.manifest import (
    PAGE_ITEMS,
    FolderKind,
    FolderManifest,
    ManifestFolder,
    ManifestItem,
    folder_kind,
)
from lenscat_backend.models.paths import LibraryPath, is_hidden, join
from lenscat_backend.models.text import sort_key
from lenscat_backend.models.times import format_time, now_utc


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
        looked = await self._scanner.look(path)
        kinds = await self._kinds(path, looked.listing.subfolders)
        count = len(looked.listing.images)
        page_count = None if page is None else max(1, -(-count // PAGE_ITEMS))
        if page is None or page_count is None:
            rows = await self._catalog.items(path)
        else:
            _check_page(page, page_count)
            rows = await self._catalog.items(path, page * PAGE_ITEMS, PAGE_ITEMS)
            unread = {row.record.name for row in rows if not row.record.etag and row.record.problem is None}
            if unread:  # a large folder that was listed by name only
                await self._scanner.read_images(path, looked.listing, unread)
                rows = await self._catalog.items(path, page * PAGE_ITEMS, PAGE_ITEMS)
        return make_manifest(path, rows, kinds, page, page_count)

    async def stored_manifest(self, path: LibraryPath) -> FolderManifest:
        """The folder as the catalog knows it, without a look at the disk."""
        rows = await self._catalog.items(path)
        children = await self._catalog.subfolders(path)
        return make_manifest(path, rows, [(child.path.rpartition("/")[2], _kind_of(child)) for child in children])

    async def _kinds(self, path: LibraryPath, names: Sequence[str]) -> list[tuple[str, FolderKind]]:
        """The kind of each subfolder now: from the catalog where the folder's own etag is still the same."""
        if not names:
            return []
        rows = {row.path: row for row in await self._catalog.subfolders(path)}
        remote = self._place.base.capabilities.remote
        look = self._scanned_kinds if remote else self._present_kinds
        kinds = await in_thread(look, path, names, rows)
        unknown = [name for name in names if name not in kinds]
        if remote:  # a request each, side by side
            peeked = await asyncio.gather(*(in_thread(self._peek, join(path, name)) for name in unknown))
        else:
            peeked = await in_thread(lambda: [self._peek(join(path, name)) for name in unknown])
        kinds.update(zip(unknown, peeked, strict=True))
        return [(name, kinds[name]) for name in names]

    def _scanned_kinds(
        self, path: LibraryPath, names: Sequence[str], rows: dict[LibraryPath, FolderRow]
    ) -> dict[str, FolderKind]:
        """As the last look at each folder found it: where every further look costs a request, that has to do."""
        found = ((name, rows.get(join(path, name))) for name in names)
        return {name: _kind_of(row) for name, row in found if row is not None and row.scanned}

    def _present_kinds(
        self, path: LibraryPath, names: Sequence[str], rows: dict[LibraryPath, FolderRow]
    ) -> dict[str, FolderKind]:
        """Of the folders that are as the catalog knows them."""
        kinds = {}
        for name in names:
            child = join(path, name)
            row = rows.get(child)
            if row is not None and row.scanned and row.etag and row.etag == self._place.base.quick_folder_etag(child):
                kinds[name] = _kind_of(row)
        return kinds

    def _peek(self, path: LibraryPath) -> FolderKind:
        try:
            names = self._place.base.peek(path)
        except LenscatError:
            return "branch"
        return folder_kind(pointer=POINTER_FILE in names, images=any(is_image(name) for name in names))


def make_manifest(
    path: LibraryPath,
    rows: Sequence[ItemRow],
    kinds: Sequence[tuple[str, FolderKind]],
    page: int | None = None,
    page_count: int | None = None,
) -> FolderManifest:
    """The manifest of a folder from its rows, folders in the order people count in."""
    ordered = sorted(kinds, key=lambda pair: (sort_key(pair[0]), pair[0]))
    return FolderManifest(
        v=1,
        path=path,
        generated_at=format_time(now_utc()),
        items=[manifest_item(row) for row in rows],
        dirs=[ManifestFolder(name, kind) for name, kind in ordered],
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


def _kind_of(row: FolderRow) -> FolderKind:
    return folder_kind(pointer=row.pointer, images=row.images > 0)


def _check_page(page: int, page_count: int) -> None:
    if page < 0:
        raise InvalidError("Pages count from 0.")
    if page >= page_count:
        raise NotFoundError(f"This folder has {page_count} page{'s' if page_count > 1 else ''}, counted from 0.")
