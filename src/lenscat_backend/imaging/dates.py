"""Dates as EXIF, XMP and IPTC write them, to the ISO 8601 form of `ImageFacts.created_at`."""

from __future__ import annotations

from datetime import datetime

FIRST_YEAR = 1000  # before it are no dates but fillers such as 0001:01:01
_COLON = ord(":")
_SEPARATORS = b":-/."


def exif_date(raw: bytes, offset: bytes = b"") -> str | None:
    """From ``YYYY:MM:DD HH:MM:SS`` (EXIF 2.32, 4.6.5) and ``+HH:MM``; None where it is no real date."""
    if len(raw) < 19 or raw[13] != _COLON or raw[16] != _COLON or raw[4] not in _SEPARATORS:
        return None
    text = raw[:19].decode("latin-1")
    date = _checked(f"{text[:4]}-{text[5:7]}-{text[8:10]}T{text[11:]}")
    if date is None or not offset:
        return date
    return date + _zone(offset.rstrip(b"\0").decode("latin-1"))


def iso_date(text: str) -> str | None:
    """From an XMP date (ISO 8601, fractions dropped); None where a part is missing: no time is made up."""
    day, _, rest = text.strip().replace(" ", "T").partition("T")
    if len(day) != 10:
        return None
    clock, zone = _split_zone(rest)
    clock = clock.partition(".")[0]
    if len(clock) == 5:
        clock += ":00"
    if len(clock) != 8 or clock[2] != ":" or clock[5] != ":":
        return None
    date = _checked(f"{day}T{clock}")
    return None if date is None else date + _zone(zone)


def iptc_date(day: str, clock: str) -> str | None:
    """From IIM ``CCYYMMDD`` (2:55) and ``HHMMSS±HHMM`` (2:60); None where a part is missing: no time is made up."""
    if len(day) < 8 or len(clock) < 6:
        return None
    time = f"{clock[:2]}:{clock[2:4]}:{clock[4:6]}"
    date = _checked(f"{day[:4]}-{day[4:6]}-{day[6:8]}T{time}")
    if date is None or len(clock) < 11:
        return date
    return date + _zone(f"{clock[6:9]}:{clock[9:11]}")


def _checked(text: str) -> str | None:
    """`text` (``YYYY-MM-DDTHH:MM:SS``) if it is a date of the calendar."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return text if date.year >= FIRST_YEAR else None


def _split_zone(text: str) -> tuple[str, str]:
    for at, letter in enumerate(text):
        if letter in "+-Z":
            return text[:at], text[at:]
    return text, ""


def _zone(offset: str) -> str:
    """``±HH:MM`` checked, ``Z`` for none; "" where it is no offset."""
    offset = offset.strip()
    if offset in {"Z", "+00:00", "-00:00"}:
        return "Z"
    hours, minutes = offset[1:3], offset[4:6]
    if len(offset) != 6 or offset[0] not in "+-" or offset[3] != ":":
        return ""
    if not (hours.isdecimal() and minutes.isdecimal() and offset.isascii()):
        return ""
    return offset if int(hours) <= 15 and int(minutes) < 60 else ""
