"""The watch of the other systems, through watchfiles, which works on Linux too."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

import pytest

from lenscat_backend.library.watch_files import FilesWatch
from tests.library.watching import heard_of, listening


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "library"
    (root / "trip").mkdir(parents=True)
    (root / "a.jpg").write_bytes(b"1")
    return root


def test_changes_are_heard_of(root: Path) -> None:
    changes = (
        lambda: (root / "a.jpg").write_bytes(b"2"),
        lambda: (root / "trip" / "new").mkdir(),
        lambda: (root / "trip" / "two.jpg").write_bytes(b"2"),
        lambda: (root / "trip" / "two.jpg.thumbnail").write_bytes(b"2"),
    )
    heard = heard_of(root, *changes, kind=FilesWatch)
    assert ["" in heard[0], {"trip", "trip/new"} <= heard[1], "trip" in heard[2]] == [True] * 3


def test_an_overlay_is_listened_to_as_well(root: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    (overlay / "trip").mkdir(parents=True)
    sidecar = overlay / "trip" / "two.jpg.json"
    assert heard_of(root, lambda: sidecar.write_text("{}"), overlay=str(overlay), kind=FilesWatch) == [{"trip"}]


def test_many_changes_at_once_are_compared(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenscat_backend.library.watch_files.MANY_EVENTS", 1)

    async def run() -> None:
        async with listening(root, FilesWatch) as (watch, heard):
            (root / "x.jpg").write_bytes(b"1")
            await heard()
            assert watch.take_missed()

    asyncio.run(run())


@pytest.mark.skipif(sys.platform != "linux", reason="such names can be made on Linux only")
def test_at_a_name_that_it_cannot_tell_it_gives_up(root: Path) -> None:
    async def run() -> None:
        async with listening(root, FilesWatch) as (watch, _):
            Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.jpg")).write_bytes(b"1")
            assert not await watch.heard_all()
            assert watch.failed

    asyncio.run(run())


def test_closing_leaves_no_thread(root: Path) -> None:
    heard_of(root, lambda: (root / "x.jpg").write_bytes(b"1"), kind=FilesWatch)
    assert "watch" not in {thread.name for thread in threading.enumerate()}
