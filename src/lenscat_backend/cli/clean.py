"""`lenscat clean`: remove what was derived."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import typer

from lenscat_backend.bootstrap import library_options
from lenscat_backend.cli.exits import FOUND_PROBLEMS, OK
from lenscat_backend.cli.output import print_json, print_line
from lenscat_backend.cli.running import run as run_work
from lenscat_backend.library.clean import derived_files, remove_files
from lenscat_backend.library.options import open_places
from lenscat_backend.settings import load_settings

_SHOWN = 20


def run(yes: bool, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Do the command."""
    run_work(lambda: _clean(yes, dry_run, as_json, given), as_json)


async def _clean(yes: bool, dry_run: bool, as_json: bool, given: dict[str, Any]) -> int:
    settings = load_settings(**given)
    opened = open_places(settings.location, library_options(settings))
    files = await asyncio.to_thread(lambda: list(derived_files(opened.disks.base)))
    size = sum(file.size for file in files)
    if not as_json:
        for file in files[:_SHOWN]:
            print_line(f"  {file.path}")
        if len(files) > _SHOWN:
            print_line(f"  ... and {len(files) - _SHOWN} more")
        print_line(f"{len(files)} derived files, {size / 1e6:.1f} MB, and this library's catalog.")
    if dry_run or (not yes and not typer.confirm("Remove them? Pictures and sidecars stay.", err=True)):
        if as_json:
            print_json({"found": len(files), "bytes": size, "removed": 0})
        return OK
    failed = await asyncio.to_thread(remove_files, opened.disks.base, files)
    await asyncio.to_thread(shutil.rmtree, opened.cache, True)
    if as_json:
        print_json({"found": len(files), "bytes": size, "removed": len(files) - len(failed), "failed": failed})
    else:
        for line in failed:
            print_line(line)
        print_line(f"{len(files) - len(failed)} files removed.")
    return FOUND_PROBLEMS if failed else OK
