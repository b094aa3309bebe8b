"""What a check of a library reports of its sidecars."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lenscat_backend import Library
from lenscat_backend.library.check import HealthReport


def check(root: Path) -> HealthReport:
    async def run() -> HealthReport:
        async with Library.open(str(root)) as library:
            return await library.check()

    return asyncio.run(run())


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
