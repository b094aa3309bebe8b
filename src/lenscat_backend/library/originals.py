"""The pictures themselves, opened for sending."""

from __future__ import annotations

import os
from dataclasses import dataclass

from lenscat_backend.imaging.formats import sniff
from lenscat_backend.library.probe import Disks
from lenscat_backend.library.settled import check_image_path
from lenscat_backend.models.paths import LibraryPath, split

_SNIFFED = 64


@dataclass(frozen=True, slots=True)
class Original:
    """An open picture: whoever gets it closes `descriptor`. `mime` is what its bytes are, None for no image at all."""

    name: str
    descriptor: int
    size: int
    etag: str
    mime: str | None


def open_original(disks: Disks, path: LibraryPath) -> Original:
    """Open a picture. `NotFoundError`, `UnsupportedImageError` for names of no image format."""
    check_image_path(path)
    entry = disks.base.stat(path)
    descriptor = disks.base.open_regular(path)
    try:
        found = sniff(os.pread(descriptor, _SNIFFED, 0))
        size = os.fstat(descriptor).st_size
    except BaseException:
        os.close(descriptor)
        raise
    return Original(split(path)[1], descriptor, size, entry.etag, found.mime if found else None)
