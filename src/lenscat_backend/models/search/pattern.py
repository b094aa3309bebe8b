"""What a text is compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lenscat_backend.models.text import fold

Kind = Literal["contains", "equals", "starts", "glob"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A needle, folded and with single spaces.

    In a `glob` ``*`` stands for any run of characters and ``?`` for exactly one; `anchored` says that it must match a
    text from end to end, and `from_start` that it must match its beginning.
    """

    kind: Kind
    text: str
    anchored: bool = False
    from_start: bool = False

    @property
    def fragments(self) -> tuple[str, ...]:
        """The parts of a glob that stand for themselves, without white space at their ends; else the text."""
        if self.kind != "glob":
            return (self.text,)
        return tuple(part.strip() for part in re.split(r"[*?]", self.text) if part.strip())

    def regex(self) -> re.Pattern[str]:
        """A glob as an expression for `fullmatch` where it is anchored, `match` from the start, else `search`."""
        return _compiled(self.text)

    def matches(self, text: str) -> bool:
        """Whether a folded text with single spaces holds the needle, is it, begins with it, or matches the glob."""
        if self.kind == "contains":
            return self.text in text
        if self.kind == "equals":
            return self.text == text
        if self.kind == "starts":
            return text.startswith(self.text)
        regex = self.regex()
        found = regex.fullmatch(text) if self.anchored else regex.match(text) if self.from_start else regex.search(text)
        return found is not None


def folded_glob(text: str) -> str:
    """A glob as it is looked for; a letter that folds to ``*`` or ``?`` stands for any one character."""
    return "".join(part if part in ("*", "?") else _literal(part) for part in re.split(r"([*?])", text))


def _literal(text: str) -> str:
    return re.sub(r"[*?]", "?", re.sub(r"\s+", " ", fold(text)))


@lru_cache
def _compiled(glob: str) -> re.Pattern[str]:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in glob)
    return re.compile("".join(parts), re.DOTALL)
