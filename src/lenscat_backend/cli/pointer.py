"""`lenscat pointer`: folders that stand for another place."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import typer

from lenscat_backend.cli.exits import FOUND_PROBLEMS, OK, show_error
from lenscat_backend.cli.output import print_json, print_line
from lenscat_backend.cli.running import run_with_library
from lenscat_backend.errors import InvalidPathError, LenscatError
from lenscat_backend.library.library import Library
from lenscat_backend.library.pointing import PointerInfo, parse_target
from lenscat_backend.models.paths import decode_name
from lenscat_backend.models.pointer import Pointer
from lenscat_backend.settings import Settings, load_settings
from lenscat_backend.storage.location import Location, parse_location


def run(action: str, as_json: bool, **given: Any) -> None:
    """Do one of the commands."""
    try:
        if action == "add":
            _add(as_json, **given)
        elif action == "remove":
            _remove(as_json, **given)
        else:
            _list(as_json, **given)
    except LenscatError as error:
        raise typer.Exit(show_error(error, as_json)) from error


def _add(
    as_json: bool, *, path: str, target: str, label: str, readonly: bool, bucket: dict[str, Any], **given: Any
) -> None:
    library, inside = _resolve(path, given)
    relative = _is_named(load_settings(**given)) and parse_location(library).path is not None

    async def work(opened: Library) -> int:
        pointer = Pointer(parse_target(target, relative=relative, **bucket), label, readonly)
        _print(await opened.add_pointer(inside, pointer), as_json)
        return OK

    run_with_library(work, as_json, **given | {"library": library})


def _list(as_json: bool, *, no_scan: bool, **given: Any) -> None:
    async def work(opened: Library) -> int:
        pointers = await opened.pointers(scan=not no_scan)
        for pointer in pointers:
            _print(pointer, as_json)
        return FOUND_PROBLEMS if any(pointer.error for pointer in pointers) else OK

    run_with_library(work, as_json, **given)


def _remove(as_json: bool, *, path: str, **given: Any) -> None:
    library, inside = _resolve(path, given)

    async def work(opened: Library) -> int:
        await opened.remove_pointer(inside)
        if as_json:
            print_json({"removed": inside})
        else:
            print_line(f"{inside} is a plain folder again. What it led to was not touched.")
        return OK

    run_with_library(work, as_json, **given | {"library": library})


def _resolve(path: str, given: dict[str, Any]) -> tuple[str, str]:
    """The library and the path in it that a user means with `path`: in the library that is given, or a place itself."""
    settings = load_settings(**given)
    library = settings.location
    if "://" not in path and not Path(path).expanduser().is_absolute():
        return library, decode_name(os.fsencode(path))
    place = parse_location(path)
    if not _is_named(settings):
        return _above(place)
    inside = _inside(place, parse_location(library))
    if inside is None:
        raise InvalidPathError(f"{path} does not lie in the library {library}: name its own with --library.")
    return library, inside


def _is_named(settings: Settings) -> bool:
    """Whether anybody said which library is meant; else it is the folder that the user is in."""
    return bool({"library", "local_root", "storage_type"} & settings.model_fields_set)


def _inside(place: Location, library: Location) -> str | None:
    if place.path is not None and library.path is not None:
        inside = place.path.is_relative_to(library.path)
        return decode_name(os.fsencode(place.path.relative_to(library.path))) if inside else None
    same = place.path is library.path is None and (place.scheme, place.bucket) == (library.scheme, library.bucket)
    start = f"{library.prefix}/" if library.prefix else ""
    return place.prefix.removeprefix(start) if same and place.prefix.startswith(start) else None


def _above(place: Location) -> tuple[str, str]:
    """The folder above a place, as a library, and the place's name in it."""
    if place.path is not None:
        return str(place.path.parent), decode_name(os.fsencode(place.path.name))
    above, _, name = place.prefix.rpartition("/")
    return f"{place.scheme}://{place.bucket}" + (f"/{above}" if above else ""), name


def _print(pointer: PointerInfo, as_json: bool) -> None:
    if as_json:
        print_json(pointer)
        return
    label = f' "{pointer.label}"' if pointer.label else ""
    readonly = " (read-only)" if pointer.readonly else ""
    print_line(f"{pointer.path} -> {pointer.target}{label}{readonly}")
    if pointer.error:
        sys.stdout.flush()
        sys.stderr.write(f"lenscat: {pointer.path}: {pointer.error}\n")
