"""TIFF headers: dimensions and metadata of the first directory, which is the first page."""

from __future__ import annotations

from lenscat_backend.errors import CorruptImageError
from lenscat_backend.imaging.iptc import find_iptc
from lenscat_backend.imaging.source import ByteSource, Header, Reader
from lenscat_backend.imaging.tiff import Entry, Tiff, open_tiff
from lenscat_backend.imaging.xmp import MAX_PACKET_BYTES

_WIDTH, _HEIGHT, _XMP, _IPTC, _PHOTOSHOP = 256, 257, 700, 33723, 34377
_WANTED = frozenset({_WIDTH, _HEIGHT, _XMP, _IPTC, _PHOTOSHOP})
_MAX_RESOURCES = 256 * 1024
_LONG = 4


def read_tiff(source: ByteSource, head: bytes) -> Header:
    """The first page's dimensions as stored, and all metadata of its directory."""
    tiff = open_tiff(Reader(source, head).fetch)
    if tiff is None:
        raise CorruptImageError("The TIFF file ends within its header.")
    entries = tiff.entries(tiff.first, _WANTED)
    header = Header()
    if _WIDTH in entries and _HEIGHT in entries:
        header.width = tiff.integer(entries[_WIDTH]) or 0
        header.height = tiff.integer(entries[_HEIGHT]) or 0
    header.exif = tiff
    if _XMP in entries:
        header.xmp = tiff.blob(entries[_XMP], MAX_PACKET_BYTES + 1)
    if _IPTC in entries:
        header.iptc = tiff.blob(_as_bytes(entries[_IPTC]), _MAX_RESOURCES)
    elif _PHOTOSHOP in entries:
        header.iptc = _from_resources(tiff, entries[_PHOTOSHOP])
    return header


def _from_resources(tiff: Tiff, entry: Entry) -> bytes | None:
    return find_iptc(tiff.blob(entry, _MAX_RESOURCES))


def _as_bytes(entry: Entry) -> Entry:
    """IPTC is often declared as 32-bit numbers, though it is bytes."""
    tag, kind, count, raw = entry
    return (tag, kind, 4 * count, raw) if kind == _LONG else entry
