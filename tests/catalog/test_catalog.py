"""The catalog: disposable, shared, and exact in what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import FolderUpdate, ItemRecord
from lenscat_backend.catalog.schema import SCHEMA_VERSION
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.search.parser import parse_query
from lenscat_backend.models.text import sort_key


def record(name: str, tags: tuple[str, ...] = (), notes: str = "", rating: int | None = None) -> ItemRecord:
    import orjson

    return ItemRecord(
        sort_key=sort_key(name), name=name, format="jpeg", size=1, mtime_ns=1, etag="e", width=1, height=1,
        created_at=None, exif="{}", problem=None, sidecar_etag="", has_sidecar=0, sidecar_problem=None,
        tags=orjson.dumps(tags).decode(), notes=notes, rating=rating, label=None, favorite=0, hash=None,
        thumb_etag="", thumb_source="",
    )  # fmt: skip


def update(path: str, *records: ItemRecord, subfolders: tuple[str, ...] = (), **more: Any) -> FolderUpdate:
    return FolderUpdate(LibraryPath(path), records, subfolders=subfolders, fingerprint=b"f", etag="d", **more)


def with_catalog(path: Path, work: Callable[[Catalog], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        catalog = Catalog(path)
        try:
            return await work(catalog)
        finally:
            catalog.close()

    return asyncio.run(run())


async def paths(catalog: Catalog, query: str) -> list[str]:
    root = parse_query(query).root
    rows, total, *_ = await catalog.search(root)
    assert total == len(rows)
    assert [row async for row in catalog.walk_matches(root)] == rows
    if not query:
        assert [row async for row in catalog.walk_all()] == rows
    return [f"{row.folder}/{row.record.name}".lstrip("/") for row in rows]


@pytest.mark.parametrize("damage", [b"", b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_made_anew(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    path.write_bytes(damage)

    async def work(catalog: Catalog) -> None:
        await catalog.apply([update("", record("a.jpg"))])
        assert await paths(catalog, "a") == ["a.jpg"]

    with_catalog(path, work)


def test_another_schema_is_wiped(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    with_catalog(path, lambda catalog: catalog.apply([update("", record("a.jpg"))]))
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    assert with_catalog(path, lambda catalog: catalog.totals()).items == 0


def test_what_a_complete_update_does_not_name_is_gone_with_all_below(tmp_path: Path) -> None:
    async def work(catalog: Catalog) -> None:
        await catalog.apply([update("", subfolders=("x", "x0", "y")), update("x", subfolders=("z",))])
        await catalog.apply([update("x/z", record("deep.jpg")), update("x0", record("other.jpg"))])
        await catalog.make_block(1)
        await catalog.apply([update("", subfolders=("x0", "y"))])
        assert await paths(catalog, "") == ["x0/other.jpg"]
        assert await paths(catalog, "deep") == []
        assert [row.path async for row in catalog.walk_folders()] == ["", "x0", "y"]

    with_catalog(tmp_path / "c", work)


def test_matches_come_in_the_order_people_count_in_folders_too(tmp_path: Path) -> None:
    folders = ("", "Été", "f2", "f2 b", "f2/sub", "f2-b", "f10", "f10/x")
    in_order = ["", "Été", "f2", "f2/sub", "f2 b", "f2-b", "f10", "f10/x"]

    async def work(catalog: Catalog) -> None:
        updates = [update(path, record("10.jpg"), record("9.jpg")) for path in sorted(folders, reverse=True)]
        await catalog.apply([replace(one, complete=False) for one in updates])
        expected = [f"{path}/{name}".lstrip("/") for path in in_order for name in ("9.jpg", "10.jpg")]
        assert await paths(catalog, "") == expected

    with_catalog(tmp_path / "c", work)


def test_a_walk_goes_on_where_a_batch_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenscat_backend.catalog.catalog._WALK_BATCH", 1)

    async def work(catalog: Catalog) -> None:
        for path in ("f10", "f1", "F1", "f01"):
            await catalog.apply([update(path, record("a1.jpg"), record("a01.jpg"))])
        assert len(await paths(catalog, "")) == 8

    with_catalog(tmp_path / "c", work)


def test_searches_are_right_before_and_after_blocks_are_made(tmp_path: Path) -> None:
    async def work(catalog: Catalog) -> None:
        await catalog.apply([update("", record("Été.jpg", ("New York",), "a lake"), record("b.jpg", ("york",)))])
        for _ in range(2):
            assert await paths(catalog, "ete") == ["Été.jpg"]
            assert await paths(catalog, "york") == ["b.jpg", "Été.jpg"]
            assert await paths(catalog, 'tag:"new york"') == ["Été.jpg"]
            assert await paths(catalog, "tag:york") == ["b.jpg"]
            assert await paths(catalog, "notes:lake") == ["Été.jpg"]
            assert await paths(catalog, "name:york") == []
            assert await paths(catalog, "la") == ["Été.jpg"]
            assert await paths(catalog, "-york") == []
            assert await paths(catalog, "york -lake") == ["b.jpg"]
            await catalog.make_block(1)
        await catalog.apply([update("", record("b.jpg", ("paris",)))])
        assert await paths(catalog, "tag:york") == []
        assert await paths(catalog, "tag:paris") == ["b.jpg"]

    with_catalog(tmp_path / "c", work)


def test_names_are_in_the_order_people_count_in(tmp_path: Path) -> None:
    names = ["img10.jpg", "img2.jpg", "IMG1.jpg", "a.jpg", "img02.jpg"]

    async def work(catalog: Catalog) -> list[str]:
        await catalog.apply([update("", *map(record, names))])
        return [row.record.name for row in await catalog.items(LibraryPath(""))]

    expected = ["a.jpg", "IMG1.jpg", "img02.jpg", "img2.jpg", "img10.jpg"]
    assert with_catalog(tmp_path / "c", work) == expected


async def suggested(catalog: Catalog, typed: str) -> list[str]:
    return [f"{one.text} {one.pictures}" for one in await catalog.suggest(typed, 10)]


@pytest.mark.parametrize("typed", ["protrait", "potrait", "portraitt", "portrayt", "pottr", "Portrait"])
def test_one_letter_wrong_still_finds_it(tmp_path: Path, typed: str) -> None:
    async def work(catalog: Catalog) -> None:
        await catalog.apply([
            update("", record("mountain_1.jpg", ("portrait",)), record("mountain_2.jpg", ("portrait", "pastry")))
        ])  # fmt: skip
        assert await suggested(catalog, typed) == ["portrait 2"]
        assert await suggested(catalog, "montain") == ["mountain 2"]
        assert await suggested(catalog, "xxrtra") == []

    with_catalog(tmp_path / "c", work)


def test_suggestions_are_tags_first_then_words_of_names(tmp_path: Path) -> None:
    async def work(catalog: Catalog) -> None:
        second = record("2.jpg", ("Portrait", "port", "Airport"))
        await catalog.apply([update("", record("porto-bridge.jpg", ("Portrait", "people")), second)])
        await catalog.make_block(1)
        assert await suggested(catalog, "por") == ["Portrait 2", "port 1", "Airport 1", "porto 1"]
        assert await suggested(catalog, "p") == ["Portrait 2", "people 1", "port 1", "Airport 1", "porto 1", "jpg 2"]
        assert await suggested(catalog, "RAI") == ["Portrait 2"]
        assert await suggested(catalog, "") == []

    with_catalog(tmp_path / "c", work)


def test_two_processes_share_a_catalog(tmp_path: Path) -> None:
    async def work(first: Catalog) -> None:
        second = Catalog(tmp_path / "c")
        try:
            await asyncio.gather(*(
                catalog.apply([update(f"f{number}", record("a.jpg"))])
                for number in range(20) for catalog in (first, second)
            ))  # fmt: skip
            assert (await first.totals()).items == (await second.totals()).items == 20
        finally:
            second.close()

    with_catalog(tmp_path / "c", work)
