"""`lenscat export`: what is known of every picture."""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal, TextIO

import orjson

from lenscat_backend.cli.exits import OK
from lenscat_backend.cli.index import scan_with_bar
from lenscat_backend.cli.output import print_json, progress_bars
from lenscat_backend.cli.running import run_with_library
from lenscat_backend.errors import SettingsError
from lenscat_backend.library.library import Library
from lenscat_backend.library.views import Item

COLUMNS = [field.name for field in fields(Item)]


def run(
    query: str, form: Literal["jsonl", "csv"], output: Path | None, no_scan: bool, as_json: bool, **given: Any
) -> None:
    """Do the command."""
    run_with_library(lambda library: _export(library, query, form, output, no_scan, as_json), as_json, **given)


async def _export(
    library: Library,
    query: str,
    form: Literal["jsonl", "csv"],
    output: Path | None,
    no_scan: bool,
    as_json: bool,
) -> int:
    if not no_scan:
        with progress_bars(as_json) as bars:
            await scan_with_bar(library, bars)
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # whatever the terminal's is: files and pipes are UTF-8
        await _write(library, query, form, sys.stdout)
        return OK
    count = await _write_file(library, query, form, output)
    if as_json:
        print_json({"exported": count})
    return OK


async def _write_file(library: Library, query: str, form: str, output: Path) -> int:
    """Write under a name of our own first: a Ctrl-C leaves no half file under the real one."""
    part: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{output.name[:100]}.", dir=output.parent)
        part = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            count = await _write(library, query, form, file)
        part.chmod(0o666 & ~_umask())
        part.replace(output)
    except OSError as error:
        raise SettingsError(f"{output} cannot be written: {error.strerror}.") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return count


def _umask() -> int:
    """What new files are not to be; it can only be asked by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


async def _write(library: Library, query: str, form: str, file: TextIO) -> int:
    count = 0
    table = csv.DictWriter(file, COLUMNS) if form == "csv" else None
    if table is not None:
        table.writeheader()
    async for item in library.stored_search(query):
        row = asdict(item)
        if table is None:
            file.write(orjson.dumps(row).decode() + "\n")
        else:
            table.writerow(row | {"tags": "|".join(item.tags), "exif": orjson.dumps(item.exif).decode()})
        count += 1
    return count
