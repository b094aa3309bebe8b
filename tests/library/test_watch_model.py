"""Whatever is done to a tree with links: each folder that differs was heard of, and just the right ones are watched."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lenscat_backend.errors import LenscatError
from lenscat_backend.models.paths import ROOT, LibraryPath, join
from lenscat_backend.storage.base import Entry
from lenscat_backend.storage.local import LocalDisk
from tests.library.watching import Heard, listening, watched_inodes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify")

Tree = dict[LibraryPath, frozenset[Entry]]
Act = tuple[str, str, str]

_PATHS = st.sampled_from(["a", "b", "c", "a/b", "a/c", "b/a", "a/b/c", "c/a/b", ".h", ".h/a", "../out", "../out/a"])
_FILES = st.builds("{}/{}".format, st.one_of(st.just("."), _PATHS), st.sampled_from(["1.jpg", "2.jpg"]))
_ACTS = st.one_of(
    st.tuples(st.just("mkdir"), _PATHS, st.just("")),
    st.tuples(st.just("rmdir"), _PATHS, st.just("")),
    st.tuples(st.just("write"), _FILES, st.just("")),
    st.tuples(st.just("unlink"), st.one_of(_PATHS, _FILES), st.just("")),
    st.tuples(st.just("rename"), _PATHS, _PATHS),
    st.tuples(st.just("rename"), _FILES, _FILES),
    st.tuples(st.just("link"), _PATHS, _PATHS),
    st.tuples(st.just("link"), _FILES, _FILES),
)
_ROUNDS = st.lists(st.lists(_ACTS, min_size=1, max_size=6), min_size=1, max_size=5)


def do(root: Path, act: Act) -> None:
    """One act of another program; what cannot be done is not done."""
    verb, first, second = act
    path, other = root / first, root / second
    with suppress(OSError):
        if verb == "mkdir":
            path.mkdir(parents=True)
        elif verb == "rmdir":
            path.rmdir()
        elif verb == "write":
            with path.open("ab") as file:
                file.write(b"1")
        elif verb == "unlink":
            path.unlink()
        elif verb == "rename":
            path.rename(other)
        elif verb == "link":
            path.symlink_to(os.path.relpath(os.path.normpath(other), os.path.normpath(path.parent)))


def tree(disk: LocalDisk) -> Tree:
    """Every folder that the library lists, with its entries."""
    found: Tree = {}
    waiting = [ROOT]
    while waiting:
        path = waiting.pop()
        with suppress(LenscatError):
            entries = frozenset(entry._replace(settled=True) for entry in disk.list_folder(path).entries)
            found[path] = entries
            waiting += [join(path, entry.name) for entry in entries if entry.is_folder]
    return found


def real_folders(disk: LocalDisk, listed: Tree) -> set[int]:
    return {os.stat(disk.local_path(path)).st_ino for path in listed}  # noqa: PTH116


async def follow(disk: LocalDisk, root: Path, rounds: list[list[Act]], heard: Heard) -> None:
    before = tree(disk)
    for acts in rounds:
        for act in acts:
            do(root, act)
        changed = await heard()
        after = tree(disk)
        differ = {path for path in after if path in before and after[path] != before[path]}
        assert differ <= changed, acts
        assert real_folders(disk, after) <= watched_inodes(), acts
        before = after


@pytest.mark.parametrize("outside", [False, True])
@given(rounds=_ROUNDS)
@example(rounds=[[("mkdir", "a/b", ""), ("mkdir", "b", "")], [("rename", "a", "c"), ("rename", "b", "a")]])
@settings(max_examples=60, deadline=None)
def test_each_folder_that_differs_was_heard_of(outside: bool, rounds: list[list[Act]]) -> None:
    async def run(root: Path) -> None:
        disk = LocalDisk(root, follow_outside=outside)
        async with listening(root, follow_outside=outside) as (_, heard):
            await follow(disk, root, rounds, heard)

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "library").mkdir()
        (Path(folder) / "out").mkdir()
        asyncio.run(run(Path(folder) / "library"))


@given(rounds=_ROUNDS)
@settings(max_examples=40, deadline=None)
def test_where_there_are_no_links_exactly_the_folders_listed_are_watched(rounds: list[list[Act]]) -> None:
    async def run(root: Path) -> None:
        disk = LocalDisk(root)
        async with listening(root) as (_, heard):
            await follow(disk, root, [[act for act in acts if act[0] != "link"] for acts in rounds], heard)
            markers = (root.parent / "markers").stat().st_ino
            assert watched_inodes() == {markers, *real_folders(disk, tree(disk))}

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "library").mkdir()
        (Path(folder) / "out").mkdir()
        asyncio.run(run(Path(folder) / "library"))
