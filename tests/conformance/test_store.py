"""The suite that every store passes. A new store is one more branch in the fixture `place`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
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
from lenscat_backend.storage.base import Blob, Entry, Store
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.location import parse_location
from lenscat_backend.storage.memory import MemoryStore
from lenscat_backend.storage.object_open import open_object_store
from lenscat_backend.storage.object_store import ObjectStore
from tests.azure.servers import AzureServer
from tests.s3.servers import S3Server

KINDS = ("local", "memory", "object memory", "ministack", "radosgw", "azurite")
IN_A_BUCKET = KINDS[2:]
SERVERS = KINDS[3:]
Servers = Callable[[str], S3Server | AzureServer]
LIMIT = 1 << 24
A = parse_path("a.json")


@dataclass
class Place:
    """A store to try, and the same place opened read-only where the kind allows it."""

    kind: str
    store: Store
    read_only: Store
    root: Path

    @property
    def in_a_bucket(self) -> bool:
        """Whether names are keys: nothing locks a folder's name against files, and other names are refused."""
        return self.kind in IN_A_BUCKET


def make_place(kind: str, root: Path, servers: Servers) -> Place:
    if kind == "local":
        return Place(kind, LocalDisk(root), LocalDisk(root, writable=False), root)
    if kind == "memory":
        return Place(kind, MemoryStore(), MemoryStore(writable=False), root)
    if kind == "object memory":
        memory = parse_location("memory:")
        return Place(kind, open_object_store(memory), open_object_store(memory, writable=False), root)
    server = servers(kind)
    bucket = server.new_bucket()
    return Place(kind, server.open(bucket, "a/prefix"), server.open(bucket, "a/prefix", writable=False), root)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, s3_servers: Servers) -> Place:
    return make_place(request.param, tmp_path, s3_servers)


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


def names_in(store: Store, folder: str = "") -> set[str]:
    return {entry.name for entry in store.list_folder(parse_path(folder)).entries}


def content(store: Store, path: LibraryPath) -> bytes:
    return store.read(path, LIMIT).data


def timeless(blob: Blob, store: Store) -> Blob:
    """Without the time where a write does not learn it from the store."""
    return blob._replace(mtime_ns=0) if isinstance(store, ObjectStore) else blob


def streamed(store: Store, path: LibraryPath, offset: int, length: int) -> bytes:
    with store.open(path) as file:
        chunks = list(file.stream(offset, length))
    assert all(0 < len(chunk) <= 1 << 20 for chunk in chunks)
    return b"".join(chunks)


def failure_of(call: Callable[[], object]) -> type[BaseException] | None:
    try:
        call()
    except LenscatError as error:
        return type(error)
    return None


# Listing and looking


def test_an_empty_library_is_an_empty_list(store: Store) -> None:
    assert (store.list_folder(ROOT)).entries == ()


def test_a_listing_tells_everything(store: Store) -> None:
    blob = store.write(parse_path("x/one.jpg"), b"12345")
    store.write(parse_path("x/y/two.jpg"), b"")
    file, folder = sorted((store.list_folder(parse_path("x"))).entries)
    assert (file.name, file.is_folder, file.size) == ("one.jpg", False, 5)
    read = store.read(parse_path("x/one.jpg"), LIMIT)
    assert (file.etag, file.mtime_ns) == (blob.etag, read.mtime_ns)
    assert folder == Entry("y", True, 0, 0, "", True)


def test_stat_and_listing_agree(store: Store) -> None:
    store.write(A, b"1")
    (listed,) = (store.list_folder(ROOT)).entries
    assert (store.stat(A))._replace(settled=True) == listed._replace(settled=True)


def test_stat_of_folders(store: Store) -> None:
    store.write(parse_path("x/y/a"), b"")
    for path, name in (("", ""), ("x", "x"), ("x/y", "y")):
        entry = store.stat(parse_path(path))
        assert (entry.name, entry.is_folder, entry.size, entry.mtime_ns) == (name, True, 0, 0)


