"""The format table, and the header of each format read from a few bytes."""

from __future__ import annotations

import struct
import subprocess
import sys
import tracemalloc
import zlib

import pytest

from lenscat_backend.errors import CorruptImageError, UnsupportedImageError
from lenscat_backend.imaging.formats import FORMATS, format_of_name, is_image_name, sniff
from tests.imaging.builders import (
    box,
    chunk,
    exif_segment,
    facts_of,
    heif,
    jpeg,
    png,
    segment,
    tiff,
    webp,
    xmp,
)

TURNED = tiff({0x0112: 6})


def size(data: bytes) -> tuple[int | None, int | None]:
    facts = facts_of(data)
    return facts.width, facts.height


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "jpeg"), ("A.JPEG", "jpeg"), ("a.b.JfIf", "jpeg"), ("a.png", "png"), ("a.webp", "webp"),
        ("a.gif", "gif"), ("a.AVIF", "avif"), ("a.avifs", "avif"), ("a.tif", "tiff"), ("a.TIFF", "tiff"),
        ("IMG.HEIC", "heic"), ("a.hif", "heic"), ("a.svg", None), ("a.jpg.json", None), ("jpg", None), (".jpg", None),
        ("", None), ("a.", None), ("a.jpg ", None),
    ],
)  # fmt: skip
def test_format_of_name(name: str, expected: str | None) -> None:
    found = format_of_name(name)
    assert (found.name if found else None) == expected
    assert is_image_name(name) == (expected is not None)


def test_the_table_is_consistent() -> None:
    extensions = [extension for entry in FORMATS for extension in entry.extensions]
    assert len(extensions) == len(set(extensions))
    assert all(extension.startswith(".") and extension.islower() for extension in extensions)
    assert {entry.name for entry in FORMATS if not entry.browser} == {"tiff", "heic"}


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"%PDF-1.4\xff\xd8\xff",
        b"<svg/>",
        b"<html>",
        b"BM\0\0",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x14ftypisom",
    ],
)
def test_what_is_not_ours_is_not_sniffed(head: bytes) -> None:
    assert sniff(head) is None
    with pytest.raises(UnsupportedImageError):
        facts_of(head)


@pytest.mark.parametrize(
    ("major", "compatible", "expected"),
    [(b"mif1", b"avif", "avif"), (b"mif1", b"heic", "heic"), (b"avis", b"msf1", "avif"), (b"hevc", b"msf1", "heic")],
)
def test_brands(major: bytes, compatible: bytes, expected: str) -> None:
    found = sniff(box(b"ftyp", major + bytes(4) + compatible))
    assert found is not None
    assert found.name == expected


@pytest.mark.parametrize(
    "noise",
    [b"", b"\xff\xff\xff", b"junk", b"\xff\x00", b"\xff\x01", b"\xff\xd0", segment(0xFE, b"comment") * 3000],
)
def test_jpeg_with_noise_before_its_frame(noise: bytes) -> None:
    assert size(jpeg(exif_segment(TURNED), noise)) == (30, 40)


def test_jpeg_metadata_behind_megabytes() -> None:
    far = jpeg(*[segment(0xE2, b"x" * 60_000)] * 20, exif_segment(TURNED))
    assert size(far) == (30, 40)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff" * 10,
        b"\xff\xd8" + segment(0xDA, b"\0" * 20),
        jpeg(width=0),
        jpeg(height=0),
        b"\xff\xd8" + b"\xff" * 200_000,
        b"\xff\xd8\xff\xe0" + b"a" * 200_000,
        b"\x89PNG\r\n\x1a\n",
        png(width=0)[:40],
        b"GIF89a",
        b"GIF89a\0\0\0\0\0\0\0",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0" + b"\0" * 20,
        box(b"ftyp", b"heic"),
        box(b"ftyp", b"heic\0\0\0\0") + box(b"meta", b"\0" * 100),
        box(b"ftyp", b"avif\0\0\0\0") + struct.pack(">I4s", 2**31, b"meta"),
    ],
)
def test_a_header_without_dimensions_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptImageError, match="file"):
        facts_of(data)


