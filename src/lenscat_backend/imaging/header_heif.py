"""HEIC and AVIF headers: the primary item's dimensions after its own transformations, and its metadata items."""

from __future__ import annotations

from lenscat_backend.errors import CorruptImageError
from lenscat_backend.imaging.bmff import Cursor, Items, boxes, find_box, read_top_box
from lenscat_backend.imaging.source import ByteSource, Header, Reader
from lenscat_backend.imaging.tiff import open_tiff_block
from lenscat_backend.imaging.xmp import MAX_PACKET_BYTES

_XMP_TYPE = b"application/rdf+xml"
_MAX_ASSOCIATIONS = 100_000
_CORRUPT = "The HEIC or AVIF file does not tell its dimensions."


def read_heif(source: ByteSource, head: bytes) -> Header:
    """Dimensions as displayed: crop, rotation and mirroring are properties of the picture here, not of its EXIF.

    A sequence without a still picture has its first track's dimensions.
    """
    reader = Reader(source, head)
    found = read_top_box(reader, (b"meta", b"moov"))
    if found is None:
        raise CorruptImageError(_CORRUPT)
    kind, content = found
    try:
        width, height = _track_size(content) if kind == b"moov" else (0, 0)
        header = Header(width, height, upright=True)
        if kind == b"meta":
            _read_meta(header, Items(reader, content))
    except IndexError as error:
        raise CorruptImageError(_CORRUPT) from error
    return header


def _read_meta(header: Header, items: Items) -> None:
    primary = items.primary()
    if primary is None:
        return
    header.width, header.height = _size(items, primary)
    try:
        _add_metadata(header, items)
    except IndexError:
        return  # the picture is there, only its metadata cannot be found


def _add_metadata(header: Header, items: Items) -> None:
    exif = items.of_type(b"Exif")
    if exif is not None:
        block = items.read(exif)
        header.exif = open_tiff_block(block[4 + int.from_bytes(block[:4], "big") :])
    xmp = items.of_type(b"mime", _XMP_TYPE)
    if xmp is not None:
        header.xmp = items.read(xmp, MAX_PACKET_BYTES)


def _size(items: Items, primary: int) -> tuple[int, int]:
    """The item's own dimensions, then its transformations in the order in which they are associated."""
    properties = _properties(items, primary)
    width, height = _stored_size(items, primary, properties)
    for kind, cursor in properties:
        if kind == b"clap":
            width, height = _cropped(cursor, width, height)
        elif kind == b"irot" and cursor.number(1) & 1:
            width, height = height, width
    return width, height


def _stored_size(items: Items, primary: int, properties: list[tuple[bytes, Cursor]]) -> tuple[int, int]:
    """ispe, which some writers associate only after the transformations; a grid also tells in its descriptor."""
    for kind, cursor in properties:
        if kind == b"ispe":
            cursor.number(4)
            return cursor.number(4), cursor.number(4)
    if items.types.get(primary, (b"", b""))[0] == b"grid":
        return _grid_size(items.read(primary, 16))
    return 0, 0


def _properties(items: Items, primary: int) -> list[tuple[bytes, Cursor]]:
    """The primary item's properties in order (iprp: ipco holds them, ipma numbers them from 1)."""
    iprp = items.part(b"iprp")
    if iprp is None:
        return []
    container = find_box(iprp.data, iprp.at, iprp.end, b"ipco")
    if container is None:
        return []
    known = list(boxes(iprp.data, container.start, container.end))
    numbers: list[int] = []
    for box in boxes(iprp.data, iprp.at, iprp.end):
        if box.kind == b"ipma" and not numbers:
            numbers = _associations(Cursor(iprp.data, box.start, box.end), primary)
    chosen = [known[number - 1] for number in numbers if 0 < number <= len(known)]
    return [(box.kind, Cursor(iprp.data, box.start, box.end)) for box in chosen]


def _associations(cursor: Cursor, primary: int) -> list[int]:
    full = cursor.number(4)
    size, number_size = 1 + (full & 1), 2 if full >> 24 < 1 else 4
    entries = min(cursor.number(4), _MAX_ASSOCIATIONS)
    data, at = cursor.data, cursor.at
    for _ in range(entries):
        found, at = int.from_bytes(data[at : at + number_size], "big"), at + number_size + 1
        if at > cursor.end:
            break
        count = data[at - 1]
        if found == primary:
            cursor.at = at
            return [cursor.number(size) & (0x7FFF if size == 2 else 0x7F) for _ in range(count)]
        at += count * size
    return []


def _cropped(cursor: Cursor, width: int, height: int) -> tuple[int, int]:
    """Clean aperture: width and height as rationals; one that is no true crop is ignored."""
    above, below, above_height, below_height = (cursor.number(4) for _ in range(4))
    if not below or not below_height:
        return width, height
    cropped_width, cropped_height = above // below, above_height // below_height
    if 0 < cropped_width <= width and 0 < cropped_height <= height:
        return cropped_width, cropped_height
    return width, height


def _grid_size(descriptor: bytes) -> tuple[int, int]:
    """ImageGrid: version, flags (1: 32-bit dimensions), rows - 1, columns - 1, width, height."""
    cursor = Cursor(descriptor, 1, len(descriptor))
    size = 4 if cursor.number(1) & 1 else 2
    cursor.number(2)
    return cursor.number(size), cursor.number(size)


def _track_size(movie: bytes) -> tuple[int, int]:
    """The first track with dimensions: the last two numbers of its header (tkhd), 16.16 fixed point."""
    for track in boxes(movie, 0, len(movie)):
        found = find_box(movie, track.start, track.end, b"tkhd") if track.kind == b"trak" else None
        if found is not None and found.end - found.start >= 12:
            cursor = Cursor(movie, found.end - 8, found.end)
            width, height = cursor.number(4) >> 16, cursor.number(4) >> 16
            if width and height:
                return width, height
    return 0, 0
