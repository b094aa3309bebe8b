"""The pictures themselves, opened for sending."""

from __future__ import annotations

from dataclasses import dataclass

from lenscat_backend.catalog.records import ItemRecord
from lenscat_backend.imaging.formats import MIME_TYPES, sniff
from lenscat_backend.library.place import Place
from lenscat_backend.library.settled import check_image_path
from lenscat_backend.models.paths import LibraryPath, split
from lenscat_backend.storage.base import OpenedFile

_SNIFFED = 64


@dataclass(frozen=True, slots=True)
class Original:
    """An open picture: whoever gets it closes `file`. `mime` is what its bytes are, None for no image at all."""

    name: str
    file: OpenedFile
    mime: str | None


def open_original(place: Place, path: LibraryPath, known: ItemRecord | None) -> Original:
    """Open a picture. `NotFoundError`, `UnsupportedImageError` for names of no image format.

    What the catalog has `known` of this very version spares a remote store the look at its first bytes.
    """
    check_image_path(path)
    file = place.base.open(path)
    if place.capabilities(path).remote and known is not None and known.etag == file.etag and known.width is not None:
        return Original(split(path)[1], file, MIME_TYPES.get(known.format))
    try:
        found = sniff(file.read(0, _SNIFFED))
    except BaseException:
        file.close()
        raise
    return Original(split(path)[1], file, found.mime if found else None)
