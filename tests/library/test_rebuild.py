"""The central promise: a catalog kept up to date step by step equals one rebuilt from the files."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend.library.library import Library
from lenscat_backend.library.options import LibraryOptions
from lenscat_backend.library.views import Item
from tests.conftest import picture

Step = Callable[[Path, random.Random], None]
NAMES = ["a.jpg", "b.png", "Été.jpg", "img2.jpg", "img10.jpg", "x y.webp"]
FOLDERS = ["", "one", "one/two", "three"]
FORMS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


def place(root: Path, chance: random.Random) -> Path:
    folder = root / chance.choice(FOLDERS)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / chance.choice(NAMES)


def add_picture(root: Path, chance: random.Random) -> None:
    path = place(root, chance)
    size = (chance.randint(1, 60), chance.randint(1, 60))
    path.write_bytes(picture(chance.choice(["red", "blue"]), size, FORMS[path.suffix]))


def add_sidecar(root: Path, chance: random.Random) -> None:
    path = place(root, chance)
    body = {"tags": [chance.choice("abc")], "notes": chance.choice(["", "nöte"]), "rating": chance.randint(0, 5)}
    path.with_name(path.name + ".json").write_text(json.dumps(body) if chance.random() < 0.8 else "{broken")


def remove_something(root: Path, chance: random.Random) -> None:
    found = sorted(path for path in root.rglob("*") if not path.name.startswith(("_", ".")))
    if found:
        path = chance.choice(found)
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def rename_something(root: Path, chance: random.Random) -> None:
    found = sorted(path for path in root.rglob("*") if path.is_file())
    if found:
        chance.choice(found).replace(place(root, chance))


def damage_something(root: Path, chance: random.Random) -> None:
    found = sorted(path for path in root.rglob("*") if path.is_file())
    if found:
        os.truncate(chance.choice(found), chance.randint(0, 30))


STEPS: list[Step] = [add_picture, add_picture, add_sidecar, remove_something, rename_something, damage_something]


async def known(library: Library) -> dict[str, Any]:
    items = {}
    for query in ("", "tag:a", "e", "ete", "rating>=3"):
        items[query] = [comparable(item) async for item in library.stored_search(query)]
    folders = [(row.path, row.images, row.pointer) async for row in library.catalog.walk_folders()]
    totals = await library.totals()
    return items | {"folders": folders, "totals": (totals.items, totals.with_sidecar, totals.damaged_sidecars)}


def comparable(item: Item) -> Item:
    """Without what only work finds out, and a rebuilt catalog lacks until it is done again: hashes, broken pixels."""
    return replace(item, hash=None, problem=item.problem if item.width is None else None)


async def use(library: Library, root: Path, chance: random.Random) -> None:
    """What a user does between two changes: look at folders, thumbnails, edit, search."""
    action: Callable[[], Awaitable[Any]] = chance.choice(
        [lambda: library.folder(chance.choice(FOLDERS)), lambda: library.search_page("a", 10), library.scan]
    )
    try:
        await action()
        items, *_ = await library.search_page("", -1)
        if items and chance.random() < 0.5:
            path = chance.choice(items).path
            await library.edit(path, tags=[chance.choice("abcd")])
            await library.thumbnail(path)
    except Exception as error:
        from lenscat_backend.errors import LenscatError

        if not isinstance(error, LenscatError):
            raise


@pytest.mark.parametrize("seed", range(12))
def test_kept_up_to_date_equals_rebuilt(seed: int, tmp_path: Path) -> None:
    async def run() -> None:
        root, chance = tmp_path / "library", random.Random(seed)
        root.mkdir()
        async with Library.open(str(root), LibraryOptions(cache_dir=tmp_path / "kept")) as library:
            for _ in range(25):
                chance.choice(STEPS)(root, chance)
                await use(library, root, chance)
            await asyncio.sleep(0.03)  # let the last change settle: until then rows are provisional on purpose
            await library.scan()
            kept = await known(library)
        async with Library.open(str(root), LibraryOptions(cache_dir=tmp_path / "rebuilt")) as library:
            await library.scan()
            rebuilt = await known(library)
        assert kept == rebuilt

    asyncio.run(run())
