"""EXIF, XMP and IPTC: what each field means, which one wins, and that damage costs only the field it hits."""

from __future__ import annotations

import struct

import pytest

from lenscat_backend.imaging.metadata import MAX_KEYWORDS, clean_text
from tests.imaging.builders import exif_segment, facts_of, iptc_segment, jpeg, segment, tiff, xmp, xmp_segment

TAKEN, ZONE = 0x9003, 0x9011
DATE = "2024:01:15 10:30:00"


@pytest.mark.parametrize("order", ["<", ">"])
def test_all_exif_fields_in_both_byte_orders(order: str) -> None:
    block = tiff(
        {0x010E: "A day", 0x010F: "Canon ", 0x0110: "EOS", 0x0112: 6, 0x4746: 4},
        {0x829A: ((1, 60),), 0x829D: ((28, 10),), 0x8827: 400, TAKEN: DATE, ZONE: "+03:00",
         0x920A: ((50, 1),), 0xA434: "EF 50mm"},
        {1: "S", 2: ((33, 1), (30, 1), (0, 1)), 3: "W", 4: ((70, 1), (0, 1), (36, 1)), 5: b"\1", 6: ((55, 10),)},
        order,
    )  # fmt: skip
    facts = facts_of(jpeg(exif_segment(block)))
    assert facts.as_exif() == {
        "width": 30, "height": 40, "created_at": "2024-01-15T10:30:00+03:00", "make": "Canon", "model": "EOS",
        "lens": "EF 50mm", "iso": 400, "f_number": 2.8, "exposure_time_s": 1 / 60, "focal_length_mm": 50.0,
        "latitude": -33.5, "longitude": -70.01, "altitude_m": -5.5, "orientation": 6, "caption": "A day", "rating": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("date", "zone", "expected"),
    [
        (DATE, None, "2024-01-15T10:30:00"),
        (DATE, "+00:00", "2024-01-15T10:30:00Z"),
        (DATE, "-03:30", "2024-01-15T10:30:00-03:30"),
        (DATE, "99:99", "2024-01-15T10:30:00"),
        (DATE, "+99:00", "2024-01-15T10:30:00"),
        ("2024:13:45 25:61:61", None, None),
        ("2023:02:29 10:00:00", None, None),
        ("0000:00:00 00:00:00", None, None),
        ("    :  :     :  :  ", None, None),
        ("0001:01:01 00:00:00", None, None),
        ("2024:01:15 10:30:0Z", None, None),
        ("2024:01:15", None, None),
        ("", None, None),
    ],
)
def test_exif_dates(date: str, zone: str | None, expected: str | None) -> None:
    photo = {TAKEN: date} | ({ZONE: zone} if zone else {})
    assert facts_of(jpeg(exif_segment(tiff({}, photo)))).created_at == expected


@pytest.mark.parametrize("orientation", [0, 9, 99, 65535])
def test_an_invalid_orientation_leaves_the_picture_as_stored(orientation: int) -> None:
    facts = facts_of(jpeg(exif_segment(tiff({0x0112: orientation}))))
    assert (facts.width, facts.height, facts.orientation) == (40, 30, None)


def test_the_orientation_of_the_embedded_thumbnail_is_not_the_pictures() -> None:
    main = tiff({0x010F: "A"})
    next_at = 8 + 2 + 12
    second = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    chained = main[:next_at] + struct.pack("<I", len(main)) + main[next_at + 4 :] + second
    assert facts_of(jpeg(exif_segment(chained))).orientation is None


@pytest.mark.parametrize(
    "gps",
    [
        {1: "N", 2: ((10, 1), (0, 1), (0, 0)), 3: "E", 4: ((10, 1), (0, 1), (0, 1))},
        {1: "N", 2: ((900, 1), (0, 1), (0, 1)), 3: "E", 4: ((10, 1), (0, 1), (0, 1))},
        {1: "N", 2: ((10, 1), (0, 1), (0, 1))},
        {2: ((10, 1), (0, 1), (0, 1)), 4: ((10, 1), (0, 1), (0, 1))},
        {1: "N", 2: "somewhere", 3: "E", 4: 5},
    ],
)
def test_no_usable_position_is_none(gps: dict[int, object]) -> None:
    facts = facts_of(jpeg(exif_segment(tiff({}, None, gps))))  # type: ignore[arg-type]
    assert facts.latitude is None
    assert facts.longitude is None


