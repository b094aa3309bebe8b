"""The rules of 'Conflicts', over HTTP: no edit is lost, none is faked, and what cannot be understood is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import picture
from tests.serving import Served, serving

OLD = "2020-01-01T00:00:00Z"
NEWER = "2021-06-01T12:00:00Z"
FUTURE = "2999-01-01T00:00:00Z"


def put(client: TestClient, fields: object, path: str = "a.jpg", **headers: str) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put("/api/item", params={"path": path}, json=fields, headers=given)


def get(client: TestClient, path: str = "a.jpg") -> Any:
    return client.get("/api/item", params={"path": path})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_now(text: str) -> bool:
    return abs(datetime.now(UTC) - moment(text)) < timedelta(minutes=5)


@pytest.fixture
def sidecar(library: Path) -> Path:
    return library / "a.jpg.json"


# --- with If-Match


def test_a_match_replaces_the_fields_as_sent_so_a_tag_can_go(client: TestClient) -> None:
    etag = put(client, {"tags": ["one", "two"], "notes": "old"}).headers["etag"]
    reply = put(client, {"tags": ["two"], "notes": ""}, if_match=etag)
    assert (reply.status_code, reply.json()["tags"], reply.json()["notes"]) == (200, ["two"], "")


def test_a_match_replaces_even_with_an_older_time(client: TestClient) -> None:
    etag = put(client, {"tags": ["one", "two"]}).headers["etag"]
    reply = put(client, {"tags": [], "updated_at": OLD}, if_match=etag)
    assert (reply.json()["tags"], is_now(reply.json()["updated_at"])) == ([], True)


def test_a_match_can_remove_rating_label_and_favorite(client: TestClient) -> None:
    etag = put(client, {"rating": 3, "label": "red", "favorite": True}).headers["etag"]
    reply = put(client, {"rating": None, "label": None, "favorite": None}, if_match=etag)
    assert {"rating", "label", "favorite"}.isdisjoint(reply.json())


def test_a_match_among_several(client: TestClient) -> None:
    etag = put(client, {"tags": ["one"]}).headers["etag"]
    assert put(client, {"tags": ["two"]}, if_match=f'"other", {etag}').status_code == 200


def test_the_etag_of_an_item_without_a_sidecar_creates_one(client: TestClient) -> None:
    reply = put(client, {"tags": ["one"]}, if_match=get(client).headers["etag"])
    assert (reply.status_code, reply.json()["tags"]) == (200, ["one"])


def test_a_mismatch_gives_the_current_sidecar_and_its_etag(client: TestClient, sidecar: Path) -> None:
    stale = put(client, {"tags": ["one"]}).headers["etag"]
    current = put(client, {"tags": ["two"]}, if_match=stale)
    before = sidecar.read_bytes()
    reply = put(client, {"tags": ["three"]}, if_match=stale)
    assert reply.status_code == 412
    assert reply.json()["current"] == current.json()
    assert reply.json()["etag"] == reply.headers["etag"] == current.headers["etag"]
    assert reply.json()["detail"]
    assert sidecar.read_bytes() == before


def test_the_etag_of_a_mismatch_works_for_the_next_try(client: TestClient) -> None:
    put(client, {"tags": ["one"]})
    refused = put(client, {"tags": ["two"]}, if_match='"stale"').json()
    merged = [*refused["current"]["tags"], "two"]
    assert put(client, {"tags": merged}, if_match=refused["etag"]).json()["tags"] == ["one", "two"]


def test_a_mismatch_where_there_is_no_sidecar(client: TestClient, sidecar: Path) -> None:
    reply = put(client, {"tags": ["one"]}, if_match='"stale"')
    assert (reply.status_code, reply.json()["current"]) == (412, None)
    assert reply.json()["etag"] == get(client).headers["etag"]
    assert not sidecar.exists()


def test_a_weak_etag_never_matches(client: TestClient) -> None:
    etag = put(client, {"tags": ["one"]}).headers["etag"]
    assert put(client, {"tags": []}, if_match=f"W/{etag}").status_code == 412


def test_any_etag_matches_a_star(client: TestClient) -> None:
    put(client, {"tags": ["one"]})
    assert put(client, {"tags": []}, if_match="*").json()["tags"] == []


@pytest.mark.parametrize("header", ["nonsense", '"', "", "5f3a"])
def test_an_if_match_that_holds_no_etag(client: TestClient, sidecar: Path, header: str) -> None:
    reply = put(client, {"tags": ["one"]}, if_match=header)
    assert (reply.status_code, "If-Match" in reply.json()["detail"]) == (400, True)
    assert not sidecar.exists()


def test_an_edit_by_another_program_breaks_the_match(client: TestClient, sidecar: Path) -> None:
    etag = put(client, {"tags": ["one"]}).headers["etag"]
    sidecar.write_text(json.dumps({"v": 1, "tags": ["theirs"]}))
    reply = put(client, {"tags": ["mine"]}, if_match=etag)
    assert (reply.status_code, reply.json()["current"]["tags"]) == (412, ["theirs"])


def test_delete_with_a_mismatch_deletes_nothing(client: TestClient, sidecar: Path) -> None:
    put(client, {"tags": ["one"]})
    reply = client.delete("/api/item", params={"path": "a.jpg"}, headers={"If-Match": '"stale"'})
    assert (reply.status_code, reply.json()["current"]["tags"], sidecar.exists()) == (412, ["one"], True)


def test_delete_with_a_match(client: TestClient, sidecar: Path) -> None:
    etag = put(client, {"tags": ["one"]}).headers["etag"]
    assert client.delete("/api/item", params={"path": "a.jpg"}, headers={"If-Match": etag}).status_code == 200
    assert not sidecar.exists()


# --- create only


def test_if_none_match_star_creates(client: TestClient) -> None:
    assert put(client, {"tags": ["one"]}, if_none_match="*").status_code == 200


def test_if_none_match_star_never_touches_what_exists(client: TestClient, sidecar: Path) -> None:
    written = put(client, {"tags": ["one"]})
    before = sidecar.read_bytes()
    reply = put(client, {"tags": ["two"]}, if_none_match="*")
    assert (reply.status_code, reply.json()["current"], reply.json()["etag"]) == (
        412,
        written.json(),
        written.headers["etag"],
    )
    assert sidecar.read_bytes() == before


def test_of_many_creators_one_wins(server: Served) -> None:
    def create(number: int) -> int:
        return server.put_item("a.jpg", {"tags": [f"t{number}"]}, If_None_Match="*").status

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(create, range(8)))
    assert statuses == [200] + [412] * 7


# --- without If-Match


def test_an_older_edit_adds_its_tags_and_the_newer_notes_stay(client: TestClient) -> None:
    put(client, {"tags": ["one", "two"], "notes": "newer", "rating": 5, "updated_at": NEWER})
    reply = put(client, {"tags": ["two", "three"], "notes": "older", "rating": 1, "updated_at": OLD}).json()
    assert (reply["tags"], reply["notes"], reply["rating"]) == (["one", "two", "three"], "newer", 5)
    assert reply["updated_at"] == NEWER


def test_an_older_edit_still_brings_what_was_not_there(client: TestClient) -> None:
    put(client, {"tags": ["one"], "updated_at": NEWER})
    reply = put(client, {"tags": [], "rating": 4, "mine": {"x": 1}, "updated_at": OLD}).json()
    assert (reply["rating"], reply["mine"]) == (4, {"x": 1})


@pytest.mark.parametrize("sent_at", [NEWER, "2020-01-01T00:00:00.001Z", OLD])
def test_an_edit_as_new_or_newer_wins(client: TestClient, sent_at: str) -> None:
    put(client, {"tags": ["one"], "notes": "old", "updated_at": OLD})
    reply = put(client, {"tags": ["two"], "notes": "new", "updated_at": sent_at}).json()
    assert (reply["tags"], reply["notes"], reply["updated_at"]) == (["two"], "new", sent_at)


def test_times_are_compared_as_instants_whatever_their_zone(client: TestClient) -> None:
    put(client, {"tags": ["one"], "updated_at": "2021-06-01T12:00:00Z"})
    earlier = "2021-06-01T13:00:00+02:00"  # eleven o'clock in UTC
    assert put(client, {"tags": ["two"], "updated_at": earlier}).json()["tags"] == ["one", "two"]


def test_an_edit_without_a_time_is_of_now(client: TestClient) -> None:
    put(client, {"tags": ["one"], "updated_at": OLD})
    reply = put(client, {"tags": ["two"]}).json()
    assert (reply["tags"], is_now(reply["updated_at"])) == (["two"], True)


def test_a_time_in_the_future_is_pulled_back_to_now(client: TestClient) -> None:
    assert is_now(put(client, {"tags": ["one"], "updated_at": FUTURE}).json()["updated_at"])


def test_a_sidecar_from_the_future_does_not_win_forever(client: TestClient, sidecar: Path) -> None:
    sidecar.write_text(json.dumps({"v": 1, "tags": ["future"], "updated_at": FUTURE}))
    reply = put(client, {"tags": ["now"]}).json()
    assert (reply["tags"], is_now(reply["updated_at"])) == (["now"], True)


def test_an_old_edit_of_a_sidecar_from_the_future_loses_no_tag(client: TestClient, sidecar: Path) -> None:
    sidecar.write_text(json.dumps({"v": 1, "tags": ["future"], "updated_at": FUTURE}))
    reply = put(client, {"tags": ["old"], "updated_at": OLD}).json()
    assert (set(reply["tags"]), is_now(reply["updated_at"])) == ({"future", "old"}, True)


def test_a_sidecar_that_says_no_time_is_as_old_as_its_file(client: TestClient, sidecar: Path) -> None:
    sidecar.write_text(json.dumps({"tags": ["theirs"]}))
    assert put(client, {"tags": ["mine"], "updated_at": OLD}).json()["tags"] == ["theirs", "mine"]


def test_a_union_is_searchable_at_once(client: TestClient) -> None:
    put(client, {"tags": ["one"], "updated_at": NEWER})
    put(client, {"tags": ["three"], "updated_at": OLD})
    found = client.get("/api/search", params={"q": "tag:one tag:three"}).json()
    assert [entry["path"] for entry in found["items"]] == ["a.jpg"]


# --- what survives

FOREIGN = {
    "v": 1,
    "tags": ["one"],
    "notes": "n",
    "exif": {"lens": "by hand", "unknown_key": [1, {"a": None}], "created_at": "1999-12-31T23:59:59Z"},
    "updated_at": OLD,
    "other_program": {"camelCase": 1, "list": [1.5, True, None, "ü"]},
    "ratingHistory": [1, 2],
    "big": 123456789012345678901234567890,
}


@pytest.mark.parametrize("sent_at", [NEWER, "2019-01-01T00:00:00Z", None])
@pytest.mark.parametrize("matched", [True, False])
def test_what_is_not_sent_survives(client: TestClient, sidecar: Path, sent_at: str | None, matched: bool) -> None:
    sidecar.write_text(json.dumps(FOREIGN))
    headers = {"if_match": get(client).headers["etag"]} if matched else {}
    assert put(client, {"tags": ["two"], "updated_at": sent_at}, **headers).status_code == 200
    now = json.loads(sidecar.read_bytes())
    assert {name: now[name] for name in ("notes", "other_program", "ratingHistory", "big")} == {
        name: FOREIGN[name] for name in ("notes", "other_program", "ratingHistory", "big")
    }
    assert {**now["exif"], **FOREIGN["exif"]} == now["exif"]  # type: ignore[dict-item]


def test_unknown_fields_of_an_edit_are_kept(client: TestClient) -> None:
    put(client, {"tags": [], "ours": {"deep": [1, 2]}})
    assert get(client).json()["ours"] == {"deep": [1, 2]}


def test_a_hash_survives_an_edit(client: TestClient) -> None:
    first = put(client, {"tags": ["one"]}).json()["hash"]
    assert put(client, {"tags": ["two"]}).json()["hash"] == first


def test_a_dead_name_of_half_a_character_survives_on_disk(client: TestClient, sidecar: Path) -> None:
    sidecar.write_text('{"tags": ["one"], "theirs": "\\ud83d"}')
    assert put(client, {"tags": ["two"]}).status_code == 200
    assert json.loads(sidecar.read_bytes())["theirs"] == "\ud83d"


def test_a_sidecar_is_never_read_half_written(client: TestClient, sidecar: Path, server: Served) -> None:
    seen: list[object] = []
    put(client, {"tags": ["x"], "notes": "n" * 50_000})
    with ThreadPoolExecutor(2) as threads:
        writing = threads.submit(
            lambda: [server.put_item("a.jpg", {"notes": str(n % 10) * 50_000}).status for n in range(20)]
        )
        while not writing.done():
            seen.append(json.loads(sidecar.read_bytes()))
        assert writing.result() == [200] * 20
    assert seen


# --- camelCase


def test_a_camel_case_edit_is_understood_and_written_in_snake_case(client: TestClient, sidecar: Path) -> None:
    put(client, {"tags": ["one"], "updatedAt": OLD, "updatedBy": "me@here", "exif": {"createdAt": NEWER}})
    now = json.loads(sidecar.read_bytes())
    assert (now["updated_at"], now["updated_by"], now["exif"]["created_at"]) == (OLD, "me@here", NEWER)
    assert {"updatedAt", "updatedBy"}.isdisjoint(now)
    assert "createdAt" not in now["exif"]


def test_a_camel_case_sidecar_takes_part_in_the_rules(client: TestClient, sidecar: Path) -> None:
    sidecar.write_text(json.dumps({"v": 1, "tags": ["one"], "updatedAt": NEWER, "updatedBy": "them"}))
    assert (get(client).json()["updated_at"], get(client).json()["updated_by"]) == (NEWER, "them")
    assert put(client, {"tags": ["two"], "updated_at": OLD}).json()["tags"] == ["one", "two"]


# --- damaged sidecars

DAMAGED = {
    "cut off": b'{"v": 1, "tags": ["pre',
    "empty": b"",
    "a list": b"[]",
    "a text": b'"text"',
    "null": b"null",
    "not a number": b'{"x": NaN}',
    "beyond all numbers": b'{"x": 1e999}',
    "not UTF-8": b'{"tags": ["\xff\xfe"]}',
    "two values": b"{}{}",
    "zeros": b"\0" * 100,
    "too deep": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.fixture(params=DAMAGED)
def damaged(request: pytest.FixtureRequest, sidecar: Path) -> Iterator[Path]:
    """A sidecar that is no JSON object; it must be the same after the test."""
    data = DAMAGED[request.param]
    sidecar.write_bytes(data)
    yield sidecar
    assert sidecar.read_bytes() == data


def test_an_edit_of_a_damaged_sidecar_names_the_file(client: TestClient, damaged: Path) -> None:
    for headers in ({}, {"if_match": "*"}, {"if_match": '"none"'}, {"if_none_match": "*"}):
        reply = put(client, {"tags": ["mine"]}, **headers)
        assert (reply.status_code, damaged.name in reply.json()["detail"]) == (409, True), headers
        assert str(damaged.parent) not in reply.text


def test_a_damaged_sidecar_is_not_deleted(client: TestClient, damaged: Path) -> None:
    reply = client.delete("/api/item", params={"path": "a.jpg"})
    assert (reply.status_code, damaged.name in reply.json()["detail"]) == (409, True)


def test_an_item_with_a_damaged_sidecar_still_shows(client: TestClient, damaged: Path) -> None:
    listed = client.get("/api/folders").json()["items"]
    assert [(entry["name"], entry["w"], entry["has_meta"]) for entry in listed] == [("a.jpg", 40, True)]
    assert client.get("/api/thumb", params={"path": "a.jpg"}).status_code == 200
    assert client.get("/api/files/a.jpg").status_code == 200
    assert client.get("/api/search", params={"q": "a.jpg"}).json()["total"] == 1
    assert client.post("/api/folders/reindex").status_code == 200
    assert client.post("/api/search/rebuild-index").json()["items_indexed"] == 3


def test_reading_a_damaged_sidecar_says_so_beside_the_facts(client: TestClient, damaged: Path) -> None:
    reply = get(client)
    assert (reply.status_code, reply.json()["exif"]["width"], reply.json()["updated_by"]) == (200, 40, "system")
    assert damaged.name in reply.json()["problem"]


def test_a_mended_sidecar_can_be_edited(client: TestClient, sidecar: Path) -> None:
    sidecar.write_bytes(DAMAGED["cut off"])
    assert put(client, {"tags": ["mine"]}).status_code == 409
    sidecar.write_text('{"tags": ["theirs"]}')
    assert put(client, {"tags": ["mine"], "updated_at": OLD}).json()["tags"] == ["theirs", "mine"]


def test_a_huge_sidecar_is_left_alone(client: TestClient, sidecar: Path) -> None:
    sidecar.write_bytes(b'{"tags": ["one"], "x": "' + b"x" * 5 * 1024 * 1024 + b'"}')
    size = sidecar.stat().st_size
    assert 400 <= put(client, {"tags": ["mine"]}).status_code < 500
    assert sidecar.stat().st_size == size
    assert [entry["name"] for entry in client.get("/api/folders").json()["items"]] == ["a.jpg"]


def test_a_folder_in_the_sidecars_place(client: TestClient, sidecar: Path) -> None:
    sidecar.mkdir()
    (sidecar / "kept.txt").write_text("kept")
    assert 400 <= put(client, {"tags": ["mine"]}).status_code < 500
    assert (sidecar / "kept.txt").read_text() == "kept"


def test_odd_but_valid_sidecars_are_read_for_what_they_say(client: TestClient, sidecar: Path) -> None:
    odd = {"tags": "single", "notes": 5, "exif": "none", "hash": 1, "rating": "high", "updated_at": "yesterday"}
    sidecar.write_text(json.dumps(odd))
    assert (get(client).status_code, get(client).json()["tags"], get(client).json()["notes"]) == (200, ["single"], "")
    assert client.get("/api/search", params={"q": "tag:single"}).json()["total"] == 1
    assert put(client, {"tags": ["single", "two"], "rating": 2}).status_code == 200


# --- many at once


@pytest.fixture
def server(library: Path) -> Iterator[Served]:
    with serving(library) as served:
        yield served


def edit_until_done(server: Served, path: str, tag: str) -> None:
    """Add one tag the way a careful client does: read, merge, write on condition, and again after a 412."""
    current = server.get("/api/item", path=path)
    tags, etag = current.json()["tags"], current.headers["etag"]
    for _ in range(500):
        reply = server.put_item(path, {"tags": [*tags, tag]}, If_Match=etag)
        if reply.status == 200:
            return
        assert reply.status in (412, 503), reply.data
        if reply.status == 412:
            tags, etag = reply.json()["current"]["tags"], reply.json()["etag"]
    raise AssertionError(f"{tag} never got in")


def test_sixteen_writers_that_merge_lose_nothing(server: Served, sidecar: Path) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            edit_until_done(server, "a.jpg", f"w{writer}-{number}")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(write, range(16)))
    assert set(json.loads(sidecar.read_bytes())["tags"]) == {f"w{w}-{n}" for w in range(16) for n in range(10)}


def test_sixteen_writers_with_old_edits_lose_nothing(server: Served, sidecar: Path) -> None:
    server.put_item("a.jpg", {"tags": ["first"], "notes": "kept", "updated_at": NEWER})

    def write(writer: int) -> None:
        sent: list[str] = []
        for number in range(20):
            sent.append(f"w{writer}-{number}")
            reply = server.put_item("a.jpg", {"tags": sent, "notes": "old", "updated_at": OLD})
            assert reply.status == 200, reply.data
            assert set(sent) <= set(reply.json()["tags"])

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(write, range(16)))
    now = json.loads(sidecar.read_bytes())
    assert set(now["tags"]) == {"first"} | {f"w{w}-{n}" for w in range(16) for n in range(20)}
    assert now["notes"] == "kept"


def test_two_servers_on_one_library_lose_no_tag(library: Path, tmp_path: Path) -> None:
    (library / "b.jpg").write_bytes(picture())
    with (
        serving(library, "--cache-dir", tmp_path / "one") as first,
        serving(library, "--cache-dir", tmp_path / "two") as second,
    ):
        servers = (first, second)

        def write(writer: int) -> None:
            for number in range(6):
                edit_until_done(servers[(writer + number) % 2], "a.jpg", f"w{writer}-{number}")
                edit_until_done(servers[writer % 2], "b.jpg", f"w{writer}-{number}")

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(write, range(16)))
        expected = {f"w{w}-{n}" for w in range(16) for n in range(6)}
        for name in ("a.jpg", "b.jpg"):
            assert set(json.loads((library / f"{name}.json").read_bytes())["tags"]) == expected
            for server in servers:
                assert set(server.get("/api/item", path=name).json()["tags"]) == expected
                assert server.get("/api/search", q=f"tag:w15-5 name:{name}").json()["total"] == 1
