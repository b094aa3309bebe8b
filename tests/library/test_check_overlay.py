"""A check of a library with an overlay also finds what is left over there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lenscat_backend import Library
from lenscat_backend.library.check import HealthReport
from lenscat_backend.library.options import LibraryOptions
from tests.conftest import picture


def check(root: Path, overlay: Path, *, read_only: bool = False) -> HealthReport:
    async def run() -> HealthReport:
        options = LibraryOptions(overlay=str(overlay), read_only=read_only, cache_dir=overlay.parent / "cache")
        async with Library.open(str(root), options) as library:
            return await library.check()

    return asyncio.run(run())


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """An overlay with the sidecar and the thumbnail of a picture that the library has."""
    place = tmp_path / "overlay"
    (place / "trip").mkdir(parents=True)
    (place / "trip" / "one.png.json").write_text('{"tags": ["kept"]}')
    (place / "trip" / "one.png.thumbnail").write_bytes(picture(form="WEBP"))
    return place


@pytest.mark.parametrize("read_only", [False, True])
def test_what_has_its_picture_in_the_library_is_no_orphan(library: Path, overlay: Path, read_only: bool) -> None:
    report = check(library, overlay, read_only=read_only)
    assert (report.orphan_sidecars.count, report.orphan_thumbnails.count, report.healthy) == (0, 0, True)


def test_orphans_in_the_overlay_are_reported(library: Path, overlay: Path) -> None:
    (overlay / "trip" / "gone.jpg.json").write_text('{"tags": ["orphan"]}')
    (overlay / "gone.jpg.thumbnail").write_bytes(picture(form="WEBP"))
    report = check(library, overlay)
    assert report.orphan_sidecars.paths == ["trip/gone.jpg.json"]
    assert report.orphan_thumbnails.paths == ["gone.jpg.thumbnail"]
    assert not report.healthy


def test_orphans_in_folders_that_the_library_no_longer_has_are_reported(library: Path, overlay: Path) -> None:
    (overlay / "moved" / "deep").mkdir(parents=True)
    (overlay / "moved" / "deep" / "x.jpg.json").write_text('{"tags": ["orphan"]}')
    (overlay / "moved" / "y.jpg.json").write_text('{"tags": ["orphan"]}')
    assert sorted(check(library, overlay).orphan_sidecars.paths) == ["moved/deep/x.jpg.json", "moved/y.jpg.json"]


def test_an_orphan_in_both_places_is_one(library: Path, overlay: Path) -> None:
    for place in (library, overlay):
        (place / "gone.jpg.json").write_text('{"tags": ["orphan"]}')
    assert check(library, overlay).orphan_sidecars.paths == ["gone.jpg.json"]


def test_a_picture_in_the_overlay_owns_nothing(library: Path, overlay: Path) -> None:
    (overlay / "stray.jpg").write_bytes(picture())
    (overlay / "stray.jpg.json").write_text('{"tags": ["orphan"]}')
    assert check(library, overlay).orphan_sidecars.paths == ["stray.jpg.json"]
