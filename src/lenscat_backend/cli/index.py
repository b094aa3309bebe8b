"""`lenscat index`: read a library ahead of time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from rich.progress import Progress, TaskID

from lenscat_backend.cli.exits import FOUND_PROBLEMS, OK
from lenscat_backend.cli.output import print_json, print_line, progress_bars
from lenscat_backend.cli.running import run_with_library
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.library import Library
from lenscat_backend.library.tree_scan import ScanProgress

_REFRESH_S = 0.1


def run(thumbs: bool, hashes: bool, as_json: bool, **given: Any) -> None:
    """Do the command."""
    run_with_library(lambda library: _index(library, thumbs, hashes, as_json), as_json, **given)


async def _index(library: Library, thumbs: bool, hashes: bool, as_json: bool) -> int:
    outcomes: Counter[bool] = Counter()
    with progress_bars(as_json) as bars:
        progress = await scan_with_bar(library, bars)
        totals = await library.totals()
        if thumbs:
            bar = bars.add_task("Thumbnails", total=totals.items - totals.with_thumbnail - totals.unreadable)
            await library.draw_missing(_counting(outcomes, bars, bar))
        if hashes:
            bar = bars.add_task("Hashes", total=totals.items)
            await library.hash_missing(lambda: bars.advance(bar))
        items, _ = await library.write_manifests()
    result = {
        "images": items,
        "folders": totals.folders,
        "images_read": progress.images_read,
        "folders_failed": progress.failed,
        "thumbnails_made": outcomes[True],
        "thumbnails_failed": outcomes[False],
    }
    if as_json:
        print_json(result)
    else:
        print_line(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in result.items()))
    return FOUND_PROBLEMS if progress.failed else OK


def _counting(outcomes: Counter[bool], bars: Progress, bar: TaskID) -> Callable[[LenscatError | None], None]:
    def on_done(error: LenscatError | None) -> None:
        outcomes[error is None] += 1
        bars.advance(bar)

    return on_done


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
