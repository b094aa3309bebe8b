"""`lenscat search`: find pictures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lenscat_backend.cli.exits import OK
from lenscat_backend.cli.index import scan_with_bar
from lenscat_backend.cli.output import print_json, print_line, progress_bars
from lenscat_backend.cli.running import run_with_library
from lenscat_backend.library.library import Library


def run(query: str, limit: int, sort: str, no_scan: bool, as_json: bool, **given: Any) -> None:
    """Do the command."""
    run_with_library(lambda library: _search(library, query, limit, sort, no_scan, as_json), as_json, **given)


async def _search(library: Library, query: str, limit: int, sort: str, no_scan: bool, as_json: bool) -> int:
    if not no_scan:
        with progress_bars(as_json) as bars:
            await scan_with_bar(library, bars)
    async for item in library.stored_search(query, limit, sort):
        if as_json:
            print_json(asdict(item))
        else:
            print_line(item.path)
    return OK