def test_hidden_names_are_left_out_of_listings_only(store: Store) -> None:
    for name in (".a.jpg", ".lenscat-tmp-1", ".hidden/a.jpg"):
        store.write(parse_path(name), b"1")
        assert content(store, parse_path(name)) == b"1"
    assert names_in(store) == set()


def test_the_pointer_file_is_listed(store: Store) -> None:
    store.write(parse_path(".lenscat.folder.json"), b"{}")
    assert names_in(store) == {".lenscat.folder.json"}


@pytest.mark.parametrize("path", ["nothing", "a.json/below", "no/thing"])
def test_what_is_missing_is_not_found(store: Store, path: str) -> None:
    store.write(A, b"1")
    missing = parse_path(path)
    for call in (
        partial(store.list_folder, missing),
        partial(store.stat, missing),
        partial(store.read, missing, 10),
        partial(store.read_range, missing, 0, 1),
        partial(streamed, store, missing, 0, 1),
        partial(store.delete, missing),
        partial(store.write, missing, b"", if_version="x"),
    ):
        assert failure_of(call) is NotFoundError


def test_a_folder_is_no_file(place: Place) -> None:
    store = place.store
    store.write(parse_path("x/a"), b"1")
    folder = parse_path("x")
    for call in (
        partial(store.read, folder, 10),
        partial(store.read_range, folder, 0, 1),
        partial(store.delete, folder),
    ):
        assert failure_of(call) is NotFoundError
    if not place.in_a_bucket:
        assert failure_of(partial(store.write, folder, b"1")) is InvalidPathError
    for call in (
        partial(store.read, ROOT, 10),
        partial(store.write, ROOT, b""),
        partial(store.delete, ROOT),
        partial(streamed, store, ROOT, 0, 1),
    ):
        assert failure_of(call) is InvalidPathError


def test_a_file_is_no_folder(place: Place) -> None:
    store = place.store
    store.write(A, b"1")
    assert failure_of(partial(store.list_folder, A)) is NotFoundError
    if not place.in_a_bucket:
        assert failure_of(partial(store.write, join(A, "b"), b"1")) is NotFoundError


# Reading


def test_reading_up_to_the_limit(store: Store) -> None:
    store.write(A, b"12345")
    assert (store.read(A, 5)).data == b"12345"
    with pytest.raises(TooLargeError):
        store.read(A, 4)


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
def test_ranges(store: Store, offset: int, length: int, expected: bytes) -> None:
    store.write(A, b"01234")
    assert store.read_range(A, offset, length) == expected
    assert streamed(store, A, offset, length) == expected


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1)])
def test_negative_ranges_are_refused(store: Store, offset: int, length: int) -> None:
    store.write(A, b"01234")
    for call in (partial(store.read_range, A, offset, length), partial(streamed, store, A, offset, length)):
        error = failure_of(call)
        assert error is not None and issubclass(error, InvalidError)


def test_a_long_stream(store: Store) -> None:
    data = hashlib.shake_128(b"x").digest(2_500_001)
    store.write(A, data, durable=False)
    assert streamed(store, A, 0, len(data)) == data
    assert streamed(store, A, 1_000_000, 1_100_000) == data[1_000_000:2_100_000]


def test_a_stream_may_be_left_early(store: Store) -> None:
    store.write(A, bytes(3 << 20), durable=False)
    with store.open(A) as file:
        assert 0 < len(next(file.stream(0, 3 << 20))) <= 1 << 20
    store.delete(A)


def test_an_open_file(store: Store) -> None:
    written = store.write(A, b"01234")
    with store.open(A) as file:
        assert (file.size, file.etag, file.mtime_ns) == (5, written.etag, store.stat(A).mtime_ns)
        assert (file.read(1, 2), file.read(3, 99), file.read(7, 1)) == (b"12", b"34", b"")
        path = file.on_disk()
        assert path.read_bytes() == b"01234" == file.read(0, 5)
        file.close()
    assert not path.exists()


