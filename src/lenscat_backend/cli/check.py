"""`lenscat check`: what is missing, damaged or left over."""

from __future__ import annotations

from typing import Any

from lenscat_backend.cli.exits import FOUND_PROBLEMS, OK
from lenscat_backend.cli.output import print_json, print_line, progress_bars
from lenscat_backend.cli.running import run_with_library
from lenscat_backend.library.check import Findings, HealthReport
from lenscat_backend.library.library import Library

_SHOWN = 20
_KINDS = (
    ("unreadable_images", "pictures that cannot be read"),
    ("damaged_sidecars", "damaged sidecars"),
    ("orphan_sidecars", "sidecars without a picture"),
    ("orphan_thumbnails", "thumbnails without a picture (they can be deleted)"),
    ("broken_pointers", "broken pointer folders"),
    ("other_problems", "other problems"),
)


def run(as_json: bool, **given: Any) -> None:
    """Do the command."""
    run_with_library(lambda library: _check(library, as_json), as_json, **given)


async def _check(library: Library, as_json: bool) -> int:
    with progress_bars(as_json) as bars:
        bar = bars.add_task("Checking folders", total=None)
        report = await library.check(lambda: bars.advance(bar))
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    return OK if report.healthy else FOUND_PROBLEMS


def _print_report(report: HealthReport) -> None:
    print_line(f"{report.images} pictures in {report.folders} folders, {report.sidecars} sidecars")
    print_line(f"{report.thumbnails} thumbnails, {report.missing_thumbnails.count} still to be made")
    for name, words in _KINDS:
        findings: Findings = getattr(report, name)
        if findings.count:
            print_line(f"{findings.count} {words}:")
            for path in findings.paths[:_SHOWN]:
                print_line(f"  {path}")
            if findings.count > _SHOWN:
                print_line(f"  ... and {findings.count - _SHOWN} more (_health.json names them)")
