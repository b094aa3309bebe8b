"""A remote folder that is too large to hold: looked at page by page, and equal to what a whole look would find."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from lenscat_backend import Library, LibraryOptions
from lenscat_backend.errors import UnreachableError
from lenscat_backend.library import folders, scan, scan_agenda, streaming
from lenscat_backend.models.paths import LibraryPath, parse_path
from lenscat_backend.models.search.nodes import Everything
from lenscat_backend.storage import memory
from lenscat_backend.storage.base import Entry, Report, ignore
from lenscat_backend.storage.memory import MemoryStore
from lenscat_backend.storage.remembering import RememberingStore
from tests.conftest import picture

pytestmark = pytest.mark.anyio
LONG = "long " * 48 + ".jpg"
ODD = ["a.jpg", "a.jpg.jpg", "a.jpg.jso.jpg", "a.jpg~.jpg", "Ä.jpg", "a.png", "a b.jpg", "a-1.jpg", "a.jpga.jpg", LONG]


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "LARGE_ENTRIES", 10)
    monkeypatch.setattr(streaming, "LARGE_IMAGES", 5)
    monkeypatch.setattr(scan_agenda, "LARGE_IMAGES", 5)
    monkeypatch.setattr(memory, "_PAGE", 4)
    monkeypatch.setattr(scan, "LARGE_AGAIN_S", 0.0)


class PagedStore(MemoryStore):
    """Remote; hands out pages of its listings only as it is let to, and counts them."""

    def __init__(self) -> None:
        super().__init__(remote=True)
        self.pages = 0
        self.opened: list[str] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.stop_at: int | None = None

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        for number, page in enumerate(super().list_pages(folder, report)):
            if number > 5:
                self.go_on.wait(20)
            if self.stop_at is not None and number >= self.stop_at:
                raise UnreachableError("The store went away.")
            self.pages += 1
            yield page

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[Any]:
        self.opened += [entry.name for entry in entries if not entry.name.endswith(".json")]
        return super().open_each(folder, entries)


def fill(store: MemoryStore, folder: str = "big", children: Sequence[str] = ("0", "a", "z")) -> None:
    """Pictures with all kinds of names, every second one with a sidecar."""
    names = [f"{number:03}.jpg" for number in range(30)] + ODD
    for number, name in enumerate(names):
        store.write(parse_path(f"{folder}/{name}"), picture(size=(40 + number, 30)))
        if number % 2:
            store.write(parse_path(f"{folder}/{streaming.sidecar_name(name)}"), orjson.dumps({"tags": [f"t{number}"]}))
    for child in children:
        store.write(parse_path(f"{folder}/{child}/x.jpg"), picture())


@pytest.fixture
def store() -> PagedStore:
    store = PagedStore()
    fill(store)
    return store


@pytest.fixture
async def library(store: PagedStore, tmp_path: Path) -> Any:
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path), RememberingStore(store)) as library:
        yield library


async def content(library: Library) -> list[Any]:
    """All that the catalog says of the pictures, in order."""
    rows = [row async for row in library.catalog.walk_matches(Everything())]
    return [(row.folder, row.record._replace(mtime_ns=0)) for row in rows]


async def whole(store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The same of a catalog made by looking at every folder whole."""
    with monkeypatch.context() as patch:
        patch.setattr(streaming, "LARGE_ENTRIES", 10_000)
        async with Library("memory:", LibraryOptions(cache_dir=tmp_path / "whole"), store) as library:
            await library.scan()
            return await content(library)


