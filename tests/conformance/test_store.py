"""The suite that every store passes. A new store is one more branch in the fixture `place`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenscat_backend.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidError,
    InvalidPathError,
    LenscatError,
    NotFoundError,
    ReadOnlyError,
    TooLargeError,
    VersionMismatchError,
)
from lenscat_backend.models.paths import ROOT, LibraryPath, decode_name, join, parse_path
from lenscat_backend.storage.base import Store
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.local_store import LocalStore
from lenscat_backend.storage.memory import MemoryStore

KINDS = ("local", "memory")
LIMIT = 1 << 24
A = parse_path("a.json")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


@dataclass
class Place:
    """A store to try, and the same place opened read-only where the kind allows it."""

    kind: str
    store: Store
    read_only: Store
    root: Path


def make_place(kind: str, root: Path) -> Place:
    if kind == "local":
        read_only = LocalStore(LocalDisk(root, writable=False))
        return Place(kind, LocalStore(LocalDisk(root), threads=4), read_only, root)
    return Place(kind, MemoryStore(), MemoryStore(writable=False), root)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = make_place(request.param, tmp_path)
    yield made
    close(made)


def close(place: Place) -> None:
    for store in (place.store, place.read_only):
        if isinstance(store, LocalStore):
            store.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


async def names_in(store: Store, folder: str = "") -> set[str]:
    return {entry.name for entry in (await store.list_folder(parse_path(folder))).entries}


async def content(store: Store, path: LibraryPath) -> bytes:
    return (await store.read(path, LIMIT)).data


async def streamed(store: Store, path: LibraryPath, offset: int, length: int) -> bytes:
    chunks = [chunk async for chunk in store.stream(path, offset, length)]
    assert all(0 < len(chunk) <= 1 << 20 for chunk in chunks)
    return b"".join(chunks)


async def failure_of(awaitable: Any) -> type[BaseException] | None:
    try:
        await awaitable
    except LenscatError as error:
        return type(error)
    return None


# Listing and looking


async def test_an_empty_library_is_an_empty_list(store: Store) -> None:
    assert (await store.list_folder(ROOT)).entries == ()


async def test_a_listing_tells_everything(store: Store) -> None:
    blob = await store.write(parse_path("x/one.jpg"), b"12345")
    await store.write(parse_path("x/y/two.jpg"), b"")
    file, folder = sorted((await store.list_folder(parse_path("x"))).entries)
    assert (file.name, file.is_folder, file.size) == ("one.jpg", False, 5)
    assert (file.etag, file.mtime_ns) == (blob.etag, blob.mtime_ns)
    assert folder == ("y", True, 0, 0, "", True)


async def test_stat_and_listing_agree(store: Store) -> None:
    await store.write(A, b"1")
    (listed,) = (await store.list_folder(ROOT)).entries
    assert (await store.stat(A))._replace(settled=True) == listed._replace(settled=True)


async def test_stat_of_folders(store: Store) -> None:
    await store.write(parse_path("x/y/a"), b"")
    for path, name in (("", ""), ("x", "x"), ("x/y", "y")):
        entry = await store.stat(parse_path(path))
        assert (entry.name, entry.is_folder, entry.size, entry.mtime_ns) == (name, True, 0, 0)


async def test_hidden_names_are_left_out_of_listings_only(store: Store) -> None:
    for name in (".a.jpg", ".lenscat-tmp-1", ".hidden/a.jpg"):
        await store.write(parse_path(name), b"1")
        assert await content(store, parse_path(name)) == b"1"
    assert await names_in(store) == set()


async def test_the_pointer_file_is_listed(store: Store) -> None:
    await store.write(parse_path(".lenscat.folder.json"), b"{}")
    assert await names_in(store) == {".lenscat.folder.json"}


@pytest.mark.parametrize("path", ["nothing", "a.json/below", "no/thing"])
async def test_what_is_missing_is_not_found(store: Store, path: str) -> None:
    await store.write(A, b"1")
    missing = parse_path(path)
    for call in (
        store.list_folder(missing), store.stat(missing), store.read(missing, 10), store.read_range(missing, 0, 1),
        streamed(store, missing, 0, 1), store.delete(missing), store.write(missing, b"", if_version="x"),
    ):  # fmt: skip
        assert await failure_of(call) is NotFoundError


async def test_a_folder_is_no_file(store: Store) -> None:
    await store.write(parse_path("x/a"), b"1")
    folder = parse_path("x")
    for call in (store.read(folder, 10), store.read_range(folder, 0, 1), store.delete(folder)):
        assert await failure_of(call) is NotFoundError
    assert await failure_of(store.write(folder, b"1")) is InvalidPathError
    for call in (store.read(ROOT, 10), store.write(ROOT, b""), store.delete(ROOT), streamed(store, ROOT, 0, 1)):
        assert await failure_of(call) is InvalidPathError


async def test_a_file_is_no_folder(store: Store) -> None:
    await store.write(A, b"1")
    assert await failure_of(store.list_folder(A)) is NotFoundError
    assert await failure_of(store.write(join(A, "b"), b"1")) is NotFoundError


# Reading


async def test_reading_up_to_the_limit(store: Store) -> None:
    await store.write(A, b"12345")
    assert (await store.read(A, 5)).data == b"12345"
    with pytest.raises(TooLargeError):
        await store.read(A, 4)


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 5, b"01234"),
        (0, 0, b""),
        (4, 1, b"4"),
        (4, 9, b"4"),
        (5, 1, b""),
        (9, 9, b""),
        (1, 3, b"123"),
        (2, 1 << 62, b"234"),
    ],
)
async def test_ranges(store: Store, offset: int, length: int, expected: bytes) -> None:
    await store.write(A, b"01234")
    assert await store.read_range(A, offset, length) == expected
    assert await streamed(store, A, offset, length) == expected


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1)])
async def test_negative_ranges_are_refused(store: Store, offset: int, length: int) -> None:
    await store.write(A, b"01234")
    for call in (store.read_range(A, offset, length), streamed(store, A, offset, length)):
        error = await failure_of(call)
        assert error is not None and issubclass(error, InvalidError)


async def test_a_long_stream(store: Store) -> None:
    data = hashlib.shake_128(b"x").digest(2_500_001)
    await store.write(A, data, durable=False)
    assert await streamed(store, A, 0, len(data)) == data
    assert await streamed(store, A, 1_000_000, 1_100_000) == data[1_000_000:2_100_000]


async def test_a_stream_may_be_left_early(store: Store) -> None:
    await store.write(A, bytes(3 << 20), durable=False)
    stream = store.stream(A, 0, 3 << 20)
    assert len(await anext(stream)) == 1 << 20
    await stream.aclose()  # type: ignore[attr-defined]
    await store.delete(A)


# Names

NASTY = [
    "with space.jpg", " ", "quote'\".jpg", "100%.jpg", "%2e%2e", "#1", "photo#1", "a?b&c+d=e;f,g.jpg", "back\\slash",
    "new\nline\ttab\r", "😀🏳️‍🌈.jpg", "caf\u00e9.jpg", "cafe\u0301.jpg", "CAF\u00c9.jpg", "UPPER", "upper", "~", "-rf",
    "$(x)`y`", "<b>&amp;", "con", "a..b", "...a"[3:], "x" * 255, "é" * 127, "\x7f\x01", "*", "[a]", "{a}", "|", "a:b",
    decode_name(b"\xff\xfe.jpg"), decode_name(b"caf\xe9.jpg"), decode_name("\U0010fe80".encode()),
    decode_name("\U0010fe80".encode() + b"\xff"), "\ufffd", "\U0010ffff",
]  # fmt: skip


async def test_nasty_names_live_side_by_side(store: Store) -> None:
    for number, name in enumerate(NASTY):
        await store.write(parse_path(name), str(number).encode(), durable=False)
    assert await names_in(store) == set(NASTY)
    for number, name in enumerate(NASTY):
        assert await content(store, parse_path(name)) == str(number).encode()
        assert (await store.stat(parse_path(name))).name == name
        await store.delete(parse_path(name))
    assert await names_in(store) == set()


async def test_nasty_names_of_folders(store: Store) -> None:
    for name in NASTY:
        await store.write(join(parse_path(f"{name}/{name}"), "a"), name.encode(), durable=False)
        assert await names_in(store, f"{name}/{name}") == {"a"}
    assert await names_in(store) == set(NASTY)


@pytest.mark.parametrize("name", ["x" * 256, "é" * 128])
async def test_names_that_are_too_long(store: Store, name: str) -> None:
    for call in (store.read(parse_path(name), 1), store.write(parse_path(name), b""), store.stat(parse_path(name))):
        assert await failure_of(call) is InvalidPathError


async def test_paths_longer_than_the_system_takes_in_one_call(store: Store) -> None:
    deep = parse_path("/".join(["d" * 200] * 20))
    await store.write(join(deep, "a"), b"1", durable=False)
    assert await content(store, join(deep, "a")) == b"1"
    assert (await store.list_folder(deep)).entries[0].name == "a"


# Writing


async def test_writing_gives_what_reading_gives(store: Store) -> None:
    for data in (b"", b"one", bytes(range(256)) * 999):
        written = await store.write(A, data)
        assert written == await store.read(A, LIMIT)
        assert written.data == data


async def test_versions_follow_the_bytes(store: Store) -> None:
    one = await store.write(A, b"one")
    two = await store.write(A, b"two")
    assert one.version != two.version
    assert one.etag != two.etag


async def test_if_version(store: Store) -> None:
    first = await store.write(A, b"1")
    second = await store.write(A, b"2", if_version=first.version)
    with pytest.raises(VersionMismatchError):
        await store.write(A, b"3", if_version=first.version)
    assert await store.read(A, LIMIT) == second
    with pytest.raises(NotFoundError):
        await store.write(parse_path("b"), b"3", if_version=first.version)


async def test_if_version_makes_no_folders(store: Store) -> None:
    assert await failure_of(store.write(parse_path("x/y"), b"", if_version="1")) is NotFoundError
    assert await names_in(store) == set()


async def test_create_only(store: Store) -> None:
    await store.write(A, b"1", create_only=True)
    with pytest.raises(AlreadyExistsError):
        await store.write(A, b"2", create_only=True)
    assert await content(store, A) == b"1"
    await store.delete(A)
    await store.write(A, b"3", create_only=True)


async def test_both_conditions_are_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="exclude"):
        await store.write(A, b"1", create_only=True, if_version="1")


async def test_delete(store: Store) -> None:
    first = await store.write(A, b"1")
    second = await store.write(A, b"2")
    with pytest.raises(VersionMismatchError):
        await store.delete(A, if_version=first.version)
    await store.delete(A, if_version=second.version)
    for condition in (None, second.version):
        with pytest.raises(NotFoundError):
            await store.delete(A, if_version=condition)


async def test_read_only(place: Place) -> None:
    store = place.read_only
    if place.kind == "local":
        await place.store.write(A, b"1")
    assert not store.capabilities.writable and place.store.capabilities.writable
    for call in (store.write(parse_path("x/b"), b""), store.delete(A), store.write(A, b"", if_version="x")):
        assert await failure_of(call) is ReadOnlyError
    assert list(await store.sweep(ROOT)) == []
    assert await names_in(store) == ({"a.json"} if place.kind == "local" else set())


async def test_sweeping_a_tidy_folder(store: Store) -> None:
    await store.write(A, b"1")
    assert list(await store.sweep(ROOT)) == []
    assert await names_in(store) == {"a.json"}


async def test_the_folder_etag_follows_its_names(store: Store) -> None:
    if not store.capabilities.folder_etag:
        pytest.skip("this store has no folder etags")

    async def etag() -> str:
        return (await store.list_folder(parse_path("x"))).etag

    await store.write(parse_path("x/a"), b"1")
    before = await etag()
    await store.write(parse_path("x/b"), b"1")
    between = await etag()
    await store.delete(parse_path("x/b"))
    after = await etag()
    assert all(one == "" or one != other for one, other in ((before, between), (between, after)))


async def test_a_description_is_public(place: Place) -> None:
    assert place.store.describe()
    assert str(place.root) not in place.store.describe()


async def test_errors_name_no_place_on_the_host(place: Place) -> None:
    store, paths = place.store, [ROOT, A, parse_path("x/y"), parse_path("x" * 256), parse_path("a.json/b")]
    await store.write(A, b"1")
    for path in paths:
        for call in (
            store.read(path, 0), store.write(path, b"", if_version="0"), store.delete(path, if_version="0"),
            store.list_folder(join(path, "x")), store.write(path, b"", create_only=True),
        ):  # fmt: skip
            try:
                await call
            except LenscatError as error:
                assert str(place.root) not in str(error)


# Races


async def test_a_reader_sees_whole_files_only(store: Store) -> None:
    big = [bytes([number]) * (1 << 20) for number in range(2)]
    await store.write(A, big[0], durable=False)
    writing = True

    async def write_on() -> None:
        nonlocal writing
        for number in range(30):
            await store.write(A, big[number % 2], durable=False)
        writing = False

    async def read_on() -> int:
        count = 0
        while writing:
            assert (await store.read(A, LIMIT)).data in big
            count += 1
            await asyncio.sleep(0)
        return count

    _, *counts = await asyncio.gather(write_on(), read_on(), read_on())
    assert all(counts) or isinstance(store, MemoryStore)


def test_threads_lose_no_increment(store: Store) -> None:
    asyncio.run(_write_number(store))

    def increment_often() -> None:
        for _ in range(10):
            asyncio.run(increment(store))

    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(increment_often) for _ in range(4)]:
            future.result()
    assert asyncio.run(content(store, A)) == b"40"


async def _write_number(store: Store) -> None:
    await store.write(A, b"0")


async def increment(store: Store) -> None:
    while True:
        blob = await store.read(A, LIMIT)
        try:
            await store.write(A, b"%d" % (int(blob.data) + 1), if_version=blob.version, durable=False)
            return
        except ConflictError:
            continue


async def test_one_of_many_creates(store: Store) -> None:
    for number in range(10):
        path = parse_path(f"new/{number}")
        writes = (store.write(path, b"%d" % writer, create_only=True, durable=False) for writer in range(8))
        results = await asyncio.gather(*writes, return_exceptions=True)
        winners = [writer for writer, result in enumerate(results) if not isinstance(result, BaseException)]
        assert len(winners) == 1
        assert await content(store, path) == b"%d" % winners[0]
        assert {type(result) for result in results if isinstance(result, BaseException)} == {AlreadyExistsError}


async def test_deleting_and_creating_at_once(store: Store) -> None:
    async def toggle(number: int) -> None:
        for _ in range(20):
            await failure_of(store.write(A, b"%d" % number, create_only=True, durable=False))
            await failure_of(store.delete(A))

    await asyncio.gather(*(toggle(number) for number in range(4)))
    assert await names_in(store) <= {"a.json"}


# Against a plain model

paths = st.sampled_from(["a", "b", "x/a", "x/y/a", "x", "é", "e\u0301", decode_name(b"\xff")])
actions = st.sampled_from(["write", "create", "swap", "stale", "delete", "delete stale"])
operations = st.lists(st.tuples(actions, paths, st.binary(max_size=3)), max_size=25)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(operations=operations)
def test_like_a_dictionary(kind: str, operations: list[tuple[str, str, bytes]]) -> None:
    with TemporaryDirectory() as folder:
        place = make_place(kind, Path(folder))
        try:
            asyncio.run(compare_with_model(place, operations))
        finally:
            close(place)


async def compare_with_model(place: Place, operations: list[tuple[str, str, bytes]]) -> None:
    model: dict[str, bytes] = {}
    folders: set[str] = {""}  # once made; the store may forget empty ones
    for action, path, data in operations:
        now_folders = folders if place.kind == "local" else {""} | {above for name in model for above in above_of(name)}
        expected = expected_failure(model, now_folders, action, path)
        assert await failure_of(act(place.store, action, parse_path(path), data)) is expected, (action, path)
        if expected is None:
            if action.startswith("delete"):
                del model[path]
            else:
                model[path] = data
                folders.update(above_of(path))
    for path in ("a", "b", "x/a", "x/y/a", "x", "é", "e\u0301", decode_name(b"\xff")):
        found = await content(place.store, parse_path(path)) if path in model else None
        assert found == model.get(path)
    files = {entry.name for entry in (await place.store.list_folder(ROOT)).entries if not entry.is_folder}
    assert files == {path for path in model if "/" not in path}


def above_of(path: str) -> set[str]:
    parts = path.split("/")
    return {"/".join(parts[:end]) for end in range(len(parts))}


def expected_failure(model: dict[str, bytes], folders: set[str], action: str, path: str) -> type[BaseException] | None:
    under_a_file = bool(above_of(path) & set(model))
    exists = path in model
    if action in ("write", "create"):
        if path in folders:
            return InvalidPathError
        if under_a_file:
            return NotFoundError
        return AlreadyExistsError if action == "create" and exists else None
    if path in folders:
        return InvalidPathError if action in ("swap", "stale") else NotFoundError
    if not exists:
        return NotFoundError
    return VersionMismatchError if action.endswith("stale") else None


async def act(store: Store, action: str, path: LibraryPath, data: bytes) -> None:
    if action == "write":
        await store.write(path, data, durable=False)
    elif action == "create":
        await store.write(path, data, create_only=True, durable=False)
    elif action == "swap":
        version = "none"
        with suppress(NotFoundError):
            version = (await store.read(path, LIMIT)).version
        await store.write(path, data, if_version=version, durable=False)
    elif action == "stale":
        await store.write(path, data, if_version="stale", durable=False)
    else:
        await store.delete(path, if_version="stale" if action == "delete stale" else None)
