"""A library in a place where every call is a request: whole, and sparing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from lenscat_backend import Library, LibraryOptions
from lenscat_backend.errors import LenscatError, NotFoundError, UnreachableError
from lenscat_backend.models.paths import LibraryPath, parse_path
from lenscat_backend.storage.base import Blob, Entry, Listing, OpenedFile, RangeReader
from lenscat_backend.storage.memory import MemoryStore
from lenscat_backend.storage.object_store import ObjectStore
from lenscat_backend.storage.remembering import RememberingStore
from tests.conftest import picture
from tests.s3.servers import S3Server

pytestmark = pytest.mark.anyio


class CountingStore(MemoryStore):
    """Counts what would be requests to a bucket."""

    def __init__(self) -> None:
        super().__init__(remote=True)
        self.requests: Counter[str] = Counter()

    def list_folder(self, folder: LibraryPath) -> Listing:
        self.requests["LIST"] += 1
        return super().list_folder(folder)

    def stat(self, path: LibraryPath) -> Entry:
        self.requests["HEAD"] += 1
        return super().stat(path)

    def read(self, path: LibraryPath, max_bytes: int) -> Blob:
        self.requests["GET"] += 1
        return super().read(path, max_bytes)

    def open(self, path: LibraryPath, entry: Entry | None = None) -> OpenedFile:
        self.requests["HEAD"] += entry is None
        file = super().open(path, entry)
        self.requests["GET"] += 1
        return file

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[RangeReader | LenscatError]:
        for entry in entries:
            yield self.open(parse_path(f"{folder}/{entry.name}".lstrip("/")), entry)

    def write(self, path: LibraryPath, data: bytes, **how: Any) -> Blob:
        self.requests["PUT"] += 1
        return super().write(path, data, **how)

    def taken(self) -> dict[str, int]:
        """The requests since the last call."""
        found = {kind: count for kind, count in self.requests.items() if count}
        self.requests.clear()
        return found


@pytest.fixture
def store() -> CountingStore:
    store = CountingStore()
    for number in range(20):
        store.write(parse_path(f"trip/{number}.jpg"), picture(size=(300, 200)))
    store.write(parse_path("trip/3.jpg.json"), orjson.dumps({"v": 1, "tags": ["theirs"]}))
    store.write(parse_path("trip/broken.jpg"), b"no picture")
    store.write(parse_path("a.png"), picture("blue", form="PNG"))
    store.requests.clear()
    return store


@pytest.fixture
async def library(store: CountingStore, tmp_path: Path) -> Any:
    remembering = RememberingStore(store)
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path), remembering) as library:
        yield library


async def test_all_of_it_works(library: Library, store: CountingStore) -> None:
    root = await library.folder()
    assert [item.name for item in root.items] == ["a.png"]
    assert [(folder.name, folder.kind) for folder in root.dirs] == [("trip", "leaf-real")]
    assert len((await library.folder("trip")).items) == 21
    assert (await library.thumbnail("trip/0.jpg")).data[8:12] == b"WEBP"
    assert "trip/0.jpg.thumbnail" in {f"{folder}/{entry.name}" for folder, found in store.walk() for entry in found}
    await library.edit("trip/0.jpg", tags=["ours"])
    assert orjson.loads(store.read(parse_path("trip/0.jpg.json"), 1 << 20).data)["tags"] == ["ours"]
    assert [item.path async for item in library.search("tag:ours or theirs")] == ["trip/0.jpg", "trip/3.jpg"]
    assert [item.path async for item in library.search("tag:ours")] == ["trip/0.jpg"]
    assert [item.path async for item in library.search("theirs")] == ["trip/3.jpg"]
    original = await library.original("trip/0.jpg")
    assert b"".join(original.file.stream(0, original.file.size)) == picture(size=(300, 200))
    assert (await library.item("trip/0.jpg")).fields["hash"].startswith("blake3:")
    await library.remove_metadata("trip/0.jpg")
    with pytest.raises(NotFoundError):
        store.read(parse_path("trip/0.jpg.json"), 1)
    assert (await library.check()).unreadable_images.count == 1
    await library.write_manifests()
    assert len(orjson.loads(store.read(parse_path("_rollup.json"), 1 << 20).data)["items"]) == 22


async def test_a_folder_costs_one_list_and_one_read_a_new_picture(library: Library, store: CountingStore) -> None:
    await library.folder("trip")
    assert store.taken() == {"LIST": 1, "GET": 21 + 1}  # the heads, and one sidecar
    await library.folder("trip")
    assert store.taken() == {"LIST": 1}
    await library.scan()
    assert store.taken() == {"LIST": 2, "GET": 1}
    await library.scan()
    assert store.taken() == {"LIST": 2}


async def test_a_page_of_thumbnails_asks_for_nothing_but_thumbnails(
    library: Library, store: CountingStore, tmp_path: Path
) -> None:
    for number in range(20):
        await library.thumbnail(f"trip/{number}.jpg")
    other_options = LibraryOptions(cache_dir=tmp_path / "other")
    async with Library("memory:", other_options, RememberingStore(store)) as other:
        await other.folder("trip")
        store.taken()
        for number in range(20):
            await other.thumbnail(f"trip/{number}.jpg")
        assert store.taken() == {"GET": 20}
        assert all(other.thumbnails.held(parse_path(f"trip/{number}.jpg")) for number in range(20))
        assert store.taken() == {}


async def test_a_new_thumbnail_costs_the_picture_and_one_write(library: Library, store: CountingStore) -> None:
    await library.folder("trip")
    store.taken()
    await library.thumbnail("trip/0.jpg")
    assert store.taken() == {"GET": 1, "PUT": 1}


async def test_searches_list_nothing_once_the_library_is_known(library: Library, store: CountingStore) -> None:
    await library.scan()
    store.taken()
    assert len([item async for item in library.search("")]) == 22
    assert store.taken() == {}


async def test_a_store_that_keeps_no_conditions_is_said(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store, "conditions_problem", lambda: "This store keeps no conditions.")
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path), RememberingStore(store)) as library:
        library.start_background()
        async with asyncio.timeout(20):
            while library.unwritable is None:
                await asyncio.sleep(0.01)
        assert library.unwritable == "This store keeps no conditions." and library.unwritable in caplog.text


async def test_conditions_are_tried_until_they_are_known(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bucket may be away when the server starts."""
    answers: list[str | LenscatError] = [UnreachableError("The bucket is away."), "This store keeps no conditions."]

    def problem() -> str:
        answer = answers.pop(0)
        if isinstance(answer, LenscatError):
            raise answer
        return answer

    monkeypatch.setattr(store, "conditions_problem", problem)
    options = LibraryOptions(cache_dir=tmp_path, poll_s=0.05)
    async with Library("memory:", options, RememberingStore(store)) as library:
        library.start_background()
        async with asyncio.timeout(20):
            while library.unwritable is None:
                await asyncio.sleep(0.01)
    assert answers == []


