"""How words match and names sort."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lenscat_backend.models.text import fold, sort_key


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("IMG_1.JPG", "img_1.jpg"),
        ("Café", "cafe"),
        ("Cafe\u0301", "cafe"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ﬁn", "fin"),
        ("İstanbul", "istanbul"),
        ("Ｆｕｌｌ", "full"),
        ("Ωμέγα", "ωμεγα"),
        ("한글", "한글"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
@example("\u1f84")
@example("ͅ\u0301α")
@example("㎯")
def test_one_text_however_composed(text: str) -> None:
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text)) == fold(text)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_case_does_not_matter(text: str) -> None:
    assert fold(text.casefold()) == fold(text)


@pytest.mark.parametrize(
    "ordered",
    [
        ["img1", "img2", "img10", "img011", "img100"],
        ["IMG2.jpg", "img10.jpg", "Img11.jpg"],
        ["a", "a0", "a1", "a1b", "a2", "ab"],
        ["1.jpg", "2.jpg", "10.jpg", "a.jpg"],
        ["2023-12-31", "2024-1-2", "2024-01-10", "2024-2-1"],
        ["x9", "x" + "9" * 60, "x1" + "0" * 60],
        ["etude", "Étude2", "étude10"],
    ],
)
def test_names_sort_the_way_people_count(ordered: list[str]) -> None:
    assert sorted({*ordered}, key=lambda name: (sort_key(name), name)) == ordered


@given(st.integers(0, 10**30), st.integers(0, 10**30), st.text("ab0-. ", max_size=3))
def test_numbers_sort_by_value(one: int, other: int, around: str) -> None:
    after = f"x{around.lstrip('0')}"
    assert (sort_key(f"n{one}{after}") < sort_key(f"n{other}{after}")) == (one < other)


def test_leading_zeros_tie() -> None:
    assert sort_key("a1") == sort_key("a01") == sort_key("A001")
