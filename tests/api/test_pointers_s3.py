"""Libraries with pointers into buckets and out of them, as whoever uses a real server meets them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.test_object_store import requests, scanned
from tests.conftest import picture
from tests.s3.servers import S3Server
from tests.s3.shelves import POINTER, Shelf, local, point
from tests.serving import Served, poll, serving


def environment(server: S3Server, **changed: str) -> dict[str, str]:
    """Settings that reach the server's buckets."""
    return {
        "S3_ENDPOINT": server.url,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_REGION": "us-east-1",
        "LENSCAT_POLL_S": "3600",
        "LENSCAT_OBJECT_RETRIES": "1",
        **changed,
    }


@contextmanager
def gallery(place: Path | str, cache: Path, *options: str | Path, **settings: str) -> Iterator[Served]:
    """A server whose first scan has ended."""
    with serving(place, "--cache-dir", cache, *options, **settings) as served:
        poll(lambda: scanned(served), "the first scan")
        yield served


def dirs(served: Served, path: str = "") -> dict[str, dict[str, Any]]:
    """The folders in a folder, by name."""
    return {entry["name"]: entry for entry in served.get("/api/folders", path=path).json()["dirs"]}


def found(served: Served, query: str) -> list[str]:
    return [item["path"] for item in served.get("/api/search", q=query, limit=1000).json()["items"]]


def fetch(url: str) -> bytes:
    """What a browser gets at an address of the object store."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        reply = connection.getresponse()
        assert reply.status == 200
        return reply.read()
    finally:
        connection.close()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder outside the library, with one picture."""
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "far.jpg").write_bytes(picture("yellow"))
    return folder


