"""A bucket that fails for a while: the catalog keeps what it knew, and catches up later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from lenscat_backend import Library, LibraryOptions
from lenscat_backend.errors import ForbiddenError, LenscatError, UnreachableError
from lenscat_backend.models.paths import LibraryPath, parse_path
from lenscat_backend.storage.base import Entry, Listing, RangeReader, Report, ignore
from lenscat_backend.storage.memory import MemoryStore
from tests.conftest import picture

pytestmark = pytest.mark.anyio
AWAY = UnreachableError("The bucket is away.")
DENIED = ForbiddenError("The keys have expired.")


class FailingStore(MemoryStore):
    """Fails for the names it is told to."""

    def __init__(self) -> None:
        super().__init__(remote=True)
        self.failing: dict[str, LenscatError] = {}

    def list_folder(self, folder: LibraryPath) -> Listing:
        self._fail(folder.rpartition("/")[2] + "/")
        return super().list_folder(folder)

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        self._fail(folder.rpartition("/")[2] + "/")
        return super().list_pages(folder, report)

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[RangeReader | LenscatError]:
        for entry, opened in zip(entries, super().open_each(folder, entries), strict=True):
            yield self.failing.get(entry.name, opened)

    def read_each(
        self, folder: LibraryPath, entries: Sequence[Entry], max_bytes: int
    ) -> Iterator[bytes | LenscatError]:
        for entry, data in zip(entries, super().read_each(folder, entries, max_bytes), strict=True):
            yield self.failing.get(entry.name, data)

    def _fail(self, name: str) -> None:
        if name in self.failing:
            raise self.failing[name]


@pytest.fixture
def store() -> FailingStore:
    store = FailingStore()
    for name in ("a.jpg", "b.jpg"):
        store.write(parse_path(f"trip/{name}"), picture())
        store.write(parse_path(f"trip/{name}.json"), orjson.dumps({"tags": ["known"]}))
    return store


@pytest.fixture
async def library(store: FailingStore, tmp_path: Path) -> Any:
    async with Library("memory:", LibraryOptions(cache_dir=tmp_path, poll_s=1000), store) as library:
        yield library


async def rows(library: Library) -> dict[str, tuple[Any, ...]]:
    found = await library.catalog.items(parse_path("trip"))
    return {row.record.name: (row.record.width, row.record.tags, row.record.problem) for row in found}


KNOWN = (40, '["known"]', None)
NEWER = (50, '["newer"]', None)


@pytest.mark.parametrize("error", [AWAY, DENIED], ids=["away", "denied"])
@pytest.mark.parametrize("failing", ["a.jpg", "a.jpg.json"])
async def test_what_cannot_be_read_stays_as_it_was(
    library: Library, store: FailingStore, failing: str, error: LenscatError
) -> None:
    await library.scan()
    store.write(parse_path("trip/a.jpg"), picture(size=(50, 30)))
    store.write(parse_path("trip/a.jpg.json"), orjson.dumps({"tags": ["newer"]}))
    store.failing[failing] = error
    await library.scan()
    assert await rows(library) == {"a.jpg": KNOWN, "b.jpg": KNOWN}
    await library.folder("trip")
    assert await rows(library) == {"a.jpg": KNOWN, "b.jpg": KNOWN}
    store.failing.clear()
    await library.scan()
    assert await rows(library) == {"a.jpg": NEWER, "b.jpg": KNOWN}


@pytest.mark.parametrize("failing", ["a.jpg", "a.jpg.json"])
@pytest.mark.parametrize(("error", "problem"), [(AWAY, None), (DENIED, str(DENIED))], ids=["away", "denied"])
async def test_what_could_never_be_read_is_tried_again(
    library: Library, store: FailingStore, failing: str, error: LenscatError, problem: str | None
) -> None:
    store.failing[failing] = error
    await library.scan()
    assert await rows(library) == {"a.jpg": (None, "[]", problem), "b.jpg": KNOWN}
    store.failing.clear()
    await library.scan()
    assert await rows(library) == {"a.jpg": KNOWN, "b.jpg": KNOWN}


@pytest.mark.parametrize("error", [AWAY, DENIED], ids=["away", "denied"])
async def test_a_server_that_owes_a_scan_finds_what_it_knew(
    library: Library, store: FailingStore, error: LenscatError
) -> None:
    await library.scan()
    store.failing["/"] = error
    library.start_background()
    async with asyncio.timeout(20):
        while library.freshness.owed is None:
            await asyncio.sleep(0.01)
    assert [item.path for item in (await library.search_page("known", 10))[0]] == ["trip/a.jpg", "trip/b.jpg"]
    with pytest.raises(UnreachableError, match=str(error)):
        await library.reach()


async def test_folders_that_fail_together_do_not_wait_for_each_other(library: Library, store: FailingStore) -> None:
    """As many as a scan has threads: who notes the failures needs none of these."""
    for number in range(200):
        store.write(parse_path(f"f{number}/x.jpg"), picture())
        store.failing[f"f{number}/"] = AWAY
    async with asyncio.timeout(30):
        assert (await library.scan()).failed == 200
    store.failing.clear()
    assert (await library.scan()).failed == 0 and (await library.totals()).items == 202
