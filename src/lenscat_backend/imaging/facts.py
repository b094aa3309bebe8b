"""What an image says of itself, read from its header and metadata in few small reads; no pixel is decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

from lenscat_backend.errors import CorruptImageError, UnsupportedImageError
from lenscat_backend.imaging.exif import read_exif
from lenscat_backend.imaging.formats import Format, sniff
from lenscat_backend.imaging.iptc import read_iptc
from lenscat_backend.imaging.metadata import Metadata, unique
from lenscat_backend.imaging.source import HEAD_BYTES, ByteSource, Header
from lenscat_backend.imaging.xmp import read_xmp
from lenscat_backend.models.facts import ImageFacts

__all__ = ["HEAD_BYTES", "ByteSource", "BytesSource", "ReadImage", "read_facts", "read_image"]

T = TypeVar("T")
_UNUSUAL = (ValueError, ArithmeticError, LookupError, struct.error)


class BytesSource:
    """Bytes in memory as a source."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset`, fewer at the end."""
        return self._data[offset : offset + length]


class ReadImage:
    """The facts of an image, and what a renderer must know besides.

    `turn` is the EXIF orientation (1 to 8) that a decoder must still apply, 1 where the format turns by itself.
    """

    __slots__ = ("facts", "format", "turn")

    def __init__(self, facts: ImageFacts, format: Format, turn: int) -> None:
        self.facts = facts
        self.format = format
        self.turn = turn


def read_facts(source: ByteSource) -> ImageFacts:
    """Dimensions as displayed and embedded metadata; damaged metadata is left out.

    Raises `UnsupportedImageError` (not one of our formats), `CorruptImageError` (no dimensions can be had), and
    whatever `source.read` raises.
    """
    return read_image(source).facts


def read_image(source: ByteSource) -> ReadImage:
    """As `read_facts`, with the format and the turn still to be applied."""
    head = source.read(0, HEAD_BYTES)
    found = sniff(head)
    if found is None:
        raise UnsupportedImageError(_what_it_is(head))
    header = found.read_header(source, head)
    metadata = _read_metadata(header)
    width, height = header.width, header.height
    if width <= 0 or height <= 0:
        raise CorruptImageError(f"The {found.name.upper()} file says that its picture is empty.")
    turn = 1 if header.upright else metadata.get("orientation", 1)
    if turn >= 5:
        width, height = height, width
    return ReadImage(ImageFacts(found.name, width, height, **metadata), found, turn)


def _read_metadata(header: Header) -> Metadata:
    metadata = _tolerant(read_exif, header.exif)
    if header.xmp is not None or header.iptc is not None:
        metadata = _merged(metadata, _tolerant(read_xmp, header.xmp), _tolerant(read_iptc, header.iptc))
    if not 1 <= metadata.get("orientation", 1) <= 8:
        del metadata["orientation"]
    return metadata


def _tolerant(read: Callable[[T], Metadata], block: T | None) -> Metadata:
    """What `read` finds; nothing where the block surprises it, since no metadata may hide a picture."""
    if block is None:
        return Metadata()
    try:
        return read(block)
    except _UNUSUAL:
        return Metadata()


def _merged(exif: Metadata, xmp: Metadata, iptc: Metadata) -> Metadata:
    """EXIF first for what a camera measures, XMP first for what a person wrote; keywords are the union."""
    merged: Metadata = {**iptc, **xmp, **exif}
    caption = xmp.get("caption") or iptc.get("caption")
    if caption:
        merged["caption"] = caption
    if "rating" in xmp:
        merged["rating"] = xmp["rating"]
    keywords = unique([*xmp.get("keywords", ()), *iptc.get("keywords", ())])
    if keywords:
        merged["keywords"] = keywords
    return merged


def _what_it_is(head: bytes) -> str:
    if not head:
        return "The file is empty."
    return "The file is not a JPEG, PNG, WebP, GIF, AVIF, TIFF or HEIC image, whatever its name says."
