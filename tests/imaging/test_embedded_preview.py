"""Thumbnails from embedded previews: the same picture as from the whole file, or none."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageOps

from lenscat_backend.errors import UnreachableError
from lenscat_backend.imaging import embedded_preview
from lenscat_backend.imaging.embedded_preview import LOOK_BYTES, SMALLEST_FILE_BYTES, render_embedded
from lenscat_backend.imaging.facts import BytesSource
from lenscat_backend.imaging.mpf import Span, large_thumbnails
from lenscat_backend.imaging.source import MAX_FETCH_BYTES
from lenscat_backend.imaging.thumbnail import DecodeLimits, render_thumbnail
from tests.imaging.builders import exif_segment, segment, tiff, xmp_segment
from tests.imaging.corpus import hostile, paths, photo
from tests.imaging.test_thumbnail import difference

LIMITS = DecodeLimits()
TAKEN = "2024:05:17 10:30:00"
VGA, FULL_HD, PRIMARY = 0x010001, 0x010002, 0x030000
SAME = 3.0
"""How far a thumbnail from a preview may be from one of the whole picture, of 255: the pictures here are noisy."""


@cache
def scene(size: tuple[int, int] = (2400, 1600)) -> Image.Image:
    """A picture whose edges all differ and whose file is large."""
    across = Image.linear_gradient("L").rotate(90).resize(size)
    bands = (across, Image.linear_gradient("L").resize(size), Image.radial_gradient("L").resize(size))
    plain = Image.merge("RGB", bands)
    ImageDraw.Draw(plain).rectangle((size[0] // 8, 0, size[0] // 4, size[1] // 3), "white")
    return Image.blend(plain, Image.merge("RGB", [Image.effect_noise(size, 90)] * 3), 0.4)


def encoded(image: Image.Image, quality: int = 90, profile: bytes = b"", exif: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, icc_profile=profile or None, exif=exif)
    return buffer.getvalue()


@dataclass(frozen=True)
class Camera:
    """A camera that writes JPEG files; what it does differently is a change of a field."""

    picture: Image.Image = field(default_factory=scene)
    preview: bytes | None = None
    """Small ones of the picture where not given."""
    kind: int = VGA
    attribute: int = 0
    offset: int = 0
    """How far the told offset is wrong."""
    in_exif: bool = False
    """The preview is the thumbnail of EXIF."""
    thumbnail: bytes = b""
    """A thumbnail in EXIF beside the preview."""
    exif_turn: int | None = None
    turn: int = 1
    taken: str = TAKEN
    modified: str = TAKEN
    color_space: int = 1
    told: tuple[int, int] | None = None
    order: str = "<"
    more: bytes = b""
    profile: bytes = b""
    others: tuple[int, ...] = ()
    """The kinds of larger pictures that it keeps too."""

    def small(self, size: tuple[int, int] = (640, 424)) -> bytes:
        """A preview of the picture."""
        return encoded(resized(self.picture, size))

    def shoot(self) -> bytes:
        """The file."""
        preview = self.preview or self.small((320, 213) if self.in_exif else (640, 424))
        own = encoded(self.picture, profile=self.profile)
        parts = [b"\xff\xd8", exif_segment(self._exif(preview if self.in_exif else self.thumbnail)), self.more]
        rest = own[2:]
        if self.in_exif:
            return b"".join([*parts, rest])
        before = sum(map(len, parts))
        count = 2 + len(self.others)
        total = before + len(self._index(count, [(0, 0, 0)] * count)) + len(rest)
        start = before + 8  # of the TIFF structure
        pictures = [(PRIMARY, total, 0), (self.kind | self.attribute, len(preview), total - start + self.offset)]
        tail = preview
        for kind in self.others:
            pictures.append((kind, len(own), total + len(tail) - start))
            tail += own
        return b"".join([*parts, self._index(count, pictures), rest, tail])

    def _index(self, count: int, pictures: list[tuple[int, int, int]]) -> bytes:
        table = b"".join(struct.pack(self.order + "IIIHH", *picture, 0, 0) for picture in pictures)
        return segment(0xE2, b"MPF\0" + tiff({0xB000: b"0100", 0xB001: count, 0xB002: table}, order=self.order))

    def _exif(self, thumbnail: bytes) -> bytes:
        width, height = self.told or self.picture.size
        main = {0x0132: self.modified, 0x0112: self.turn}
        photo = {0x9003: self.taken, 0xA001: self.color_space, 0xA002: width, 0xA003: height}
        block = bytearray(tiff(main, photo, order=self.order))
        if not thumbnail:
            return bytes(block)
        struct.pack_into(self.order + "I", block, 8 + 2 + 12 * 3, len(block))
        turn = [] if self.exif_turn is None else [(0x0112, 3, 1, struct.pack(self.order + "HH", self.exif_turn, 0))]
        at = len(block) + 2 + 12 * (2 + len(turn)) + 4
        places = [(0x0201, at), (0x0202, len(thumbnail))]
        entries = [*turn, *((tag, 4, 1, struct.pack(self.order + "I", value)) for tag, value in places)]
        block += struct.pack(self.order + "H", len(entries))
        block += b"".join(struct.pack(self.order + "HHI4s", *entry) for entry in entries) + bytes(4)
        return bytes(block + thumbnail)


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size, Image.Resampling.BOX)


def xmp_packet(prefix: str, name: str, attribute: str) -> bytes:
    """APP1 with one property, of one of Adobe's name spaces."""
    return xmp_segment(
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        + f"<rdf:Description xmlns:{prefix}='http://ns.adobe.com/{name}' {prefix}:{attribute}/>".encode()
        + b"</rdf:RDF></x:xmpmeta>"
    )


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Reads(BytesSource):
    """A source that notes what was read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.seen: list[tuple[int, int]] = []

    def read(self, offset: int, length: int) -> bytes:
        self.seen.append((offset, length))
        return super().read(offset, length)


def whole(data: bytes, tmp_path: Path) -> Image.Image:
    """The thumbnail of the whole file."""
    path = tmp_path / "whole.jpg"
    path.write_bytes(data)
    return Image.open(io.BytesIO(render_thumbnail(path, LIMITS)))


def embedded(data: bytes) -> Image.Image:
    """The thumbnail from the preview, which must be one."""
    drawn = render_embedded(BytesSource(data), LIMITS)
    assert drawn is not None
    return Image.open(io.BytesIO(drawn))


@cache
def adobe_rgb() -> bytes:
    """A profile with the primaries of Adobe RGB (1998) and the curve of sRGB; made once, for it holds the time."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.6097, 0.3111, 0.0195),
        b"gXYZ": (0.2053, 0.6257, 0.0609),
        b"bXYZ": (0.1492, 0.0632, 0.7446),
    }
    for number in range(struct.unpack_from(">I", profile, 128)[0]):
        name, offset = struct.unpack_from(">4sI", profile, 132 + 12 * number)
        if name in primaries:
            struct.pack_into(">3i", profile, offset + 8, *(round(part * 65536) for part in primaries[name]))
    return bytes(profile)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_large_thumbnail_is_read_alone(tmp_path: Path, order: str) -> None:
    camera = Camera(order=order)
    source = Reads(camera.shoot())
    drawn = render_embedded(source, LIMITS)
    preview = camera.small()
    assert source.seen == [(0, LOOK_BYTES), (source.size - len(preview), len(preview))]
    assert drawn is not None
    made, expected = Image.open(io.BytesIO(drawn)), whole(camera.shoot(), tmp_path)
    assert made.format == "WEBP" and not set(made.info) & {"exif", "xmp", "icc_profile"}
    assert difference(made, expected) < SAME  # which asks for one size, too: 256 x 170 of its own here, 171 of the file


