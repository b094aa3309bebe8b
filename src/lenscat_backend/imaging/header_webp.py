"""WebP headers (RFC 9649): the canvas or the first frame, and the EXIF and XMP chunks of the extended format."""

from __future__ import annotations

from lenscat_backend.errors import CorruptImageError
from lenscat_backend.imaging.source import ByteSource, Header, Reader
from lenscat_backend.imaging.tiff import open_tiff_block
from lenscat_backend.imaging.xmp import MAX_PACKET_BYTES

_HAS_EXIF, _HAS_XMP = 0x08, 0x04
_MAX_CHUNKS = 64  # an animation has a chunk a frame before its metadata: a long one is read without
_CORRUPT = "The WebP file has no readable header."


def read_webp(source: ByteSource, head: bytes) -> Header:
    """The dimensions of the canvas, else of the picture; metadata where the extended header announces it."""
    if len(head) < 25:
        raise CorruptImageError(_CORRUPT)
    kind = head[12:16]
    if kind == b"VP8X":
        return _extended(source, head)
    if kind == b"VP8L":
        return _lossless(head)
    if kind == b"VP8 ":
        return _lossy(head)
    raise CorruptImageError(_CORRUPT)


def _lossy(head: bytes) -> Header:
    """A VP8 key frame (RFC 6386, 9.1): after three bytes a start code, then 14 bits each of width and height."""
    if head[23:26] != b"\x9d\x01\x2a" or len(head) < 30:
        raise CorruptImageError(_CORRUPT)
    return Header(
        int.from_bytes(head[26:28], "little") & 0x3FFF,
        int.from_bytes(head[28:30], "little") & 0x3FFF,
    )


def _lossless(head: bytes) -> Header:
    """A signature byte, then 14 bits each of width - 1 and height - 1."""
    if head[20] != 0x2F:
        raise CorruptImageError(_CORRUPT)
    bits = int.from_bytes(head[21:25], "little")
    return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)


def _extended(source: ByteSource, head: bytes) -> Header:
    if len(head) < 30:
        raise CorruptImageError(_CORRUPT)
    header = Header(int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1)
    flags = head[20]
    reader = Reader(source, head)
    at = 12
    for _ in range(_MAX_CHUNKS):
        wanted = (flags & _HAS_EXIF and header.exif is None) or (flags & _HAS_XMP and header.xmp is None)
        start = reader.fetch(at, 8) if wanted else b""
        if len(start) < 8:
            break
        length = int.from_bytes(start[4:8], "little")
        if start[:4] == b"EXIF" and header.exif is None:
            header.exif = open_tiff_block(reader.fetch(at + 8, length))
        elif start[:4] == b"XMP " and header.xmp is None:
            header.xmp = reader.fetch(at + 8, min(length, MAX_PACKET_BYTES + 1))
        at += 8 + length + (length & 1)
    return header
