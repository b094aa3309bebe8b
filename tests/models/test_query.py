"""The search language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenscat_backend.errors import InvalidQueryError
from lenscat_backend.models.query import MAX_QUERY_CHARS, Term, parse_query


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  ", ()),
        ("Été", (Term("", "ete"),)),
        ("a b", (Term("", "a"), Term("", "b"))),
        ('"golden hour" -sun', (Term("", "golden hour"), Term("", "sun", negated=True))),
        ('"open', (Term("", "open"),)),
        ("tag:Portrait", (Term("tag", "portrait"),)),
        ('tag:"New York"', (Term("tag", "new york"),)),
        ("-tag:x", (Term("tag", "x", negated=True),)),
        ("rating>=4", (Term("rating", "4", ">="),)),
        ("rating:>=4", (Term("rating", "4", ">="),)),
        ("rating:3", (Term("rating", "3", "="),)),
        ("path:events/2024/", (Term("path", "events/2024"),)),
        ("ext:.JPG", (Term("ext", "jpg"),)),
        ("is:favorite", (Term("is", "favorite"),)),
        ("12:30", (Term("", "12:30"),)),
        ("http://x", (Term("", "http://x"),)),
        ("tag:", (Term("", "tag:"),)),
        ('""', ()),
        ("猫", (Term("", "猫"),)),
    ],
)
def test_queries(text: str, terms: tuple[Term, ...]) -> None:
    assert parse_query(text).terms == terms


@pytest.mark.parametrize(
    ("text", "column"), [("rating>=x", 1), ("cat rating:9", 5), ("is:blue", 1), ("x" * (MAX_QUERY_CHARS + 1), 2000)]
)
def test_a_wrong_query_says_where(text: str, column: int) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        parse_query(text)
    assert caught.value.column == column


@given(st.text())
def test_any_text_parses_or_says_why(text: str) -> None:
    try:
        parse_query(text)
    except InvalidQueryError as error:
        assert str(error)
