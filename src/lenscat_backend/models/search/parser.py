"""The parser of the search language; `docs/search.md` has its grammar."""

from __future__ import annotations

from collections.abc import Iterator

from lenscat_backend.errors import InvalidQueryError
from lenscat_backend.models.search.lexer import Token, TokenKind, tokens
from lenscat_backend.models.search.nodes import And, Everything, Node, Not, Or, Query, Text
from lenscat_backend.models.search.values import condition

MAX_QUERY_CHARS = 2000
MAX_CONDITIONS = 200
MAX_DEPTH = 50


def parse_query(text: str) -> Query:
    """The query that `text` writes; an empty one matches everything.

    Raises `InvalidQueryError`, with the column, for what makes no sense.
    """
    if len(text) > MAX_QUERY_CHARS:
        raise InvalidQueryError(f"The query has more than {MAX_QUERY_CHARS} characters: shorten it.", MAX_QUERY_CHARS)
    return Query(_Parser(text.replace("\0", " ")).parse() or Everything(), text)


def words(node: Node) -> Iterator[str]:
    """The folded words, phrases and tags that a match is asked to hold: what a page may highlight."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from words(part)
    elif isinstance(node, Text) and node.part in ("", "name", "tag", "notes"):
        yield from node.pattern.fragments


class _Parser:
    """By recursive descent; what says nothing (an empty phrase) is None and left out."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._now = next(self._tokens)
        self._conditions = 0
        self._depth = 0
        self._scopes: list[Token] = []

    def parse(self) -> Node | None:
        """The whole query."""
        if self._now.kind == "end":
            return None
        found = self._or()
        if self._now.kind == ")":
            raise self._error("there is no '(' for this ')'")
        return found

    def _or(self) -> Node | None:
        parts = [self._and()]
        while self._taken("or"):
            parts.append(self._and())
        return _joined(Or, parts)

    def _and(self) -> Node | None:
        if self._now.kind in ("or", "and", ")", "end"):
            raise self._error(_MISSING[self._now.kind])
        parts = [self._not()]
        while self._now.kind not in ("or", ")", "end"):
            if self._taken("and") and self._now.kind in ("or", "and", ")", "end"):
                raise self._error("'and' has nothing behind it")
            parts.append(self._not())
        return _joined(And, parts)

    def _not(self) -> Node | None:
        negated = False
        while self._taken("not"):
            negated = not negated
        if self._now.kind in ("or", "and", ")", "end"):
            raise self._error("'not' has nothing behind it")
        found = self._primary()
        if found is None or not negated:
            return found
        return found.part if isinstance(found, Not) else Not(found)

    def _primary(self) -> Node | None:
        token = self._now
        if token.kind == "scope":
            self._step()
            self._scopes.append(token)
            found = self._group()
            self._scopes.pop()
            return found
        if token.kind == "(":
            return self._group()
        self._step()
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise InvalidQueryError(f"The query has more than {MAX_CONDITIONS} conditions: shorten it.", token.column)
        if self._scopes and not token.field:
            token = token._replace(field=self._scopes[-1].field, sign=self._scopes[-1].sign)
        return condition(token)

    def _group(self) -> Node | None:
        opening = self._now
        self._step()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidQueryError(
                f"Column {opening.column}: more than {MAX_DEPTH} parentheses lie within each other.", opening.column
            )
        if self._now.kind == ")":
            raise self._error("these parentheses are empty")
        found = self._or()
        if not self._taken(")"):
            column = opening.column
            raise InvalidQueryError(f"Column {column}: this '(' is never closed.", column)
        self._depth -= 1
        return found

    def _step(self) -> None:
        self._now = next(self._tokens)

    def _taken(self, kind: TokenKind) -> bool:
        if self._now.kind != kind:
            return False
        self._step()
        return True

    def _error(self, problem: str) -> InvalidQueryError:
        column = self._now.column
        return InvalidQueryError(f"Column {column}: {problem}.", column)


_MISSING = {
    "or": "'or' has nothing before it",
    "and": "'and' has nothing before it",
    ")": "something is missing before this ')'",
    "end": "something is missing at the end",
}


def _joined(kind: type[And] | type[Or], parts: list[Node | None]) -> Node | None:
    flat: list[Node] = []
    for part in parts:
        if isinstance(part, kind):
            flat += part.parts
        elif part is not None:
            flat.append(part)
    if len(flat) < 2:
        return flat[0] if flat else None
    return kind(tuple(flat))
