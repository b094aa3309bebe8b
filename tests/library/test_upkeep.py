"""A served library keeps its manifests as its sidecars are, whoever wrote them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from lenscat_backend import Library, LibraryOptions
from lenscat_backend.errors import BusyError
from lenscat_backend.storage.root_folder import FolderHandle

pytestmark = pytest.mark.anyio
DEADLINE_S = 20.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rollup follows within moments instead of seconds."""
    monkeypatch.setattr("lenscat_backend.library.upkeep.ROLLUP_QUIET_S", 0.05)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "library"
    (root / "trip").mkdir(parents=True)
    Image.new("RGB", (8, 6)).save(root / "trip" / "a.jpg")
    return root


def rollup_tags(root: Path) -> list[str]:
    return orjson.loads((root / "_rollup.json").read_bytes())["items"][0]["tags"]


def listed(root: Path) -> dict[str, Any]:
    return orjson.loads((root / "trip" / "_index.json").read_bytes())["items"][0]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                if condition():
                    return
            except (OSError, LookupError):
                pass
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("watch", [True, False])
async def test_manifests_follow_edits(root: Path, tmp_path: Path, watch: bool) -> None:
    async with Library.open(str(root), LibraryOptions(cache_dir=tmp_path / "cache", watch=watch)) as library:
        library.start_background()
        await until(lambda: rollup_tags(root) == [])
        await library.edit("trip/a.jpg", tags=["lake"])
        await until(lambda: listed(root)["has_meta"] is True)
        await until(lambda: rollup_tags(root) == ["lake"])
        await library.remove_metadata("trip/a.jpg")
        await until(lambda: listed(root)["has_meta"] is False)
        await until(lambda: rollup_tags(root) == [])


async def test_the_rollup_follows_edits_of_other_programs(root: Path, tmp_path: Path) -> None:
    async with Library.open(str(root), LibraryOptions(cache_dir=tmp_path / "cache", watch=True)) as library:
        library.start_background()
        await until(lambda: rollup_tags(root) == [])
        (root / "trip" / "a.jpg.json").write_text('{"v": 1, "tags": ["theirs"]}')
        await until(lambda: rollup_tags(root) == ["theirs"])


async def test_a_rollup_that_was_not_written_before_the_end_is_written_by_the_next_start(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = LibraryOptions(cache_dir=tmp_path / "cache")
    async with Library.open(str(root), options) as library:
        library.start_background()
        await until(lambda: rollup_tags(root) == [])
        monkeypatch.setattr("lenscat_backend.library.upkeep.ROLLUP_QUIET_S", 3600.0)
        await library.edit("trip/a.jpg", tags=["late"])
        await until(lambda: listed(root)["has_meta"] is True)
    assert rollup_tags(root) == []
    async with Library.open(str(root), options) as library:
        library.start_background()
        await until(lambda: rollup_tags(root) == ["late"])


async def test_a_picture_that_could_not_be_read_just_now_is_read_by_the_next_scan(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Library.open(str(root), LibraryOptions(cache_dir=tmp_path / "cache")) as library:
        with monkeypatch.context() as patch:
            patch.setattr(FolderHandle, "open_listed", out_of_descriptors)
            (item,) = (await library.folder("trip")).items
            assert (item.w, item.h) == (None, None)
            await library.scan()
        await library.scan()
        (found,) = [item async for item in library.stored_search("")]
        assert (found.width, found.height, found.problem) == (8, 6, None)


def out_of_descriptors(folder: FolderHandle, name: str) -> int:
    raise BusyError("Too many files are open.")