async def test_conditions_of_buckets_behind_pointers_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_servers: Callable[[str], S3Server]
) -> None:
    server = s3_servers("ministack")
    tried: list[str] = []
    monkeypatch.setattr(
        ObjectStore, "conditions_problem", lambda self: tried.append(self.describe()) or "No conditions there."
    )
    for name, readonly in (("open", False), ("closed", True)):
        bucket = server.new_bucket()
        server.put(bucket, "x.jpg", picture())
        (tmp_path / name).mkdir()
        target = {"type": "s3", "bucket": bucket}
        pointer = {"version": 1, "kind": "pointer", "readonly": readonly, "target": target}
        (tmp_path / name / ".lenscat.folder.json").write_bytes(orjson.dumps(pointer))
    options = LibraryOptions(cache_dir=tmp_path / ".cache", poll_s=0.05, objects=server.options())
    async with Library.open(str(tmp_path), options) as library:
        library.start_background()
        async with asyncio.timeout(20):
            while library.unwritable is None:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
    assert len(tried) == 1


async def test_a_thumbnail_of_another_server_is_known_by_what_it_was_made_from(
    store: CountingStore, tmp_path: Path
) -> None:
    """Also where picture and thumbnail are of the same second, so that their times tell nothing."""
    store.write(parse_path("new.jpg"), picture())
    image = store.stat(parse_path("new.jpg"))
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path / "one"), RememberingStore(store)) as library:
        made = await library.thumbnail("new.jpg")
    blob = store.read(parse_path("new.jpg.thumbnail"), 1 << 20)
    assert blob.source == image.etag
    store.write(parse_path("new.jpg"), picture("blue"))  # newer than its thumbnail, by some clock
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path / "two"), RememberingStore(store)) as library:
        await library.folder()
        store.taken()
        assert (await library.thumbnail("new.jpg")).data != made.data
        assert store.taken()["PUT"] == 1
    store._clock = lambda: 0  # type: ignore[method-assign] # all that is written now is older than its picture
    store.write(parse_path("new.jpg.thumbnail"), made.data, source=store.stat(parse_path("new.jpg")).etag)
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path / "three"), RememberingStore(store)) as library:
        await library.folder()
        store.taken()
        assert (await library.thumbnail("new.jpg")).data == made.data
        assert store.taken() == {"GET": 1}
        assert (await library.folder()).items[1].has_thumb


async def test_an_unchanged_library_is_not_written(library: Library, store: CountingStore) -> None:
    await library.write_manifests()
    assert store.taken()["PUT"] == 3
    await library.scan()
    assert await library._manifests.write_waiting() == 0
    assert not await library._manifests.rollup_is_stale()
    assert store.taken() == {"LIST": 2}
