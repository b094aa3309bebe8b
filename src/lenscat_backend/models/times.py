"""Instants as the files write them: ISO 8601 in UTC ending in ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_time(text: object) -> datetime | None:
    """The instant that an ISO 8601 text names, in UTC; a text without a zone counts as UTC, None if it is no time."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def format_time(moment: datetime) -> str:
    """`moment` (with a zone) as ``2024-01-15T15:45:00Z``, with a fraction only where there is one."""
    micro = moment.microsecond
    precision = "seconds" if not micro else "microseconds" if micro % 1000 else "milliseconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def time_of_ns(ns: int) -> datetime:
    """The instant `ns` nanoseconds after 1970, in whole seconds; times no calendar holds become its ends."""
    seconds = min(max(ns // 1_000_000_000, -62_135_596_800), 253_402_300_799)
    return datetime.fromtimestamp(seconds, UTC)


def now_utc() -> datetime:
    """The current instant, to the millisecond."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
