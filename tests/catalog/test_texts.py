"""The text index of a block finds exactly what looking through the texts finds."""

from __future__ import annotations

import re
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenscat_backend.catalog.blocks.texts import Texts
from lenscat_backend.models.text import searchable

PIECES = [
    "a",
    "b",
    "ab",
    "ba",
    "abc",
    "sun",
    "sunset",
    "0012",
    "12345678",
    "123456789",
    "12345678x",
    "é",
    "猫",
    "猫と犬",
]
TEXTS = st.lists(st.sampled_from([*PIECES, " ", " ", "_", "-", ".", ", ", "(", "🦊"]), max_size=6).map(
    lambda parts: searchable("".join(parts))
)
WHERES = ("anywhere", "start", "end", "whole")


def plainly(text: str, needle: str, where: str) -> bool:
    return {
        "anywhere": needle in text,
        "start": text.startswith(needle),
        "end": text.endswith(needle),
        "whole": text == needle,
    }[where]


@st.composite
def texts_and_needle(draw: st.DrawFn) -> tuple[list[str], str]:
    """Needles are parts of the texts, also of two that follow each other, or anything."""
    texts = draw(st.lists(TEXTS, min_size=1, max_size=12))
    joined = " ".join(texts)
    at = draw(st.integers(0, len(joined)) | st.sampled_from(list(accumulate(len(text) + 1 for text in texts))))
    part = joined[max(0, at - draw(st.integers(0, 4))) : at + draw(st.integers(1, 12))]
    needle = searchable(draw(st.sampled_from([part, part, part.replace(" ", "")]) | TEXTS))
    return texts, needle or "a"


@settings(max_examples=600, deadline=None)
@given(texts_and_needle(), st.sampled_from(WHERES))
def test_a_needle_is_found_where_it_is(drawn: tuple[list[str], str], where: str) -> None:
    texts, needle = drawn
    found = Texts.build(texts).find(needle, where)  # type: ignore[arg-type]  # one of its words
    assert found.tolist() == [bool(text) and plainly(text, needle, where) for text in texts], (texts, needle)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, max_size=12))
def test_texts_can_be_told_again(texts: list[str]) -> None:
    index = Texts.build(texts)
    assert [index.text(item) for item in range(len(index))] == texts


@settings(max_examples=100, deadline=None)
@given(texts_and_needle())
def test_whole_words_are_told_from_parts_of_words(drawn: tuple[list[str], str]) -> None:
    texts, needle = drawn
    if not needle.isascii() or not needle.isalnum():
        return
    word = re.compile(rf"(?<![a-z0-9\x80-\U0010ffff]){needle}(?![a-z0-9\x80-\U0010ffff])")
    assert Texts.build(texts).has_word(needle).tolist() == [word.search(text) is not None for text in texts]


@pytest.mark.parametrize("needle", ["1", "7", "77", "img_", "img_00", "0_7", "_", ".jpg", "00077.jpg", "6543210"])
def test_many_texts(needle: str) -> None:
    """Enough of them that every way to look is taken: one by one, and all at once."""
    texts = [
        f"img_{number:05}{'_' * (number % 3)}{number * 7919 % 10007}.jpg" if number % 11 else ""
        for number in range(5000)
    ]
    index = Texts.build(texts)
    for where in WHERES:
        expected = np.array([bool(text) and plainly(text, needle, where) for text in texts])
        assert np.array_equal(index.find(needle, where), expected), where  # type: ignore[arg-type]  # one of its words