def test_the_thumbnail_of_exif_costs_nothing_more_where_it_is_large_enough(tmp_path: Path) -> None:
    camera = Camera(in_exif=True, exif_turn=1)
    source = Reads(camera.shoot())
    assert render_embedded(source, LIMITS) is not None
    assert source.seen == [(0, LOOK_BYTES)]
    assert difference(embedded(camera.shoot()), whole(camera.shoot(), tmp_path)) < SAME
    too_small = replace(camera, preview=camera.small((160, 107)))
    assert render_embedded(BytesSource(too_small.shoot()), LIMITS) is None


@pytest.mark.parametrize("in_exif", [False, True])
@pytest.mark.parametrize("turn", range(1, 9))
def test_it_is_turned_once(tmp_path: Path, turn: int, in_exif: bool) -> None:
    data = Camera(turn=turn, in_exif=in_exif).shoot()
    assert difference(embedded(data), whole(data, tmp_path)) < SAME


@pytest.mark.parametrize("size", [(2800, 1575), (2401, 1801), (2300, 2300), (1801, 2701), (2405, 1603), (3601, 1201)])
def test_its_size_is_that_of_the_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    camera = Camera(picture=scene(size))
    scale = 640 / max(size)
    data = replace(camera, preview=camera.small((round(size[0] * scale), round(size[1] * scale)))).shoot()
    assert embedded(data).size == whole(data, tmp_path).size


