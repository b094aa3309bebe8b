"""A picture shrunk to fit a square: upright, sRGB, in memory, by the decoder that fits its format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

from lenscat_backend.errors import CorruptImageError, ImageTooLargeError
from lenscat_backend.imaging.facts import ReadImage
from lenscat_backend.imaging.heif_decode import DECODE_ERRORS, Pixels, decode_avif, decode_heic
from lenscat_backend.imaging.srgb import is_srgb
from lenscat_backend.imaging.vips import pyvips

_SRGB = "srgb"  # the profile built into libvips
_PROFILE = "icc-profile-data"


def shrink(file: BinaryIO, image: ReadImage, edge: int, max_pixels: int) -> pyvips.Image:
    """The first picture of `file`, with its long edge at most `edge` and never enlarged.

    Raises `CorruptImageError`, and `ImageTooLargeError` where the decoder finds more than `max_pixels`.
    """
    reasons: list[str] = []
    for attempt in _attempts(file, image, edge, max_pixels):
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        try:
            return attempt()
        except pyvips.Error as error:
            reasons.append(error.detail or error.message)
        except DECODE_ERRORS as error:
            reasons.append(str(error))
    raise CorruptImageError(_damaged(image.format.name, reasons))


def _attempts(file: BinaryIO, image: ReadImage, edge: int, max_pixels: int) -> Iterator[Callable[[], pyvips.Image]]:
    """Strict first; then what can be had of a truncated picture; then without a colour profile that is broken."""
    name = image.format.name
    if name == "heic":
        yield lambda: _from_pixels(decode_heic(file, edge), edge, max_pixels)
    yield lambda: _from_file(file, image, edge, max_pixels, strict=True)
    if name == "avif":
        yield lambda: _from_pixels(decode_avif(file), edge, max_pixels)
    yield lambda: _partial(_from_file(file, image, edge, max_pixels, strict=False))


def _from_file(file: BinaryIO, image: ReadImage, edge: int, max_pixels: int, *, strict: bool) -> pyvips.Image:
    source = pyvips.Source.new_from_descriptor(file.fileno())
    opened = pyvips.Image.new_from_source(source, "")
    check_pixels(opened.width, opened.height, max_pixels)  # the loader may see other dimensions than we did
    options = {"export_profile": _SRGB} if _must_convert(opened) else {}
    small = pyvips.Image.thumbnail_source(
        source,
        edge,
        height=edge,
        size="down",
        no_rotate=True,
        option_string="fail_on=truncated" if strict else "",  # libvips 8.18 ignores its fail_on for sources
        **options,
    )
    return _turned(small.copy_memory(), image.turn)


def _must_convert(opened: pyvips.Image) -> bool:
    """Whether a profile says that the colours are not sRGB; libvips converts CMYK without one by itself.

    Asking for a conversion costs 4 to 9 ms even where nothing changes.
    """
    return opened.get_typeof(_PROFILE) != 0 and not is_srgb(opened.get(_PROFILE))


def _from_pixels(pixels: Pixels, edge: int, max_pixels: int) -> pyvips.Image:
    check_pixels(pixels.width, pixels.height, max_pixels)
    opened = pyvips.Image.new_from_memory(pixels.data, pixels.width, pixels.height, pixels.bands, "uchar")
    opened = opened.copy(interpretation="b-w" if pixels.bands == 1 else "srgb")
    if pixels.profile:
        opened.set_type(pyvips.GValue.blob_type, _PROFILE, pixels.profile)
    options = {"export_profile": _SRGB} if _must_convert(opened) else {}
    return opened.thumbnail_image(edge, height=edge, size="down", no_rotate=True, **options).copy_memory()


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raise `ImageTooLargeError` where a picture has more pixels than may be decoded."""
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"The picture has {width} x {height} pixels, more than the limit of {max_pixels:,} pixels."
        )


def _partial(small: pyvips.Image) -> pyvips.Image:
    """What a damaged file still shows; where all is missing, decoders leave all zeros or JPEG's middle grey."""
    ranges = [(band.min(), band.max()) for band in small.bandsplit()[:3]]
    if all(low == high == 0 for low, high in ranges) or all(low >= 126 and high <= 130 for low, high in ranges):
        raise CorruptImageError("The picture is damaged: its pixels are missing.")
    return small


def _turned(small: pyvips.Image, turn: int) -> pyvips.Image:
    """`small` upright, by EXIF orientation (EXIF 2.32, tag 0x0112)."""
    if turn in (3, 4):
        small = small.rot180()
    elif turn in (5, 6):
        small = small.rot90()
    elif turn in (7, 8):
        small = small.rot270()
    return small.fliphor() if turn in (2, 4, 5, 7) else small


def _damaged(format_name: str, reasons: list[str]) -> str:
    """One line for a user; a library's reason is quoted only where it cannot hold a path of the host."""
    reason = next((line.strip() for line in (reasons or [""])[0].splitlines() if line.strip()), "")
    tail = f" ({reason[:200]})" if reason and "/" not in reason else ""
    return f"The {format_name.upper()} picture is damaged and cannot be decoded{tail}."
