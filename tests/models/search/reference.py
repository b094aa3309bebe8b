"""The meaning of queries in the plainest Python: what the engine has to find, and nothing else."""

from __future__ import annotations

import fnmatch
import math
import re
from dataclasses import dataclass
from typing import Any

from lenscat_backend.models.search import nodes
from lenscat_backend.models.search.pattern import Pattern
from lenscat_backend.models.text import fold


@dataclass(frozen=True)
class Picture:
    """A picture and all that can be asked of it."""

    path: str
    tags: tuple[str, ...] = ()
    notes: str = ""
    rating: int | None = None
    label: str | None = None
    favorite: bool = False
    format: str = "jpeg"
    size: int = 1000
    width: int | None = None
    height: int | None = None
    created_at: str | None = None
    make: str | None = None
    model: str | None = None
    lens: str | None = None
    iso: int | None = None
    f_number: float | None = None
    focal_length_mm: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    hash: str | None = None
    has_sidecar: bool = False

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def plain(text: str) -> str:
    """As texts are compared: without case and accents, white space as single spaces."""
    return " ".join(fold(text).replace("\0", " ").split())


def matches(node: nodes.Node, picture: Picture) -> bool:
    """Whether a picture is one that a query asks for."""
    match node:
        case nodes.Everything():
            return True
        case nodes.And(parts):
            return all(matches(part, picture) for part in parts)
        case nodes.Or(parts):
            return any(matches(part, picture) for part in parts)
        case nodes.Not(part):
            return not matches(part, picture)
        case nodes.Text(part, pattern):
            return any(holds(pattern, plain(text)) for text in texts(part, picture))
        case nodes.Number(field, low, high, low_open, high_open):
            return number(field, picture, low, high, low_open, high_open)
        case nodes.Date(first, last):
            taken = (picture.created_at or "")[:19]
            return taken != "" and (first is None or taken >= first) and (last is None or taken <= last)
        case nodes.Format(names):
            return picture.format in names
        case nodes.State(name):
            return state(name, picture)
        case nodes.Near(latitude, longitude, km):
            return distance_km(picture, latitude, longitude) <= km
        case nodes.HashPrefix(digits):
            return picture.hash is not None and picture.hash.removeprefix("blake3:").startswith(digits)
    raise AssertionError(node)


def texts(part: str, picture: Picture) -> list[str]:
    camera = " ".join(word for word in (picture.make, picture.model) if word)
    stem, _, extension = picture.name.rpartition(".")
    return {
        "": [picture.name, *picture.tags, picture.notes],
        "name": [picture.name, stem or picture.name],
        "tag": list(picture.tags),
        "notes": [picture.notes],
        "path": [picture.path],
        "camera": [camera] if camera else [],
        "lens": [picture.lens] if picture.lens else [],
        "label": [picture.label] if picture.label else [],
        "ext": [extension] if stem else [],
    }[part]


def holds(pattern: Pattern, text: str) -> bool:
    if text == "":
        return False
    if pattern.kind == "contains":
        return pattern.text in text
    if pattern.kind == "equals":
        return pattern.text == text
    if pattern.kind == "starts":
        return text.startswith(pattern.text)
    before, after = ("" if pattern.anchored or pattern.from_start else "*"), ("" if pattern.anchored else "*")
    glob = before + pattern.text.replace("[", "[[]") + after
    return re.match(fnmatch.translate(glob), text) is not None


def number(
    field: str, picture: Picture, low: float | None, high: float | None, low_open: bool, high_open: bool
) -> bool:
    pixels = picture.width * picture.height if picture.width and picture.height else None
    value: Any = {
        "rating": picture.rating or 0,
        "width": picture.width,
        "height": picture.height,
        "mp": pixels / 1e6 if pixels else None,
        "size": picture.size,
        "iso": picture.iso,
        "f": picture.f_number,
        "mm": picture.focal_length_mm,
    }[field]
    if value is None:
        return False
    if low is not None and (value < low or (value == low and low_open)):
        return False
    return not (high is not None and (value > high or (value == high and high_open)))


def state(name: str, picture: Picture) -> bool:
    width, height = picture.width, picture.height
    if name in ("landscape", "portrait", "square"):
        if not width or not height:
            return False
        return {"landscape": width > height, "portrait": width < height, "square": width == height}[name]
    return {
        "favorite": picture.favorite,
        "tagged": bool(picture.tags),
        "rated": picture.rating is not None,
        "labeled": bool(picture.label),
        "has_notes": bool(plain(picture.notes)),
        "has_gps": picture.latitude is not None and picture.longitude is not None,
        "has_date": picture.created_at is not None,
        "has_camera": bool(picture.make or picture.model),
        "has_lens": bool(picture.lens),
        "has_hash": picture.hash is not None,
        "has_sidecar": picture.has_sidecar,
    }[name]


def distance_km(picture: Picture, latitude: float, longitude: float) -> float:
    """By the haversine formula on a sphere of 6371.0088 km."""
    if picture.latitude is None or picture.longitude is None:
        return math.inf
    one, other = math.radians(picture.latitude), math.radians(latitude)
    across = math.radians(picture.longitude - longitude)
    chord = math.sin((one - other) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(across / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(min(1.0, chord)))
