"""Numbers and bounds in queries."""

from __future__ import annotations

import re
from typing import NamedTuple

_NUMBER = re.compile(r"(\d{1,15})(?:\.(\d{1,9}))?")
_UNITS = {"": 1, "b": 1} | {
    f"{letter}{ending}": base**power
    for power, letter in enumerate("kmgt", 1)
    for ending, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
_SIZE = re.compile(rf"(.+?)({'|'.join(sorted(_UNITS, key=len, reverse=True))})", re.IGNORECASE)


class Bounds(NamedTuple):
    """Two numbers or periods as text, None where one is left out; `sign` is that of a comparison, else ""."""

    sign: str
    low: str | None
    high: str | None


def bounds(sign: str, value: str) -> Bounds:
    """The bounds that ``4``, ``>=4``, ``4..6``, ``4..`` and ``..6`` write; `sign` is the one before the value."""
    if sign == ":":
        sign = next((other for other in ("<=", ">=", "<", ">", "=") if value.startswith(other)), "")
        value = value.removeprefix(sign)
    sign = "" if sign == "=" else sign
    low, dots, high = value.partition("..")
    if sign or not dots:
        return Bounds(sign, value, value)
    return Bounds("", low or None, high or None)


def number(text: str) -> tuple[float, float] | None:
    """A number, and half a unit of its last digit; None where the text is none."""
    match = _NUMBER.fullmatch(text)
    return None if match is None else (float(text), 0.5 * 10 ** -len(match[2] or ""))


def size(text: str) -> tuple[float, float] | None:
    """As `number`, of bytes with a unit: ``5mb`` are 5,000,000, ``5mib`` 5,242,880; without a unit they are exact."""
    match = _SIZE.fullmatch(text + ("" if text[-1:].isalpha() else "b"))
    found = number(match[1].strip()) if match is not None else None
    if match is None or found is None:
        return None
    factor = _UNITS[match[2].lower()]
    return found[0] * factor, found[1] * factor if factor > 1 else 0.0