@pytest.mark.parametrize("where", ["disk", "bucket"])
def test_one_tree(where: str, library: Path, shelf: Shelf, other: Shelf, disk: Path, tmp_path: Path) -> None:
    """A library on a disk or in a bucket, with one pointer to a disk and one to a bucket."""
    if where == "disk":
        place: Path | str = library
        point(library / "cloud", shelf.target("art", region="us-east-1"), label="The cloud")
        point(library / "near", local(disk))
    else:
        place = f"s3://{other.name}/lib"
        other.put("lib/a.jpg", picture("red"))
        other.put("lib/trip/one.png", picture("blue", (300, 600), "PNG"))
        other.put("lib/trip/two.jpg", picture("green", (80, 20)))
        other.point("lib/cloud", shelf.target("art", endpoint=shelf.server.url), label="The cloud")
        other.point("lib/near", local(disk))
    with gallery(place, tmp_path / "c", "--pointer-roots", tmp_path, **environment(shelf.server)) as served:
        assert dirs(served)["cloud"] == {"name": "cloud", "kind": "leaf-pointer", "label": "The cloud"}
        assert dirs(served)["near"] == {"name": "near", "kind": "leaf-pointer"}
        assert dirs(served, "cloud") == {"deep": {"name": "deep", "kind": "leaf-real"}}
        items = {item["name"]: item for item in served.get("/api/folders", path="cloud").json()["items"]}
        assert list(items) == ["x.jpg"]
        assert (items["x.jpg"]["w"], items["x.jpg"]["h"], items["x.jpg"]["has_meta"]) == (300, 200, True)
        everything = ["a.jpg", "cloud/x.jpg", "cloud/deep/y.png", "cloud/deep/er/z.jpg", "near/far.jpg"]
        assert found(served, "") == [*everything, "trip/one.png", "trip/two.jpg"]
        assert found(served, "tag:theirs") == ["cloud/x.jpg"]
        assert served.get("/api/item", path="cloud/x.jpg").json()["tags"] == ["theirs"]

        edited = served.put_item("cloud/deep/y.png", {"tags": ["ours"], "notes": "n"})
        assert (edited.status, edited.json()["tags"]) == (200, ["ours"])
        assert json.loads(shelf.get("art/deep/y.png.json"))["notes"] == "n"
        assert served.put_item("near/far.jpg", {"tags": ["ours"]}).status == 200
        assert json.loads((disk / "far.jpg.json").read_bytes())["tags"] == ["ours"]
        assert found(served, "tag:ours") == ["cloud/deep/y.png", "near/far.jpg"]
        assert served.get("/api/search/suggest", q="our").json()["suggestions"] == ["ours"]
        stale = served.put_item("cloud/deep/y.png", {"tags": ["lost"]}, If_Match='"other"')
        assert (stale.status, stale.json()["current"]["tags"]) == (412, ["ours"])
        assert served.ask("DELETE", "/api/item?path=cloud/x.jpg").status == 200
        assert "art/x.jpg.json" not in shelf.listed()

        for path, stored in (("cloud/x.jpg", lambda: shelf.get("art/x.jpg.thumbnail")), ("near/far.jpg", None)):
            drawn = served.get("/api/thumb", path=path)
            assert (drawn.status, drawn.data[8:12]) == (200, b"WEBP")
            assert drawn.data == (stored() if stored else (disk / "far.jpg.thumbnail").read_bytes())
            again = served.ask("GET", f"/api/thumb?path={path}", headers={"If-None-Match": drawn.headers["etag"]})
            assert again.status == 304
        assert served.ask("DELETE", "/api/thumb?path=cloud/x.jpg").status == 200
        assert "art/x.jpg.thumbnail" not in shelf.listed()

        whole = served.ask("GET", "/api/files/cloud/x.jpg")
        assert (whole.data, whole.headers["content-type"]) == (shelf.get("art/x.jpg"), "image/jpeg")
        part = served.ask("GET", "/api/files/cloud/x.jpg", headers={"Range": "bytes=10-19"})
        assert (part.status, part.data) == (206, whole.data[10:20])
        tail = served.ask("GET", "/api/files/cloud/deep/er/z.jpg", headers={"Range": "bytes=-5"})
        assert (tail.status, tail.data) == (206, shelf.get("art/deep/er/z.jpg")[-5:])
        assert served.ask("HEAD", "/api/files/cloud/x.jpg").headers["content-length"] == str(len(whole.data))
        beyond = served.ask("GET", "/api/files/cloud/x.jpg", headers={"Range": "bytes=999999-"})
        assert beyond.status == 416

        assert served.ask("POST", "/api/folders/cloud/deep/reindex").json()["items_count"] == 1
        assert served.ask("POST", "/api/search/rebuild-index").json()["items_indexed"] == 7
        rollup = json.loads(
            (library / "_rollup.json").read_bytes() if where == "disk" else other.get("lib/_rollup.json")
        )
        assert {"cloud/deep/er/z.jpg", "near/far.jpg"} <= {item["path"] for item in rollup["items"]}
        health = served.get("/api/health").json()
        assert (health["status"], health["library"]["images"]) == ("ok", 7)
        assert health["backend"] == ("local" if where == "disk" else "s3")
        assert requests(served)["LIST"] > 0
        for call in ("/api/item?path=cloud/none.jpg", "/api/folders?path=cloud/none", "/api/files/cloud/deep/none.png"):
            assert served.ask("GET", call).status == 404
        for path in ("cloud/../a.jpg", "cloud/./x.jpg", "cloud//x.jpg", "cloud/%00.jpg"):
            assert served.ask("GET", f"/api/item?path={path}").status == 400
    assert not any("_index" in key for key in shelf.listed())
    assert not list(disk.rglob("_*.json"))
    assert not any("Traceback" in line for line in served.lines)
    if where == "disk":
        assert sorted(path.name for path in (library / "cloud").iterdir()) == [POINTER]


def test_originals_behind_a_pointer_are_redirected_to_signed_addresses(
    library: Path, shelf: Shelf, disk: Path, tmp_path: Path
) -> None:
    point(library / "cloud", shelf.target("art"))
    point(library / "near", local(disk))
    settings = environment(shelf.server, LENSCAT_SIGNED_URLS_S="60")
    with gallery(library, tmp_path / "c", "--pointer-roots", disk, **settings) as served:
        answer = served.ask("GET", "/api/files/cloud/x.jpg")
        assert answer.status == 307
        assert fetch(answer.headers["location"]) == shelf.get("art/x.jpg")
        assert shelf.server.secret_key not in answer.headers["location"]
        for path in ("a.jpg", "near/far.jpg"):
            assert served.ask("GET", f"/api/files/{path}").status == 200
        assert served.ask("GET", "/api/files/cloud/none.jpg").status == 404
