"""The preview that a camera keeps inside a JPEG file: a thumbnail at the price of a part, where it shows the same.

It is looked for where documents say it is: the thumbnail of EXIF (directory 1, EXIF 2.32, 4.5.2), which is rarely large
enough, and the large thumbnails of the Multi-Picture Format. It is believed only where the file looks as its camera
wrote it, and where both pictures have one shape, one colour space, and the same upper edge. In any doubt there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, error
from typing import Any, NamedTuple

from lenscat_backend.errors import CorruptImageError, ImageTooLargeError, UnsupportedImageError
from lenscat_backend.imaging.decode import check_pixels
from lenscat_backend.imaging.facts import BytesSource, ReadImage, read_image
from lenscat_backend.imaging.formats import JPEG
from lenscat_backend.imaging.mpf import SIGNATURE, Span, large_thumbnails
from lenscat_backend.imaging.source import MAX_FETCH_BYTES, ByteSource
from lenscat_backend.imaging.srgb import is_srgb
from lenscat_backend.imaging.thumbnail import THUMBNAIL_EDGE, THUMBNAIL_QUALITY, WEBP_EFFORT, DecodeLimits
from lenscat_backend.imaging.tiff import Tiff, open_tiff_block
from lenscat_backend.imaging.vips import pyvips

LOOK_BYTES = 128 * 1024
"""What is read to find out: all of EXIF (at most 64 KiB) and what follows it, and some rows of the picture itself."""

SMALLEST_FILE_BYTES = 2 * 1024 * 1024
"""Below, the whole file is had as soon as a second reply; such files are seldom as a camera wrote them anyway."""

_SHARE = 2  # a preview must save at least half of the file
_EXIF = b"Exif\0\0"
_APP1, _APP2, _APP13, _SCAN, _FILL = 0xE1, 0xE2, 0xED, 0xDA, 0xFF
_CLASSIC = {b"II*\0": Struct("<H"), b"MM\0*": Struct(">H")}
_ENTRY_BYTES = 12
_MODIFIED, _ORIENTATION, _OFFSET, _LENGTH, _EXIF_IFD = 0x0132, 0x0112, 0x0201, 0x0202, 0x8769
_TAKEN, _COLOR_SPACE, _WIDTH, _HEIGHT = 0x9003, 0xA001, 0xA002, 0xA003
_SRGB = 1
_EDITORS = (
    b"http://ns.adobe.com/xap/1.0/mm/",
    b"http://ns.adobe.com/camera-raw-settings/",
    b"http://ns.adobe.com/photoshop/",
)
"""Name spaces of XMP that tell of editing; cameras write a rating at most."""

_STRIP_ROWS = 16  # the height of the smallest unit of a JPEG with its colours at half resolution (T.81, A.2.3)
_STRIP_SHRINK = 8
_STRIP_CELLS = 32
_ALIKE = 8.0
"""How far two strips of one picture may be apart, on average, of 255; 7 of 8 cameras tried were within 0.8 to 3.5."""

_PROFILE = "icc-profile-data"
_STRICT = "fail_on=warning"
_DOUBTS = (
    pyvips.Error, error, ValueError, ArithmeticError, LookupError,
    CorruptImageError, ImageTooLargeError, UnsupportedImageError,
)  # fmt: skip


class _Segment(NamedTuple):
    """A JPEG segment; its payload begins at `at`."""

    marker: int
    at: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Found:
    """The beginning of a file, its own picture's size as stored and turn, and where the preview is.

    `turn` and `told_turn` are EXIF orientations, the latter the preview's where its directory tells one.
    """

    head: bytes
    width: int
    height: int
    turn: int
    is_srgb: bool
    preview: Span
    told_turn: int | None


def render_embedded(source: ByteSource, limits: DecodeLimits) -> bytes | None:
    """The thumbnail that `render_thumbnail` would make of the JPEG file, drawn from its embedded preview instead.

    Two reads at most. None where there is no preview, where it might show something else, or where the file's own
    picture could not be drawn within `limits`. Raises what `source.read` raises.
    """
    if source.size < SMALLEST_FILE_BYTES:
        return None
    head = source.read(0, LOOK_BYTES)
    try:
        found = _find(head, source.size, limits)
    except _DOUBTS:
        return None
    if found is None:
        return None
    offset, length = found.preview
    inside = head[offset : offset + length]
    preview = inside if len(inside) == length else source.read(offset, length)
    try:
        return _render(found, preview)
    except _DOUBTS:
        return None


def _find(head: bytes, size: int, limits: DecodeLimits) -> _Found | None:
    image = read_image(BytesSource(head))
    width, height = _stored_size(image)
    check_pixels(width, height, limits.max_pixels)
    segments = list(_segments(head))
    block = next((found.payload[len(_EXIF) :] for found in segments if _is_exif(found)), b"")
    tiff = open_tiff_block(block)
    if tiff is None or any(_tells_of_editing(segment) for segment in segments):
        return None
    photo = _photo_values(tiff, (width, height))
    if photo is None:
        return None
    own = _exif_thumbnail(head, segments, tiff, block)
    if own is not None:
        return _Found(head, width, height, image.turn, photo == _SRGB, *own)
    for span in _multi_picture(segments):
        if span.offset + span.length <= size and span.length <= min(MAX_FETCH_BYTES, size // _SHARE - len(head)):
            return _Found(head, width, height, image.turn, photo == _SRGB, span, None)
    return None


def _stored_size(image: ReadImage) -> tuple[int, int]:
    """Width and height before the turn."""
    width, height = image.facts.width or 0, image.facts.height or 0
    return (height, width) if image.turn >= 5 else (width, height)


def _segments(head: bytes) -> Iterator[_Segment]:
    """Up to the picture's data, or to what is no segment: that is somebody else's work."""
    at = 2
    while at + 4 <= len(head) and head[at] == _FILL and head[at + 1] != _SCAN:
        if head[at + 1] == _FILL:
            at += 1
            continue
        length = head[at + 2] << 8 | head[at + 3]
        if length < 2:
            return
        yield _Segment(head[at + 1], at + 4, head[at + 4 : at + 2 + length])
        at += 2 + length


def _is_exif(segment: _Segment) -> bool:
    return segment.marker == _APP1 and segment.payload.startswith(_EXIF)


def _tells_of_editing(segment: _Segment) -> bool:
    """Whether a program wrote it that may have changed the picture and left the preview as it was."""
    if segment.marker == _APP13:
        return True
    return segment.marker == _APP1 and not _is_exif(segment) and any(word in segment.payload for word in _EDITORS)


def _photo_values(tiff: Tiff, size: tuple[int, int]) -> int | None:
    """The colour space, where the file is as the camera wrote it: unchanged since, and of the size it says."""
    main = tiff.entries(tiff.first, frozenset({_MODIFIED, _EXIF_IFD}))
    photo = tiff.entries(
        tiff.integer(main[_EXIF_IFD]) or 0, frozenset({_TAKEN, _COLOR_SPACE, _WIDTH, _HEIGHT})
    )  # a KeyError is a doubt like any other
    modified, taken = tiff.text(main[_MODIFIED]), tiff.text(photo[_TAKEN])
    told = tiff.integer(photo[_WIDTH]), tiff.integer(photo[_HEIGHT])
    return tiff.integer(photo[_COLOR_SPACE]) if modified and modified == taken and told == size else None


def _exif_thumbnail(head: bytes, segments: list[_Segment], tiff: Tiff, block: bytes) -> tuple[Span, int | None] | None:
    """The thumbnail of directory 1 and the orientation told there; None where it is smaller than ours."""
    short = _CLASSIC[block[:4]]
    after = tiff.first + short.size + short.unpack_from(block, tiff.first)[0] * _ENTRY_BYTES
    order = "little" if block[:1] == b"I" else "big"
    directory = int.from_bytes(block[after : after + 4], order)  # type: ignore[arg-type] # either of the two
    entries = tiff.entries(directory, frozenset({_OFFSET, _LENGTH, _ORIENTATION})) if directory else {}
    if _OFFSET not in entries or _LENGTH not in entries:
        return None
    start = next(segment.at for segment in segments if _is_exif(segment)) + len(_EXIF)
    span = Span(start + (tiff.integer(entries[_OFFSET]) or 0), tiff.integer(entries[_LENGTH]) or 0)
    thumbnail = head[span.offset : span.offset + span.length]
    if max(_stored_size(read_image(BytesSource(thumbnail)))) < THUMBNAIL_EDGE:
        return None
    return span, tiff.integer(entries[_ORIENTATION]) if _ORIENTATION in entries else None


def _multi_picture(segments: list[_Segment]) -> list[Span]:
    for segment in segments:
        if segment.marker == _APP2 and segment.payload.startswith(SIGNATURE):
            return large_thumbnails(segment.payload, segment.at)
    return []


def _render(found: _Found, preview: bytes) -> bytes | None:
    planned = _planned(found.head)
    if not (_fits(found, preview, planned) and _have_same_colours(found, preview) and _look_alike(found, preview)):
        return None
    options = {"export_profile": "srgb"} if _profile(pyvips.Image.new_from_buffer(preview, "")) else {}
    small = pyvips.Image.thumbnail_buffer(
        preview,
        planned.width,
        height=planned.height,
        size="force",  # the two may round to shapes a pixel apart
        no_rotate=True,
        option_string=_STRICT,
        **options,
    ).copy_memory()
    small.set_type(pyvips.GValue.gint_type, "orientation", found.turn)
    encoded: bytes = small.autorot().webpsave_buffer(Q=THUMBNAIL_QUALITY, effort=WEBP_EFFORT, keep="none")
    return encoded


def _planned(jpeg: bytes) -> Any:
    """An image with the size that the thumbnail has before it is turned; of a file, its beginning will do."""
    return pyvips.Image.thumbnail_buffer(jpeg, THUMBNAIL_EDGE, height=THUMBNAIL_EDGE, size="down", no_rotate=True)


def _fits(found: _Found, preview: bytes, planned: Any) -> bool:
    """Whether the preview is large enough, lies the same way, and its thumbnail has the size `planned`.

    But for a pixel: 6000 x 4000 gives 256 x 171, and a camera's preview of it, 640 x 424, 256 x 170.
    """
    read = read_image(BytesSource(preview))
    width, height = _stored_size(read)
    if read.format is not JPEG or max(width, height) < THUMBNAIL_EDGE:
        return False
    if width > found.width or height > found.height:
        return False
    if (found.told_turn or read.facts.orientation) not in (None, found.turn):
        return False
    own = _planned(preview)
    return bool(abs(planned.width - own.width) <= 1 and abs(planned.height - own.height) <= 1)


def _have_same_colours(found: _Found, preview: bytes) -> bool:
    """Whether both are grey, or RGB in one space; a file that is not sRGB must say what it is."""
    own, other = pyvips.Image.new_from_buffer(found.head, ""), pyvips.Image.new_from_buffer(preview, "")
    if own.interpretation != other.interpretation or own.interpretation not in ("srgb", "b-w"):
        return False
    return (found.is_srgb or own.get_typeof(_PROFILE) != 0) and _profile(own) == _profile(other)


def _profile(image: Any) -> bytes:
    """The colour profile to convert from, b"" for sRGB."""
    profile: bytes = image.get(_PROFILE) if image.get_typeof(_PROFILE) != 0 else b""
    return b"" if is_srgb(profile) else profile


def _look_alike(found: _Found, preview: bytes) -> bool:
    """Whether their upper edges show the same: that of the original is the first that its data holds.

    This finds a picture that was changed as a whole or turned, and the black bars of previews of another shape.
    """
    rows = max(round(_STRIP_ROWS * pyvips.Image.new_from_buffer(preview, "").height / found.height), 1)
    own = _strip(found.head, _STRIP_ROWS // _STRIP_SHRINK, shrink=_STRIP_SHRINK)
    return bool((own - _strip(preview, rows)).abs().avg() <= _ALIKE)


def _strip(jpeg: bytes, rows: int, **options: int) -> Any:
    """The mean colours of the first rows of pixels, in cells from left to right."""
    image = pyvips.Image.new_from_buffer(jpeg, "", access="sequential", **options)
    rows_of_it = image.crop(0, 0, image.width, rows).copy_memory()
    return rows_of_it.thumbnail_image(_STRIP_CELLS, height=1, size="force", no_rotate=True).copy_memory()