async def test_a_scan_in_parts_finds_what_a_whole_one_does(
    library: Library, store: PagedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await library.scan()
    assert await content(library) == await whole(store, tmp_path, monkeypatch)
    assert len(await content(library)) == 43
    assert sorted(row.path for row in await library.catalog.subfolders(parse_path("big"))) == [
        "big/0",
        "big/a",
        "big/z",
    ]


async def test_a_second_scan_opens_nothing_and_finds_what_changed(
    library: Library, store: PagedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await library.scan()
    store.opened.clear()
    assert (await library.scan()).images_read == 0 and store.opened == []
    store.write(parse_path("big/005.jpg"), picture("blue", size=(99, 98)))
    store.write(parse_path("big/new.jpg"), picture())
    store.write(parse_path("big/new/x.jpg"), picture())
    store.write(parse_path("big/006.jpg.json"), orjson.dumps({"tags": ["fresh"]}))
    for gone in ("big/007.jpg", "big/" + LONG, "big/a/x.jpg", "big/009.jpg.json"):
        store.delete(parse_path(gone))
    progress = await library.scan()
    assert progress.failed == 0 and sorted(store.opened) == sorted(
        ["005.jpg", "new.jpg", "x.jpg", "006.jpg", "009.jpg"]
    )
    assert await content(library) == await whole(store, tmp_path, monkeypatch)
    assert await library.catalog.folder(parse_path("big/a")) is None


async def test_only_removals(library: Library, store: PagedStore) -> None:
    fill(store, "flat", ())
    await library.scan()
    store.delete(parse_path("flat/003.jpg"))
    assert (await library.scan()).folders_changed == 2  # of "big" nobody knows whether its subfolders are others
    assert (await library.scan()).folders_changed == 1
    assert "003.jpg" not in [item.name for item in (await library.folder("flat")).items]
    await library.write_manifests()
    assert b"flat/003.jpg" not in store.read(parse_path("_rollup.json"), 1 << 20).data


async def test_a_large_folder_is_shown_while_it_is_listed(
    library: Library, store: PagedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names first, in pages; a last page that is still to come does not keep anybody waiting."""
    monkeypatch.setattr(folders, "LARGE_WAIT_S", 0.05)
    store.go_on.clear()
    try:
        shown = await library.folder("big", page=0)
        assert 10 <= len(shown.items) < 40 and shown.page_count == 1
    finally:
        store.go_on.set()
    async with asyncio.timeout(20):
        while len((await library.folder("big")).items) < 40:
            await asyncio.sleep(0.01)
        while any(item.w is None for item in (await library.folder("big")).items):
            await asyncio.sleep(0.01)


async def test_its_pages_do_not_list_it_again_and_again(
    library: Library, store: PagedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "LARGE_AGAIN_S", 1000.0)
    await library.scan()
    await library.folder("big", page=0)
    store.pages = 0
    for _ in range(3):
        await library.folder("big", page=0)
    assert store.pages == 0


async def test_a_listing_that_breaks_off_removes_nothing(library: Library, store: PagedStore) -> None:
    await library.scan()
    before = await content(library)
    store.stop_at = 7
    assert (await library.scan()).failed == 1
    with pytest.raises(UnreachableError):
        await library.folder("big")
    assert await content(library) == before
    store.stop_at = None
    assert (await library.scan()).failed == 0 and await content(library) == before


async def test_pictures_that_come_while_it_is_listed_stay(library: Library, store: PagedStore) -> None:
    """What the catalog learns of a picture after the listing passed its place is not removed by the listing's end."""
    await library.scan()
    store.go_on.clear()
    scanning = asyncio.ensure_future(library.scan())
    await asyncio.sleep(0.2)
    store.write(parse_path("big/000a.jpg"), picture())
    await library.item("big/000a.jpg")
    store.go_on.set()
    await scanning
    assert "000a.jpg" in [row.record.name for row in await library.catalog.items(parse_path("big"))]


async def test_a_folder_that_shrinks_or_grows(library: Library, store: PagedStore) -> None:
    await library.scan()
    for number in range(30):
        store.delete(parse_path(f"big/{number:03}.jpg"))
        if number % 2:
            store.delete(parse_path(f"big/{number:03}.jpg.json"))
    await library.scan()
    assert len((await library.folder("big")).items) == len(ODD)
    fill(store, "big")
    await library.scan()
    assert len((await library.folder("big")).items) == 40


async def test_its_manifest_is_whole(library: Library, store: PagedStore) -> None:
    await library.write_manifests()
    manifest = orjson.loads(store.read(parse_path("big/_index.json"), 1 << 20).data)
    assert [item["name"] for item in manifest["items"]] == [item.name for item in (await library.folder("big")).items]
    assert [found["name"] for found in manifest["dirs"]] == ["0", "a", "z"]
    assert manifest["page"] is None and manifest["v"] == 1


async def test_nothing_is_left_of_the_notes(library: Library) -> None:
    for _ in range(3):
        await library.scan()
    left = await library.catalog._database.read(
        lambda connection: connection.execute("SELECT * FROM listed").fetchall()
    )
    assert left == []
