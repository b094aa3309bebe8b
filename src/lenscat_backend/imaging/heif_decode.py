"""Decoders for what libvips cannot open: HEVC pictures in HEIC (pillow-heif) and AVIF sequences (Pillow)."""

from __future__ import annotations

from typing import Any, BinaryIO, NamedTuple

import pillow_heif
from PIL import AvifImagePlugin, ImageOps

pillow_heif.options.DECODE_THREADS = 1  # the work queue runs several images at once instead
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False

DECODE_ERRORS = (ValueError, EOFError, SyntaxError, RuntimeError, OSError, MemoryError)
"""What the two libraries raise for pictures they cannot decode."""

_ASPECT_TOLERANCE = 0.02


class Pixels(NamedTuple):
    """A decoded upright picture: interleaved 8-bit bands (1 grey, 3 RGB, 4 RGB with alpha) and its ICC profile."""

    data: bytes
    width: int
    height: int
    bands: int
    profile: bytes | None


def decode_heic(file: BinaryIO, edge: int) -> Pixels:
    """The primary picture, or the thumbnail stored beside it where that is at least `edge` pixels long."""
    container = pillow_heif.open_heif(file)
    primary = container[container.primary_index]
    stored = _stored_thumbnail(primary, edge)
    chosen = primary if stored is None else stored
    data = bytes(chosen.data)
    width, height = chosen.size
    profile = _info(chosen).get("icc_profile") or _info(primary).get("icc_profile")
    return Pixels(data, width, height, _BANDS[chosen.mode], profile)


def decode_avif(file: BinaryIO) -> Pixels:
    """The first frame. Pillow hands ``irot`` and ``imir`` on as an EXIF orientation, which is applied here."""
    with AvifImagePlugin.AvifImageFile(file) as opened:
        profile = opened.info.get("icc_profile")
        upright = ImageOps.exif_transpose(opened)
    if upright.mode not in _BANDS:
        upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    return Pixels(upright.tobytes(), upright.width, upright.height, _BANDS[upright.mode], profile)


_BANDS = {"L": 1, "RGB": 3, "RGBA": 4, "RGBa": 4}


def _info(image: pillow_heif.HeifImage | pillow_heif.HeifThumbnail) -> dict[str, Any]:
    found: dict[str, Any] = image.info
    return found


def _stored_thumbnail(primary: pillow_heif.HeifImage, edge: int) -> pillow_heif.HeifThumbnail | None:
    """The smallest stored thumbnail that is large enough and has the picture's shape: decoded 50 times as fast."""
    aspect = primary.size[0] / primary.size[1]
    sizes: list[int] = _info(primary)["thumbnails"]
    for _, index in sorted((size, index) for index, size in enumerate(sizes) if size >= edge):
        thumbnail = primary.get_thumbnail(index)
        width, height = thumbnail.size
        if max(width, height) >= edge and abs(width / height / aspect - 1) < _ASPECT_TOLERANCE:
            return thumbnail
    return None
