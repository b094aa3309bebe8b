"""Pictures that were written this very moment: waiting until a further change would show."""

from __future__ import annotations

import asyncio

from lenscat_backend.errors import NotFoundError, UnsupportedImageError
from lenscat_backend.library.layout import is_image
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.paths import LibraryPath, is_hidden, split
from lenscat_backend.storage.base import Entry, Store

SETTLE_S = 0.025
"""How long a picture takes to settle on file systems with fine times (see `Entry.settled`)."""
_TRIES = 100


def check_image_path(path: LibraryPath) -> None:
    """Raise `NotFoundError` for hidden files and the root, `UnsupportedImageError` for names of no image format."""
    if not path or is_hidden(path):
        raise NotFoundError("There is no such picture.")
    if not is_image(split(path)[1]):
        raise UnsupportedImageError("This is not a picture of a supported format.")


async def settled_entry(store: Store, path: LibraryPath) -> Entry:
    """The picture's entry, once a further change would change its etag; after 2.5 s as it is.

    Whoever reads the picture after that and finds the same etag afterwards has read exactly this version of it.
    """
    image = await _entry(store, path)
    for _ in range(_TRIES):
        if image.settled:
            break
        await asyncio.sleep(SETTLE_S)
        image = await _entry(store, path)
    return image


async def _entry(store: Store, path: LibraryPath) -> Entry:
    image = await in_thread(store.stat, path)
    if image.is_folder:
        raise NotFoundError("This is a folder: ask for a picture in it.")
    return image