@pytest.mark.parametrize("turn", [1, 3, 6, 7])
def test_it_is_turned_once_where_it_says_so_too(tmp_path: Path, turn: int) -> None:
    preview = encoded(resized(scene(), (640, 427)), exif=exif_of_turn(turn))
    data = Camera(turn=turn, preview=preview).shoot()
    assert difference(embedded(data), whole(data, tmp_path)) < SAME


def test_a_thumbnail_too_small_hides_no_preview() -> None:
    camera = Camera()
    source = Reads(replace(camera, thumbnail=camera.small((160, 107))).shoot())
    assert render_embedded(source, LIMITS) is not None
    assert source.seen[1][1] == len(camera.small())


@pytest.mark.parametrize(
    "more",
    [xmp_packet("xmp", "xap/1.0/", "Rating='5'"), segment(0xE2, b"FPXR\0"), b"\xff\xff"],
    ids=["rating", "other", "fill"],
)
def test_what_cameras_write_besides_is_no_doubt(more: bytes) -> None:
    assert embedded(Camera(more=more).shoot())


def test_zeros_behind_a_preview_are_no_doubt() -> None:
    assert embedded(Camera(preview=Camera().small() + bytes(500)).shoot())


def test_a_preview_that_is_huge_is_not_held_in_memory() -> None:
    data = Camera(preview=Camera().small() + bytes(MAX_FETCH_BYTES)).shoot() + bytes(3 * MAX_FETCH_BYTES)
    source = Reads(data)
    assert render_embedded(source, LIMITS) is None
    assert len(source.seen) == 1


def test_the_smallest_that_will_do_is_taken() -> None:
    camera = Camera(others=(FULL_HD, FULL_HD))
    source = Reads(camera.shoot())
    assert render_embedded(source, LIMITS) is not None
    assert source.seen[1][1] == len(camera.small())


def test_a_profile_that_both_have_is_applied(tmp_path: Path) -> None:
    camera = Camera(profile=adobe_rgb(), color_space=0xFFFF)
    preview = encoded(resized(camera.picture, (640, 424)), profile=adobe_rgb())
    data = replace(camera, preview=preview).shoot()
    plain = embedded(Camera().shoot())
    assert difference(embedded(data), whole(data, tmp_path)) < SAME
    assert difference(embedded(data), plain) > SAME


