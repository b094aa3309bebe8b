"""Every call of the HTTP contract: shapes, statuses, headers. One promise of the design each."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from PIL import Image
from starlette.testclient import TestClient

from lenscat_backend.version import VERSION
from tests.conftest import OpenClient, picture

UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
HASH = re.compile(r"blake3:[0-9a-f]{64}")
STRONG_ETAG = re.compile(r'"[^"]+"')
MANIFEST_KEYS = {"v", "path", "generated_at", "items", "dirs", "page", "page_count"}
ITEM_KEYS = {"path", "name", "type", "w", "h", "size", "has_thumb", "has_meta", "hash"}


def folder(client: TestClient, path: str = "", **arguments: Any) -> Any:
    reply = client.get("/api/folders", params={"path": path, **arguments})
    assert reply.status_code == 200, reply.text
    return reply.json()


def item_of(client: TestClient, path: str) -> dict[str, Any]:
    reply = client.get("/api/item", params={"path": path})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def put(client: TestClient, path: str, fields: dict[str, Any], **headers: str) -> Any:
    return client.put("/api/item", params={"path": path}, json=fields, headers=headers)


def found(client: TestClient, query: str, **arguments: Any) -> list[str]:
    reply = client.get("/api/search", params={"q": query, **arguments})
    assert reply.status_code == 200, reply.text
    return [entry["path"] for entry in reply.json()["items"]]


# --- the page


def test_root_is_the_web_page_to_a_browser(client: TestClient) -> None:
    reply = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/html")
    assert "accept" in reply.headers["vary"].lower()


def test_root_names_the_server_to_a_program(client: TestClient) -> None:
    reply = client.get("/", headers={"Accept": "application/json"})
    assert reply.json() == {"message": "Lenscat Backend", "version": VERSION}


def test_the_description_of_all_calls_is_served(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    promised = {
        "/api/folders": {"get"},
        "/api/folders/{path}/reindex": {"post"},
        "/api/folders/reindex": {"post"},
        "/api/item": {"get", "put", "delete"},
        "/api/thumb": {"get", "post", "delete"},
        "/api/search": {"get"},
        "/api/search/suggest": {"get"},
        "/api/search/rebuild-index": {"post"},
        "/api/health": {"get"},
        "/api/health/storage": {"get"},
        "/api/health/workers": {"get"},
        "/api/files/{path}": {"get"},
    }
    missing = {path: methods - set(paths.get(path, {})) for path, methods in promised.items()}
    assert not any(missing.values()), missing


def test_an_unknown_address_names_one_that_exists(client: TestClient) -> None:
    reply = client.get("/api/nothing")
    assert reply.status_code == 404
    named = re.findall(r"/\S*[a-z.]", reply.json()["detail"])
    assert named
    assert all(client.get(address.rstrip(".")).status_code == 200 for address in named)


# --- folders


def test_a_manifest_has_exactly_the_promised_fields(client: TestClient) -> None:
    manifest = folder(client, "trip")
    assert set(manifest) == MANIFEST_KEYS
    assert (manifest["v"], manifest["path"], manifest["page"], manifest["page_count"]) == (1, "trip", None, None)
    assert UTC_TIME.fullmatch(manifest["generated_at"])
    assert [set(entry) for entry in manifest["items"]] == [ITEM_KEYS, ITEM_KEYS]


def test_an_item_of_a_manifest(client: TestClient, library: Path) -> None:
    size = (library / "trip" / "one.png").stat().st_size
    assert folder(client, "trip")["items"][0] == {
        "path": "trip/one.png",
        "name": "one.png",
        "type": "image/png",
        "w": 300,
        "h": 600,
        "size": size,
        "has_thumb": False,
        "has_meta": False,
        "hash": None,
    }


def test_the_root_lists_its_subfolders_with_their_kinds(client: TestClient, library: Path) -> None:
    (library / "away").mkdir()
    pointer = {"version": 1, "kind": "pointer", "target": {"type": "local", "path": "trip"}}
    (library / "away" / ".lenscat.folder.json").write_text(json.dumps(pointer))
    (library / "branch" / "leaf").mkdir(parents=True)
    (library / "branch" / "leaf" / "x.jpg").write_bytes(picture())
    assert folder(client)["dirs"] == [
        {"name": "away", "kind": "leaf-pointer"},
        {"name": "branch", "kind": "branch"},
        {"name": "empty", "kind": "branch"},
        {"name": "trip", "kind": "leaf-real"},
    ]


def test_the_root_is_also_a_lone_slash_and_a_folder_may_end_in_one(client: TestClient) -> None:
    assert folder(client, "/")["items"] == folder(client)["items"]
    assert folder(client, "trip/")["items"] == folder(client, "trip")["items"]


def test_hidden_and_derived_files_are_never_listed(client: TestClient, library: Path) -> None:
    for name in (".hidden.jpg", "notes.txt", "_index.json", "a.jpg.json", "a.jpg.thumbnail", "gone.jpg.json"):
        (library / name).write_bytes(picture())
    (library / ".git").mkdir()
    manifest = folder(client)
    assert [entry["name"] for entry in manifest["items"]] == ["a.jpg"]
    assert [entry["name"] for entry in manifest["dirs"]] == ["empty", "trip"]


def test_names_sort_the_way_people_count(client: TestClient, library: Path) -> None:
    for name in ("img10.jpg", "img2.jpg", "IMG1.jpg", "b.jpg", "Ä.jpg"):
        (library / "empty" / name).write_bytes(picture())
    names = [entry["name"] for entry in folder(client, "empty")["items"]]
    assert names == ["Ä.jpg", "b.jpg", "IMG1.jpg", "img2.jpg", "img10.jpg"]


def test_dimensions_are_as_displayed(client: TestClient, library: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    (library / "turned.jpg").write_bytes(picture(size=(40, 30), exif=exif))
    turned = next(entry for entry in folder(client)["items"] if entry["name"] == "turned.jpg")
    assert (turned["w"], turned["h"]) == (30, 40)


def test_a_picture_that_cannot_be_read_is_listed_without_dimensions(client: TestClient, library: Path) -> None:
    (library / "broken.jpg").write_bytes(b"no picture at all")
    broken = next(entry for entry in folder(client)["items"] if entry["name"] == "broken.jpg")
    assert (broken["w"], broken["h"], broken["size"]) == (None, None, 17)


def test_has_thumb_and_has_meta_tell_the_truth(client: TestClient) -> None:
    client.get("/api/thumb", params={"path": "a.jpg"})
    put(client, "a.jpg", {"tags": ["x"]})
    first = folder(client)["items"][0]
    assert (first["has_thumb"], first["has_meta"]) == (True, True)


@pytest.fixture
def many(library: Path, open_client: OpenClient) -> Iterator[TestClient]:
    """A client of a library whose folder `many` holds 250 pictures and a subfolder."""
    data = picture()
    (library / "many" / "inner").mkdir(parents=True)
    for number in range(250):
        (library / "many" / f"img{number}.jpg").write_bytes(data)
    with open_client(library) as opened:
        yield opened


def test_pages_count_from_zero_and_hold_100_items(many: TestClient) -> None:
    pages = [folder(many, "many", page=number) for number in range(3)]
    assert [len(page["items"]) for page in pages] == [100, 100, 50]
    assert [(page["page"], page["page_count"]) for page in pages] == [(0, 3), (1, 3), (2, 3)]
    assert [page["dirs"] for page in pages] == [[{"name": "inner", "kind": "branch"}]] * 3


def test_pages_together_are_the_whole_folder(many: TestClient) -> None:
    names = [entry["name"] for number in range(3) for entry in folder(many, "many", page=number)["items"]]
    assert names == [f"img{number}.jpg" for number in range(250)]
    assert names == [entry["name"] for entry in folder(many, "many")["items"]]


def test_a_page_beyond_the_last_does_not_exist(many: TestClient) -> None:
    reply = many.get("/api/folders", params={"path": "many", "page": 3})
    assert (reply.status_code, "3 pages" in reply.json()["detail"]) == (404, True)


def test_an_empty_folder_has_one_empty_page(client: TestClient) -> None:
    manifest = folder(client, "empty", page=0)
    assert (manifest["items"], manifest["page"], manifest["page_count"]) == ([], 0, 1)


def test_an_exact_hundred_is_one_page(client: TestClient, library: Path) -> None:
    for number in range(100):
        (library / "empty" / f"{number}.jpg").write_bytes(picture())
    assert folder(client, "empty", page=0)["page_count"] == 1


@pytest.mark.parametrize("path", ["nowhere", "trip/nowhere", "a.jpg", ".hidden", "trip/.git/x"])
def test_a_folder_that_does_not_exist(client: TestClient, library: Path, path: str) -> None:
    (library / ".hidden").mkdir()
    reply = client.get("/api/folders", params={"path": path})
    assert (reply.status_code, list(reply.json())) == (404, ["detail"])


# --- reindex


def test_reindex_says_what_the_root_holds(client: TestClient) -> None:
    reply = client.post("/api/folders/reindex")
    assert reply.status_code == 200
    assert set(reply.json()) == {"message", "items_count", "dirs_count"}
    assert (reply.json()["items_count"], reply.json()["dirs_count"]) == (1, 2)


def test_reindex_of_a_nested_folder(client: TestClient, library: Path) -> None:
    (library / "trip" / "day 1").mkdir()
    (library / "trip" / "day 1" / "x.jpg").write_bytes(picture())
    reply = client.post("/api/folders/trip/day%201/reindex")
    assert (reply.status_code, reply.json()["items_count"]) == (200, 1)


def test_a_folder_that_is_called_reindex_can_be_reindexed(client: TestClient, library: Path) -> None:
    (library / "reindex").mkdir()
    (library / "reindex" / "x.jpg").write_bytes(picture())
    reply = client.post("/api/folders/reindex/reindex")
    assert (reply.status_code, reply.json()["items_count"]) == (200, 1)


def test_reindex_fills_hashes_with_blake3_of_the_bytes(client: TestClient, library: Path) -> None:
    assert folder(client)["items"][0]["hash"] is None
    client.post("/api/folders/reindex")
    expected = "blake3:" + blake3((library / "a.jpg").read_bytes()).hexdigest()
    assert folder(client)["items"][0]["hash"] == expected
    assert item_of(client, "a.jpg")["hash"] == expected


def test_reindex_writes_the_folders_manifest(client: TestClient, library: Path) -> None:
    client.post("/api/folders/trip/reindex")
    written = json.loads((library / "trip" / "_index.json").read_bytes())
    listed = folder(client, "trip")
    assert set(written) == MANIFEST_KEYS
    assert {**written, "generated_at": ""} == {**listed, "generated_at": ""}


def test_reindex_of_nothing_changed_leaves_the_manifest_alone(client: TestClient, library: Path) -> None:
    client.post("/api/folders/trip/reindex")
    before = (library / "trip" / "_index.json").stat()
    client.post("/api/folders/trip/reindex")
    after = (library / "trip" / "_index.json").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_reindex_of_a_missing_folder(client: TestClient) -> None:
    assert client.post("/api/folders/nowhere/reindex").status_code == 404


# --- items


def test_an_item_without_a_sidecar_is_made_from_the_picture_by_system(client: TestClient, library: Path) -> None:
    made = item_of(client, "trip/one.png")
    assert (made["v"], made["tags"], made["notes"], made["hash"]) == (1, [], "", None)
    assert (made["exif"]["width"], made["exif"]["height"]) == (300, 600)
    assert made["updated_by"] == "system"
    assert UTC_TIME.fullmatch(made["updated_at"])
    assert not (library / "trip" / "one.png.json").exists()


def test_an_item_has_a_strong_etag(client: TestClient) -> None:
    assert STRONG_ETAG.fullmatch(client.get("/api/item", params={"path": "a.jpg"}).headers["etag"])


def test_put_returns_what_is_now_on_disk(client: TestClient, library: Path) -> None:
    reply = put(client, "a.jpg", {"tags": ["Ünïcode", "two"], "notes": "line\nline", "rating": 4, "label": "red"})
    assert reply.status_code == 200
    assert reply.json() == json.loads((library / "a.jpg.json").read_bytes())
    assert (reply.json()["tags"], reply.json()["notes"]) == (["Ünïcode", "two"], "line\nline")
    assert (reply.json()["rating"], reply.json()["label"]) == (4, "red")


def test_put_gives_the_etag_that_get_gives(client: TestClient) -> None:
    written = put(client, "a.jpg", {"tags": ["x"]})
    again = client.get("/api/item", params={"path": "a.jpg"})
    assert written.headers["etag"] == again.headers["etag"]
    assert written.json() == again.json()


def test_the_etag_changes_with_every_edit(client: TestClient) -> None:
    etags = {client.get("/api/item", params={"path": "a.jpg"}).headers["etag"]}
    etags |= {put(client, "a.jpg", {"notes": notes}).headers["etag"] for notes in ("one", "two")}
    assert len(etags) == 3


def test_the_first_edit_fills_hash_and_exif(client: TestClient, library: Path) -> None:
    written = put(client, "a.jpg", {"tags": ["x"]}).json()
    assert written["hash"] == "blake3:" + blake3((library / "a.jpg").read_bytes()).hexdigest()
    assert (written["exif"]["width"], written["exif"]["height"]) == (40, 30)
    assert UTC_TIME.fullmatch(written["updated_at"])


def test_a_sidecar_is_utf8_snake_case_json_with_an_end(client: TestClient, library: Path) -> None:
    put(client, "a.jpg", {"tags": ["日本"], "updated_by": "me@here"})
    text = (library / "a.jpg.json").read_bytes().decode("utf-8")
    assert "日本" in text
    assert text.endswith("}\n")
    assert set(json.loads(text)) == {"v", "tags", "notes", "exif", "hash", "updated_at", "updated_by"}


def test_delete_removes_the_sidecar_and_says_so(client: TestClient, library: Path) -> None:
    put(client, "a.jpg", {"tags": ["x"]})
    reply = client.delete("/api/item", params={"path": "a.jpg"})
    assert (reply.status_code, reply.json()) == (200, {"message": "Metadata deleted"})
    assert not (library / "a.jpg.json").exists()
    assert item_of(client, "a.jpg")["updated_by"] == "system"
    assert found(client, "tag:x") == []


def test_delete_where_there_is_no_sidecar(client: TestClient) -> None:
    assert client.delete("/api/item", params={"path": "a.jpg"}).status_code == 404


@pytest.mark.parametrize(("path", "status"), [("no.jpg", 404), ("trip", 415), ("", 404), ("a.jpg.json", 415)])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_item_that_is_none(client: TestClient, library: Path, path: str, status: int, method: str) -> None:
    (library / "a.jpg.json").write_text("{}")
    reply = client.request(method, "/api/item", params={"path": path}, content=b"{}" if method == "PUT" else None)
    assert (reply.status_code, list(reply.json())) == (status, ["detail"])


def test_a_folder_that_is_named_like_a_picture_is_no_item(client: TestClient, library: Path) -> None:
    (library / "folder.jpg").mkdir()
    for call in ("/api/item", "/api/thumb"):
        assert client.get(call, params={"path": "folder.jpg"}).status_code == 404
    assert client.get("/api/files/folder.jpg").status_code == 404
    assert "folder.jpg" in [entry["name"] for entry in folder(client)["dirs"]]


# --- thumbnails


def test_a_thumbnail_is_webp_of_at_most_256_pixels(client: TestClient) -> None:
    reply = client.get("/api/thumb", params={"path": "trip/one.png"})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/webp")
    image = Image.open(io.BytesIO(reply.content))
    assert (image.format, image.size) == ("WEBP", (128, 256))


def test_a_thumbnail_is_never_enlarged(client: TestClient) -> None:
    reply = client.get("/api/thumb", params={"path": "a.jpg"})
    assert Image.open(io.BytesIO(reply.content)).size == (40, 30)


def test_a_thumbnail_is_stored_beside_its_picture(client: TestClient, library: Path) -> None:
    reply = client.get("/api/thumb", params={"path": "a.jpg"})
    assert (library / "a.jpg.thumbnail").read_bytes() == reply.content


def test_a_thumbnail_has_a_strong_etag_and_says_how_to_cache(client: TestClient) -> None:
    first = client.get("/api/thumb", params={"path": "a.jpg"})
    second = client.get("/api/thumb", params={"path": "a.jpg"})  # from memory
    third = client.get("/api/thumb", params={"path": "a.jpg", "x": "1"})  # past the memory
    assert STRONG_ETAG.fullmatch(first.headers["etag"])
    assert {reply.headers["etag"] for reply in (first, second, third)} == {first.headers["etag"]}
    assert {reply.content for reply in (first, second, third)} == {first.content}
    assert len({reply.headers["cache-control"] for reply in (first, second, third)}) == 1
    assert "no-store" not in first.headers["cache-control"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_thumbnail_that_the_client_has_is_not_sent_again(client: TestClient, form: str) -> None:
    etag = client.get("/api/thumb", params={"path": "a.jpg"}).headers["etag"]
    headers = {"If-None-Match": form.format(etag)}
    for query in ({"path": "a.jpg"}, {"path": "a.jpg", "x": "1"}):
        reply = client.get("/api/thumb", params=query, headers=headers)
        assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", etag)


def test_a_thumbnail_that_the_client_has_no_more_is_sent(client: TestClient) -> None:
    client.get("/api/thumb", params={"path": "a.jpg"})
    for query in ({"path": "a.jpg"}, {"path": "a.jpg", "x": "1"}):
        assert client.get("/api/thumb", params=query, headers={"If-None-Match": '"other"'}).status_code == 200


def test_post_makes_a_thumbnail_and_names_its_picture(client: TestClient, library: Path) -> None:
    reply = client.post("/api/thumb", params={"path": "trip/two.jpg"})
    assert (reply.status_code, set(reply.json()), reply.json()["path"]) == (200, {"message", "path"}, "trip/two.jpg")
    assert (library / "trip" / "two.jpg.thumbnail").exists()


def test_post_without_force_keeps_a_fresh_thumbnail(client: TestClient, library: Path) -> None:
    client.post("/api/thumb", params={"path": "a.jpg"})
    before = (library / "a.jpg.thumbnail").stat()
    client.post("/api/thumb", params={"path": "a.jpg"})
    assert (library / "a.jpg.thumbnail").stat().st_ino == before.st_ino


def test_force_really_makes_it_anew(client: TestClient, library: Path) -> None:
    made = client.get("/api/thumb", params={"path": "a.jpg"}).content
    other = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(other, "WEBP")
    (library / "a.jpg.thumbnail").write_bytes(other.getvalue())
    assert client.post("/api/thumb", params={"path": "a.jpg", "force": "true"}).status_code == 200
    assert (library / "a.jpg.thumbnail").read_bytes() == made
    assert client.get("/api/thumb", params={"path": "a.jpg"}).content == made


def test_delete_removes_the_thumbnail_until_it_is_asked_for(client: TestClient, library: Path) -> None:
    client.get("/api/thumb", params={"path": "a.jpg"})
    reply = client.delete("/api/thumb", params={"path": "a.jpg"})
    assert (reply.status_code, reply.json()) == (200, {"message": "Thumbnail deleted"})
    assert not (library / "a.jpg.thumbnail").exists()
    assert folder(client)["items"][0]["has_thumb"] is False
    assert client.delete("/api/thumb", params={"path": "a.jpg"}).status_code == 404
    assert client.get("/api/thumb", params={"path": "a.jpg"}).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("no.jpg", 404), ("trip", 415), ("", 404), ("trip/no/x.jpg", 404)])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_thumbnail_of_nothing(client: TestClient, path: str, status: int, method: str) -> None:
    reply = client.request(method, "/api/thumb", params={"path": path})
    assert (reply.status_code, list(reply.json())) == (status, ["detail"])


def test_a_thumbnail_of_what_cannot_be_decoded(client: TestClient, library: Path) -> None:
    (library / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and nothing more")
    (library / "text.jpg").write_bytes(b"no picture at all")
    for name in ("broken.jpg", "text.jpg"):
        for _ in range(2):  # drawn, then remembered
            reply = client.get("/api/thumb", params={"path": name})
            assert (reply.status_code in (415, 422), list(reply.json())) == (True, ["detail"]), name
        assert not (library / f"{name}.thumbnail").exists()


# --- search


@pytest.fixture
def tagged(client: TestClient) -> TestClient:
    """A client of a library in which every picture has words."""
    put(client, "a.jpg", {"tags": ["Portrait", "red"], "notes": "Great headshot"})
    put(client, "trip/one.png", {"tags": ["sea"], "notes": "Café in the evening"})
    put(client, "trip/two.jpg", {"tags": ["sea", "red"], "notes": ""})
    return client


def test_a_search_finds_paths_names_tags_and_notes(tagged: TestClient) -> None:
    reply = tagged.get("/api/search", params={"q": "headshot"}).json()
    assert reply["total"] == 1
    expected = {"path": "a.jpg", "name": "a.jpg", "tags": ["Portrait", "red"], "notes": "Great headshot"}
    assert {key: reply["items"][0][key] for key in expected} == expected


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("", ["a.jpg", "trip/one.png", "trip/two.jpg"]),
        ("portrait", ["a.jpg"]),
        ("PORT", ["a.jpg"]),
        ("cafe", ["trip/one.png"]),
        ("CAFÉ evening", ["trip/one.png"]),
        ("sea red", ["trip/two.jpg"]),
        ("sea headshot", []),
        ("jpg", ["a.jpg", "trip/two.jpg"]),
        ("ne", ["trip/one.png"]),
        ("ea", ["a.jpg", "trip/one.png", "trip/two.jpg"]),
        ("nothing-like-this", []),
    ],
)
def test_all_words_must_occur_in_name_tags_or_notes(tagged: TestClient, query: str, paths: list[str]) -> None:
    assert found(tagged, query) == paths


def test_total_counts_all_matches_whatever_the_limit(tagged: TestClient) -> None:
    reply = tagged.get("/api/search", params={"q": "red", "limit": 1}).json()
    assert (len(reply["items"]), reply["total"]) == (1, 2)
    assert tagged.get("/api/search", params={"q": "red", "limit": 0}).json()["total"] == 2


def test_suggestions_are_tags_and_words_of_names(tagged: TestClient) -> None:
    def suggested(query: str, **arguments: Any) -> Any:
        reply = tagged.get("/api/search/suggest", params={"q": query, **arguments})
        assert set(reply.json()) == {"suggestions"}
        return reply.json()["suggestions"]

    assert suggested("por") == ["Portrait"]
    assert suggested("RE") == ["red"]
    assert suggested("tw") == ["two"]
    assert suggested("") == []
    assert suggested("s", limit=0) == []


def test_rebuild_index_writes_the_rollup(tagged: TestClient, library: Path) -> None:
    reply = tagged.post("/api/search/rebuild-index")
    assert set(reply.json()) == {"message", "items_indexed", "generated_at"}
    rollup = json.loads((library / "_rollup.json").read_bytes())
    assert reply.json()["items_indexed"] == len(rollup["items"]) == 3
    assert reply.json()["generated_at"] == rollup["generated_at"]
    assert rollup["v"] == 1
    assert rollup["items"][0] == {
        "path": "a.jpg",
        "name": "a.jpg",
        "tags": ["Portrait", "red"],
        "notes": "Great headshot",
    }


def test_rebuild_index_sees_what_just_changed(tagged: TestClient, library: Path) -> None:
    (library / "trip" / "one.png").unlink()
    (library / "new.jpg").write_bytes(picture())
    assert tagged.post("/api/search/rebuild-index").json()["items_indexed"] == 3
    rollup = json.loads((library / "_rollup.json").read_bytes())
    assert [entry["path"] for entry in rollup["items"]] == ["a.jpg", "new.jpg", "trip/two.jpg"]


# --- health


def test_health_has_the_promised_shape(client: TestClient) -> None:
    reply = client.get("/api/health").json()
    assert {"status", "backend", "workers", "storage"} <= set(reply)
    assert (reply["status"], reply["backend"], reply["version"]) == ("ok", "local", VERSION)
    assert {"status", "backend", "storage"} <= set(client.get("/api/health/storage").json())
    assert {"status", "workers"} <= set(client.get("/api/health/workers").json())


def test_uptime_grows(client: TestClient) -> None:
    first, second = (client.get("/api/health").json()["uptime_s"] for _ in range(2))
    assert 0 <= first <= second


def test_counts_are_those_of_the_whole_library(client: TestClient, library: Path) -> None:
    (library / "broken.jpg").write_bytes(b"no picture")
    (library / "trip" / "two.jpg.json").write_text("{broken")
    client.post("/api/search/rebuild-index")
    counts = client.get("/api/health").json()["library"]
    sizes = sum(path.stat().st_size for path in library.rglob("*") if path.suffix in (".jpg", ".png"))
    assert (counts["images"], counts["folders"], counts["bytes"]) == (4, 3, sizes)
    assert (counts["unreadable_images"], counts["damaged_sidecars"]) == (1, 1)


def test_thumbnail_coverage_is_that_of_the_whole_library(client: TestClient) -> None:
    def coverage() -> float:
        client.post("/api/search/rebuild-index")
        return float(client.get("/api/health").json()["library"]["thumbnail_coverage"])

    assert coverage() == 0
    client.get("/api/thumb", params={"path": "a.jpg"})
    assert coverage() == pytest.approx(1 / 3, abs=0.001)
    for path in ("trip/one.png", "trip/two.jpg"):
        client.get("/api/thumb", params={"path": path})
    assert coverage() == 1


def test_last_scan_is_the_time_of_the_last_scan(client: TestClient) -> None:
    client.post("/api/search/rebuild-index")
    first = client.get("/api/health").json()["library"]["last_scan"]
    client.post("/api/search/rebuild-index")
    second = client.get("/api/health").json()["library"]["last_scan"]
    assert UTC_TIME.fullmatch(first)
    assert first <= second


def test_nothing_waits_in_the_queue_of_an_idle_server(client: TestClient) -> None:
    client.get("/api/thumb", params={"path": "a.jpg"})
    workers = client.get("/api/health/workers").json()["workers"]
    assert (workers["waiting"], workers["running"]) == (0, 0)
    assert workers["threads"] >= 1


def test_a_library_that_cannot_be_reached_is_said_to_be(client: TestClient, library: Path) -> None:
    library.rename(library.with_name("away"))
    reply = client.get("/api/health")
    assert (reply.status_code, reply.json()["status"]) == (200, "unreachable")
    assert reply.json()["storage"]["reachable"] is False
    assert str(library) not in reply.text


def test_health_holds_no_path_of_the_host(client: TestClient, library: Path) -> None:
    for call in ("/api/health", "/api/health/storage", "/api/health/workers"):
        assert str(library.parent) not in client.get(call).text


# --- originals


@pytest.fixture
def original(library: Path) -> bytes:
    return (library / "a.jpg").read_bytes()


def test_an_original_is_sent_whole(client: TestClient, original: bytes) -> None:
    reply = client.get("/api/files/a.jpg")
    assert (reply.status_code, reply.content) == (200, original)
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.headers["content-length"] == str(len(original))
    assert reply.headers["accept-ranges"] == "bytes"
    assert STRONG_ETAG.fullmatch(reply.headers["etag"])


def test_head_gives_the_same_headers_and_no_body(client: TestClient) -> None:
    whole, head = client.get("/api/files/trip/one.png"), client.head("/api/files/trip/one.png")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-length", "accept-ranges", "cache-control"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other" , {}', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_original_that_the_client_has_is_not_sent_again(client: TestClient, form: str, method: str) -> None:
    etag = client.get("/api/files/a.jpg").headers["etag"]
    reply = client.request(method, "/api/files/a.jpg", headers={"If-None-Match": form.format(etag)})
    assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=0-999999999", 0, None),
        ("bytes=-999999999", 0, None),
    ],
)
def test_a_range_of_an_original(client: TestClient, original: bytes, header: str, start: int, end: int | None) -> None:
    reply = client.get("/api/files/a.jpg", headers={"Range": header})
    expected = original[start:end]
    first = start if start >= 0 else len(original) + start
    assert (reply.status_code, reply.content) == (206, expected)
    assert reply.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(original)}"
    assert reply.headers["content-length"] == str(len(expected))


@pytest.mark.parametrize("header", ["bytes=9999999-", "bytes=-0", "bytes=9999999-99999999"])
def test_a_range_beyond_the_end(client: TestClient, original: bytes, header: str) -> None:
    reply = client.get("/api/files/a.jpg", headers={"Range": header})
    assert (reply.status_code, reply.headers["content-range"]) == (416, f"bytes */{len(original)}")
    assert (reply.headers["content-type"], list(reply.json())) == ("application/json", ["detail"])
    assert str(len(original)) in reply.json()["detail"]
    assert "content-disposition" not in reply.headers
    assert client.head("/api/files/a.jpg", headers={"Range": header}).headers == reply.headers


@pytest.mark.parametrize("header", ["bytes=5-2", "bytes=a-b", "bytes=", "lines=0-5", "bytes=0-1,5-6", "nonsense", "-"])
def test_a_range_that_makes_no_sense_is_ignored(client: TestClient, original: bytes, header: str) -> None:
    reply = client.get("/api/files/a.jpg", headers={"Range": header})
    assert (reply.status_code, reply.content) == (200, original)


def test_if_range_with_the_current_etag_gives_the_range(client: TestClient, original: bytes) -> None:
    etag = client.get("/api/files/a.jpg").headers["etag"]
    reply = client.get("/api/files/a.jpg", headers={"Range": "bytes=0-9", "If-Range": etag})
    assert (reply.status_code, reply.content) == (206, original[:10])


@pytest.mark.parametrize("condition", ['"other"', "W/{}", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_if_range_with_anything_else_gives_the_whole(client: TestClient, original: bytes, condition: str) -> None:
    etag = client.get("/api/files/a.jpg").headers["etag"]
    headers = {"Range": "bytes=0-9", "If-Range": condition.format(etag)}
    reply = client.get("/api/files/a.jpg", headers=headers)
    assert (reply.status_code, reply.content) == (200, original)


def test_a_replaced_original_has_another_etag(client: TestClient, library: Path) -> None:
    before = client.get("/api/files/a.jpg").headers["etag"]
    (library / "new.jpg").write_bytes(picture("blue", (31, 41)))
    (library / "new.jpg").rename(library / "a.jpg")
    reply = client.get("/api/files/a.jpg", headers={"If-None-Match": before})
    assert (reply.status_code, reply.content) == (200, (library / "a.jpg").read_bytes())


def test_an_empty_original(client: TestClient, library: Path) -> None:
    (library / "empty.jpg").write_bytes(b"")
    reply = client.get("/api/files/empty.jpg")
    assert (reply.status_code, reply.content, reply.headers["content-length"]) == (200, b"", "0")
    assert client.get("/api/files/empty.jpg", headers={"Range": "bytes=0-"}).status_code == 416


@pytest.mark.parametrize(
    ("form", "name", "kind"),
    [
        ("JPEG", "x.jpg", "image/jpeg"),
        ("PNG", "x.png", "image/png"),
        ("WEBP", "x.webp", "image/webp"),
        ("GIF", "x.gif", "image/gif"),
        ("TIFF", "x.tif", "image/tiff"),
        ("AVIF", "x.avif", "image/avif"),
    ],
)
def test_an_original_has_the_right_type(client: TestClient, library: Path, form: str, name: str, kind: str) -> None:
    (library / name).write_bytes(picture(form=form))
    assert client.get(f"/api/files/{name}").headers["content-type"] == kind
    assert next(entry["type"] for entry in folder(client)["items"] if entry["name"] == name) == kind


def test_a_picture_that_is_really_a_web_page_cannot_run_in_a_browser(client: TestClient, library: Path) -> None:
    (library / "evil.jpg").write_bytes(b"<html><script>alert(1)</script></html>")
    reply = client.get("/api/files/evil.jpg")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("path", "status"),
    [("no.jpg", 404), ("trip", 415), ("", 404), ("a.jpg.json", 415), ("_index.json", 415), (".hidden.jpg", 404)],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_original_that_is_none(client: TestClient, library: Path, path: str, status: int, method: str) -> None:
    for name in ("a.jpg.json", "_index.json", ".hidden.jpg"):
        (library / name).write_text("{}")
    assert client.request(method, f"/api/files/{path}").status_code == status


def test_every_error_is_a_detail_in_json(client: TestClient) -> None:
    for call in ("/api/folders?path=no", "/api/item?path=no.jpg", "/api/files/no.jpg", "/api/thumb?path=no.jpg"):
        reply = client.get(call)
        assert (reply.headers["content-type"], list(reply.json())) == ("application/json", ["detail"])
        assert len(reply.json()["detail"]) > 10


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>Budapest</rdf:li></rdf:Bag>
</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_embedded_keywords_are_shown_and_found_but_never_copied_into_a_sidecar(
    library: Path, client: TestClient
) -> None:
    (library / "k.jpg").write_bytes(picture(xmp=XMP))
    before = item_of(client, "k.jpg")
    assert (before["exif"]["keywords"], before["tags"]) == (["Budapest"], [])
    put(client, "k.jpg", before | {"tags": ["mine"]})
    assert "Budapest" not in (library / "k.jpg.json").read_text()
    after = item_of(client, "k.jpg")
    assert (after["exif"]["keywords"], after["tags"]) == (["Budapest"], ["mine"])
    assert client.get("/api/search", params={"q": "tag:budapest"}).json()["total"] == 1


@pytest.mark.parametrize("condition", [{}, {"If-None-Match": '"other"'}, {"If-None-Match": "*"}])
def test_a_thumbnail_from_memory_is_the_same_reply_as_the_routes(client: TestClient, condition: dict[str, str]) -> None:
    client.get("/api/thumb?path=a.jpg")
    hot = client.get("/api/thumb?path=a.jpg", headers=condition)
    routed = client.get("/api/thumb?path=a.jpg&routed=1", headers=condition)
    assert (hot.status_code, hot.content) == (routed.status_code, routed.content)
    assert dict(hot.headers) == dict(routed.headers)
