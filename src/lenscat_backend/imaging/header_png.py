"""PNG headers (W3C PNG, third edition): IHDR, and metadata in the chunks before the picture data."""

from __future__ import annotations

import zlib

from lenscat_backend.errors import CorruptImageError
from lenscat_backend.imaging.iptc import find_iptc
from lenscat_backend.imaging.source import HEAD_BYTES, ByteSource, Header, Reader
from lenscat_backend.imaging.tiff import open_tiff_block
from lenscat_backend.imaging.xmp import MAX_PACKET_BYTES

_XMP = b"XML:com.adobe.xmp\0"
_RAW_PROFILE = b"Raw profile type "
_MAX_CHUNKS = 1000
_MAX_METADATA = MAX_PACKET_BYTES


def read_png(source: ByteSource, head: bytes) -> Header:
    """The dimensions, and EXIF, XMP and IPTC.

    Metadata behind the picture data is read only where the head already holds it: hopping over the data of a large
    file would cost a request a chunk.
    """
    if len(head) < 33 or head[12:16] != b"IHDR":
        raise CorruptImageError("The PNG file has no header chunk.")
    header = Header(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    reader = Reader(source, head)
    at, picture_seen = 33, False
    for _ in range(_MAX_CHUNKS):
        start = reader.fetch(at, 8)
        length, kind = int.from_bytes(start[:4], "big"), start[4:8]
        if len(start) < 8 or kind == b"IEND":
            break
        if kind == b"IDAT":
            picture_seen = True
        elif kind in _READERS and length <= _MAX_METADATA:
            _READERS[kind](header, reader.fetch(at + 8, length))
        at += 12 + length
        if picture_seen and at + 8 > min(len(head), HEAD_BYTES):
            break
    return header


def _add_exif(header: Header, chunk: bytes) -> None:
    if header.exif is None:
        header.exif = open_tiff_block(chunk)


def _add_international_text(header: Header, chunk: bytes) -> None:
    """iTXt: keyword, NUL, compressed?, method, language, NUL, translated keyword, NUL, text."""
    if header.xmp is not None or not chunk.startswith(_XMP):
        return
    compressed = chunk[len(_XMP) : len(_XMP) + 1] == b"\1"
    parts = chunk[len(_XMP) + 2 :].split(b"\0", 2)
    if len(parts) == 3:
        header.xmp = _inflate(parts[2]) if compressed else parts[2]


def _add_compressed_text(header: Header, chunk: bytes) -> None:
    keyword, _, rest = chunk.partition(b"\0")
    if keyword.startswith(_RAW_PROFILE):
        _add_raw_profile(header, keyword, _inflate(rest[1:]))


def _add_text(header: Header, chunk: bytes) -> None:
    keyword, _, text = chunk.partition(b"\0")
    if keyword.startswith(_RAW_PROFILE):
        _add_raw_profile(header, keyword, text)


def _add_raw_profile(header: Header, keyword: bytes, text: bytes | None) -> None:
    """ImageMagick's form: a line with the name, a line with the length, then the bytes in hexadecimal."""
    lines = (text or b"").strip().split(b"\n", 2)
    if len(lines) < 3:
        return
    try:
        block = bytes.fromhex(lines[2].decode("ascii"))
    except ValueError:
        return
    name = keyword[len(_RAW_PROFILE) :]
    if name in (b"exif", b"APP1") and block.startswith(b"Exif"):
        _add_exif(header, block)
    elif name == b"xmp" and header.xmp is None:
        header.xmp = block
    elif name == b"iptc" and header.iptc is None:
        header.iptc = find_iptc(block) or block


def _inflate(data: bytes) -> bytes | None:
    """Decompressed text, None where it is damaged or more than any metadata needs (a bomb)."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, _MAX_METADATA)
    except zlib.error:
        return None
    return text if inflater.eof else None


_READERS = {
    b"eXIf": _add_exif,
    b"iTXt": _add_international_text,
    b"zTXt": _add_compressed_text,
    b"tEXt": _add_text,
}
