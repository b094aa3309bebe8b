"""Library paths: what is accepted, and names of any bytes as text and back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lenscat_backend.errors import InvalidPathError
from lenscat_backend.models.paths import (
    MAX_PATH_CHARS,
    ROOT,
    decode_name,
    encode_name,
    is_hidden,
    join,
    parse_path,
    split,
)

names = st.binary(min_size=1, max_size=40).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_"))


@pytest.mark.parametrize("raw", ["", "/"])
def test_the_root(raw: str) -> None:
    assert parse_path(raw) == ROOT


@pytest.mark.parametrize("raw", ["a", "a/b c.jpg", "ü/ö", "a\\b", "a%2Fb", "#1", "..a/b..", " ", "a\nb", "~"])
def test_good_paths_stay_as_they_are(raw: str) -> None:
    assert parse_path(raw) == raw


def test_one_trailing_slash_is_dropped() -> None:
    assert parse_path("a/b/") == "a/b"


@pytest.mark.parametrize("raw", ["/a", "//", "a//b", "a//", ".", "..", "a/../b", "a/.", "./a", "a\0b", "a/\ud800"])
def test_bad_paths_are_refused(raw: str) -> None:
    with pytest.raises(InvalidPathError):
        parse_path(raw)


def test_the_longest_path() -> None:
    assert parse_path("x" * MAX_PATH_CHARS)
    with pytest.raises(InvalidPathError, match=str(MAX_PATH_CHARS)):
        parse_path("x" * (MAX_PATH_CHARS + 1))


@pytest.mark.parametrize("alias", ["\U0010fec3\U0010fea9", "\U0010fe41", "\U0010fe80".join("ab") + "\U0010fe00"])
def test_a_second_spelling_of_a_name_is_refused(alias: str) -> None:
    """Else one file would have two paths, and two rows, and two ETags."""
    with pytest.raises(InvalidPathError, match="second way"):
        parse_path(alias)


@given(names)
@example(b"\xff")
@example("\U0010fe80".encode())
@example("\U0010fe80".encode() + b"\x80")
@example(b"\xed\xb2\x80")  # an encoded surrogate, which is not UTF-8
def test_names_of_any_bytes_come_back(raw: bytes) -> None:
    text = decode_name(raw)
    text.encode("utf-8")  # valid Unicode
    assert encode_name(text) == raw
    if text not in (".", ".."):
        assert parse_path(text) == text


@given(names, names)
def test_different_names_stay_different(one: bytes, other: bytes) -> None:
    assert (decode_name(one) == decode_name(other)) == (one == other)


@given(st.lists(names, min_size=1, max_size=4))
def test_a_path_is_encoded_segment_by_segment(raws: list[bytes]) -> None:
    assert encode_name("/".join(map(decode_name, raws))).split(b"/") == raws


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_ordinary_text_is_not_touched(text: str) -> None:
    if not any(0x10FE00 <= ord(char) <= 0x10FEFF for char in text):
        assert decode_name(text.encode()) == text


@pytest.mark.parametrize(("path", "parts"), [("", ("", "")), ("a", ("", "a")), ("a/b/c", ("a/b", "c"))])
def test_split_and_join(path: str, parts: tuple[str, str]) -> None:
    assert split(parse_path(path)) == parts
    assert not path or join(*split(parse_path(path))) == path


@pytest.mark.parametrize(
    ("path", "hidden"),
    [("", False), ("a.b/c.d", False), (".a", True), ("a/.b", True), ("a/.b/c", True), ("a./b", False)],
)
def test_hidden(path: str, hidden: bool) -> None:
    assert is_hidden(parse_path(path)) is hidden