def test_an_open_file_stays_what_it_was_or_fails(store: Store) -> None:
    store.write(A, bytes(3 << 20), durable=False)
    with store.open(A) as file:
        chunks = file.stream(0, 3 << 20)
        first = next(chunks)
        store.write(A, b"new", durable=False)
        try:
            assert first + b"".join(chunks) == bytes(3 << 20)
            assert file.read(0, 3) == bytes(3)
        except VersionMismatchError:
            assert store.capabilities.remote


def test_writing_in_chunks(store: Store) -> None:
    store.write_chunks(A, iter([b"one", b"", b"two"]))
    assert content(store, A) == b"onetwo"

    def failing() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        store.write_chunks(A, failing())
    assert content(store, A) == b"onetwo"


# Names

NASTY = [
    "with space.jpg", " ", "quote'\".jpg", "100%.jpg", "%2e%2e", "#1", "photo#1", "a?b&c+d=e;f,g.jpg", "back\\slash",
    "new\nline\ttab\r", "😀🏳️‍🌈.jpg", "caf\u00e9.jpg", "cafe\u0301.jpg", "CAF\u00c9.jpg", "UPPER", "upper", "~", "-rf",
    "$(x)`y`", "<b>&amp;", "con", "a..b", "...a"[3:], "x" * 255, "é" * 127, "\x7f\x01", "*", "[a]", "{a}", "|", "a:b",
    decode_name(b"\xff\xfe.jpg"), decode_name(b"caf\xe9.jpg"), decode_name("\U0010fe80".encode()),
    decode_name("\U0010fe80".encode() + b"\xff"), "\ufffd", "\U0010ffff",
]  # fmt: skip


CONTROL = {*map(chr, range(32)), "\x7f"}


def nasty_names(place: Place) -> list[str]:
    """Those the place takes: no control characters in an object store, and no backslash in Azure's."""
    refused = {*CONTROL, "\\"} if place.kind == "azurite" else CONTROL if place.in_a_bucket else set()
    return [name for name in NASTY if not set(name) & refused]


def test_nasty_names_live_side_by_side(place: Place) -> None:
    store, names = place.store, nasty_names(place)
    for number, name in enumerate(names):
        store.write(parse_path(name), str(number).encode(), durable=False)
    assert names_in(store) == set(names)
    for number, name in enumerate(names):
        assert content(store, parse_path(name)) == str(number).encode()
        assert (store.stat(parse_path(name))).name == name
        store.delete(parse_path(name))
    assert names_in(store) == set()


def test_nasty_names_of_folders(place: Place) -> None:
    store, names = place.store, nasty_names(place)
    for name in names:
        store.write(join(parse_path(f"{name}/{name}"), "a"), name.encode(), durable=False)
        assert names_in(store, f"{name}/{name}") == {"a"}
    assert names_in(store) == set(names)


def test_names_that_no_place_takes(place: Place) -> None:
    store = place.store
    names = ["x/" * 512 + "x", "n\new"] if place.in_a_bucket else ["x" * 256, "é" * 128]
    for name in names:
        for call in (
            partial(store.read, parse_path(name), 1),
            partial(store.write, parse_path(name), b""),
            partial(store.stat, parse_path(name)),
        ):
            assert failure_of(call) is InvalidPathError


def test_paths_longer_than_the_system_takes_in_one_call(place: Place) -> None:
    store = place.store
    deep = parse_path("/".join(["d" * 200] * (4 if place.in_a_bucket else 20)))
    store.write(join(deep, "a"), b"1", durable=False)
    assert content(store, join(deep, "a")) == b"1"
    assert (store.list_folder(deep)).entries[0].name == "a"


# Writing


def test_writing_gives_what_reading_gives(store: Store) -> None:
    for data in (b"", b"one", bytes(range(256)) * 999):
        written = store.write(A, data)
        assert timeless(written, store) == timeless(store.read(A, LIMIT), store)
        assert written.data == data


def test_versions_follow_the_bytes(store: Store) -> None:
    one = store.write(A, b"one")
    two = store.write(A, b"two")
    assert one.version != two.version
    assert one.etag != two.etag


