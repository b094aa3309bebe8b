"""A query cut into operators, parentheses and conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from lenscat_backend.models.search.fields import FIELD_OF

TokenKind = Literal["condition", "scope", "(", ")", "or", "and", "not", "end"]


class Token(NamedTuple):
    """A part of a query at a `column` counted from 1.

    A condition has a `field` ("" for a plain word), the `sign` after it and a `value`, which may be `quoted`. A scope
    is a field before a parenthesis: it is that of the plain words within.
    """

    kind: TokenKind
    column: int
    field: str = ""
    sign: str = ""
    value: str = ""
    quoted: bool = False


_FIELD = re.compile(r"([A-Za-z]+)(:|<=|>=|<|>|=)")
_OPERATORS: dict[str, TokenKind] = {"or": "or", "and": "and", "not": "not"}


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a query, and an "end" behind its last character."""
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char in "()":
            yield Token("(" if char == "(" else ")", at + 1)
            at += 1
        elif char == "|":
            end = at + len(text[at:]) - len(text[at:].lstrip("|"))
            yield Token("or", at + 1)
            at = end
        elif char == "-" and at + 1 < len(text) and not text[at + 1].isspace():
            yield Token("not", at + 1)
            at += 1
        else:
            token, at = _condition(text, at)
            yield token
    yield Token("end", len(text) + 1)


def _condition(text: str, at: int) -> tuple[Token, int]:
    """A condition, or an operator that is a word, and where the text goes on."""
    named = _FIELD.match(text, at)
    if named is None or named[1].lower() not in FIELD_OF:
        value, quoted, end = _value(text, at)
        kind = _OPERATORS.get(value.lower()) if not quoted else None
        return Token(kind or "condition", at + 1, "", "", value, quoted), end
    field, sign, begin = FIELD_OF[named[1].lower()].name, named[2], named.end()
    if text[begin : begin + 1] == "(":
        return Token("scope", at + 1, field, sign), begin
    value, quoted, end = _value(text, begin)
    return Token("condition", at + 1, field, sign, value, quoted), end


def _value(text: str, at: int) -> tuple[str, bool, int]:
    """The value that begins here, whether it stands in quotes, and where it ends."""
    if text[at : at + 1] == '"':
        end = text.find('"', at + 1)
        return (text[at + 1 :], True, len(text)) if end < 0 else (text[at + 1 : end], True, end + 1)
    end = at
    while end < len(text) and not text[end].isspace() and text[end] not in '"|)':
        if text[end] == "(":
            closing = _closing(text, end)
            if closing is None:
                break
            end = closing
        end += 1
    return text[at:end], False, end


def _closing(text: str, at: int) -> int | None:
    """Where a parenthesis that opens within a word is closed in the same word."""
    depth = 0
    for place in range(at, len(text)):
        char = text[place]
        if char.isspace() or char == '"':
            return None
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return place
    return None
