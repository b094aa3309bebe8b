"""Sidecars: parsing, writing, and the rules by which two versions merge."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenscat_backend.errors import InvalidSidecarError, SidecarDamagedError
from lenscat_backend.models.edit import parse_edit
from lenscat_backend.models.sidecar import (
    Edit,
    Sidecar,
    apply_edit,
    parse_sidecar,
    parse_sidecar_exactly,
    serialize_sidecar,
)
from lenscat_backend.models.times import format_time

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stored(**fields: object) -> Sidecar:
    return Sidecar({"v": 1, "tags": ["a"], "notes": "old", "updated_at": format_time(NOW - HOUR)} | fields)


def merge(sidecar: Sidecar | None, body: dict[str, object], *, matched: bool = False) -> Sidecar:
    stored_at = sidecar.updated_at if sidecar else None
    return apply_edit(sidecar, parse_edit(body), now=NOW, stored_at=stored_at, matched=matched)


def test_first_edit_takes_the_time_it_was_sent_with() -> None:
    sent = format_time(NOW - 5 * HOUR)
    made = merge(None, {"tags": ["x"], "updated_at": sent})
    assert (made.tags, made.notes, made.fields["updated_at"], made.fields["v"]) == (["x"], "", sent, 1)


def test_with_a_match_fields_are_replaced_so_a_tag_can_be_removed() -> None:
    made = merge(stored(tags=["a", "b"]), {"tags": ["b"]}, matched=True)
    assert made.tags == ["b"]
    assert made.notes == "old"


def test_with_a_match_the_time_never_goes_back() -> None:
    echoed = format_time(NOW - 2 * HOUR)
    assert merge(stored(), {"tags": [], "updated_at": echoed}, matched=True).updated_at == NOW


def test_a_newer_stored_sidecar_keeps_its_notes_and_gains_tags() -> None:
    made = merge(stored(), {"tags": ["b", "a"], "notes": "mine", "updated_at": format_time(NOW - 2 * HOUR)})
    assert (made.tags, made.notes, made.updated_at) == (["a", "b"], "old", NOW - HOUR)


def test_an_older_stored_sidecar_is_replaced() -> None:
    made = merge(stored(), {"tags": ["b"], "notes": "mine", "updated_at": format_time(NOW - HOUR / 2)})
    assert (made.tags, made.notes, made.updated_at) == (["b"], "mine", NOW - HOUR / 2)


def test_a_time_in_the_future_counts_as_now() -> None:
    assert merge(None, {"tags": [], "updated_at": "2999-01-01T00:00:00Z"}).updated_at == NOW


def test_a_stored_time_in_the_future_does_not_win_for_ever() -> None:
    made = merge(stored(updated_at="2999-01-01T00:00:00Z"), {"notes": "mine"})
    assert made.notes == "mine"


@pytest.mark.parametrize("matched", [True, False])
def test_exif_hash_and_unknown_fields_survive_when_not_sent(matched: bool) -> None:
    before = stored(exif={"width": 4}, hash="blake3:00", theirs={"deep": [1, {"x": None}]})
    made = merge(before, {"tags": ["z"]}, matched=matched)
    assert made.exif == {"width": 4}
    assert made.hash == "blake3:00"
    assert made.fields["theirs"] == {"deep": [1, {"x": None}]}


def test_null_clears_a_rating() -> None:
    assert "rating" not in merge(stored(rating=3), {"rating": None}, matched=True).fields


def test_camel_case_is_read_and_becomes_snake_case() -> None:
    data = b'{"v":1,"tags":["a"],"updatedAt":"2024-01-15T15:45:00Z","updatedBy":"u","exif":{"createdAt":"x"}}'
    found = parse_sidecar(data)
    assert found.updated_at == datetime(2024, 1, 15, 15, 45, tzinfo=UTC)
    assert found.exif == {"created_at": "x"}
    assert b"updatedAt" not in serialize_sidecar(found)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a": NaN}', b"[" * 5000, b'{"a":1e999}']
)
def test_what_is_no_json_object_is_damaged(data: bytes) -> None:
    with pytest.raises(SidecarDamagedError):
        parse_sidecar_exactly(data)


def test_whole_numbers_of_any_size_survive_a_rewrite() -> None:
    data = b'{"v": 1, "id": 123456789012345678901234567890}'
    assert b"123456789012345678901234567890" in serialize_sidecar(parse_sidecar_exactly(data))


def test_half_a_surrogate_pair_survives_a_rewrite() -> None:
    data = rb'{"v": 1, "odd": "\ud83d", "tags": ["\u00e9"]}'
    assert json.loads(serialize_sidecar(parse_sidecar_exactly(data)))["odd"] == "\ud83d"


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        "x",
        {"tags": "a"},
        {"tags": [1]},
        {"tags": ["x" * 300]},
        {"tags": [str(i) for i in range(1001)]},
        {"notes": 5},
        {"notes": "x" * 100_001},
        {"rating": 6},
        {"rating": True},
        {"rating": 2.5},
        {"favorite": "yes"},
        {"label": 3},
        {"exif": []},
        {"updated_at": "yesterday"},
        {"v": "1"},
    ],
)
def test_a_wrong_field_is_refused_by_name(body: object) -> None:
    with pytest.raises(InvalidSidecarError) as caught:
        parse_edit(body)
    if isinstance(body, dict):
        assert next(iter(body)).rstrip("s") in str(caught.value).lower()


def test_tags_are_stripped_and_without_doubles() -> None:
    assert parse_edit({"tags": [" a ", "a", "", "b"]}).fields["tags"] == ["a", "b"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1), json_values, max_size=6))
def test_any_object_survives_a_rewrite(fields: dict[str, object]) -> None:
    data = json.dumps(fields).encode()
    before = parse_sidecar_exactly(data)
    assert dict(parse_sidecar_exactly(serialize_sidecar(before)).fields) == dict(before.fields)


@given(st.lists(st.text(min_size=1)), st.lists(st.text(min_size=1)), st.integers(-5, 5), st.booleans())
def test_no_tag_is_lost_without_a_match_while_the_stored_one_is_newer(
    mine: list[str], theirs: list[str], hours: int, with_time: bool
) -> None:
    sent = NOW + hours * HOUR - 3 * HOUR
    edit = Edit({"tags": mine}, sent)
    before = stored(tags=theirs, updated_at=format_time(NOW - HOUR))
    made = apply_edit(before, edit, now=NOW, stored_at=NOW - HOUR, matched=False)
    expected = {*mine, *theirs} if min(sent, NOW) < NOW - HOUR else set(mine)
    assert set(made.tags) == expected
