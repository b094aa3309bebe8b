"""Thumbnails and previews: a picture file to a small WebP, upright, sRGB and without metadata."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lenscat_backend.errors import CorruptImageError, ImageTooLargeError
from lenscat_backend.imaging.decode import check_pixels, shrink
from lenscat_backend.imaging.facts import ReadImage, read_image
from lenscat_backend.imaging.vips import pyvips

THUMBNAIL_EDGE = 256
THUMBNAIL_QUALITY = 70
PREVIEW_EDGE = 2048
PREVIEW_QUALITY = 82
WEBP_EFFORT = 2
"""Measured on 40 photographs: half the encoding time of the default 4 (3.1 ms against 5.7) for files 4 % larger."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What may be decoded at all: pixels a picture claims, and bytes of its file."""

    max_pixels: int = 100_000_000
    max_bytes: int = 512 * 1024 * 1024


class _FileSource:
    """An open file as a source of bytes; the file's position stays."""

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset`, fewer at the end."""
        return os.pread(self._descriptor, length, offset)


def too_many_bytes(size: int, limits: DecodeLimits) -> ImageTooLargeError:
    """The error for a file above the limit; whoever would have to fetch the file first asks before."""
    return ImageTooLargeError(f"The file has {size:,} bytes, more than the limit of {limits.max_bytes:,} bytes.")


def render_thumbnail(path: Path, limits: DecodeLimits) -> bytes:
    """The thumbnail of a picture: WebP, long edge at most 256 pixels, never enlarged, transparency kept.

    Raises `UnsupportedImageError`, `ImageTooLargeError` (before anything is decoded), `CorruptImageError`, and what
    opening the file raises. Several threads may render at once.
    """
    return _render(path, limits, THUMBNAIL_EDGE, THUMBNAIL_QUALITY)


def render_preview(path: Path, limits: DecodeLimits, edge: int = PREVIEW_EDGE) -> bytes:
    """A large WebP of a picture, for formats that browsers do not show; otherwise as `render_thumbnail`."""
    return _render(path, limits, edge, PREVIEW_QUALITY)


def _render(path: Path, limits: DecodeLimits, edge: int, quality: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        image = _checked(file, limits)
        small = shrink(file, image, edge, limits.max_pixels)
    try:
        encoded: bytes = small.webpsave_buffer(Q=quality, effort=WEBP_EFFORT, keep="none")
    except pyvips.Error as error:
        raise CorruptImageError("The picture cannot be drawn as a thumbnail.") from error
    return encoded


def _checked(file: BinaryIO, limits: DecodeLimits) -> ReadImage:
    source = _FileSource(file.fileno())
    if source.size > limits.max_bytes:
        raise too_many_bytes(source.size, limits)
    image = read_image(source)
    check_pixels(image.facts.width or 0, image.facts.height or 0, limits.max_pixels)
    return image
