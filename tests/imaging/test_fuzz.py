"""Random and mutated bytes: only our own errors, and soon."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lenscat_backend.errors import CorruptError, UnsupportedImageError
from lenscat_backend.imaging.facts import BytesSource, read_facts
from lenscat_backend.imaging.iptc import find_iptc, read_iptc
from lenscat_backend.imaging.thumbnail import DecodeLimits, render_thumbnail
from lenscat_backend.imaging.xmp import read_xmp
from tests.imaging.builders import chunk, exif_segment, heif, iptc_segment, jpeg, png, tiff, webp, xmp, xmp_segment

EXIF = tiff(
    {0x010F: "Canon", 0x0110: "EOS", 0x0112: 6},
    {0x829A: ((1, 60),), 0x8827: 400, 0x9003: "2024:01:15 10:30:00", 0x9011: "+03:00"},
    {1: "N", 2: ((1, 1), (2, 1), (3, 1)), 3: "E", 4: ((1, 1), (2, 1), (3, 1)), 5: b"\0", 6: ((5, 1),)},
)
PACKET = xmp("<dc:subject><rdf:Bag><rdf:li>a</rdf:li></rdf:Bag></dc:subject>", 'xmp:Rating="4"')
SEEDS = (
    jpeg(exif_segment(EXIF), xmp_segment(PACKET), iptc_segment((2, 25, b"a"), (2, 120, b"b"))),
    png(chunk(b"eXIf", EXIF), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET)),
    webp((b"EXIF", EXIF), (b"XMP ", PACKET), flags=12),
    heif(b"\0\0\0\x09irot\1", exif=EXIF),
    heif(b"\0\0\0\x09irot\1", brand=b"avif", exif=EXIF),
    tiff({256: 40, 257: 30, 0x0112: 6, 700: PACKET}, {0x8827: 400}),
    b"GIF89a\x28\0\x1e\0\x80\0\0" + b"\0" * 6 + b"\x21\xff\x0bXMP DataXMP" + PACKET + b"\x01\xff\xfe\0",
)
HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0",
         b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif")  # fmt: skip

mutations = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=12)
often = settings(max_examples=300, deadline=2000)


def mutated(seed: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    return bytes(data[: len(data) - cut])


def check(data: bytes) -> None:
    try:
        facts = read_facts(BytesSource(data))
    except (UnsupportedImageError, CorruptError) as error:
        assert str(error)
        return
    assert facts.width is not None and facts.width > 0
    assert facts.height is not None and facts.height > 0
    for value in facts.as_exif().values():
        words = value if isinstance(value, list) else [value]
        for word in words:
            if isinstance(word, str):
                assert "\0" not in word
                word.encode()


@often
@given(st.sampled_from(HEADS), st.binary(max_size=400))
def test_random_bytes_behind_a_known_start(head: bytes, rest: bytes) -> None:
    check(head + rest)


@often
@given(st.sampled_from(SEEDS), mutations, st.integers(0, 40))
def test_mutated_files(seed: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    check(mutated(seed, changes, cut))


@often
@given(st.binary(max_size=300))
def test_random_iptc(data: bytes) -> None:
    read_iptc(b"\x1c" + data)
    find_iptc(b"8BIM" + data)


@often
@given(mutations, st.integers(0, 100))
def test_mutated_xmp(changes: list[tuple[int, int]], cut: int) -> None:
    read_xmp(mutated(PACKET, changes, cut))


def encoded(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((40, 30), 50).convert("RGB").save(buffer, form)
    return buffer.getvalue()


PICTURES = {form: encoded(form) for form in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF")}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(PICTURES)), mutations, st.integers(0, 200))
def test_mutated_pictures_are_drawn_or_refused(form: str, changes: list[tuple[int, int]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        path.write_bytes(mutated(PICTURES[form], changes, cut))
        try:
            assert render_thumbnail(path, DecodeLimits(max_pixels=4_000_000))[:4] == b"RIFF"
        except (UnsupportedImageError, CorruptError) as error:
            assert "/" not in str(error)