def test_if_version(store: Store) -> None:
    first = store.write(A, b"1")
    second = store.write(A, b"2", if_version=first.version)
    with pytest.raises(VersionMismatchError):
        store.write(A, b"3", if_version=first.version)
    assert timeless(store.read(A, LIMIT), store) == timeless(second, store)
    with pytest.raises(NotFoundError):
        store.write(parse_path("b"), b"3", if_version=first.version)


def test_if_version_makes_no_folders(store: Store) -> None:
    assert failure_of(partial(store.write, parse_path("x/y"), b"", if_version="1")) is NotFoundError
    assert names_in(store) == set()


def test_create_only(store: Store) -> None:
    store.write(A, b"1", create_only=True)
    with pytest.raises(AlreadyExistsError):
        store.write(A, b"2", create_only=True)
    assert content(store, A) == b"1"
    store.delete(A)
    store.write(A, b"3", create_only=True)


def test_both_conditions_are_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="exclude"):
        store.write(A, b"1", create_only=True, if_version="1")


def test_delete(store: Store) -> None:
    first = store.write(A, b"1")
    second = store.write(A, b"2")
    with pytest.raises(VersionMismatchError):
        store.delete(A, if_version=first.version)
    store.delete(A, if_version=second.version)
    for condition in (None, second.version):
        with pytest.raises(NotFoundError):
            store.delete(A, if_version=condition)


def test_read_only(place: Place) -> None:
    store = place.read_only
    shared = place.kind in ("local", *SERVERS)
    if shared:
        place.store.write(A, b"1")
    assert not store.capabilities.writable and place.store.capabilities.writable
    for call in (
        partial(store.write, parse_path("x/b"), b""),
        partial(store.delete, A),
        partial(store.write, A, b"", if_version="x"),
    ):
        assert failure_of(call) is ReadOnlyError
    assert list(store.sweep(ROOT)) == []
    assert names_in(store) == ({"a.json"} if shared else set())


def test_sweeping_a_tidy_folder(store: Store) -> None:
    store.write(A, b"1")
    assert list(store.sweep(ROOT)) == []
    assert names_in(store) == {"a.json"}


def test_the_folder_etag_follows_its_names(store: Store) -> None:
    if not store.capabilities.folder_etag:
        pytest.skip("this store has no folder etags")

    def etag() -> str:
        return (store.list_folder(parse_path("x"))).etag

    store.write(parse_path("x/a"), b"1")
    before = etag()
    store.write(parse_path("x/b"), b"1")
    between = etag()
    store.delete(parse_path("x/b"))
    after = etag()
    assert all(one == "" or one != other for one, other in ((before, between), (between, after)))


def test_a_description_is_public(place: Place) -> None:
    assert place.store.describe()
    assert str(place.root) not in place.store.describe()


def test_errors_name_no_place_on_the_host(place: Place) -> None:
    store, paths = place.store, [ROOT, A, parse_path("x/y"), parse_path("x" * 256), parse_path("a.json/b")]
    store.write(A, b"1")
    for path in paths:
        for call in (
            partial(store.read, path, 0),
            partial(store.write, path, b"", if_version="0"),
            partial(store.delete, path, if_version="0"),
            partial(store.list_folder, join(path, "x")),
            partial(store.write, path, b"", create_only=True),
        ):
            try:
                call()
            except LenscatError as error:
                assert str(place.root) not in str(error)


