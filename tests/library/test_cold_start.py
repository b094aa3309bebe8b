"""A new server on a bucket that another has served: it answers from the manifests, and then from the pictures."""

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
from lenscat_backend.library import cold_start, folders
from lenscat_backend.models.paths import ROOT, LibraryPath, parse_path
from lenscat_backend.storage.base import Entry, Listing, Report, ignore
from lenscat_backend.storage.memory import MemoryStore
from tests.conftest import picture

pytestmark = pytest.mark.anyio
SERVED = [f"trip/{number}.jpg" for number in range(20)] + ["trip/day 1/a.jpg", "b.png", "other/c.jpg"]


class SlowStore(MemoryStore):
    """A bucket whose listings do not come until they are let to."""

    def __init__(self) -> None:
        super().__init__(remote=True)
        self.listed = threading.Event()
        self.listed.set()
        self.asked: list[str] = []

    def list_folder(self, folder: LibraryPath) -> Listing:
        self.asked.append(folder)
        if not self.listed.wait(20):
            raise UnreachableError("It takes too long.")
        return super().list_folder(folder)

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        return super().list_pages(folder, report)


@pytest.fixture
async def store(tmp_path: Path) -> SlowStore:
    """A bucket that another server has scanned, and then gone away from."""
    store = SlowStore()
    for path in SERVED:
        store.write(parse_path(path), picture(size=(64, 48)))
    store.write(parse_path("trip/3.jpg.json"), orjson.dumps({"tags": ["Zürich", "lake"], "notes": "In the rain."}))
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path / "first"), store) as library:
        await library.write_manifests()
        await library.write_manifests()  # with what the first one did not know yet of subfolders
    store.asked.clear()
    return store


@pytest.fixture
async def library(store: SlowStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(folders, "FIRST_LOOK_S", 0.05)
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path / "new", poll_s=1000), store) as library:
        yield library
        store.listed.set()


async def found(library: Library, query: str) -> list[str]:
    items, total, *_ = await library.search_page(query, 100)
    assert total == len(items)
    return [item.path for item in items]


async def until(library: Library, query: str, expected: list[str]) -> None:
    async with asyncio.timeout(20):
        while await found(library, query) != expected:
            await asyncio.sleep(0.02)


async def test_everything_is_found_before_anything_is_listed(library: Library, store: SlowStore) -> None:
    store.listed.clear()
    library.start_background()
    await until(library, "zurich", ["trip/3.jpg"])
    assert sorted(await found(library, "")) == sorted(SERVED)
    assert await found(library, "tag:lake rain") == ["trip/3.jpg"]


async def test_folders_are_shown_before_they_are_listed(library: Library, store: SlowStore) -> None:
    store.listed.clear()
    library.start_background()
    await until(library, "zurich", ["trip/3.jpg"])
    trip = await library.folder("trip")
    assert [item.name for item in trip.items] == [f"{number}.jpg" for number in range(20)]
    assert {(item.w, item.h, item.type, item.path.split("/")[0]) for item in trip.items} == {
        (64, 48, "image/jpeg", "trip")
    }
    assert [item.name for item in trip.items if item.has_meta] == ["3.jpg"]
    assert [dict(found) for found in trip.dirs] == [{"name": "day 1", "kind": "leaf-real"}]
    page = await library.folder("trip", page=0)
    assert (page.page, page.page_count, len(page.items)) == (0, 1, 20)
    root = await library.folder()
    assert [(found.name, found.kind) for found in root.dirs] == [("other", "leaf-real"), ("trip", "leaf-real")]


async def test_then_all_of_it_is_checked(library: Library, store: SlowStore) -> None:
    """What went, came and changed since the manifests were written is so a moment later."""
    for gone in ("trip/5.jpg", "other/c.jpg", "trip/3.jpg.json"):
        store.delete(parse_path(gone))
    store.write(parse_path("trip/new.jpg"), picture())
    store.write(parse_path("trip/6.jpg"), picture(size=(10, 90)))
    store.listed.clear()
    library.start_background()
    await until(library, "zurich", ["trip/3.jpg"])
    store.listed.set()
    expected = sorted([*(set(SERVED) - {"trip/5.jpg", "other/c.jpg"}), "trip/new.jpg"])
    async with asyncio.timeout(20):
        while library.last_scan is None:
            await asyncio.sleep(0.02)
    assert sorted(await found(library, "")) == expected and await found(library, "zurich") == []
    trip = {item.name: item for item in (await library.folder("trip")).items}
    assert (trip["6.jpg"].w, trip["6.jpg"].h) == (10, 90) and "5.jpg" not in trip
    assert [(folder.name, folder.kind) for folder in (await library.folder()).dirs] == [
        ("other", "branch"),  # its manifest is still there
        ("trip", "leaf-real"),
    ]
    rows = [row async for row in library.catalog.walk_folders()]
    assert sorted(row.path for row in rows) == ["", "other", "trip", "trip/day 1"] and all(row.scanned for row in rows)


