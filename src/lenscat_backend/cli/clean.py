"""`lenscat clean`: remove what was derived."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any, NamedTuple

import typer

from lenscat_backend.bootstrap import library_options
from lenscat_backend.cli.exits import FOUND_PROBLEMS, OK
from lenscat_backend.cli.output import print_json, print_line
from lenscat_backend.cli.running import run as run_work
from lenscat_backend.library.clean import CleanPlace, Leftover, derived_files, open_to_clean, remove_files
from lenscat_backend.settings import load_settings

_SHOWN = 20


class _Found(NamedTuple):
    """The derived files of one place."""

    place: CleanPlace
    files: list[Leftover]


def run(yes: bool, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Do the command."""
    run_work(lambda: _clean(yes, dry_run, as_json, given), as_json)


async def _clean(yes: bool, dry_run: bool, as_json: bool, given: dict[str, Any]) -> int:
    settings = load_settings(**given)
    places, catalog = open_to_clean(settings.location, library_options(settings))
    found = await asyncio.to_thread(lambda: [_Found(place, list(derived_files(place.store))) for place in places])
    count = sum(len(files) for _, files in found)
    size = sum(file.size for _, files in found for file in files)
    if not as_json:
        _print_found(found, count, size)
    if dry_run or (not yes and not typer.confirm("Remove them? Pictures and sidecars stay.", err=True)):
        if as_json:
            print_json({"found": count, "bytes": size, "removed": 0})
        return OK
    failed = await asyncio.to_thread(lambda: [line for part in found for line in _remove(part)])
    await asyncio.to_thread(shutil.rmtree, catalog, True)
    if as_json:
        print_json({"found": count, "bytes": size, "removed": count - len(failed), "failed": failed})
    else:
        for line in failed:
            print_line(line)
        print_line(f"{count - len(failed)} files removed.")
    return FOUND_PROBLEMS if failed else OK


def _remove(found: _Found) -> list[str]:
    return [found.place.shown(path) + f": {error}" for path, error in remove_files(found.place.store, found.files)]


def _print_found(found: list[_Found], count: int, size: int) -> None:
    shown = [place.shown(file.path) for place, files in found for file in files[:_SHOWN]]
    for line in shown[:_SHOWN]:
        print_line(f"  {line}")
    if count > _SHOWN:
        print_line(f"  ... and {count - _SHOWN} more")
    print_line(f"{count} derived files, {size / 1e6:.1f} MB, and this library's catalog.")
