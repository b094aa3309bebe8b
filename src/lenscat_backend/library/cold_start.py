"""A new server on a bucket that others served: what their rollup says is found at once, and checked by the scan."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import ijson

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import FolderUpdate, ItemValues
from lenscat_backend.errors import CorruptError, InvalidError, LenscatError, NotFoundError
from lenscat_backend.imaging.formats import format_of_name
from lenscat_backend.library.layout import ROLLUP_PATH
from lenscat_backend.library.records import provisional_record
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.paths import LibraryPath, is_hidden, parse_path, split
from lenscat_backend.storage.base import Store

_log = logging.getLogger("lenscat")
MAX_ROLLUP_BYTES = 1 << 30
_BATCH = 1000
_NO_ROLLUP = "The rollup is no help to this start: %s"


async def enter_rollup(catalog: Catalog, store: Store) -> None:
    """Enter what `_rollup.json` says into a catalog that knows nothing yet; a scan must follow."""
    if (await catalog.totals()).items:
        return
    batches = _batches(store)
    try:
        while (batch := await in_thread(next, batches, None)) is not None:
            await catalog.apply_provisional(batch)
    except NotFoundError:
        return
    except LenscatError as error:
        _log.warning(_NO_ROLLUP, error)


def _batches(store: Store) -> Iterator[list[FolderUpdate]]:
    with store.open(ROLLUP_PATH) as file:
        if file.size > MAX_ROLLUP_BYTES:
            raise CorruptError(f"it is larger than {MAX_ROLLUP_BYTES} bytes")
        items = ijson.items(ijson.from_iter(file.stream(0, file.size)), "items.item")
        while batch := _next_batch(items):
            yield batch


def _next_batch(items: Iterator[Any]) -> list[FolderUpdate]:
    rows: list[tuple[LibraryPath, ItemValues]] = []
    try:
        for item in items:
            rows += _row(item)
            if len(rows) == _BATCH:
                break
    except (ijson.JSONError, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise CorruptError("it is damaged") from error
    grouped = groupby(rows, key=lambda row: row[0])
    return [FolderUpdate(folder, [row for _, row in group], complete=False) for folder, group in grouped]


def _row(item: Any) -> Iterator[tuple[LibraryPath, ItemValues]]:
    """The folder and the row of one item; nothing where it is not one."""
    match item:
        case {"path": str(raw), "tags": list(tags), "notes": str(notes)} if all(isinstance(tag, str) for tag in tags):
            try:
                path = parse_path(raw)
            except InvalidError:
                return
            folder, name = split(path)
            found = format_of_name(name)
            if found is not None and not is_hidden(path):
                yield folder, tuple(provisional_record(name, found.name, tags, notes))
