"""`lenscat index`: read a library ahead of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.progress import Progress, TaskID

from lenscat_backend.cli.exits import FOUND_PROBLEMS, OK
from lenscat_backend.cli.output import print_json, print_line, progress_bars
from lenscat_backend.cli.running import run_with_library
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.drawing import OnDrawn
from lenscat_backend.library.library import Library
from lenscat_backend.library.tree_scan import ScanProgress
from lenscat_backend.models.paths import LibraryPath

_REFRESH_S = 0.1
_SHOWN = 20


def run(thumbs: bool, hashes: bool, as_json: bool, **given: Any) -> None:
    """Do the command."""
    run_with_library(lambda library: _index(library, thumbs, hashes, as_json), as_json, **given)


async def _index(library: Library, thumbs: bool, hashes: bool, as_json: bool) -> int:
    drawn = _Drawn()
    with progress_bars(as_json) as bars:
        progress = await scan_with_bar(library, bars)
        totals = await library.totals()
        if thumbs:
            bar = bars.add_task("Thumbnails", total=totals.items - totals.with_thumbnail - totals.unreadable)
            await library.draw_missing(drawn.counting(lambda: bars.advance(bar)))
            drawn.failed |= dict(await library.unreadable())
        if hashes:
            hash_bar = bars.add_task("Hashes", total=totals.items)
            await library.hash_missing(lambda: bars.advance(hash_bar))
        items, _ = await library.write_manifests()
        failed_folders = dict(await library.failed_folders())
    result = {
        "images": items,
        "folders": totals.folders,
        "images_read": progress.images_read,
        "folders_failed": progress.failed,
        "thumbnails_made": drawn.made,
        "thumbnails_failed": len(drawn.failed),
    }
    if as_json:
        print_json(result | {"failed_folders": _told(failed_folders), "failed_pictures": _told(drawn.failed)})
    else:
        print_line(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in result.items()))
        _print_failed(failed_folders)
        _print_failed(drawn.failed)
    return FOUND_PROBLEMS if progress.failed or drawn.failed else OK


@dataclass(slots=True)
class _Drawn:
    """How many thumbnails were made, and why the others could not be."""

    made: int = 0
    failed: dict[LibraryPath, str] = field(default_factory=dict)

    def counting(self, on_each: Callable[[], None]) -> OnDrawn:
        """What hears of each thumbnail."""

        def on_done(path: LibraryPath, error: LenscatError | None) -> None:
            if error is None:
                self.made += 1
            else:
                self.failed[path] = str(error)
            on_each()

        return on_done


def _told(failed: dict[LibraryPath, str]) -> list[dict[str, str]]:
    return [{"path": path, "problem": problem} for path, problem in sorted(failed.items())]


def _print_failed(failed: dict[LibraryPath, str]) -> None:
    for path in sorted(failed)[:_SHOWN]:
        print_line(f"  {path}: {failed[path]}")
    if len(failed) > _SHOWN:
        print_line(f"  ... and {len(failed) - _SHOWN} more (--json names them)")


async def scan_with_bar(library: Library, bars: Progress) -> ScanProgress:
    """Scan the library and show how far it is."""
    progress = ScanProgress()
    bar = bars.add_task("Folders", total=None)
    showing = asyncio.ensure_future(_show(progress, bars, bar))
    try:
        return await library.scan(progress)
    finally:
        showing.cancel()
        bars.update(bar, completed=progress.folders, total=progress.folders)


async def _show(progress: ScanProgress, bars: Progress, bar: TaskID) -> None:
    while True:
        bars.update(bar, completed=progress.folders, description=f"Folders ({progress.images_read} images read)")
        await asyncio.sleep(_REFRESH_S)
