"""The pictures themselves, opened for sending."""

from __future__ import annotations

from dataclasses import dataclass

from lenscat_backend.catalog.records import ItemRecord
from lenscat_backend.imaging.formats import MIME_TYPES, sniff
from lenscat_backend.library.place import Place
from lenscat_backend.library.settled import check_image_path
from lenscat_backend.models.paths import LibraryPath, split
from lenscat_backend.storage.base import Entry, OpenedFile

_SNIFFED = 64


@dataclass(frozen=True, slots=True)
class Original:
    """An open picture: whoever gets it closes `file`. `mime` is what its bytes are, None for no image at all."""

    name: str
    file: OpenedFile
    mime: str | None


def open_original(place: Place, path: LibraryPath, known: ItemRecord | None, *, fresh: bool) -> Original:
    """Open a picture. `NotFoundError`, `UnsupportedImageError` for names of no image format.

    What the catalog has `known` of a remote one spares the look at its first bytes. Unless it is to be `fresh`, the
    look at its present version too: where it is another, its first read raises `VersionMismatchError` or
    `NotFoundError`.
    """
    check_image_path(path)
    name = split(path)[1]
    if known is not None and not (known.etag and known.width is not None and place.capabilities(path).remote):
        known = None
    believed = None if fresh or known is None else Entry(name, False, known.size, known.mtime_ns, known.etag, True)
    file = place.base.open(path, believed)
    if known is not None and known.etag == file.etag:
        return Original(name, file, MIME_TYPES.get(known.format))
    try:
        found = sniff(file.read(0, _SNIFFED))
    except BaseException:
        file.close()
        raise
    return Original(name, file, found.mime if found else None)
