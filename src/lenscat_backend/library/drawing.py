"""Drawing every missing thumbnail of a library ahead of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.errors import ForbiddenError, LenscatError
from lenscat_backend.library.thumbnails import Thumbnails
from lenscat_backend.library.work_queue import Priority
from lenscat_backend.models.paths import LibraryPath, join

OnDrawn = Callable[[LibraryPath, LenscatError | None], None]
"""Hears of a picture whose thumbnail is made and stored, or why it is not."""


async def draw_missing(catalog: Catalog, thumbnails: Thumbnails, ahead: int, on_done: OnDrawn) -> None:
    """Make every missing or stale thumbnail of a readable picture, `ahead` at once; in the background's turn."""
    places = asyncio.Semaphore(ahead)
    tasks: set[asyncio.Task[None]] = set()

    async def draw(path: LibraryPath) -> None:
        try:
            await thumbnails.get(path, Priority.BACKGROUND)
            on_done(path, await _not_stored(catalog, thumbnails, path))
        except LenscatError as error:
            on_done(path, error)
        finally:
            places.release()

    try:
        async for row in catalog.walk_without("thumbnail"):
            await places.acquire()
            task = asyncio.ensure_future(draw(join(row.folder, row.record.name)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _not_stored(catalog: Catalog, thumbnails: Thumbnails, path: LibraryPath) -> LenscatError | None:
    """Why a thumbnail that was drawn is lost again; None where it is stored, or its picture went away meanwhile."""
    known = await catalog.known_item(path)
    if known is None or known.thumb_source:
        return None
    return ForbiddenError(f"The thumbnail could not be stored. {thumbnails.why_unstored(path) or ''}".strip())
