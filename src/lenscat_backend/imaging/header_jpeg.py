"""JPEG headers (ITU T.81 annex B): segments up to the frame header, which holds the dimensions."""

from __future__ import annotations

from lenscat_backend.errors import CorruptImageError
from lenscat_backend.imaging.iptc import find_iptc
from lenscat_backend.imaging.source import ByteSource, Header
from lenscat_backend.imaging.tiff import open_tiff_block

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the others are tables, not frames (table B.1)
_BARE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})  # markers without a length; FF 00 is no marker but occurs
_SCAN, _END, _APP1, _APP13 = 0xDA, 0xD9, 0xE1, 0xED
_METADATA = frozenset({_APP1, _APP13})
_EXIF = b"Exif\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_FRAME_BYTES = 9
_WINDOW = 4096
_MAX_STEPS = 20_000


def read_jpeg(source: ByteSource, head: bytes) -> Header:
    """The first frame's dimensions, and EXIF, XMP and IPTC from the segments before it."""
    header = Header()
    window, base, at = head, 0, 2
    for _ in range(_MAX_STEPS):
        if at + _FRAME_BYTES > len(window):
            window, base, at = source.read(base + at, _WINDOW), base + at, 0
            if len(window) < _FRAME_BYTES:
                raise CorruptImageError("The JPEG file ends before its picture begins.")
        if window[at] != 0xFF:  # junk between segments: decoders skip to the next marker
            at = window.find(b"\xff", at) if b"\xff" in window[at:] else len(window)
            continue
        marker = window[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            return _with_size(header, window, at)
        elif marker in (_SCAN, _END):
            raise CorruptImageError("The JPEG file has no frame header before its picture data.")
        else:
            length = window[at + 2] << 8 | window[at + 3]
            if marker in _METADATA and length > 2:
                _add_metadata(header, marker, _segment(source, window, base, at + 4, length - 2))
            at += 2 + max(length, 2)
    raise CorruptImageError("The JPEG file has too many segments before its picture.")


def _with_size(header: Header, window: bytes, at: int) -> Header:
    header.height = window[at + 5] << 8 | window[at + 6]
    header.width = window[at + 7] << 8 | window[at + 8]
    return header


def _segment(source: ByteSource, window: bytes, base: int, at: int, length: int) -> bytes:
    found = window[at : at + length]
    return found if len(found) == length else source.read(base + at, length)


def _add_metadata(header: Header, marker: int, segment: bytes) -> None:
    """Keep what the segment holds; the first of a kind wins, as in other readers."""
    if marker == _APP1:
        if header.exif is None and segment.startswith(_EXIF):
            header.exif = open_tiff_block(segment)
        elif header.xmp is None and segment.startswith(_XMP):
            header.xmp = segment[len(_XMP) :]
    elif header.iptc is None and segment.startswith(_PHOTOSHOP):
        header.iptc = find_iptc(segment[len(_PHOTOSHOP) :])
