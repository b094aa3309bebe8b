"""The search language: words that must all occur, and a few fields.

``beach "golden hour" -sunset tag:family rating>=4 path:2024/ ext:jpg name:IMG notes:lake label:red is:favorite``
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lenscat_backend.errors import InvalidQueryError
from lenscat_backend.models.text import fold

MAX_QUERY_CHARS = 2000
MAX_TERMS = 50
TEXT_FIELDS = ("tag", "name", "notes", "path", "ext", "label")
STATES = ("favorite", "untagged", "unrated")
COMPARISONS = ("<=", ">=", "<", ">", "=")

_SEPARATORS = str.maketrans("\0\x1e\x1f", "   ")
"""Characters that the searched text never holds: the catalog keeps its parts apart with them."""
_TERM = re.compile(
    r"""(?P<minus>-)?
        (?:(?P<field>[a-z]+)(?P<sign>:|<=|>=|<|>|=))?
        (?P<value>"[^"]*"?|[^\s"]+)""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is "" for a plain word; `text` is folded, but for `path`; `sign` compares a rating."""

    field: str
    text: str
    sign: str = ":"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All terms must hold; no term: everything matches."""

    terms: tuple[Term, ...] = ()


def parse_query(text: str) -> Query:
    """The query that `text` writes. Raises `InvalidQueryError` for a field's value that makes no sense.

    Accents and case do not matter. A name before a colon that is no field of ours is part of a plain word.
    """
    text = text.translate(_SEPARATORS)
    if len(text) > MAX_QUERY_CHARS:
        raise InvalidQueryError(f"The query has more than {MAX_QUERY_CHARS} characters: shorten it.", MAX_QUERY_CHARS)
    terms = [term for match in _TERM.finditer(text) if (term := _term(match)) is not None]
    if len(terms) > MAX_TERMS:
        raise InvalidQueryError(f"The query has more than {MAX_TERMS} conditions: shorten it.", 1)
    return Query(tuple(terms))


def _term(match: re.Match[str]) -> Term | None:
    field, sign, value = (match["field"] or "").lower(), match["sign"] or ":", match["value"].strip('"')
    negated = match["minus"] is not None
    column = match.start() + 1
    if field == "rating":
        return _rating_term(sign, value, negated, column)
    if field == "is" and sign == ":":
        return _state_term(value.lower(), negated, column)
    if field in TEXT_FIELDS and sign == ":":
        return _text_term(field, value, negated)
    word = fold(match.group().removeprefix("-") if match["field"] else value).replace('"', "")
    return Term("", word, negated=negated) if word else None


def _text_term(field: str, value: str, negated: bool) -> Term | None:
    if field == "path":
        return Term(field, value.strip("/"), negated=negated) if value.strip("/") else None
    text = value.casefold() if field == "label" else fold(value.removeprefix(".") if field == "ext" else value)
    return Term(field, text, negated=negated) if text else None


def _rating_term(sign: str, value: str, negated: bool, column: int) -> Term:
    if sign == ":" and value[:2] in COMPARISONS:
        sign, value = value[:2], value[2:]
    elif sign == ":" and value[:1] in COMPARISONS:
        sign, value = value[:1], value[1:]
    if value not in ("0", "1", "2", "3", "4", "5"):
        raise InvalidQueryError(f"Column {column}: a rating is a whole number from 0 to 5, as in rating>=4.", column)
    return Term("rating", value, "=" if sign == ":" else sign, negated)


def _state_term(value: str, negated: bool, column: int) -> Term:
    if value not in STATES:
        raise InvalidQueryError(f"Column {column}: 'is:' knows {', '.join(STATES)}.", column)
    return Term("is", value, negated=negated)
