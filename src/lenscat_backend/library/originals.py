"""The pictures themselves, opened for sending."""

from __future__ import annotations

from dataclasses import dataclass

from lenscat_backend.imaging.formats import sniff
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


def open_original(place: Place, path: LibraryPath) -> Original:
    """Open a picture. `NotFoundError`, `UnsupportedImageError` for names of no image format."""
    check_image_path(path)
    file = place.base.open(path)
    try:
        found = sniff(file.read(0, _SNIFFED))
    except BaseException:
        file.close()
        raise
    return Original(split(path)[1], file, found.mime if found else None)