def test_zero_zero_is_a_position() -> None:
    zero = ((0, 1), (0, 1), (0, 1))
    facts = facts_of(jpeg(exif_segment(tiff({}, None, {1: "N", 2: zero, 3: "E", 4: zero}))))
    assert (facts.latitude, facts.longitude) == (0.0, 0.0)


def test_xmp_replaces_an_unusable_exif_position() -> None:
    bad = tiff({}, None, {1: "N", 2: ((10, 1), (0, 1), (0, 0)), 3: "E", 4: ((10, 1), (0, 1), (0, 0))})
    packet = xmp(attributes='exif:GPSLatitude="48,53.3236N" exif:GPSLongitude="21,2,30W"')
    facts = facts_of(jpeg(exif_segment(bad), xmp_segment(packet)))
    assert facts.latitude == pytest.approx(48.88873, abs=1e-5)
    assert facts.longitude == pytest.approx(-21.041667, abs=1e-5)


def test_zero_denominators_and_wrong_types_are_left_out() -> None:
    photo = {0x829A: ((1, 0),), 0x829D: "f/2", 0x8827: ((4, 1),), 0x920A: ((0, 1),), TAKEN: 5, 0xA434: "----"}
    block = tiff({0x010F: 7, 0x0110: ((1, 2),)}, photo)  # type: ignore[arg-type]
    assert facts_of(jpeg(exif_segment(block))).as_exif() == {"width": 40, "height": 30}


def test_xmp_words_as_elements_and_as_attributes() -> None:
    inside = (
        "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li> sky </rdf:li><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>"
        '<dc:description><rdf:Alt><rdf:li xml:lang="de">Tag</rdf:li><rdf:li xml:lang="x-default">Day</rdf:li>'
        "</rdf:Alt></dc:description>"
    )
    packet = xmp(inside, 'xmp:Rating="5" aux:Lens="18-55" tiff:Orientation="8"')
    facts = facts_of(jpeg(xmp_segment(packet)))
    assert facts.keywords == ("sea", "sky")
    assert (facts.caption, facts.rating, facts.lens, facts.orientation) == ("Day", 5, "18-55", 8)
    assert (facts.width, facts.height) == (30, 40)


@pytest.mark.parametrize(("rating", "expected"), [("-1", None), ("6", None), ("3.0", 3), ("2.5", None), ("x", None)])
def test_ratings_outside_the_scale_are_left_out(rating: str, expected: int | None) -> None:
    assert facts_of(jpeg(xmp_segment(xmp(f"<xmp:Rating>{rating}</xmp:Rating>")))).rating == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2020-05-06T07:08:09", "2020-05-06T07:08:09"),
        ("2020-05-06T07:08:09.123+02:00", "2020-05-06T07:08:09+02:00"),
        ("2020-05-06T07:08Z", "2020-05-06T07:08:00Z"),
        ("2020-05-06", None),
        ("2020", None),
        ("2020-13-06T07:08:09", None),
    ],
)
def test_xmp_dates(date: str, expected: str | None) -> None:
    assert facts_of(jpeg(xmp_segment(xmp(attributes=f'exif:DateTimeOriginal="{date}"')))).created_at == expected


def test_values_of_nested_descriptions_are_not_the_pictures() -> None:
    inside = (
        '<dc:source><rdf:Description xmp:Rating="5" tiff:Orientation="6">'
        "<xmp:Rating>5</xmp:Rating></rdf:Description></dc:source>"
    )
    facts = facts_of(jpeg(xmp_segment(xmp(inside))))
    assert (facts.rating, facts.orientation) == (None, None)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<",
        b"\xff\xfe\0",
        xmp("<dc:subject>").replace(b"</dc", b"</x"),
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + xmp("<dc:description>&b;</dc:description>"),
        b'<?xml version="1.0" encoding="no-such-code"?><a/>',
        xmp('<dc:subject xmlns:dc="'),
    ],
)
def test_a_damaged_packet_tells_nothing(packet: bytes) -> None:
    assert facts_of(jpeg(xmp_segment(packet))).as_exif() == {"width": 40, "height": 30}


