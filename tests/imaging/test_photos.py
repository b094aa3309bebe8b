"""Every real photograph of the corpus against what its manifest says."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from lenscat_backend.errors import CorruptImageError
from lenscat_backend.imaging.facts import BytesSource, read_facts
from lenscat_backend.imaging.formats import format_of_name, sniff
from lenscat_backend.imaging.thumbnail import THUMBNAIL_EDGE, DecodeLimits, render_thumbnail
from lenscat_backend.models.facts import ImageFacts
from tests.imaging.corpus import paths, photo, row_of

FORMATS = {
    "JPEG": "jpeg", "PNG": "png", "APNG": "png", "WEBP": "webp", "Extended WEBP": "webp", "GIF": "gif",
    "AVIF": "avif", "TIFF": "tiff", "HEIC": "heic", "HEIF": "heic", "": "avif",
}  # fmt: skip
"""The manifest's names; the one it does not know is an AVIF sequence."""

READ_DATES = {"ExifIFD", "XMP-exif"}
DAMAGED = {"pillow/ultrahdr.jpg"}
"""Its pixels are missing: the corpus says to treat it as damaged."""

everyone = pytest.mark.parametrize("path", paths("photos"))


def facts_of(path: str) -> ImageFacts:
    return read_facts(BytesSource(photo(path).read_bytes()))


@everyone
def test_format_and_dimensions(path: str) -> None:
    row, facts = row_of("photos", path), facts_of(path)
    assert facts.format == FORMATS[row["format"]]
    if row["display_width"]:
        assert (facts.width, facts.height) == (int(row["display_width"]), int(row["display_height"]))


@everyone
def test_format_by_name_and_by_bytes_agree(path: str) -> None:
    assert format_of_name(path) is sniff(photo(path).read_bytes()[:64])


@everyone
def test_date_and_zone(path: str) -> None:
    row, facts = row_of("photos", path), facts_of(path)
    if row["date_source"] in READ_DATES:
        zone = row["offset_time"] if row["offset_time"] != "+00:00" else "Z"
        assert facts.created_at == (row["DateTimeOriginal"] + zone if row["DateTimeOriginal"] else None)


@everyone
def test_camera(path: str) -> None:
    row, facts = row_of("photos", path), facts_of(path)
    assert (facts.make or "", facts.model or "") == (row["make"], row["model"])


@everyone
def test_position(path: str) -> None:
    row, facts = row_of("photos", path), facts_of(path)
    if not row["lat"]:
        assert facts.latitude is None
        assert facts.longitude is None
    else:
        assert facts.latitude == pytest.approx(float(row["lat"]), abs=1e-4)
        assert facts.longitude == pytest.approx(float(row["lon"]), abs=1e-4)


@everyone
def test_words_and_rating(path: str) -> None:
    row, facts = row_of("photos", path), facts_of(path)
    assert "|".join(facts.keywords or ()) == row["keywords"]
    assert facts.rating == (int(row["rating"]) if row["rating"] else None)


@everyone
def test_orientation(path: str) -> None:
    row, facts = row_of("photos", path), facts_of(path)
    valid = row["orientation"] in set("12345678")
    assert facts.orientation == (int(row["orientation"]) if valid else None)


@everyone
def test_few_reads(path: str) -> None:
    reads = []

    class Counting(BytesSource):
        def read(self, offset: int, length: int) -> bytes:
            reads.append((offset, length))
            return super().read(offset, length)

    read_facts(Counting(photo(path).read_bytes()))
    limit = 12 if path.endswith("Multiple ICC segments.jpg") else 3  # half a megabyte of profile before the frame
    assert len(reads) <= limit


@everyone
def test_thumbnail_has_the_displayed_shape(path: str) -> None:
    source = photo(path)
    if path in DAMAGED:
        with pytest.raises(CorruptImageError):
            render_thumbnail(source, DecodeLimits())
        return
    facts = facts_of(path)
    assert facts.width is not None
    assert facts.height is not None
    thumbnail = Image.open(io.BytesIO(render_thumbnail(source, DecodeLimits())))
    scale = min(1.0, THUMBNAIL_EDGE / max(facts.width, facts.height))
    assert thumbnail.format == "WEBP"
    assert thumbnail.width == pytest.approx(facts.width * scale, abs=1)
    assert thumbnail.height == pytest.approx(facts.height * scale, abs=1)
    assert not set(thumbnail.info) & {"exif", "xmp", "icc_profile"}
