"""A query as a tree of conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lenscat_backend.models.search.pattern import Pattern

Part = Literal["", "name", "tag", "notes", "path", "camera", "lens", "label", "ext"]
NumberField = Literal["rating", "width", "height", "mp", "size", "iso", "f", "mm"]


@dataclass(frozen=True, slots=True)
class Everything:
    """Every picture."""


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two conditions."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of at least two conditions."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that does not hold."""

    part: Node


@dataclass(frozen=True, slots=True)
class Text:
    """A text matches: of the `part` "" the name, a tag or the notes; the others are one text each."""

    part: Part
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Number:
    """A number lies between two bounds, which count where they are not open; None: without a bound on that side.

    A picture without a rating has 0; one without any other fact never matches. `size` is in bytes, `mp` in millions of
    pixels, `mm` in millimetres.
    """

    field: NumberField
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value lies within."""
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        return self.high is None or value < self.high or (not self.high_open and value == self.high)


@dataclass(frozen=True, slots=True)
class Date:
    """Taken between two local times that both count, ``YYYY-MM-DDTHH:MM:SS``; None: without a bound on that side."""

    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """Of one of some formats, named as in the format table."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class State:
    """In a state that is there or is not."""

    name: str


@dataclass(frozen=True, slots=True)
class Near:
    """Taken within `km` kilometres of a place in degrees, on a sphere of the Earth's mean radius."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class HashPrefix:
    """With a hash that begins with these hexadecimal digits."""

    digits: str


Node = Everything | And | Or | Not | Text | Number | Date | Format | State | Near | HashPrefix

STATES = (
    "favorite",
    "tagged",
    "rated",
    "labeled",
    "landscape",
    "portrait",
    "square",
    "has_notes",
    "has_gps",
    "has_date",
    "has_camera",
    "has_lens",
    "has_hash",
    "has_sidecar",
)


@dataclass(frozen=True, slots=True)
class Query:
    """A query: what must hold, and as it was written."""

    root: Node
    text: str = ""
