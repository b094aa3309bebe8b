"""Dates in queries: a period that a text names, and the local times it begins and ends with."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, timedelta

_PERIOD = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[Tt](\d{2}):(\d{2})(?::(\d{2}))?)?)?)?")
_TIME = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}"


def period(text: str) -> tuple[str, str] | None:
    """The first and the last second of ``2023``, ``2023-06``, ``2023-06-15``, ``2023-06-15T10:30``, ``today`` ...

    None where the text names no period.
    """
    days = {"today": 0, "yesterday": 1}.get(text.lower())
    if days is not None:
        text = (date.today() - timedelta(days)).isoformat()
    match = _PERIOD.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (None if part is None else int(part) for part in match.groups())
    if not _exists(year, month, day) or (hour or 0) > 23 or (minute or 0) > 59 or (second or 0) > 59:
        return None
    last_month = month or 12
    last_day = day or monthrange(year or 1, last_month)[1]
    first = _TIME.format(year, month or 1, day or 1, hour or 0, minute or 0, second or 0)
    return first, _TIME.format(year, last_month, last_day, _last(hour, 23), _last(minute, 59), _last(second, 59))


def neighbour(time: str, seconds: int) -> str:
    """The time so many seconds later; the same at the ends of all times."""
    try:
        return (datetime.fromisoformat(time) + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return time


def _exists(year: int | None, month: int | None, day: int | None) -> bool:
    try:
        date(year or 0, month or 1, day or 1)
    except ValueError:
        return False
    return month != 0 and day != 0


def _last(part: int | None, most: int) -> int:
    return most if part is None else part
