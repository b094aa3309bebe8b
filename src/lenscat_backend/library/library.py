"""A library: the one object that the web server, the command line and a notebook work with."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

from lenscat_backend.catalog.blocks.facets import Facets
from lenscat_backend.catalog.blocks.suggest import Suggestion
from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import Totals
from lenscat_backend.errors import LenscatError, NotFoundError, UnreachableError, UnsupportedError
from lenscat_backend.library.check import HealthReport, check_library, write_report
from lenscat_backend.library.cold_start import enter_rollup
from lenscat_backend.library.drawing import OnDrawn, draw_missing
from lenscat_backend.library.folders import Folders
from lenscat_backend.library.freshness import Freshness
from lenscat_backend.library.items import ItemMetadata, Items
from lenscat_backend.library.manifests import Manifests
from lenscat_backend.library.options import LibraryOptions, Opened, open_places
from lenscat_backend.library.originals import Original, open_original
from lenscat_backend.library.pointing import PointerInfo, add_pointer, list_pointers, remove_pointer
from lenscat_backend.library.request_figures import figures_of, log_requests
from lenscat_backend.library.scan import Scanner
from lenscat_backend.library.sidecars import Sidecars
from lenscat_backend.library.threads import in_thread
from lenscat_backend.library.thumbnails import Thumbnail, Thumbnails
from lenscat_backend.library.tree_scan import ScanProgress
from lenscat_backend.library.upkeep import Upkeep
from lenscat_backend.library.views import Item, Page, item_of
from lenscat_backend.library.watching import target_watches, watch_maker
from lenscat_backend.library.work_queue import WorkQueue
from lenscat_backend.models.edit import editable
from lenscat_backend.models.manifest import FolderManifest
from lenscat_backend.models.paths import ROOT, LibraryPath, join, parse_path
from lenscat_backend.models.pointer import Pointer
from lenscat_backend.models.search.nodes import Everything
from lenscat_backend.models.search.parser import parse_query
from lenscat_backend.models.search.sorting import BY_PATH, parse_sort
from lenscat_backend.models.sidecar import Edit
from lenscat_backend.models.times import format_time, now_utc
from lenscat_backend.storage.base import Store

_DRAW_AHEAD = 4


class Library:
    """One library, open. Use it as an async context manager; every call may raise any `LenscatError`.

    Paths are the library's: relative to its root, ``/`` between segments, the root itself "".
    """

    def __init__(self, location: str, options: LibraryOptions, store: Store | None = None) -> None:
        """As `open`; with a `store` the pictures are in that one, and `location` only names it."""
        self._opened: Opened = open_places(location, options, store)
        self._options = options
        self.scan_progress: ScanProgress | None = None
        self.last_scan: str | None = None
        self.started_at = now_utc()
        self._may_be_cold = False
        """Whether a server's first scan is still to come, of a place where it may take long."""

    @classmethod
    def open(cls, location: str, options: LibraryOptions | None = None) -> Self:
        """The library at a folder or URL, to be entered with ``async with``. `SettingsError` where it cannot be."""
        return cls(location, options or LibraryOptions())

    async def __aenter__(self) -> Self:
        opened, options = self._opened, self._options
        self.catalog = await in_thread(Catalog, opened.cache / "catalog.sqlite3")
        opened.place.base.expect(row.path for row in await self.catalog.pointers())
        self._scanner = Scanner(
            self.catalog,
            opened.place,
            opened.spec,
            on_change=lambda path: self._upkeep.changed(path),
            on_unread=self._read_rest,
            threads=options.threads,
        )
        self.queue: WorkQueue[bytes] = WorkQueue(options.threads)
        self.thumbnails = Thumbnails(opened.place, self.catalog, self.queue, options.limits)
        self._folders = Folders(self.catalog, opened.place, self._scanner)
        self._manifests = Manifests(self.catalog, opened.place, opened.cache)
        self._sidecars = Sidecars(opened.place, now_utc)
        self._items = Items(self.catalog, opened.place, self._scanner, self._sidecars)
        self._freshness = Freshness(
            self.catalog,
            opened.place,
            self._scanner,
            watch_maker(opened, options, self._follow),
            target_watches(opened, options, self._follow),
            poll_s=options.poll_s,
        )
        self._upkeep = Upkeep(self.catalog, self._scanner, self._freshness, self._manifests)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._upkeep.close()
        await self._freshness.close()
        await self.queue.close()
        await in_thread(self._scanner.close)
        await in_thread(self.catalog.close)

    @property
    def read_only(self) -> bool:
        """Whether edits are refused."""
        return self._opened.place.sidecars is None

    @property
    def derived_place(self) -> str:
        """Where thumbnails and manifests go: beside, cache or overlay."""
        if self._options.overlay is not None:
            return "overlay"
        return "beside" if self._opened.place.upper is None else "cache"

    @property
    def backend(self) -> str:
        """What kind of place the pictures are in: ``local``, ``s3``, ``gs``, ``az`` or ``memory``."""
        scheme = self._opened.location.scheme
        return "local" if scheme == "file" else scheme

    async def reach(self) -> None:
        """Raise where the library cannot be reached: a look at the disk, or for a remote one what the last call met."""
        if not self._opened.place.base.capabilities.remote:
            await in_thread(self._opened.place.base.stat, ROOT)
        elif self._freshness.owed is not None:
            raise UnreachableError(self._freshness.owed, self._options.poll_s)

    def request_figures(self) -> dict[str, object] | None:
        """Requests to object stores so far by kind, their bytes, and an estimate of their price; None without any."""
        return figures_of(self._opened.requests, self._options.prices)

    @property
    def opened(self) -> Opened:
        """Where this library's files lie."""
        return self._opened

    @property
    def freshness(self) -> Freshness:
        """How far the catalog can be trusted."""
        return self._freshness

    @property
    def unwritable(self) -> str | None:
        """Why thumbnails or manifests could not be stored the last time, or edits may get lost; else None."""
        return self.thumbnails.unwritable or self._manifests.unwritable or self._upkeep.conditions_problem

    def start_background(self) -> None:
        """Watch for changes and scan the whole library, as a server does; returns at once."""
        remote = self._opened.place.base.capabilities.remote
        self._may_be_cold = remote
        self._upkeep.start(
            self.scan, self._written_stores, watch=self._options.watch, polled=remote, poll_s=self._options.poll_s
        )

    async def folder(self, path: str = "", page: int | None = None) -> FolderManifest:
        """A folder as it is on disk now, or one page of 100 items of it."""
        return await self._folders.manifest(parse_path(path), page)

    async def item(self, path: str) -> ItemMetadata:
        """A picture's sidecar, or one made from the picture itself."""
        return await self._items.get(parse_path(path))

    async def save(
        self, path: str, edit: Edit, if_match: frozenset[str] | None = None, create_only: bool = False
    ) -> ItemMetadata:
        """Write an edit by the rules of 'Conflicts'."""
        return await self._items.save(parse_path(path), edit, if_match, create_only)

    async def edit(self, path: str, **changes: object) -> ItemMetadata:
        """Set `tags`, `notes`, `rating`, `label`, `favorite` ... of one picture, as it stands now."""
        return await self._items.save(parse_path(path), editable(changes), frozenset("*"))

    async def remove_metadata(self, path: str, if_match: frozenset[str] | None = None) -> None:
        """Delete a picture's sidecar."""
        await self._items.remove(parse_path(path), if_match)

    async def thumbnail(self, path: str, force: bool = False) -> Thumbnail:
        """A picture's thumbnail, made if missing or stale."""
        return await self.thumbnails.get(parse_path(path), force=force)

    async def original(self, path: str, fresh: bool = True) -> Original:
        """A picture itself, opened for sending; whoever gets it closes its `file`.

        Unless `fresh`, what the catalog knows of a remote one is believed until it is read, see `open_original`.
        """
        parsed = parse_path(path)
        row = await self.catalog.item(parsed)
        return await in_thread(open_original, self._opened.place, parsed, row.record if row else None, fresh=fresh)

    async def original_address(self, path: str) -> str | None:
        """Where the object store itself hands the picture out for a while; None where that is not asked for."""
        if not self._options.signed_urls_s:
            return None
        parsed = parse_path(path)
        await self._items.entry(parsed)
        if not self._opened.place.capabilities(parsed).remote:
            return None
        try:
            return self._opened.place.base.signed_url(parsed, self._options.signed_urls_s)
        except UnsupportedError:  # not every key, and not every name, is good for one
            return None

    async def search(self, query: str = "", limit: int = -1, sort: str = "") -> AsyncIterator[Item]:
        """Every picture that matches, in path order or another; `docs/search.md` explains the language and `sort`."""
        parse_query(query), parse_sort(sort)  # what is wrong is said before any work
        await self._freshness.refresh()
        async for item in self.stored_search(query, limit, sort):
            yield item

    async def stored_search(self, query: str = "", limit: int = -1, sort: str = "") -> AsyncIterator[Item]:
        """Like `search`, but of what the last scan found."""
        count = 0
        order, root = parse_sort(sort), parse_query(query).root
        rows = self.catalog.walk_all() if root == Everything() and order == BY_PATH else None
        async for row in rows or self.catalog.walk_matches(root, order):
            if 0 <= limit <= count:
                return
            count += 1
            yield item_of(row)

    async def search_page(
        self, query: str, limit: int, offset: int = 0, sort: str = "", cursor: str | None = None
    ) -> Page:
        """One page of matches, from `offset` or behind the `cursor` of the page before, and how many match in all."""
        parsed, order = parse_query(query), parse_sort(sort)
        await self._freshness.refresh()
        found = await self.catalog.search(parsed.root, order, limit, offset, cursor)
        if found.partial and not self._freshness.scanning:  # so much has come at once that no block holds it yet
            await self._scanner.make_blocks()
            found = await self.catalog.search(parsed.root, order, limit, offset, cursor)
        return Page([item_of(row) for row in found.rows], found.total, found.cursor, found.partial)

    async def facets(self, query: str = "", folder: str = "", limit: int = 50) -> tuple[Facets, int, bool]:
        """What the matches have in common, at most `limit` of each, how many they are, and whether that is partial."""
        parsed, path = parse_query(query), parse_path(folder)
        await self._freshness.refresh()
        return await self.catalog.facets(parsed.root, path, limit)

    async def suggest(self, typed: str, limit: int = 10) -> list[Suggestion]:
        """Tags, then words of names, that somebody may be typing: what begins so first, then what holds it."""
        await self._freshness.refresh()
        return await self.catalog.suggest(typed, limit)

    async def scan(self, progress: ScanProgress | None = None) -> ScanProgress:
        """Look at the whole library; returns once the catalog equals the files."""
        self.scan_progress = progress or ScanProgress()
        self._freshness.scanning = True
        try:
            if self._may_be_cold:
                self._may_be_cold = False
                await enter_rollup(self.catalog, self._opened.place.derived_at(ROOT))
            await self._freshness.scan_all(self.scan_progress)
        finally:
            self._freshness.scanning = False
        self.last_scan = format_time(now_utc())
        log_requests(self._opened.requests, self._options.prices)
        return self.scan_progress

    async def reindex(self, path: str = "") -> FolderManifest:
        """Look at one folder anew, hash its pictures and write its manifest."""
        folder = parse_path(path)
        manifest = await self._folders.manifest(folder)
        for item in manifest.items:
            if item.hash is None:
                with contextlib.suppress(NotFoundError):
                    await self._items.hash(LibraryPath(item.path))
        await self._manifests.write_folder(folder)
        return await self._folders.manifest(folder)

    async def rebuild(self) -> tuple[int, str]:
        """Scan the whole library and write its manifests; returns how many items the rollup lists, and its time."""
        return await self.write_manifests()

    async def draw_missing(self, on_done: OnDrawn) -> None:
        """Make every missing or stale thumbnail, in the background's turn; `on_done` hears of each."""
        await draw_missing(self.catalog, self.thumbnails, self._options.threads * _DRAW_AHEAD, on_done)

    async def unreadable(self) -> list[tuple[LibraryPath, str]]:
        """The pictures that cannot be read or drawn, with the reason, in path order."""
        rows = await self.catalog.damaged(-1)
        return [
            (join(row.folder, row.record.name), row.record.problem) for row in rows if row.record.problem is not None
        ]

    async def failed_folders(self) -> list[tuple[LibraryPath, str]]:
        """The folders that could not be looked at, pointers too, with the reason, in path order."""
        return await self.catalog.failed_folders()

    async def hash_missing(self, on_done: Callable[[], None]) -> None:
        """Hash every picture that has no hash yet."""
        async for row in self.catalog.walk_without("hash"):
            with contextlib.suppress(LenscatError):
                await self._items.hash(join(row.folder, row.record.name))
            on_done()

    async def write_manifests(self) -> tuple[int, str]:
        """Write the manifests of folders that changed, and the rollup; returns how many items it lists, and when."""
        await self.scan()  # thumbnails and hashes made since the last one are in the manifests too
        await self._manifests.write_waiting()
        return await self._manifests.write_rollup()

    async def check(self, on_folder: Callable[[], None] | None = None) -> HealthReport:
        """Scan, then report what is missing, damaged or left over; written as `_health.json` where that is possible."""
        await self.scan()
        report = await check_library(self.catalog, self._opened.place, on_folder)
        with contextlib.suppress(LenscatError):
            await in_thread(write_report, report, self._opened.place.derived_at(ROOT))
        return report

    async def totals(self) -> Totals:
        """Counts over the whole library, as the catalog knows it."""
        return await self.catalog.totals()

    async def pointers(self, scan: bool = True) -> list[PointerInfo]:
        """The pointer folders, those behind other pointers too; without a `scan` those that are known already."""
        if scan:
            await self.scan()
        return await list_pointers(self.catalog, self._opened.place)

    async def add_pointer(self, path: str, pointer: Pointer) -> PointerInfo:
        """Make a new or empty folder a pointer; see `library.pointing.add_pointer` for what is refused."""
        return await in_thread(add_pointer, self._opened.place, parse_path(path), pointer)

    async def remove_pointer(self, path: str) -> None:
        """Make a pointer a plain folder again; its target is not touched."""
        parsed = parse_path(path)
        await in_thread(remove_pointer, self._opened.place, parsed)
        with contextlib.suppress(LenscatError):
            await self._scanner.look(parsed)

    def _written_stores(self) -> list[Store]:
        """What takes sidecars."""
        place = self._opened.place
        if place.sidecars is None:
            return []
        return [place.sidecars, *(place.base.written_targets() if place.sidecars is place.base else ())]

    def _read_rest(self, path: LibraryPath) -> None:
        """Read in the background what a first look left of a large folder."""
        self._upkeep.spawn(self._scanner.read_rest(path))

    def _follow(self) -> None:
        self._upkeep.follow()
