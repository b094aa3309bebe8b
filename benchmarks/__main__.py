"""`python -m benchmarks`: run the benchmarks, print their tables and write docs/benchmarks."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import cost_curve, drawing_thumbnails, existing, object_store, scanning, searching
from benchmarks.figures import Section
from benchmarks.machine import load_line, machine_line, today
from benchmarks.radosgw import PROGRAMS
from benchmarks.report import print_section, write_report
from benchmarks.sizes import FULL, QUICK, TINY, Sizes

_REPO = Path(__file__).resolve().parents[1]
_WORK = _REPO / "var" / "benchmarks"
_MARK = ".lenscat-benchmarks"
_NAMES = ("drawing", "existing", "scanning", "curve", "searching", "objects")
_ENDED_BY_SIGNAL = 128


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; returns the exit code, which says nothing about targets."""
    given = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(_ENDED_BY_SIGNAL + number))  # so that servers are stopped
    work: Path = given.work.resolve()
    _claim(work)
    sizes = TINY if given.tiny else QUICK if given.quick else FULL
    small = given.tiny or given.quick
    out: Path = given.out or (work / "results" if small else _REPO / "docs" / "benchmarks")
    machine = f"{machine_line()}; {load_line()}"
    print(machine)
    for name in given.only or _NAMES:
        section = replace(_benchmarks(work, sizes, given.photos)[name](), machine=machine, date=today())
        print_section(section)
        page = write_report(out, [section])
    print(f"Written: {page} (pictures are kept in {work})")
    return 0


def _claim(work: Path) -> None:
    """Make the work folder ours: things are deleted in it, so one that holds anything else is refused."""
    mark = work / _MARK
    if work.exists() and not mark.exists() and any(work.iterdir()):
        raise SystemExit(f"{work} holds other files: give --work a new or empty folder.")
    work.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _benchmarks(work: Path, sizes: Sizes, photos: Path | None) -> dict[str, Callable[[], Section]]:
    return {
        "drawing": lambda: drawing_thumbnails.run(work, sizes, photos),
        "existing": lambda: existing.run(work, sizes),
        "scanning": lambda: scanning.run(work, sizes),
        "curve": lambda: cost_curve.run(work, sizes),
        "searching": lambda: searching.run(work, sizes),
        "objects": lambda: object_store.run(work, sizes),
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=_NAMES, help="run this one; may be given again")
    parser.add_argument("--quick", action="store_true", help="small sizes; results go to the work folder")
    parser.add_argument("--tiny", action="store_true", help="sizes that only show that everything runs")
    parser.add_argument("--photos", type=Path, help="a folder of large photographs to use instead of drawn ones")
    parser.add_argument("--work", type=Path, default=_WORK, help="where pictures are kept between runs")
    parser.add_argument("--out", type=Path, help="where results.md goes (docs/benchmarks)")
    given = parser.parse_args(arguments)
    wanted = given.only or _NAMES
    missing = [tool for tool in ("nginx", "wrk") if "existing" in wanted and not shutil.which(tool)]
    missing += [tool for tool in PROGRAMS if "objects" in wanted and not shutil.which(tool)]
    if missing:
        parser.error(f"install {', '.join(missing)} with 'make bench-packages', or choose others with --only")
    return given


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(_ENDED_BY_SIGNAL + signal.SIGINT)
