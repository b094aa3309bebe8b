"""How names sort and how words match: the same everywhere."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = re.compile(r"[0-9]+")


def fold(text: str) -> str:
    """`text` for comparing: compatibility-decomposed, accents removed, case folded; NFC and NFD become one."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    stripped = "".join(char for char in decomposed if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", stripped.casefold())


def searchable(text: str) -> str:
    """`text` as searches see it: folded, white space as single spaces and none at its ends."""
    folded = fold(text)
    if folded.isalnum():
        return folded
    return " ".join(folded.replace("\0", " ").split())


def sort_key(name: str) -> str:
    """A key whose code-point order is the order people count in: ``img2`` before ``img10``, case and accents aside.

    Names whose keys are equal (``a1`` and ``a01``) are told apart by the name itself: sort by ``(sort_key, name)``.
    """
    return _DIGITS.sub(_length_first, fold(name))


def sort_path(path: str) -> str:
    """The `sort_key` of a whole path: a folder comes right before what is below it, and then its next neighbour."""
    return "\x01".join(map(sort_key, path.split("/")))


def _length_first(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0")
    return f"0{chr(33 + len(digits))}{digits}"
