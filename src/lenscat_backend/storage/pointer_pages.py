"""Listings that come page by page: where a folder's pointer is among them, and how they end early."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from lenscat_backend.errors import NotFoundError
from lenscat_backend.models.paths import LibraryPath, join
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.storage.base import Entry, Store
from lenscat_backend.storage.pointer_listing import pointer_in


def begin_pages(
    store: Store, folder: LibraryPath, pages: Iterator[Sequence[Entry]]
) -> tuple[list[Sequence[Entry]], Entry | None]:
    """The first page of a folder, or two, and its pointer file.

    A page ends in the order of names, so that a thousand of them may come before the pointer: then it is asked for.
    """
    begun = [next(pages, ())]  # none at all of an empty bucket
    pointer = pointer_in(begun[0])
    if pointer is None and begun[0] and begun[0][-1].name < POINTER_FILE:
        more = next(pages, None)
        if more is not None:
            begun.append(more)
            pointer = pointer_in(more) or _pointer_at(store, folder)
    return begun, pointer


def close_pages(pages: Iterator[object]) -> None:
    """End a listing early, with its connection: an error raised later would keep both alive."""
    if isinstance(pages, Generator):
        pages.close()


def _pointer_at(store: Store, folder: LibraryPath) -> Entry | None:
    try:
        entry = store.stat(join(folder, POINTER_FILE))
    except NotFoundError:
        return None
    return None if entry.is_folder else entry