def test_markup_in_words_stays_text() -> None:
    packet = xmp("<dc:subject><rdf:Bag><rdf:li>&lt;script&gt;&amp;</rdf:li></rdf:Bag></dc:subject>")
    assert facts_of(jpeg(xmp_segment(packet))).keywords == ("<script>&",)


def test_iptc_words_and_date() -> None:
    sets = [(2, 25, b"one"), (2, 25, b"one"), (2, 25, b"t\xf6n"), (2, 120, b"What"), (2, 55, b"20061029"),
            (2, 60, b"062751-0500")]  # fmt: skip
    facts = facts_of(jpeg(iptc_segment(*sets)))
    assert facts.keywords == ("one", "tön")
    assert (facts.caption, facts.created_at) == ("What", "2006-10-29T06:27:51-05:00")


def test_iptc_in_utf8() -> None:
    facts = facts_of(jpeg(iptc_segment((1, 90, b"\x1b%G"), (2, 25, "Zürich".encode()))))
    assert facts.keywords == ("Zürich",)


def test_who_wins() -> None:
    """EXIF for what a camera measures, XMP before IPTC before EXIF for words; keywords are the union."""
    exif = tiff({0x010E: "exif", 0x4746: 1, 0x0112: 3}, {TAKEN: DATE})
    packet = xmp(
        "<dc:subject><rdf:Bag><rdf:li>x</rdf:li></rdf:Bag></dc:subject><dc:description>xmp</dc:description>",
        'xmp:Rating="2" tiff:Orientation="6" exif:DateTimeOriginal="2000-01-01T00:00:00"',
    )
    iptc = iptc_segment((2, 25, b"i"), (2, 25, b"x"), (2, 120, b"iptc"))
    facts = facts_of(jpeg(exif_segment(exif), xmp_segment(packet), iptc))
    assert facts.keywords == ("x", "i")
    assert (facts.caption, facts.rating, facts.orientation) == ("xmp", 2, 3)
    assert facts.created_at == "2024-01-15T10:30:00"
    assert facts_of(jpeg(exif_segment(exif), iptc)).caption == "iptc"


def test_text_is_cleaned_and_limited() -> None:
    assert clean_text(b" Canon \0garbage") == "Canon"
    assert clean_text(b"\0\0") is None
    assert clean_text(b"M\xfcller") == "Müller"
    assert clean_text("Müller".encode()[:2]) == "M"  # cut within a character
    assert clean_text(b"a" * 100, 10) == "a" * 10
    assert len(facts_of(jpeg(iptc_segment(*[(2, 25, b"%d" % n) for n in range(2000)]))).keywords or ()) == MAX_KEYWORDS


def test_an_exif_loop_and_a_huge_count_end() -> None:
    block = bytearray(tiff({0x8769: 0, 0x010F: "Canon"}))
    looped = bytes(block).replace(struct.pack("<HHI", 0x8769, 3, 1), struct.pack("<HHI", 0x8769, 4, 1))
    looped = looped[:18] + looped[18:]
    assert facts_of(jpeg(exif_segment(looped))).make == "Canon"
    huge = bytes(block).replace(struct.pack("<HHI", 0x010F, 2, 6), struct.pack("<HHI", 0x010F, 2, 0xFFFFFFF0))
    assert facts_of(jpeg(exif_segment(huge))).width == 40


def test_two_exif_blocks_the_first_wins() -> None:
    first, second = exif_segment(tiff({0x010F: "One"})), exif_segment(tiff({0x010F: "Two"}))
    assert facts_of(jpeg(first, second)).make == "One"
    assert facts_of(jpeg(segment(0xE1, b"Exif\0\0junk"), second)).make == "Two"
