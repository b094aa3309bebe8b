"""`lenscat sample`: draw a small library."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lenscat_backend.cli.exits import OK
from lenscat_backend.cli.output import print_json, print_line
from lenscat_backend.cli.running import run as run_work
from lenscat_backend.library.sample import make_sample


def run(folder: Path, as_json: bool) -> None:
    """Do the command."""
    run_work(lambda: _sample(folder, as_json), as_json)


async def _sample(folder: Path, as_json: bool) -> int:
    paths = await asyncio.to_thread(make_sample, folder)
    if as_json:
        print_json({"folder": str(folder), "pictures": len(paths)})
    else:
        print_line(f"{len(paths)} pictures in {folder}. Look at them with: lenscat serve {folder}")
    return OK
