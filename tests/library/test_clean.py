"""Cleaning removes exactly what we derived; unfinished writes of a crashed server go, everything else stays."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from lenscat_backend.library.clean import derived_files, remove_files
from lenscat_backend.library.library import Library
from lenscat_backend.library.options import LibraryOptions
from lenscat_backend.storage.local import LocalDisk


async def _index(root: Path, cache: Path) -> None:
    async with Library.open(str(root), LibraryOptions(cache_dir=cache)) as library:
        await library.scan()
        await library.draw_missing(lambda path, error: None)
        await library.edit("a.jpg", tags=["kept"])
        await library.write_manifests()
        await library.check()


def files_of(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_only_derived_files_go(library: Path, tmp_path: Path) -> None:
    before = files_of(library)
    asyncio.run(_index(library, tmp_path / "cache"))
    foreign = {"trip/_rollup.json", "notes.thumbnail", "trip/x.jpg.thumbnail", "empty/_index.json"}
    for name in foreign:
        (library / name).write_text("{}")
    disk = LocalDisk(library)
    found = list(derived_files(disk))
    assert {file.path for file in found} == {
        "_index.json", "_rollup.json", "_health.json", "trip/_index.json",
        "a.jpg.thumbnail", "trip/one.png.thumbnail", "trip/two.jpg.thumbnail",
    }  # fmt: skip
    assert remove_files(disk, found) == []
    assert files_of(library) == before | foreign | {"a.jpg.json"}


def test_unfinished_writes_of_an_hour_ago_go(library: Path) -> None:
    old, new = library / "trip" / f".lenscat-tmp-{0:016x}", library / "trip" / f".lenscat-tmp-{1:016x}"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    disk = LocalDisk(library)
    found = list(derived_files(disk))
    assert old.exists()
    assert remove_files(disk, found) == []
    assert not old.exists()
    assert new.exists()
