"""Sidecars that cannot be read, or not by this version: the picture still shows, the file is named and left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import OpenClient, picture

ITEM = {"path": "trip/two.jpg"}
NEWER = {"v": 7, "tags": ["later"], "notes": "from the future", "shape": {"x": 1}, "updated_at": "2020-01-01T00:00:00Z"}


@pytest.fixture
def sidecar(library: Path) -> Path:
    return library / "trip" / "two.jpg.json"


def get(client: TestClient) -> Any:
    return client.get("/api/item", params=ITEM)


def put(client: TestClient, fields: object, **headers: str) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put("/api/item", params=ITEM, json=fields, headers=given)


def conditions(client: TestClient) -> list[dict[str, str]]:
    """None, any, the current ETag, a wrong one, and only to create."""
    etag = get(client).headers["etag"]
    return [{}, {"if_match": "*"}, {"if_match": etag}, {"if_match": '"other"'}, {"if_none_match": "*"}]


def names_the_file(text: str, library: Path) -> bool:
    return "trip/two.jpg.json" in text and str(library) not in text


# --- damaged


def test_a_damaged_sidecar_does_not_hide_the_facts(client: TestClient, sidecar: Path, library: Path) -> None:
    sidecar.write_text('{"tags": ["cut o')
    reply = get(client)
    item = reply.json()
    assert (reply.status_code, item["updated_by"], item["tags"], item["notes"]) == (200, "system", [], "")
    assert (item["exif"]["width"], item["exif"]["height"]) == (80, 20)
    assert names_the_file(item["problem"], library)
    assert "line 1" in item["problem"]


def test_an_item_without_trouble_has_no_problem(client: TestClient) -> None:
    assert "problem" not in get(client).json()
    put(client, {"tags": ["fine"]})
    assert "problem" not in get(client).json()


def test_no_condition_overwrites_a_damaged_sidecar(client: TestClient, sidecar: Path, library: Path) -> None:
    sidecar.write_text("{damaged")
    for headers in conditions(client):
        reply = put(client, {"tags": ["mine"]}, **headers)
        assert (reply.status_code, names_the_file(reply.json()["detail"], library)) == (409, True), headers
    assert sidecar.read_text() == "{damaged"


def test_the_etag_of_a_damaged_sidecar_is_its_own(client: TestClient, sidecar: Path) -> None:
    none = get(client).headers["etag"]
    sidecar.write_text("{damaged")
    damaged = get(client).headers["etag"]
    assert client.get("/api/item", params=ITEM, headers={"If-None-Match": damaged}).status_code == 304
    sidecar.write_text("{Damaged")
    assert len({none, damaged, get(client).headers["etag"]}) == 3
    sidecar.write_text('{"tags": ["mended"]}')
    reply = put(client, {"tags": ["mine"]}, if_match=damaged)
    assert (reply.status_code, reply.json()["current"]["tags"]) == (412, ["mended"])


def test_a_damaged_sidecar_that_was_removed_is_no_longer_a_problem(client: TestClient, sidecar: Path) -> None:
    sidecar.write_text("{damaged")
    damaged = get(client).headers["etag"]
    sidecar.unlink()
    assert "problem" not in get(client).json()
    assert put(client, {"tags": ["mine"]}, if_match=damaged).status_code == 412


def test_a_damaged_sidecar_of_a_picture_that_cannot_be_read(client: TestClient, sidecar: Path, library: Path) -> None:
    sidecar.write_text("{damaged")
    (library / "trip" / "two.jpg").write_bytes(b"no picture")
    assert (get(client).status_code, get(client).json()["exif"]) == (200, {})


def huge(sidecar: Path) -> None:
    sidecar.write_bytes(b'{"x": "' + b"x" * 5 * 1024 * 1024 + b'"}')


def outward(sidecar: Path) -> None:
    outside = sidecar.parents[2] / "outside.json"
    outside.write_text('{"tags": ["secret"]}')
    sidecar.symlink_to(outside)


@pytest.mark.parametrize(("make", "status"), [(huge, 413), (outward, 403)])
def test_a_sidecar_that_is_not_read_does_not_hide_the_facts(
    client: TestClient, sidecar: Path, library: Path, make: Callable[[Path], None], status: int
) -> None:
    make(sidecar)
    reply = get(client)
    assert (reply.status_code, reply.json()["exif"]["width"], reply.json()["tags"]) == (200, 80, [])
    assert "two.jpg.json" in reply.json()["problem"]
    assert str(library.parent) not in reply.text
    refused = put(client, {"tags": ["mine"]}, if_match=reply.headers["etag"])
    assert (refused.status_code, "two.jpg.json" in refused.json()["detail"]) == (status, True)


def test_a_foreign_field_named_problem_is_kept_and_not_taken_for_ours(client: TestClient, sidecar: Path) -> None:
    sidecar.write_text(json.dumps({"v": 1, "problem": "theirs"}))
    item = get(client).json()
    assert "problem" not in item
    assert "problem" not in put(client, item | {"problem": "sent back", "tags": ["x"]}).json()
    assert json.loads(sidecar.read_text())["problem"] == "theirs"


# --- of a newer format


def test_a_newer_sidecar_shows_what_it_can(client: TestClient, sidecar: Path, library: Path) -> None:
    sidecar.write_text(json.dumps(NEWER))
    item = get(client).json()
    assert (item["v"], item["tags"], item["notes"]) == (7, ["later"], "from the future")
    assert (item["shape"], item["exif"]["width"]) == ({"x": 1}, 80)
    assert names_the_file(item["problem"], library)
    assert "7" in item["problem"]
    assert client.get("/api/search", params={"q": "tag:later"}).json()["total"] == 1


@pytest.mark.parametrize("version", [2, 7, 1.5, 10**30])
def test_a_newer_sidecar_is_never_rewritten(client: TestClient, sidecar: Path, library: Path, version: float) -> None:
    text = json.dumps(NEWER | {"v": version})
    sidecar.write_text(text)
    for headers in conditions(client):
        reply = put(client, {"tags": ["mine"]}, **headers)
        assert (reply.status_code, names_the_file(reply.json()["detail"], library)) == (409, True), headers
    assert client.delete("/api/item", params=ITEM).status_code == 409
    assert sidecar.read_text() == text


@pytest.mark.parametrize("version", [1, 1.0, 0, "7", None, True, [2]])
def test_a_version_that_is_no_newer_one_is_edited(client: TestClient, sidecar: Path, version: object) -> None:
    sidecar.write_text(json.dumps({"v": version, "tags": ["one"]}))
    assert "problem" not in get(client).json()
    assert put(client, {"tags": ["two"]}).status_code == 200


def test_a_newer_sidecar_below_is_not_covered_up(library: Path, tmp_path: Path, open_client: OpenClient) -> None:
    (library / "trip" / "two.jpg.json").write_text(json.dumps(NEWER))
    overlay = tmp_path / "overlay"
    with open_client(library, overlay=str(overlay)) as client:
        assert get(client).json()["tags"] == ["later"]
        assert put(client, {"tags": ["mine"]}).status_code == 409
        assert client.delete("/api/item", params=ITEM).status_code == 409
    assert not (overlay / "trip" / "two.jpg.json").exists()


@pytest.mark.parametrize("version", [0, 2, 7, -1])
def test_a_client_cannot_write_another_format(client: TestClient, sidecar: Path, version: int) -> None:
    reply = put(client, {"v": version, "tags": ["x"]})
    assert (reply.status_code, "'v'" in reply.json()["detail"]) == (422, True)
    assert not sidecar.exists()


# --- links that lead nowhere


@pytest.mark.parametrize("target", ["nothing.json", "../nothing/x.json", "two.jpg.json", "/nowhere/x.json"])
@pytest.mark.parametrize("headers", [{}, {"if_match": "*"}, {"if_none_match": "*"}])
def test_a_sidecar_that_is_a_link_to_nothing_is_named(
    client: TestClient, sidecar: Path, library: Path, target: str, headers: dict[str, str]
) -> None:
    sidecar.symlink_to(target)
    reply = put(client, {"tags": ["mine"]}, **headers)
    assert (reply.status_code, names_the_file(reply.json()["detail"], library)) == (409, True)
    assert "link" in reply.json()["detail"]
    assert str(sidecar.readlink()) == target
    assert get(client).status_code == 200


def test_an_edit_works_once_the_link_leads_somewhere(client: TestClient, sidecar: Path) -> None:
    sidecar.symlink_to("kept.json")
    assert put(client, {"tags": ["mine"]}).status_code == 409
    (sidecar.parent / "kept.json").write_text("{}")
    assert put(client, {"tags": ["mine"]}).status_code == 200
    assert json.loads((sidecar.parent / "kept.json").read_text())["tags"] == ["mine"]
    assert sidecar.is_symlink()


def test_a_folder_of_the_overlay_that_is_a_link_to_nothing_is_named(
    library: Path, tmp_path: Path, open_client: OpenClient
) -> None:
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (overlay / "trip").symlink_to("nothing")
    with open_client(library, overlay=str(overlay)) as client:
        reply = put(client, {"tags": ["mine"]})
    assert (reply.status_code, names_the_file(reply.json()["detail"], overlay)) == (409, True)


def test_a_thumbnail_that_is_a_link_to_nothing_is_drawn_all_the_same(client: TestClient, library: Path) -> None:
    (library / "a.jpg").write_bytes(picture("red"))
    (library / "a.jpg.thumbnail").symlink_to("nothing")
    assert client.get("/api/thumb", params={"path": "a.jpg"}).status_code == 200