async def test_a_quick_listing_is_not_kept_waiting(library: Library, store: SlowStore) -> None:
    store.write(parse_path("trip/new.jpg"), picture())
    assert "new.jpg" in [item.name for item in (await library.folder("trip")).items]


async def test_a_folder_without_a_manifest_is_waited_for(library: Library, store: SlowStore) -> None:
    store.write(parse_path("plain/x.jpg"), picture())
    store.listed.clear()
    asking = asyncio.ensure_future(library.folder("plain"))
    await asyncio.sleep(0.3)
    assert not asking.done()
    store.listed.set()
    assert [item.name for item in (await asking).items] == ["x.jpg"]


DAMAGED: dict[str, bytes] = {
    "cut": b'{"v": 1, "generated_at": "2024-01-01T00:00:00Z", "items": [{"path": "trip/0.jpg", "na',
    "no JSON": b"\xff\xd8\xff",
    "not UTF-8": b'{"v": 1, "generated_at": "x", "items": [{"path": "\xff", "name": "", "tags": [], "notes": ""}]}',
    "empty": b"",
    "a list": b"[1, 2]",
    "a newer one": b'{"v": 2, "pictures": {"trip/0.jpg": []}}',
    "other types": b'{"v": 1, "items": [1, null, {"path": 1}, {"path": "a.jpg", "tags": [3], "notes": ""}]}',
    "bad paths": orjson.dumps(
        {
            "v": 1,
            "generated_at": "x",
            "items": [
                {"path": path, "name": path, "tags": [], "notes": "", "w": 1, "h": 1, "size": 1}
                for path in (
                    "../a.jpg",
                    "/a.jpg",
                    ".hidden/a.jpg",
                    "a/../b.jpg",
                    "trip/note.txt",
                    "x" * 70_000 + ".jpg",
                )
            ],
            "dirs": [{"name": name, "kind": "branch"} for name in ("..", ".git", "a/b", "", 3)],
        }
    ),
    "lone surrogates": (
        b'{"v":1,"generated_at":"x","items":[{"path":"a.jpg","name":"a.jpg","tags":["\\ud800"],"notes":""}],"dirs":[]}'
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
async def test_damaged_manifests_harm_nobody(library: Library, store: SlowStore, kind: str) -> None:
    for path in ("_rollup.json", "trip/_index.json"):
        store.write(parse_path(path), DAMAGED[kind])
    store.listed.clear()
    asking = asyncio.ensure_future(library.folder("trip"))
    await asyncio.sleep(0.2)
    store.listed.set()
    shown = [item.name for item in (await asking).items]
    assert shown == [f"{number}.jpg" for number in range(20)]
    await cold_start.enter_rollup(library.catalog, store)
    await library.scan()
    assert sorted(await found(library, "")) == sorted(SERVED)


async def test_a_rollup_that_is_too_large_is_left(
    library: Library, store: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cold_start, "MAX_ROLLUP_BYTES", 100)
    await cold_start.enter_rollup(library.catalog, store)
    assert (await library.totals()).items == 0


async def test_a_catalog_that_knows_something_keeps_it(library: Library, store: SlowStore) -> None:
    store.delete(parse_path("trip/7.jpg"))
    await library.folder("trip")
    await cold_start.enter_rollup(library.catalog, store)
    assert (await library.totals()).items == 19


async def test_what_was_looked_at_meanwhile_stays(library: Library, store: SlowStore) -> None:
    """A folder opened while the rollup is read: the rollup is older."""
    store.delete(parse_path("trip/7.jpg"))
    batches = list(cold_start._batches(store))
    await library.folder("trip")
    for batch in batches:
        await library.catalog.apply_provisional(batch)
    assert {row.path for row in await library.catalog.subfolders(ROOT)} == {"other", "trip"}
    assert len(await library.catalog.items(parse_path("trip"))) == 19
    assert all(row.record.etag for row in await library.catalog.items(parse_path("trip")))
