"""The common vocabulary of embedded metadata: what EXIF, XMP and IPTC each tell, in the names of `ImageFacts`."""

from __future__ import annotations

from typing import TypedDict

MAX_TEXT = 2000
MAX_CAPTION = 10_000
MAX_KEYWORDS = 500


class Metadata(TypedDict, total=False):
    """Fields of `ImageFacts` that one block of metadata tells; latitude and longitude come together or not at all."""

    created_at: str
    make: str
    model: str
    lens: str
    iso: int
    f_number: float
    exposure_time_s: float
    focal_length_mm: float
    latitude: float
    longitude: float
    altitude_m: float
    orientation: int
    keywords: tuple[str, ...]
    caption: str
    rating: int


def clean_text(raw: bytes, limit: int = MAX_TEXT) -> str | None:
    """The text of a field that claims no encoding: up to the first NUL, UTF-8 if it is, else Latin-1; None if blank."""
    end = raw.find(b"\0")
    if end >= 0:
        raw = raw[:end]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "ignore") if _is_cut_utf8(raw) else raw.decode("latin-1")
    text = text.strip()
    return (text if len(text) <= limit else text[:limit]) or None


def _is_cut_utf8(raw: bytes) -> bool:
    """Whether only the last character is incomplete: a writer cut the text at a number of bytes."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and error.start > 0
    return True


def unique(words: list[str]) -> tuple[str, ...]:
    """Keywords stripped, without blanks and repetitions, in their order, at most `MAX_KEYWORDS`."""
    stripped = (word.replace("\0", "").strip()[:MAX_TEXT] for word in words)
    return tuple(dict.fromkeys(word for word in stripped if word))[:MAX_KEYWORDS]


def valid_position(latitude: float | None, longitude: float | None) -> tuple[float, float] | None:
    """The position, if both are there and on the globe."""
    if latitude is None or longitude is None or not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return latitude, longitude


def valid_rating(value: float | None) -> int | None:
    """A rating of 0 to 5 whole stars; -1 ("rejected") and everything else is no rating."""
    return int(value) if value is not None and 0 <= value <= 5 and value == int(value) else None
