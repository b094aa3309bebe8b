"""What conditions mean: the node of each field and value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from lenscat_backend.errors import InvalidQueryError
from lenscat_backend.models.search.dates import neighbour, period
from lenscat_backend.models.search.fields import COLORS, FIELD_OF, FORMATS, HAS, IS, ORIENTATIONS
from lenscat_backend.models.search.lexer import Token
from lenscat_backend.models.search.nodes import (
    Date,
    Format,
    HashPrefix,
    Near,
    Node,
    Not,
    Number,
    NumberField,
    Or,
    Part,
    State,
    Text,
)
from lenscat_backend.models.search.numbers import Bounds, bounds, number, size
from lenscat_backend.models.search.pattern import Pattern, folded_glob
from lenscat_backend.models.text import searchable

V = TypeVar("V")

_WHOLE_NUMBERS = ("rating", "width", "height", "iso")
_GEO = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?)(km|mi|m))?", re.IGNORECASE)
_KM = {"km": 1.0, "m": 0.001, "mi": 1.609344}
_HASH = re.compile(r"[0-9a-f]{4,64}")


def condition(token: Token) -> Node | None:
    """The node of a condition; None where it says nothing, as ``*``, ``""`` and ``tag:`` do: somebody is typing."""
    if not token.field:
        return _words("", token)
    if token.sign != ":" and FIELD_OF[token.field].kind not in ("number", "date") and token.sign != "=":
        raise _wrong(token, f"'{token.field}' is not compared: write ':'")
    if not token.value.strip() and FIELD_OF[token.field].kind != "text":
        raise _wrong(token, f"'{token.field}{token.sign}' wants a value")
    return _BY_KIND[FIELD_OF[token.field].kind](token)


def _wrong(token: Token, problem: str) -> InvalidQueryError:
    example = FIELD_OF[token.field].example
    return InvalidQueryError(f"Column {token.column}: {problem}, as in {example}.", token.column)


def _words(part: Part, token: Token) -> Node | None:
    """A text that is looked for in others."""
    if token.quoted or not ("*" in token.value or "?" in token.value):
        text = searchable(token.value)
        return Text(part, Pattern("contains", text)) if text else None
    if part in ("", "notes"):
        glob = folded_glob(token.value.strip("*"))
        if not ("*" in glob or "?" in glob):
            return Text(part, Pattern("contains", glob)) if glob else None
        return Text(part, Pattern("glob", glob))
    return Text(part, Pattern("glob", folded_glob(token.value), anchored=True))


def _text(token: Token) -> Node | None:
    match token.field:
        case "name" | "notes" | "camera" | "lens":
            return _words(token.field, token)
        case "path":
            return _path(token)
        case "ext":
            return _whole("ext", token._replace(value=token.value.removeprefix(".")))
        case "label":
            return _label(token)
        case "color":
            return _color(token)
    return _whole("tag", token)


def _whole(part: Part, token: Token) -> Node | None:
    """A text that is equal to others."""
    if not token.quoted and ("*" in token.value or "?" in token.value):
        return Text(part, Pattern("glob", folded_glob(token.value), anchored=True))
    text = searchable(token.value)
    return Text(part, Pattern("equals", text)) if text else None


def _path(token: Token) -> Node | None:
    value = token.value.lstrip("/")
    if not token.quoted and ("*" in value or "?" in value):
        return Text("path", Pattern("glob", folded_glob(value), from_start=True))
    text = searchable(value)
    return Text("path", Pattern("starts", text)) if text else None


def _color(token: Token) -> Node | None:
    if searchable(token.value) == "none":
        return Not(State("labeled"))
    return _whole("label", token)


def _label(token: Token) -> Node | None:
    found = _color(token)
    if not isinstance(found, Text) or found.pattern.text in COLORS:
        return found
    return Or((found, Text("tag", found.pattern)))


def _number(token: Token) -> Node:
    field: NumberField = token.field  # type: ignore[assignment]  # the table of fields says that it is one
    read = size if field == "size" else number
    value = token.value.removeprefix("f/") if field == "f" else token.value
    found = bounds(token.sign, value)
    low, high = (_read(token, read, text) for text in found[1:])
    if found.low is None and found.high is None:
        raise _wrong(token, "a range has a number on one side at least")
    if found.sign:
        return _compared(field, found.sign, (low or high or (0, 0))[0])
    if found.low == found.high and low is not None:
        return _equal(field, *low)
    if low is not None and high is not None and low[0] > high[0]:
        raise _wrong(token, "the range begins above its end")
    return Number(field, low and low[0], high and high[0])


def _read(
    token: Token, read: Callable[[str], tuple[float, float] | None], text: str | None
) -> tuple[float, float] | None:
    if text is None:
        return None
    found = read(text.strip())
    field = token.field
    if field == "rating" and (found is None or found[0] not in range(6)):
        raise _wrong(token, "a rating is a whole number from 0 to 5")
    if found is None or (field in _WHOLE_NUMBERS and not found[0].is_integer()):
        kind = "a size with a unit" if field == "size" else "a whole number" if field in _WHOLE_NUMBERS else "a number"
        raise _wrong(token, f"'{field}' is {kind}")
    return found


def _compared(field: NumberField, sign: str, value: float) -> Number:
    if sign.startswith(">"):
        return Number(field, low=value, low_open=sign == ">")
    return Number(field, high=value, high_open=sign == "<")


def _equal(field: NumberField, value: float, half: float) -> Number:
    """Exact for what is counted; else within half a unit of the last digit written."""
    if field in _WHOLE_NUMBERS or half == 0:
        return Number(field, value, value)
    return Number(field, value - half, value + half, high_open=True)


def _date(token: Token) -> Node:
    if token.field == "year" and not re.fullmatch(r"[<>=.\d]*", token.value):
        raise _wrong(token, "a year has four digits")
    sign = {"before": "<", "after": ">"}.get(token.field)
    found = bounds(token.sign, token.value) if sign is None else Bounds(sign, token.value, token.value)
    low, high = (_period(token, text) for text in found[1:])
    if low is None and high is None:
        raise _wrong(token, "a range has a date on one side at least")
    if found.sign:
        return _dated(found.sign, *(low or high or ("", "")))
    if low is not None and high is not None and low[0] > high[1]:
        raise _wrong(token, "the range begins after its end")
    return Date(low and low[0], high and high[1])


def _period(token: Token, text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    found = period(text.strip())
    if found is None:
        raise _wrong(token, "a date is a year, a month (2023-06), a day (2023-06-15) or a time (2023-06-15T10:30)")
    return found


def _dated(sign: str, first: str, last: str) -> Date:
    bounds_of = {
        "<": (None, neighbour(first, -1)),
        "<=": (None, last),
        ">": (neighbour(last, 1), None),
        ">=": (first, None),
    }
    return Date(*bounds_of[sign])


def _format(token: Token) -> Node:
    name = token.value.strip().lower().removeprefix("image/").removeprefix(".")
    if name not in FORMATS:
        raise _wrong(token, f"'type:' knows {', '.join(FORMATS)}")
    return Format(frozenset((FORMATS[name],)))


def _state(token: Token) -> Node:
    value = searchable(token.value)
    if token.field == "has":
        return State(_known(token, value, HAS)[value])
    if token.field == "orientation":
        return State(_known(token, value, dict(zip(ORIENTATIONS, ORIENTATIONS, strict=True)))[value])
    name, there = _known(token, value, IS)[value]
    return State(name) if there else Not(State(name))


def _known(token: Token, value: str, table: dict[str, V]) -> dict[str, V]:
    if value not in table:
        raise _wrong(token, f"'{token.field}:' knows {', '.join(table)}")
    return table


def _near(token: Token) -> Node:
    match = _GEO.fullmatch(token.value.replace(" ", ""))
    if match is None or abs(float(match[1])) > 90 or abs(float(match[2])) > 180:
        raise _wrong(token, "a place is latitude, longitude and a distance in km, m or mi")
    return Near(float(match[1]), float(match[2]), float(match[3] or 1) * _KM[(match[4] or "km").lower()])


def _hash(token: Token) -> Node:
    digits = token.value.strip().lower().removeprefix("blake3:")
    if not _HASH.fullmatch(digits):
        raise _wrong(token, "a hash begins with 4 to 64 hexadecimal digits")
    return HashPrefix(digits)


_BY_KIND: dict[str, Callable[[Token], Node | None]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "format": _format,
    "state": _state,
    "place": _near,
    "hash": _hash,
}
