"""IPTC-IIM data sets (IIM 4.2), as Photoshop stores them in JPEG's APP13 and TIFF's tag 33723."""

from __future__ import annotations

from lenscat_backend.imaging.dates import iptc_date
from lenscat_backend.imaging.metadata import MAX_CAPTION, MAX_KEYWORDS, MAX_TEXT, Metadata, unique

_CHARSET = (1, 90)
_KEYWORD, _CAPTION, _DAY, _CLOCK = (2, 25), (2, 120), (2, 55), (2, 60)
_UTF8 = b"\x1b%G"
_WANTED = frozenset({_CHARSET, _KEYWORD, _CAPTION, _DAY, _CLOCK})
_IPTC_RESOURCE = 0x0404


def read_iptc(block: bytes) -> Metadata:
    """What the data sets tell: keywords, caption, date of creation."""
    sets = _data_sets(block)
    utf8 = _UTF8 in sets.get(_CHARSET, [])
    found = Metadata()
    if keywords := unique([_text(raw, utf8, MAX_TEXT) for raw in sets.get(_KEYWORD, ())]):
        found["keywords"] = keywords
    if caption := _text(sets.get(_CAPTION, [b""])[0], utf8, MAX_CAPTION):
        found["caption"] = caption
    day = _text(sets.get(_DAY, [b""])[0], utf8, 16)
    if day and (date := iptc_date(day, _text(sets.get(_CLOCK, [b""])[0], utf8, 16))):
        found["created_at"] = date
    return found


def find_iptc(resources: bytes) -> bytes | None:
    """The IPTC data sets among Photoshop image resources (``8BIM``, id, padded name, length, padded data)."""
    at = 0
    while resources[at : at + 4] in (b"8BIM", b"PHUT", b"DCSR", b"AgHg", b"MeSa"):
        number = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = resources[at + 6] if at + 6 < len(resources) else 0
        at += 6 + (name + 2) // 2 * 2
        length = int.from_bytes(resources[at : at + 4], "big")
        if number == _IPTC_RESOURCE:
            return resources[at + 4 : at + 4 + length]
        at += 4 + (length + 1) // 2 * 2
    return None


def _data_sets(block: bytes) -> dict[tuple[int, int], list[bytes]]:
    sets: dict[tuple[int, int], list[bytes]] = {}
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        key = (block[at + 1], block[at + 2])
        length = int.from_bytes(block[at + 3 : at + 5], "big")
        at += 5
        if length & 0x8000:  # an extended data set: the length of the length comes first
            width = min(length & 0x7FFF, 8)
            length = int.from_bytes(block[at : at + width], "big")
            at += width
        if key in _WANTED and len(values := sets.setdefault(key, [])) < MAX_KEYWORDS:
            values.append(block[at : at + length])
        at += length
    return sets


def _text(raw: bytes, utf8: bool, limit: int) -> str:
    raw = raw[: 4 * limit].replace(b"\0", b"")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "ignore") if utf8 else raw.decode("latin-1")
    return text.strip()[:limit]
