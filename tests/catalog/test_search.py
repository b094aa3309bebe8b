"""Searches find what the plainest loop finds: any query, any library, in blocks or not, in every order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenscat_backend.catalog import search
from lenscat_backend.catalog.blocks.view import Views
from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import FolderUpdate, ItemRecord
from lenscat_backend.errors import BusyError, InvalidQueryError
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.search.parser import parse_query
from lenscat_backend.models.search.sorting import Sort, parse_sort
from lenscat_backend.models.text import sort_key, sort_path
from tests.models.search.reference import Picture, matches

WORDS = [
    "beach",
    "Beach",
    "sun",
    "sunset",
    "golden hour",
    "golden",
    "hour",
    "a",
    "b1",
    "IMG",
    "0012",
    "été",
    "Été",
    "猫",
    "猫と犬",
    "🦊",
    "x-y",
    "it's",
]
FOLDERS = ["", "Trips", "trips 2", "Trips/2024", "Été", "a", "a/b/c"]
NAMES = st.builds(
    lambda words, separator, number, ending: f"{separator.join(words)}{number}{ending}",
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    st.sampled_from(["_", "-", " ", "", "."]),
    st.one_of(st.just(""), st.integers(0, 2000).map(lambda number: f"_{number:04}")),
    st.sampled_from([".jpg", ".JPG", ".png", ".tar.webp", ""]),
)
TEXTS = st.lists(st.sampled_from([*WORDS, "  ", ",", "(c)"]), max_size=4).map(" ".join)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


PICTURES = st.builds(
    Picture,
    path=st.builds(lambda folder, name: f"{folder}/{name}".lstrip("/"), st.sampled_from(FOLDERS), NAMES),
    tags=st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(tuple),
    notes=TEXTS,
    rating=maybe(st.integers(0, 5)),
    label=maybe(st.sampled_from(["red", "Green", "mine"])),
    favorite=st.booleans(),
    format=st.sampled_from(["jpeg", "png", "webp"]),
    size=st.integers(0, 10_000_000),
    width=maybe(st.sampled_from([100, 640, 4000])),
    height=maybe(st.sampled_from([100, 480, 6000])),
    created_at=maybe(st.sampled_from(["2023-06-15T10:30:00", "2023-12-31T23:59:59Z", "2024-01-01T00:00:00+02:00"])),
    make=maybe(st.sampled_from(["Canon", "NIKON CORPORATION"])),
    model=maybe(st.sampled_from(["EOS R6", "D750"])),
    lens=maybe(st.sampled_from(["EF 50mm f/1.8", "24-70"])),
    iso=maybe(st.sampled_from([100, 400])),
    f_number=maybe(st.sampled_from([1.8, 2.8, 4.0])),
    focal_length_mm=maybe(st.sampled_from([24.0, 50.0])),
    latitude=maybe(st.sampled_from([0.0, 48.8566, -33.9])),
    longitude=maybe(st.sampled_from([2.3522, 179.99, -179.99])),
    hash=maybe(st.sampled_from(["blake3:" + "ab" * 32, "blake3:" + "abc1" * 16])),
    has_sidecar=st.booleans(),
)
LIBRARIES = st.lists(PICTURES, max_size=25, unique_by=lambda picture: picture.path)
PLAIN = st.sampled_from(
    [
        *(word for word in WORDS if " " not in word),
        '"golden hour"',
        '"n h"',
        "e",
        "g_0",
        ".jp",
        "*",
        "su*t",
        "?un",
        "00*",
    ]
)
FIELDS = st.sampled_from([
    "tag:beach", 'tag:"golden hour"', "tag:su*", "keyword:été", "name:img*", "name:*12", "name:b?", "name:sun",
    "filename:_00", "path:trips", "path:trips/", "path:a/b", "path:tr*24/", "path:été/b", "folder:/Trips/2024",
    "ext:jpg", "ext:webp", "type:webp", "notes:sun", "notes:hour", "camera:canon", "camera:r6",
    'camera:"canon eos"', "lens:50", "label:red", "label:mine", "label:none", "color:green", "rating:>=4",
    "rating>=3", "rating:2..4", "rating:0", "rating:..2", "date:2023", "date:2023-06..2023-12", "taken:>2023",
    "date:<=2023-06-15T10:30", "before:2024", "after:2023-07", "year:2024", "width:>500", "height:<=480",
    "mp:>12", "mp:0.3", "size:>5mb", "size:1kb..9mib", "iso:100..200", "f:2.8..4", "f:1.8", "mm:50",
    "orientation:landscape", "is:square", "geo:48.85,2.35,5km", "geo:0,180,5km", "is:favorite", "is:untagged",
    "is:unrated", "has:notes", "has:gps", "has:hash", "has:sidecar", "has:camera", "hash:abc1", "hash:ababa",
])  # fmt: skip
CONDITIONS = PLAIN | FIELDS


@st.composite
def queries(draw: st.DrawFn, depth: int = 3) -> str:
    """Conditions joined in every way, `depth` times within each other at most."""
    if depth == 0 or draw(st.booleans()):
        return draw(CONDITIONS)
    parts = draw(st.lists(queries(depth - 1), min_size=2, max_size=3))
    ways = [" ".join(parts), f"({' or '.join(parts)})", f"-({parts[0]})", f"not ({parts[0]} | {parts[1]})"]
    return draw(st.sampled_from(ways))


QUERIES = queries()


def record(picture: Picture) -> ItemRecord:
    told = ("make", "model", "lens", "iso", "f_number", "focal_length_mm", "latitude", "longitude")
    exif = {key: getattr(picture, key) for key in told}
    return ItemRecord(
        sort_key=sort_key(picture.name),
        name=picture.name,
        format=picture.format,
        size=picture.size,
        mtime_ns=1,
        etag="e",
        width=picture.width,
        height=picture.height,
        created_at=picture.created_at,
        exif=orjson.dumps({key: value for key, value in exif.items() if value is not None}).decode(),
        problem=None,
        sidecar_etag="",
        has_sidecar=int(picture.has_sidecar),
        sidecar_problem=None,
        tags=orjson.dumps(picture.tags).decode(),
        notes=picture.notes,
        rating=picture.rating,
        label=picture.label,
        favorite=int(picture.favorite),
        hash=picture.hash,
        thumb_etag="",
        thumb_source="",
    )


async def enter(catalog: Catalog, pictures: list[Picture], blocks: random.Random | None = None) -> None:
    """Store pictures folder by folder; with `blocks` some of them in blocks, and those changed once more."""
    for folder in FOLDERS:
        records = [record(one) for one in pictures if one.path.rpartition("/")[0] == folder]
        update = FolderUpdate(LibraryPath(folder), records, complete=False)
        if blocks is not None and blocks.random() < 0.7:
            wrong = [one._replace(notes="wrong", rating=3, tags="[]", size=7) for one in records]
            await catalog.apply([FolderUpdate(LibraryPath(folder), wrong, complete=False)])
            await catalog.make_block(1)
        await catalog.apply([update])
        if blocks is not None and blocks.random() < 0.5:
            await catalog.make_block(1)


def path_of(row: Any) -> str:
    return f"{row.folder}/{row.record.name}".lstrip("/")


def in_tree(picture: Picture) -> Any:
    folder, _, name = picture.path.rpartition("/")
    return sort_path(folder), folder, sort_key(name), name


@settings(max_examples=150, deadline=None)
@given(LIBRARIES, st.lists(QUERIES, min_size=1, max_size=6), st.integers(0, 100))
def test_any_query_finds_what_a_plain_loop_finds(
    tmp_path_factory: pytest.TempPathFactory, pictures: list[Picture], queries: list[str], chance: int
) -> None:
    async def work() -> None:
        catalog = Catalog(tmp_path_factory.mktemp("c") / "c")
        try:
            await enter(catalog, pictures, random.Random(chance) if chance else None)
            for query in queries:
                root = parse_query(query).root
                expected = [one.path for one in sorted(pictures, key=in_tree) if matches(root, one)]
                found = await catalog.search(root)
                assert [path_of(row) for row in found.rows] == expected, query
                assert found.total == len(expected)
        finally:
            catalog.close()

    asyncio.run(work())


def value_of(key: str, picture: Picture) -> Any:
    taken = int("".join(char for char in (picture.created_at or "")[:19] if char.isdigit()) or 0)
    return {"date": taken, "rating": picture.rating or 0, "size": picture.size}[key]


def in_order(pictures: list[Picture], sort: Sort) -> list[str]:
    if sort.key == "path":
        ordered = sorted(pictures, key=in_tree, reverse=sort.descending)
    elif sort.key == "name":
        ordered = sorted(pictures, key=lambda one: (*in_tree(one)[2:], *in_tree(one)[:2]), reverse=sort.descending)
    else:
        ordered = sorted(pictures, key=lambda one: (value_of(sort.key, one), in_tree(one)), reverse=sort.descending)
        if sort.key == "date":
            ordered.sort(key=lambda one: one.created_at is None)
    return [one.path for one in ordered]


@settings(max_examples=80, deadline=None)
@given(
    LIBRARIES,
    st.sampled_from(["path", "name", "date", "rating", "size"]),
    st.booleans(),
    st.integers(1, 7),
    st.integers(0, 100),
)
def test_every_order_whole_and_in_pages(
    tmp_path_factory: pytest.TempPathFactory,
    pictures: list[Picture],
    key: str,
    descending: bool,
    page: int,
    chance: int,
) -> None:
    sort = parse_sort(f"-{key}" if descending else key)
    few = 0 if chance % 2 else 64  # few matches are put in order otherwise than many

    async def work() -> None:
        catalog = Catalog(tmp_path_factory.mktemp("c") / "c")
        try:
            await enter(catalog, pictures, random.Random(chance) if chance else None)
            root, expected = parse_query("").root, in_order(pictures, sort)
            assert [path_of(row) for row in (await catalog.search(root, sort)).rows] == expected
            assert [path_of(row) for row in (await catalog.search(root, sort, 3, 2)).rows] == expected[2:5]
            walked: list[str] = []
            cursor: str | None = None
            while len(walked) <= len(expected):
                found = await catalog.search(root, sort, page, cursor=cursor)
                walked += map(path_of, found.rows)
                cursor = found.cursor
                if cursor is None:
                    break
            assert walked == expected
        finally:
            catalog.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lenscat_backend.catalog.blocks.ordering._FEW", few)
        asyncio.run(work())


@settings(max_examples=40, deadline=None)
@given(LIBRARIES, QUERIES, st.integers(0, 100))
def test_facets_count_what_a_plain_loop_counts(
    tmp_path_factory: pytest.TempPathFactory, pictures: list[Picture], query: str, chance: int
) -> None:
    async def work() -> None:
        catalog = Catalog(tmp_path_factory.mktemp("c") / "c")
        try:
            await enter(catalog, pictures, random.Random(chance) if chance else None)
            root = parse_query(query).root
            found, total, _ = await catalog.facets(root)
            among = [one for one in pictures if matches(root, one)]
            assert total == len(among)
            assert dict(found.tags) == Counter(tag for one in among for tag in one.tags)
            assert dict(found.months) == Counter(one.created_at[:7] for one in among if one.created_at)
            assert dict(found.years) == Counter(one.created_at[:4] for one in among if one.created_at)
            assert dict(found.ratings) == Counter(str(one.rating) for one in among if one.rating is not None)
            assert dict(found.lenses) == Counter(one.lens for one in among if one.lens)
            assert dict(found.folders) == Counter(one.path.split("/")[0] for one in among if "/" in one.path)
        finally:
            catalog.close()

    asyncio.run(work())


def with_pictures(path: Path, pictures: list[Picture], work: Any) -> Any:
    async def run() -> Any:
        catalog = Catalog(path / "c")
        try:
            await enter(catalog, pictures)
            return await work(catalog)
        finally:
            catalog.close()

    return asyncio.run(run())


def test_chance_is_the_same_for_a_seed_and_another_for_another(tmp_path: Path) -> None:
    pictures = [Picture(f"a/{number}.jpg") for number in range(50)]

    async def work(catalog: Catalog) -> None:
        root = parse_query("").root
        orders = []
        for seed in ("random:1", "random:1", "random:2"):
            orders.append([path_of(row) for row in (await catalog.search(root, parse_sort(seed))).rows])
            await catalog.make_block(1)
        assert orders[0] == orders[1] != orders[2]
        assert sorted(orders[0]) == sorted(orders[2]) == sorted(one.path for one in pictures)

    with_pictures(tmp_path, pictures, work)


def test_relevance_puts_tags_before_names_before_notes(tmp_path: Path) -> None:
    pictures = [
        Picture("a/1.jpg", notes="seaside sun"),
        Picture("a/2.jpg", tags=("sun",)),
        Picture("a/sun.jpg"),
        Picture("a/sunset.jpg"),
        Picture("a/5.jpg", tags=("sunset",)),
        Picture("a/6.jpg", notes="sunny"),
    ]

    async def work(catalog: Catalog) -> None:
        found = await catalog.search(parse_query("sun").root, parse_sort("relevance"))
        names = [row.record.name for row in found.rows]
        assert names == ["2.jpg", "sun.jpg", "5.jpg", "sunset.jpg", "1.jpg", "6.jpg"]

    with_pictures(tmp_path, pictures, work)


@pytest.mark.parametrize("cursor", ["", "x", "bm90IG9uZQ", "WzFd", "W10", "eyJ9", "/", "é", "A" * 5000])
def test_a_cursor_that_is_none_is_an_error(tmp_path: Path, cursor: str) -> None:
    async def work(catalog: Catalog) -> None:
        with pytest.raises(InvalidQueryError, match="first page"):
            await catalog.search(parse_query("").root, Sort(), 1, cursor=cursor)

    with_pictures(tmp_path, [Picture("a.jpg"), Picture("b.jpg")], work)


def test_a_cursor_of_another_order_is_an_error(tmp_path: Path) -> None:
    async def work(catalog: Catalog) -> None:
        root = parse_query("").root
        cursor = (await catalog.search(root, parse_sort("date"), 1)).cursor
        with pytest.raises(InvalidQueryError, match="another order"):
            await catalog.search(root, parse_sort("name"), 1, cursor=cursor)

    with_pictures(tmp_path, [Picture("a.jpg"), Picture("b.jpg")], work)


def test_pages_go_on_where_the_last_picture_was_even_when_it_is_gone(tmp_path: Path) -> None:
    pictures = [Picture(f"a/{number}.jpg") for number in range(6)]

    async def work(catalog: Catalog) -> None:
        root = parse_query("").root
        cursor = (await catalog.search(root, Sort(), 3)).cursor
        await catalog.remove_folder(LibraryPath("a"))
        rest = [record(one) for one in (*pictures[4:], Picture("a/10.jpg"), Picture("a/1b.jpg"))]
        await catalog.apply([FolderUpdate(LibraryPath("a"), rest, complete=False)])
        found = await catalog.search(root, Sort(), 10, cursor=cursor)
        assert [row.record.name for row in found.rows] == ["4.jpg", "5.jpg", "10.jpg"]

    with_pictures(tmp_path, pictures, work)


def test_a_damaged_block_is_made_anew_with_the_catalog(tmp_path: Path) -> None:
    async def work(catalog: Catalog) -> None:
        await catalog.make_block(1)
        connection = apsw.Connection(str(tmp_path / "c"))
        connection.execute("UPDATE block_parts SET data = zeroblob(100) WHERE part = 'names'")
        connection.close()
        with pytest.raises(BusyError, match="made anew"):
            await catalog.search(parse_query("name:a").root)
        pictures = [Picture("a/x.jpg"), Picture("a/y.jpg")]
        await enter(catalog, pictures)
        await catalog.make_block(1)
        found = await catalog.search(parse_query("name:x").root)
        assert [path_of(row) for row in found.rows] == ["a/x.jpg"]

    with_pictures(tmp_path, [Picture("a.jpg"), Picture("b.jpg")], work)


def test_a_catalog_made_anew_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    """Its blocks have the same numbers, and are others."""

    async def work(catalog: Catalog) -> None:
        for name in ("one", "two"):
            await enter(catalog, [Picture(f"a/{name}{number}.jpg") for number in range(3)])
            await catalog.make_block(1)
            assert (await catalog.search(parse_query(name).root)).total == 3
            connection = apsw.Connection(str(tmp_path / "c"))
            connection.execute("UPDATE block_parts SET data = zeroblob(100)")
            connection.close()
            await damaged(catalog)
        assert (await catalog.search(parse_query("").root)).total == 0

    async def damaged(catalog: Catalog) -> None:
        second = Views(catalog._database.connect)  # a reader that has nothing in memory meets the damage
        with pytest.raises(BusyError):
            await catalog._database.read(search.search, second, parse_query("name:o").root)

    with_pictures(tmp_path, [], work)


def test_more_changes_than_a_search_looks_at_are_told_and_then_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lenscat_backend.catalog.blocks.view.MOST_RECENT", 5)

    async def work(catalog: Catalog) -> None:
        await enter(catalog, [Picture(f"a/{number}.jpg") for number in range(20)])
        assert (await catalog.search(parse_query("").root)).partial
        while await catalog.make_block(1):
            pass
        found = await catalog.search(parse_query("").root)
        assert (found.total, found.partial) == (20, False)

    with_pictures(tmp_path, [], work)


def test_a_block_made_in_another_process_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenscat_backend.catalog.catalog._MADE_HERE", 0)
    pictures = [Picture(f"a/{number}.jpg", tags=("é",), notes="golden hour") for number in range(20)]

    async def work(catalog: Catalog) -> None:
        assert await catalog.make_block(1)
        assert not await catalog.make_block(1)
        assert (await catalog.search(parse_query('tag:e "golden hour" name:1').root)).total == 11

    with_pictures(tmp_path, pictures, work)
