"""Tiny images and metadata blocks written byte by byte, so that a test shows what it is about."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from lenscat_backend.imaging.facts import BytesSource, read_facts
from lenscat_backend.models.facts import ImageFacts

Value = str | int | bytes | tuple[tuple[int, int], ...]
Tags = Mapping[int, Value]


def facts_of(data: bytes) -> ImageFacts:
    """The facts of an image in memory."""
    return read_facts(BytesSource(data))


def tiff(main: Tags, photo: Tags | None = None, gps: Tags | None = None, order: str = "<") -> bytes:
    """A TIFF structure: text as ASCII, int as SHORT, bytes as UNDEFINED, pairs as RATIONAL."""
    tags = dict(main)
    for pointer, inner in ((0x8769, photo), (0x8825, gps)):
        if inner is not None:
            tags[pointer] = 0
    out = bytearray((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8))
    places = _directory(out, tags, order)
    for pointer, inner in ((0x8769, photo), (0x8825, gps)):
        if inner is not None:
            struct.pack_into(order + "HHII", out, places[pointer], pointer, 4, 1, len(out))
            _directory(out, inner, order)
    return bytes(out)


def _directory(out: bytearray, tags: Tags, order: str) -> dict[int, int]:
    start = len(out)
    out += struct.pack(order + "H", len(tags)) + bytes(12 * len(tags) + 4)
    places = {}
    for number, (tag, value) in enumerate(sorted(tags.items())):
        kind, count, raw = _encoded(value, order)
        at = places[tag] = start + 2 + 12 * number
        if len(raw) > 4:
            struct.pack_into(order + "HHII", out, at, tag, kind, count, len(out))
            out += raw + b"\0" * (len(raw) % 2)
        else:
            struct.pack_into(order + "HHI4s", out, at, tag, kind, count, raw)
    return places


def _encoded(value: Value, order: str) -> tuple[int, int, bytes]:
    if isinstance(value, str):
        raw = value.encode() + b"\0"
        return 2, len(raw), raw
    if isinstance(value, int):
        return 3, 1, struct.pack(order + "H", value)
    if isinstance(value, bytes):
        return 7, len(value), value
    return 5, len(value), b"".join(struct.pack(order + "II", *pair) for pair in value)


def segment(marker: int, payload: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg(*segments: bytes, width: int = 40, height: int = 30) -> bytes:
    """A JPEG up to its scan, which is missing."""
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + b"\1\x22\0\2\x11\1\3\x11\1")
    return b"\xff\xd8" + b"".join(segments) + frame + segment(0xDA, b"\0" * 10) + b"\0" * 16 + b"\xff\xd9"


def exif_segment(block: bytes) -> bytes:
    """APP1 with EXIF."""
    return segment(0xE1, b"Exif\0\0" + block)


def xmp_segment(packet: bytes) -> bytes:
    """APP1 with XMP."""
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def iptc_segment(*sets: tuple[int, int, bytes]) -> bytes:
    """APP13 with IPTC data sets among Photoshop resources."""
    block = b"".join(struct.pack(">BBBH", 0x1C, *key, len(value)) + value for *key, value in sets)
    resource = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(block)) + block + b"\0" * (len(block) % 2)
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\3abc" + struct.pack(">I", 3) + b"xyz\0"
    return segment(0xED, b"Photoshop 3.0\0" + other + resource)


def xmp(inside: str = "", attributes: str = "") -> bytes:
    """A packet with one description."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
        ' xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
        f" {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()


def chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*chunks: bytes, width: int = 40, height: int = 30, after: bytes = b"") -> bytes:
    """A grey PNG with the chunks before its picture data, and `after` behind them."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    picture = chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * width) * height))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + picture + after + chunk(b"IEND", b"")


def webp(*chunks: tuple[bytes, bytes], flags: int = 0, width: int = 40, height: int = 30) -> bytes:
    """An extended WebP without a picture."""
    canvas = bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"".join(
        name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        for name, content in ((b"VP8X", canvas), *chunks)
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def box(kind: bytes, content: bytes) -> bytes:
    """An ISO base media box."""
    return struct.pack(">I4s", len(content) + 8, kind) + content


def heif(*properties: bytes, brand: bytes = b"heic", exif: bytes = b"", width: int = 40, height: int = 30) -> bytes:
    """A HEIF file with one item of that size, with more properties in this order, and an Exif item in idat."""
    known = (box(b"ispe", struct.pack(">III", 0, width, height)), *properties)
    numbers = bytes(range(1, len(known) + 1))
    block = struct.pack(">I", 6) + b"Exif\0\0" + exif
    entries = [(1, b"hvc1"), *([(2, b"Exif")] if exif else [])]
    infos = b"".join(box(b"infe", struct.pack(">IHH4s", 2 << 24, number, 0, kind) + b"\0") for number, kind in entries)
    location = struct.pack(">IHH", 1 << 24, 0x4400, 1) + struct.pack(">HHHHII", 2, 1, 0, 1, 0, len(block))
    meta = (
        box(b"hdlr", bytes(8) + b"pict" + bytes(13))
        + box(b"pitm", struct.pack(">IH", 0, 1))
        + box(b"iinf", struct.pack(">IH", 0, len(entries)) + infos)
        + (box(b"iloc", location) + box(b"idat", block) if exif else b"")
        + box(
            b"iprp",
            box(b"ipco", b"".join(known)) + box(b"ipma", struct.pack(">IIHB", 0, 1, 1, len(numbers)) + numbers),
        )
    )
    return box(b"ftyp", brand + bytes(4) + b"mif1" + brand) + box(b"meta", bytes(4) + meta)
