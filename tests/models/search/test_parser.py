"""What queries mean, and what is said of those that mean nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenscat_backend.errors import InvalidQueryError
from lenscat_backend.imaging.formats import MIME_TYPES
from lenscat_backend.models.search.fields import FIELD_OF, FORMATS
from lenscat_backend.models.search.nodes import (
    STATES,
    And,
    Date,
    Everything,
    Format,
    HashPrefix,
    Near,
    Node,
    Not,
    Number,
    Or,
    Part,
    State,
    Text,
)
from lenscat_backend.models.search.parser import MAX_CONDITIONS, MAX_DEPTH, MAX_QUERY_CHARS, parse_query, words
from lenscat_backend.models.search.pattern import Pattern
from lenscat_backend.models.search.sorting import Sort, parse_sort


def word(text: str, part: Part = "") -> Text:
    return Text(part, Pattern("contains", text))


def tag(text: str) -> Text:
    return Text("tag", Pattern("equals", text))


def glob(part: Part, text: str) -> Text:
    return Text(part, Pattern("glob", text, anchored=True))


A, B, C = word("a"), word("b"), word("c")

MEANINGS: dict[str, Node] = {
    "": Everything(),
    "  ": Everything(),
    "*": Everything(),
    '""': Everything(),
    '"': Everything(),
    "a": A,
    "É": word("e"),
    "a b": And((A, B)),
    "a and b": And((A, B)),
    "a AND b c": And((A, B, C)),
    "a or b": Or((A, B)),
    "a OR b | c": Or((A, B, C)),
    "a|b||c": Or((A, B, C)),
    "a b or c": Or((And((A, B)), C)),
    "a (b or c)": And((A, Or((B, C)))),
    "(a)": A,
    "((a) (b))": And((A, B)),
    "-a": Not(A),
    "not a": Not(A),
    "--a": A,
    "not not a": A,
    "not -a": A,
    "-(a or b) c": And((Not(Or((A, B))), C)),
    "a - b": And((A, word("-"), B)),
    '"golden  hour"': word("golden hour"),
    '"golden': word("golden"),
    '"a or b"': word("a or b"),
    '-"a"': Not(A),
    '"tag:x"': word("tag:x"),
    '"a*"': word("a*"),
    "IMG_(1).jpg": word("img_(1).jpg"),
    "(img(1))": word("img(1)"),
    "12:30": word("12:30"),
    "http://x.y": word("http://x.y"),
    "su*t": Text("", Pattern("glob", "su*t")),
    "*sun*": word("sun"),
    "?un": Text("", Pattern("glob", "?un")),
    "tag:Portrait": tag("portrait"),
    "tag=portrait": tag("portrait"),
    'tag:"New  York"': tag("new york"),
    "keyword:x": tag("x"),
    "tag:por*": glob("tag", "por*"),
    'tag:"por*"': tag("por*"),
    "tag:(a or b)": Or((tag("a"), tag("b"))),
    "tag:(a name:b)": And((tag("a"), word("b", "name"))),
    "name:IMG_23*": glob("name", "img_23*"),
    "filename:x": word("x", "name"),
    "notes:lake": word("lake", "notes"),
    "caption:la*": word("la", "notes"),
    "path:Events/2024": Text("path", Pattern("starts", "events/2024")),
    "folder:/events/": Text("path", Pattern("starts", "events/")),
    "directory:e*/raw": Text("path", Pattern("glob", "e*/raw", from_start=True)),
    "path:/": Everything(),
    "tag:": Everything(),
    'a path:""': A,
    "ext:.JPG": Text("ext", Pattern("equals", "jpg")),
    "type:JPG": Format(frozenset(("jpeg",))),
    "type:image/webp": Format(frozenset(("webp",))),
    "camera:Canon": word("canon", "camera"),
    "lens:5?mm": glob("lens", "5?mm"),
    "label:Red": Text("label", Pattern("equals", "red")),
    "label:cat": Or((Text("label", Pattern("equals", "cat")), tag("cat"))),
    "label:none": Not(State("labeled")),
    "colour:cat": Text("label", Pattern("equals", "cat")),
    "rating:3": Number("rating", 3, 3),
    "rating=3": Number("rating", 3, 3),
    "rating>=4": Number("rating", 4),
    "rating:>=4": Number("rating", 4),
    "rating<2": Number("rating", None, 2, high_open=True),
    "rating:4..5": Number("rating", 4, 5),
    "stars:..2": Number("rating", None, 2),
    "width:>4000": Number("width", 4000, low_open=True),
    "height<=480": Number("height", None, 480),
    "mp:12": Number("mp", 11.5, 12.5, high_open=True),
    "mp:>12.5": Number("mp", 12.5, low_open=True),
    "size:100": Number("size", 100, 100),
    "size:>5mb": Number("size", 5e6, low_open=True),
    "size:5MiB..": Number("size", 5 * 1024**2),
    "size:2k": Number("size", 1500, 2500, high_open=True),
    "iso:100..400": Number("iso", 100, 400),
    "f:2.8": Number("f", 2.75, 2.8499999999999996, high_open=True),
    "f:f/2.8..4": Number("f", 2.8, 4),
    "aperture<=2": Number("f", None, 2),
    "mm:50": Number("mm", 49.5, 50.5, high_open=True),
    "date:2023": Date("2023-01-01T00:00:00", "2023-12-31T23:59:59"),
    "date:2024-2": Date("2024-02-01T00:00:00", "2024-02-29T23:59:59"),
    "date:2023-06-15": Date("2023-06-15T00:00:00", "2023-06-15T23:59:59"),
    "date:2023-06-15T10:30": Date("2023-06-15T10:30:00", "2023-06-15T10:30:59"),
    "taken:2023-06..2023-08": Date("2023-06-01T00:00:00", "2023-08-31T23:59:59"),
    "date:2023..": Date("2023-01-01T00:00:00", None),
    "date:>=2024-01-01": Date("2024-01-01T00:00:00", None),
    "created>2023": Date("2024-01-01T00:00:00", None),
    "date<2023": Date(None, "2022-12-31T23:59:59"),
    "date:<=2023": Date(None, "2023-12-31T23:59:59"),
    "before:2023": Date(None, "2022-12-31T23:59:59"),
    "after:2023-06": Date("2023-07-01T00:00:00", None),
    "year:2023": Date("2023-01-01T00:00:00", "2023-12-31T23:59:59"),
    "date:0001..9999": Date("0001-01-01T00:00:00", "9999-12-31T23:59:59"),
    "orientation:landscape": State("landscape"),
    "is:favourite": State("favorite"),
    "is:untagged": Not(State("tagged")),
    "is:unrated": Not(State("rated")),
    "-is:untagged": State("tagged"),
    "has:notes": State("has_notes"),
    "with:gps": State("has_gps"),
    "geo:48.5,-2.25,500m": Near(48.5, -2.25, 0.5),
    "geo:1,2": Near(1, 2, 1),
    "near:1,2,10mi": Near(1, 2, 16.09344),
    "hash:BLAKE3:1f3A": HashPrefix("1f3a"),
}
PROBLEMS = {
    "(": (2, "missing at the end"),
    "()": (2, "empty"),
    "a (b": (3, "never closed"),
    "a) b": (2, "no '('"),
    "or a": (1, "nothing before"),
    "a or": (5, "missing at the end"),
    "a or or b": (6, "nothing before"),
    "a and": (6, "nothing behind"),
    "not": (4, "nothing behind"),
    "a not )": (7, "nothing behind"),
    "a (or b)": (4, "nothing before"),
    "rating:": (1, "wants a value, as in rating:>=4"),
    "x has: y": (3, "wants a value"),
    "tag>4": (1, "not compared"),
    "rating:6": (1, "0 to 5"),
    "rating:x": (1, "0 to 5"),
    "a rating:3.5": (3, "0 to 5"),
    "rating:..": (1, "one side"),
    "rating:5..4": (1, "above its end"),
    "width:1.5": (1, "whole number"),
    "iso:high": (1, "whole number"),
    "size:5parsec": (1, "size with a unit"),
    "mm:": (1, "wants a value"),
    "date:2023-13": (1, "a date is a year"),
    "date:2023-02-30": (1, "a date is a year"),
    "date:summer": (1, "a date is a year"),
    "date:2024..2023": (1, "after its end"),
    "date:2023-06-15T24:00": (1, "a date is a year"),
    "date:0000": (1, "a date is a year"),
    "year:2023-05": (1, "four digits"),
    "type:doc": (1, "knows jpeg"),
    "is:great": (1, "knows favorite"),
    "has:legs": (1, "knows notes"),
    "orientation:up": (1, "knows landscape"),
    "geo:91,0": (1, "latitude"),
    "geo:here": (1, "latitude"),
    "hash:xyz": (1, "hexadecimal"),
    "hash:abc": (1, "hexadecimal"),
    "(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1): (MAX_DEPTH + 1, "within each other"),
    "a " * (MAX_CONDITIONS + 1): (2 * MAX_CONDITIONS + 1, "more than 200 conditions"),
    "a" * (MAX_QUERY_CHARS + 1): (MAX_QUERY_CHARS, "more than 2000 characters"),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_queries_mean(text: str) -> None:
    assert parse_query(text).root == MEANINGS[text]


@pytest.mark.parametrize("text", PROBLEMS)
def test_what_makes_no_sense_is_told_with_its_column(text: str) -> None:
    column, problem = PROBLEMS[text]
    with pytest.raises(InvalidQueryError) as caught:
        parse_query(text)
    assert problem in str(caught.value)
    assert caught.value.column == column


@pytest.mark.parametrize(("name", "days"), [("today", 0), ("Yesterday", 1)])
def test_days_by_name(name: str, days: int) -> None:
    day = (date.today() - timedelta(days)).isoformat()
    assert parse_query(f"date:{name}").root == Date(f"{day}T00:00:00", f"{day}T23:59:59")


ANYTHING = st.lists(
    st.sampled_from([*"()|-\"*?:<>= .,é猫\0\n/'", "or", "and", "not", "..", "2023", "5mb"])
    | st.sampled_from([f"{name}:" for name in FIELD_OF])
    | st.characters(codec="utf-8"),
    max_size=20,
).map("".join)  # fmt: skip


def parsed(text: str) -> Node | None:
    try:
        return parse_query(text).root
    except InvalidQueryError as error:
        assert 1 <= error.column <= len(text) + 1, text
        assert str(error).startswith(f"Column {error.column}: "), text
        return None


@given(ANYTHING)
def test_any_text_is_a_query_or_an_error_with_a_column(text: str) -> None:
    root = parsed(text)
    assert root == parsed(text)
    hash(root)


@given(ANYTHING)
def test_parentheses_around_a_query_change_nothing(text: str) -> None:
    root = parsed(text)
    if root is not None and root != Everything() and text.count('"') % 2 == 0:
        assert parsed(f"( {text} )") == root
        assert parsed(f"not not ( {text} )") == root


def test_the_formats_are_those_of_the_table_of_formats() -> None:
    assert set(FORMATS.values()) == set(MIME_TYPES)


def test_every_state_can_be_asked_for() -> None:
    asked = [f"is:{name}" for name in ("favorite", "tagged", "rated", "labeled", "landscape", "portrait", "square")]
    asked += [f"has:{name}" for name in ("notes", "gps", "date", "camera", "lens", "hash", "sidecar")]
    assert [parse_query(text).root for text in asked] == [State(name) for name in STATES]


def test_the_words_to_highlight() -> None:
    root = parse_query('beach "golden hour" -rain (tag:lake or name:IMG_*1) camera:canon notes:"by night"').root
    assert list(words(root)) == ["beach", "golden hour", "lake", "img_", "1", "by night"]


@pytest.mark.parametrize(
    ("text", "sort"),
    [("", Sort()), ("date", Sort("date")), ("-date", Sort("date", True)), ("random:42", Sort("random", False, 42))],
)
def test_orders(text: str, sort: Sort) -> None:
    assert parse_sort(text) == sort


@pytest.mark.parametrize(
    "text", ["x", "date:1", "--date", "random:x", "random:-1", "random:99999999999", "Date", " date"]
)
def test_no_orders(text: str) -> None:
    with pytest.raises(InvalidQueryError, match="sorted by path, name"):
        parse_sort(text)
