"""ETags of items: one for each state of each picture, for reading (304) and for writing (412)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import OpenClient, picture

STRONG = re.compile(r'"[0-9a-f]+-[0-9a-f]+"')
ONE = "trip/one.png"


def get(client: TestClient, path: str = "a.jpg", **headers: str) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/api/item", params={"path": path}, headers=given)


def put(client: TestClient, fields: object, path: str = "a.jpg", **headers: str) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put("/api/item", params={"path": path}, json=fields, headers=given)


def etag_of(client: TestClient, path: str = "a.jpg") -> str:
    return str(get(client, path).headers["etag"])


def replace(path: Path, data: bytes) -> None:
    """Another file of that name, the way programs save."""
    new = path.with_name("new")
    new.write_bytes(data)
    new.rename(path)


# --- without a sidecar


def test_items_without_a_sidecar_have_strong_etags_of_their_own(client: TestClient, library: Path) -> None:
    (library / "trip" / "copy.png").write_bytes((library / ONE).read_bytes())
    tags = [etag_of(client, path) for path in ("a.jpg", ONE, "trip/two.jpg", "trip/copy.png")]
    assert len(set(tags)) == 4
    assert all(STRONG.fullmatch(tag) for tag in tags)


def test_hard_links_of_one_picture_have_etags_of_their_own(client: TestClient, library: Path) -> None:
    (library / "b.jpg").hardlink_to(library / "a.jpg")
    assert etag_of(client, "a.jpg") != etag_of(client, "b.jpg")


def test_the_etag_stays_while_nothing_changes(client: TestClient, library: Path, open_client: OpenClient) -> None:
    first = etag_of(client)
    assert etag_of(client) == first
    with open_client(library) as restarted:
        assert etag_of(restarted) == first


@pytest.mark.parametrize("color", ["red", "blue"], ids=["same bytes", "other bytes"])
def test_the_etag_changes_with_the_picture(client: TestClient, library: Path, color: str) -> None:
    before, times = etag_of(client), (library / "a.jpg").stat()
    replace(library / "a.jpg", picture(color))
    os.utime(library / "a.jpg", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert etag_of(client) != before


def test_the_etag_of_no_sidecar_creates_one_and_only_once(client: TestClient, library: Path) -> None:
    before = etag_of(client)
    assert put(client, {"tags": ["one"]}, if_match=before).status_code == 200
    again = put(client, {"tags": ["two"]}, if_match=before)
    assert (again.status_code, again.json()["current"]["tags"]) == (412, ["one"])
    assert again.json()["etag"] == again.headers["etag"] == etag_of(client)


def test_a_sidecar_that_appeared_meanwhile_is_given_instead(client: TestClient, library: Path) -> None:
    before = etag_of(client)
    sidecar = library / "a.jpg.json"
    sidecar.write_text(json.dumps({"v": 1, "tags": ["theirs"]}))
    reply = put(client, {"tags": ["mine"]}, if_match=before)
    assert (reply.status_code, reply.json()["current"]["tags"]) == (412, ["theirs"])
    assert reply.json()["current"] == get(client).json()
    assert json.loads(sidecar.read_text())["tags"] == ["theirs"]


def test_the_etag_of_another_picture_creates_nothing(client: TestClient, library: Path) -> None:
    reply = put(client, {"tags": ["one"]}, if_match=etag_of(client, ONE))
    assert (reply.status_code, reply.json()["current"]) == (412, None)
    assert reply.json()["etag"] == etag_of(client)
    assert not (library / "a.jpg.json").exists()


def test_an_edit_made_for_a_picture_that_was_replaced_is_refused(client: TestClient, library: Path) -> None:
    before = etag_of(client)
    replace(library / "a.jpg", picture("blue"))
    reply = put(client, {"tags": ["red"]}, if_match=before)
    assert (reply.status_code, reply.json()["current"], reply.json()["etag"]) == (412, None, etag_of(client))
    assert put(client, {"tags": ["blue"]}, if_match=reply.json()["etag"]).status_code == 200


def test_none_means_that_there_is_no_sidecar(client: TestClient) -> None:
    assert put(client, {"tags": ["one"]}, if_match='"none"').status_code == 200
    assert put(client, {"tags": ["two"]}, if_match='"none"').status_code == 412


def test_after_a_deletion_the_etag_is_that_of_no_sidecar_again(client: TestClient) -> None:
    before = etag_of(client)
    put(client, {"tags": ["one"]}, if_match=before)
    assert client.delete("/api/item", params={"path": "a.jpg"}).status_code == 200
    assert put(client, {"tags": ["two"]}, if_match=before).status_code == 200


def test_a_deletion_in_an_overlay_counts_as_no_sidecar(library: Path, tmp_path: Path, open_client: OpenClient) -> None:
    (library / "a.jpg.json").write_text(json.dumps({"v": 1, "tags": ["below"]}))
    with open_client(library, overlay=str(tmp_path / "overlay")) as client:
        below = etag_of(client)
        client.delete("/api/item", params={"path": "a.jpg"})
        assert put(client, {"tags": ["x"]}, if_match=below).status_code == 412
        assert put(client, {"tags": ["x"]}, if_match=etag_of(client)).status_code == 200


# --- what was only found out meanwhile


def test_a_hash_that_became_known_refuses_no_edit_but_is_shown(client: TestClient) -> None:
    before = etag_of(client)
    client.post("/api/folders/reindex")
    fresh = get(client, if_none_match=before)
    assert (fresh.status_code, fresh.json()["hash"][:7]) == (200, "blake3:")
    assert put(client, {"tags": ["one"]}, if_match=before).status_code == 200


def test_a_touched_picture_refuses_no_edit_of_its_sidecar(client: TestClient, library: Path) -> None:
    etag = put(client, {"tags": ["one"]}).headers["etag"]
    os.utime(library / "a.jpg")
    assert put(client, {"tags": ["two"]}, if_match=etag).status_code == 200


# --- If-None-Match


@pytest.mark.parametrize("with_sidecar", [True, False])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_an_item_that_the_client_has_is_not_sent_again(client: TestClient, form: str, with_sidecar: bool) -> None:
    if with_sidecar:
        put(client, {"tags": ["one"]})
    whole = get(client)
    reply = get(client, if_none_match=form.format(whole.headers["etag"]))
    assert (reply.status_code, reply.content) == (304, b"")
    for name in ("etag", "cache-control"):
        assert reply.headers[name] == whole.headers[name]


def test_an_item_that_changed_is_sent(client: TestClient, library: Path) -> None:
    before = put(client, {"tags": ["one"]}).headers["etag"]
    after = put(client, {"tags": ["two"]}).headers["etag"]
    assert get(client, if_none_match=before).json()["tags"] == ["two"]
    replace(library / "a.jpg", picture("blue", (64, 48)))
    fresh = get(client, if_none_match=after)
    assert (fresh.status_code, fresh.json()["exif"]["width"]) == (200, 64)


@pytest.mark.parametrize("value", ["nonsense", '"', "", '"none"'])
def test_an_if_none_match_that_names_nothing(client: TestClient, value: str) -> None:
    assert get(client, if_none_match=value).status_code == 200


def test_an_item_that_is_gone_is_not_unchanged(client: TestClient, library: Path) -> None:
    before = etag_of(client)
    (library / "a.jpg").unlink()
    assert get(client, if_none_match=before).status_code == 404