def test_png_metadata() -> None:
    packet = xmp(attributes='xmp:Rating="4"')
    assert size(png(chunk(b"eXIf", TURNED))) == (30, 40)
    plain = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
    packed = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet))
    assert facts_of(png(plain)).rating == 4
    assert facts_of(png(packed)).rating == 4
    assert facts_of(png(after=plain)).rating == 4
    raw = b"\nexif\n%8d\n" % 99 + (b"Exif\0\0" + TURNED).hex().encode()
    assert size(png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)))) == (30, 40)
    assert size(png(chunk(b"tEXt", b"Raw profile type exif\0" + raw))) == (30, 40)


def test_a_bomb_of_text_is_not_inflated() -> None:
    bomb = zlib.compress(xmp("<dc:description>" + "a" * 30_000_000 + "</dc:description>"))
    data = png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb))
    tracemalloc.start()
    facts = facts_of(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (facts.caption, facts.width) == (None, 40)
    assert peak < 5_000_000


def test_webp() -> None:
    exif, stray = (b"EXIF", TURNED), (b"EXIF", b"Exif\0\0" + TURNED)
    assert size(webp()) == (40, 30)
    assert size(webp((b"VP8 ", b"\0" * 11), exif, flags=8)) == (30, 40)
    assert size(webp((b"VP8 ", b"\0" * 11), stray, flags=8)) == (30, 40)
    assert facts_of(webp((b"XMP ", xmp(attributes='xmp:Rating="4"')), flags=4)).rating == 4
    lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 40 | 0x4000, 30)
    assert size(lossy) == (40, 30)
    lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 39 | 29 << 14)
    assert size(lossless + b"\0" * 8) == (40, 30)


def test_gif_with_xmp() -> None:
    packet = xmp(attributes='xmp:Rating="4"')
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    data = b"GIF89a" + struct.pack("<HH", 40, 30) + b"\x80\0\0" + b"\0" * 6
    data += b"\x21\xf9\x04\0\0\0\0\0" + b"\x21\xff\x0bXMP DataXMP" + packet + trailer + b","
    facts = facts_of(data)
    assert (facts.width, facts.height, facts.rating) == (40, 30, 4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff(order: str) -> None:
    facts = facts_of(tiff({256: 40, 257: 30, 0x0112: 8, 700: xmp(attributes='xmp:Rating="4"')}, order=order))
    assert (facts.width, facts.height, facts.orientation, facts.rating) == (30, 40, 8, 4)


def test_big_tiff() -> None:
    entries = b"".join(struct.pack("<HHQQ", tag, 3, 1, value) for tag, value in ((256, 40), (257, 30), (274, 6)))
    assert size(b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 3) + entries) == (30, 40)


def test_heif_turns_by_its_own_properties_only() -> None:
    turn = box(b"irot", b"\1")
    assert size(heif()) == (40, 30)
    assert size(heif(turn)) == (30, 40)
    assert size(heif(box(b"irot", b"\2"))) == (40, 30)
    facts = facts_of(heif(turn, exif=tiff({0x0112: 6, 0x010F: "Apple"})))
    assert (facts.width, facts.height, facts.make, facts.orientation) == (30, 40, "Apple", 6)
    assert size(heif(exif=TURNED)) == (40, 30)


def test_heif_crops() -> None:
    crop = box(b"clap", struct.pack(">8I", 20, 1, 10, 1, 0, 1, 0, 1))
    assert size(heif(crop)) == (20, 10)
    assert size(heif(crop, box(b"irot", b"\3"))) == (10, 20)
    assert size(heif(box(b"clap", struct.pack(">8I", 20, 0, 10, 0, 0, 1, 0, 1)))) == (40, 30)


def test_a_sequence_has_its_tracks_dimensions() -> None:
    track = box(b"trak", box(b"tkhd", bytes(76) + struct.pack(">II", 40 << 16, 30 << 16)))
    data = box(b"ftyp", b"avis\0\0\0\0") + box(b"moov", box(b"mvhd", bytes(20)) + track)
    assert size(data) == (40, 30)


def test_reading_facts_loads_no_image_library() -> None:
    code = (
        "import sys; import lenscat_backend.imaging.facts, lenscat_backend.imaging.formats;"
        "sys.exit(bool({'pyvips', 'PIL', 'pillow_heif', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
