"""What a check of a library reports: newer sidecars, and pointers whose target is not there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lenscat_backend import Library
from lenscat_backend.library.check import HealthReport
from tests.conftest import picture


def check(root: Path) -> HealthReport:
    async def run() -> HealthReport:
        async with Library.open(str(root)) as library:
            return await library.check()

    return asyncio.run(run())


@pytest.fixture
def pointing(library: Path) -> Path:
    """The folder `trip`, to hold a pointer; `elsewhere` beside the library, and `nearby` in it."""
    (library.parent / "elsewhere").mkdir()
    (library / "nearby").mkdir()
    (library / "nearby" / "b.jpg").write_bytes(picture())
    return library / "trip"


def point(folder: Path, **target: object) -> None:
    (folder / ".lenscat.folder.json").write_text(json.dumps({"version": 1, "kind": "pointer", "target": target}))


@pytest.mark.parametrize("path", ["../nearby", "../../elsewhere", "../nearby/", "ABSOLUTE", "../nearby/../nearby"])
def test_a_pointer_to_a_folder_is_whole(library: Path, pointing: Path, path: str) -> None:
    point(pointing, type="local", path=str(library.parent / "elsewhere") if path == "ABSOLUTE" else path)
    report = check(library)
    assert (report.broken_pointers.count, report.healthy) == (0, True)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../nothing", "does not exist"),
        ("../../elsewhere/below", "does not exist"),
        ("/nowhere/at/all", "does not exist"),
        ("../a.jpg", "is not a folder"),
        ("../a.jpg/below", "does not exist"),
        ("loop", "cannot be reached"),
        ("x" * 300, "cannot be reached"),
        ("nul\0byte", "cannot be a path"),
    ],
)
def test_a_pointer_to_no_folder_is_broken(library: Path, pointing: Path, path: str, why: str) -> None:
    (pointing / "loop").symlink_to("loop")
    point(pointing, type="local", path=path)
    report = check(library)
    assert report.broken_pointers.count == 1
    found = report.broken_pointers.paths[0]
    assert found.startswith("trip/.lenscat.folder.json: ")
    assert why in found
    assert str(library) not in found
    assert not report.healthy


def test_a_pointer_is_mended_by_making_its_target(library: Path, pointing: Path) -> None:
    point(pointing, type="local", path="../later")
    assert check(library).broken_pointers.count == 1
    (library / "later").mkdir()
    assert check(library).broken_pointers.count == 0


def test_a_target_whose_name_is_not_utf8(library: Path, pointing: Path) -> None:
    Path(str(library / "caf") + "\udce9").mkdir()
    point(pointing, type="local", path="../caf\U0010fee9")
    assert check(library).broken_pointers.count == 0


def test_targets_in_object_stores_are_not_asked_for(library: Path, pointing: Path) -> None:
    point(pointing, type="s3", bucket="nobody-asks-for-this")
    assert check(library).broken_pointers.count == 0


def test_a_newer_sidecar_is_reported(library: Path) -> None:
    (library / "a.jpg.json").write_text('{"v": 7, "tags": ["later"]}')
    (library / "trip" / "two.jpg.json").write_text('{"v": 1, "tags": ["now"]}')
    report = check(library)
    assert (report.damaged_sidecars.count, report.sidecars, report.healthy) == (1, 2, False)
    assert report.damaged_sidecars.paths[0].startswith("a.jpg.json: ")
    assert "version 7" in report.damaged_sidecars.paths[0]


def test_a_sidecar_that_is_a_link_to_nothing_is_reported(library: Path) -> None:
    (library / "a.jpg.json").symlink_to("nothing")
    assert any("a.jpg.json" in problem for problem in check(library).other_problems.paths)