# Races


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call gave, or the error it raised; each in a thread of its own."""
    with ThreadPoolExecutor(len(calls)) as threads:
        futures = [threads.submit(call) for call in calls]
        return [future.exception() or future.result() for future in futures]


def test_a_reader_sees_whole_files_only(store: Store) -> None:
    big = [bytes([number]) * (1 << 20) for number in range(2)]
    store.write(A, big[0], durable=False)
    writing = True

    def write_on() -> None:
        nonlocal writing
        try:
            for number in range(30):
                store.write(A, big[number % 2], durable=False)
        finally:
            writing = False

    def read_on() -> int:
        count = 0
        while writing:
            assert store.read(A, LIMIT).data in big
            count += 1
        return count

    written, *counts = at_once(write_on, read_on, read_on)
    assert written is None and all(isinstance(count, int) for count in counts)


def test_threads_lose_no_increment(store: Store) -> None:
    store.write(A, b"0")

    def increment_often() -> None:
        for _ in range(10):
            increment(store)

    assert at_once(*[increment_often] * 4) == [None] * 4
    assert content(store, A) == b"40"


def increment(store: Store) -> None:
    while True:
        blob = store.read(A, LIMIT)
        try:
            store.write(A, b"%d" % (int(blob.data) + 1), if_version=blob.version, durable=False)
            return
        except ConflictError:
            continue


def test_one_of_many_creates(store: Store) -> None:
    for number in range(10):
        path = parse_path(f"new/{number}")
        writes = (partial(store.write, path, b"%d" % writer, create_only=True, durable=False) for writer in range(8))
        results = at_once(*writes)
        winners = [writer for writer, result in enumerate(results) if not isinstance(result, BaseException)]
        assert len(winners) == 1
        assert content(store, path) == b"%d" % winners[0]
        assert {type(result) for result in results if isinstance(result, BaseException)} == {AlreadyExistsError}


def test_deleting_and_creating_at_once(store: Store) -> None:
    def toggle(number: int) -> None:
        for _ in range(20):
            failure_of(partial(store.write, A, b"%d" % number, create_only=True, durable=False))
            failure_of(partial(store.delete, A))

    assert at_once(*(partial(toggle, number) for number in range(4))) == [None] * 4
    assert names_in(store) <= {"a.json"}


# Against a plain model

paths = st.sampled_from(["a", "b", "x/a", "x/y/a", "x", "é", "e\u0301", decode_name(b"\xff")])
actions = st.sampled_from(["write", "create", "swap", "stale", "delete", "delete stale"])
operations = st.lists(st.tuples(actions, paths, st.binary(max_size=3)), max_size=25)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(operations=operations)
def test_like_a_dictionary(kind: str, s3_servers: Servers, operations: list[tuple[str, str, bytes]]) -> None:
    with TemporaryDirectory() as folder:
        place = make_place(kind, Path(folder), s3_servers)
        compare_with_model(place, operations)


def compare_with_model(place: Place, operations: list[tuple[str, str, bytes]]) -> None:
    model: dict[str, bytes] = {}
    folders: set[str] = {""}  # once made; the store may forget empty ones
    lenient = place.in_a_bucket
    for action, path, data in operations:
        now_folders = folders if place.kind == "local" else {""} | {above for name in model for above in above_of(name)}
        expected = expected_failure(model, {""} if lenient else now_folders, action, path, lenient)
        assert failure_of(partial(act, place.store, action, parse_path(path), data)) is expected, (action, path)
        if expected is None:
            if action.startswith("delete"):
                del model[path]
            else:
                model[path] = data
                folders.update(above_of(path))
    for path in ("a", "b", "x/a", "x/y/a", "x", "é", "e\u0301", decode_name(b"\xff")):
        found = content(place.store, parse_path(path)) if path in model else None
        assert found == model.get(path)
    files = {entry.name for entry in place.store.list_folder(ROOT).entries if not entry.is_folder}
    assert files == {path for path in model if "/" not in path}


def above_of(path: str) -> set[str]:
    parts = path.split("/")
    return {"/".join(parts[:end]) for end in range(len(parts))}


def expected_failure(
    model: dict[str, bytes], folders: set[str], action: str, path: str, lenient: bool
) -> type[BaseException] | None:
    under_a_file = not lenient and bool(above_of(path) & set(model))
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


def act(store: Store, action: str, path: LibraryPath, data: bytes) -> None:
    if action == "write":
        store.write(path, data, durable=False)
    elif action == "create":
        store.write(path, data, create_only=True, durable=False)
    elif action == "swap":
        version = "none"
        with suppress(NotFoundError):
            version = store.read(path, LIMIT).version
        store.write(path, data, if_version=version, durable=False)
    elif action == "stale":
        store.write(path, data, if_version="stale", durable=False)
    else:
        store.delete(path, if_version="stale" if action == "delete stale" else None)