def test_a_profile_of_srgb_is_as_good_as_none(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = Camera(profile=srgb).shoot()
    assert difference(embedded(data), whole(data, tmp_path)) < SAME


def changed(change: Callable[[Image.Image], Image.Image], **fields: Any) -> Camera:
    """A camera whose preview shows something else."""
    return Camera(preview=encoded(change(resized(scene(), (640, 427)))), **fields)


def letterboxed(image: Image.Image, frame: tuple[int, int], inner: tuple[int, int]) -> Image.Image:
    """The picture with black bars around it."""
    boxed = Image.new("RGB", frame)
    boxed.paste(image.resize(inner), ((frame[0] - inner[0]) // 2, (frame[1] - inner[1]) // 2))
    return boxed


def brighter(image: Image.Image) -> Image.Image:
    return image.point(lambda value: min(value + 40, 255))


EDITED = {
    "no preview": lambda: Camera(kind=0x020002),
    "not a JPEG": lambda: Camera(attribute=0x1000000),
    "too small": lambda: Camera(preview=Camera().small((255, 170))),
    "black bars of another shape": lambda: changed(lambda image: letterboxed(image, (640, 480), (640, 427))),
    "black bars above and below": lambda: changed(lambda image: letterboxed(image, (640, 427), (640, 360))),
    "black bars left and right": lambda: changed(lambda image: letterboxed(image, (640, 427), (500, 427))),
    "cropped since": lambda: Camera(told=(3000, 2000)),
    "cropped to another shape": lambda: Camera(preview=Camera().small((640, 480))),
    "changed since": lambda: Camera(modified="2024:05:18 08:00:00"),
    "when changed is not told": lambda: Camera(modified=""),
    "no time is told": lambda: Camera(taken="", modified=""),
    "when taken is not told": lambda: Camera(taken=""),
    "edited in a raw converter": lambda: Camera(more=xmp_packet("crs", "camera-raw-settings/1.0/", "Exposure='1'")),
    "with a history": lambda: Camera(more=xmp_packet("xmpMM", "xap/1.0/mm/", "DocumentID='1'")),
    "edited for the press": lambda: Camera(more=xmp_packet("photoshop", "photoshop/1.0/", "Credit='me'")),
    "saved by Photoshop": lambda: Camera(more=segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\0")),
    "upside down": lambda: changed(lambda image: image.rotate(180)),
    "mirrored": lambda: changed(ImageOps.mirror),
    "grey colours": lambda: changed(lambda image: image.convert("L").convert("RGB")),
    "grey": lambda: changed(lambda image: image.convert("L")),
    "another exposure": lambda: changed(brighter),
    "another picture": lambda: changed(lambda image: ImageOps.invert(image)),
    "a turn of its own": lambda: Camera(turn=6, in_exif=True, exif_turn=1),
    "a turn in its own EXIF": lambda: Camera(
        preview=encoded(resized(scene(), (640, 427)), exif=exif_of_turn(3)),
    ),
    "colours of no known space": lambda: Camera(color_space=0xFFFF),
    "a profile that the preview lacks": lambda: Camera(profile=adobe_rgb()),
    "a profile that the picture lacks": lambda: Camera(
        preview=encoded(resized(scene(), (640, 427)), profile=adobe_rgb())
    ),
    "CMYK": lambda: Camera(picture=scene().convert("CMYK")),
    "CMYK with a preview of another kind": lambda: Camera(picture=scene().convert("CMYK"), preview=Camera().small()),
    "a grey picture with colours in its preview": lambda: Camera(
        picture=scene().convert("L"), preview=encoded(resized(scene().convert("L"), (640, 427)).convert("RGB"))
    ),
    "a preview of another format": lambda: Camera(preview=png(resized(scene(), (640, 427)))),
    "larger than half of the file": lambda: Camera(preview=encoded(scene().resize((2350, 1567)), 95)),
    "larger than its picture": lambda: Camera(preview=encoded(scene().resize((2430, 1620)), 30)),
    "nothing where it should be": lambda: Camera(offset=7),
    "beyond the end": lambda: Camera(offset=1 << 20),
    "inside the picture": lambda: Camera(offset=-(1 << 19)),
    "without an end": lambda: Camera(preview=Camera().small()[:-2]),
    "cut": lambda: Camera(preview=Camera().small()[:-9000] + b"\xff\xd9"),
    "damaged": lambda: Camera(preview=damaged(Camera().small())),
}


def exif_of_turn(turn: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = turn
    return exif.tobytes()


def damaged(jpeg: bytes) -> bytes:
    """With a marker in the middle of its data that says that a part is missing."""
    middle = len(jpeg) // 2
    return jpeg[:middle] + b"\xff\xd0\xff\xd5" + jpeg[middle + 300 :]


@pytest.mark.parametrize("what", EDITED)
def test_in_doubt_there_is_none(what: str) -> None:
    data = EDITED[what]().shoot()
    assert len(data) > SMALLEST_FILE_BYTES
    source = Reads(data)
    assert render_embedded(source, LIMITS) is None
    assert len(source.seen) <= 2


def test_a_file_cut_within_its_preview_has_none() -> None:
    data = Camera().shoot()
    source = Reads(data[:-1000])
    assert render_embedded(source, LIMITS) is None
    assert source.seen == [(0, LOOK_BYTES)]


def test_small_files_are_not_looked_into() -> None:
    camera = Camera(picture=scene((900, 600)), in_exif=True)
    source = Reads(camera.shoot())
    assert source.size < SMALLEST_FILE_BYTES
    assert render_embedded(source, LIMITS) is None
    assert source.seen == []


@pytest.mark.parametrize(
    "head", [b"", b"\xff\xd8\xff\xe1\0\2", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe2\0\x0aMPF\0II*\0"]
)
def test_what_is_no_photograph_has_none(head: bytes) -> None:
    assert render_embedded(BytesSource(head + bytes(SMALLEST_FILE_BYTES)), LIMITS) is None


def test_limits_are_those_of_the_whole() -> None:
    data = Camera().shoot()
    assert render_embedded(BytesSource(data), DecodeLimits(max_pixels=2400 * 1600)) is not None
    assert render_embedded(BytesSource(data), DecodeLimits(max_pixels=2400 * 1600 - 1)) is None


def test_what_the_store_says_is_not_hidden() -> None:
    class Gone(BytesSource):
        def read(self, offset: int, length: int) -> bytes:
            raise UnreachableError("The place is gone.")

    with pytest.raises(UnreachableError):
        render_embedded(Gone(Camera().shoot()), LIMITS)


def test_random_damage_raises_nothing_and_changes_no_size() -> None:
    data = Camera().shoot()
    scan = data.index(b"\xff\xda")
    chance = random.Random(5)
    drawn = 0
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            broken[chance.randrange(2, scan)] = chance.randrange(256)
        made = render_embedded(BytesSource(bytes(broken)), LIMITS)
        if made is not None:
            drawn += 1
            assert max(Image.open(io.BytesIO(made)).size) == 256
    assert drawn  # some damage does not matter


@pytest.mark.parametrize(("group", "find"), [("photos", photo), ("hostile", hostile)])
def test_no_file_of_the_corpus_raises(group: str, find: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_preview, "SMALLEST_FILE_BYTES", 0)
    for path in paths(group):
        render_embedded(BytesSource(find(path).read_bytes()[: 1 << 24]), LIMITS)


def test_mpf_tables() -> None:
    def listed(*pictures: tuple[int, int, int], order: str = "<") -> list[Span]:
        table = b"".join(struct.pack(order + "IIIHH", *picture, 0, 0) for picture in pictures)
        return large_thumbnails(b"MPF\0" + tiff({0xB001: 2, 0xB002: table}, order=order), 100)

    primary = (0x20000000 | PRIMARY, 5000, 0)
    small, large = (0x40000000 | VGA, 300, 6000), (FULL_HD, 900, 7000)
    for order in "<>":
        assert listed(primary, large, small, order=order) == [Span(6104, 300), Span(7104, 900)]
    assert listed(primary, (VGA, 300, 4000)) == []  # inside the first picture
    assert listed(small, large) == listed((0, 5000, 0), small) == listed((PRIMARY, 5000, 8), small) == []
    assert listed(primary, (0x020001, 300, 6000), (0x01000000 | VGA, 300, 6000), (VGA, 0, 6000)) == []
    assert listed() == large_thumbnails(b"MPF\0", 0) == large_thumbnails(b"MPF\0II*\0\xff\xff\xff\xff", 0) == []


def test_pictures_differ_where_it_is_said() -> None:
    """What the other tests lean on: no two edges of the scene are alike."""
    image = resized(scene(), (64, 64))
    for other in (image.rotate(180), ImageOps.mirror(image), ImageOps.flip(image)):
        top = (0, 0, 64, 2)
        assert ImageChops.difference(image.crop(top), other.crop(top)).getbbox() is not None
