"""What another program does to the files is in the very next reply: no waiting time, whatever the clock says."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.conftest import OpenClient, picture


@pytest.fixture(params=[True, False], ids=["watching", "not watching"])
def client(request: pytest.FixtureRequest, library: Path, open_client: OpenClient) -> Iterator[TestClient]:
    with open_client(library, watch=request.param) as opened:
        yield opened


def names(client: TestClient, path: str = "") -> list[str]:
    return [item["name"] for item in client.get("/api/folders", params={"path": path}).json()["items"]]


def found(client: TestClient, query: str) -> list[str]:
    reply = client.get("/api/search", params={"q": query}).json()
    assert reply["total"] == len(reply["items"])
    return [item["path"] for item in reply["items"]]


def thumbnail_color(client: TestClient, path: str) -> tuple[int, ...]:
    reply = client.get("/api/thumb", params={"path": path})
    assert reply.status_code == 200, reply.text
    pixel = Image.open(io.BytesIO(reply.content)).convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return tuple(round(part / 255) for part in pixel)


def item(client: TestClient, path: str) -> dict[str, Any]:
    folder, _, name = path.rpartition("/")
    items = client.get("/api/folders", params={"path": folder}).json()["items"]
    return next(entry for entry in items if entry["name"] == name)


def test_an_added_picture(client: TestClient, library: Path) -> None:
    assert names(client) == ["a.jpg"]
    (library / "b.jpg").write_bytes(picture())
    assert found(client, "b.jpg") == ["b.jpg"]
    (library / "c.jpg").write_bytes(picture())
    assert names(client) == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_removed_picture(client: TestClient, library: Path) -> None:
    assert found(client, "a.jpg") == ["a.jpg"]
    (library / "a.jpg").unlink()
    assert found(client, "a.jpg") == []
    assert names(client) == []
    assert client.get("/api/thumb", params={"path": "a.jpg"}).status_code == 404


def test_a_renamed_picture(client: TestClient, library: Path) -> None:
    assert found(client, "two.jpg") == ["trip/two.jpg"]
    (library / "trip" / "two.jpg").rename(library / "three.jpg")
    assert found(client, "two.jpg") == []
    assert found(client, "three.jpg") == ["three.jpg"]


def test_a_new_tree_of_folders(client: TestClient, library: Path) -> None:
    assert found(client, "deep") == []
    (library / "x" / "y" / "z").mkdir(parents=True)
    (library / "x" / "y" / "z" / "deep.jpg").write_bytes(picture())
    assert found(client, "deep") == ["x/y/z/deep.jpg"]
    (library / "x").rename(library / "w")
    assert found(client, "deep") == ["w/y/z/deep.jpg"]


def test_a_folder_that_becomes_a_leaf(client: TestClient, library: Path) -> None:
    def kind() -> str:
        dirs = client.get("/api/folders").json()["dirs"]
        return next(str(entry["kind"]) for entry in dirs if entry["name"] == "empty")

    assert kind() == "branch"
    (library / "empty" / "x.jpg").write_bytes(picture())
    assert kind() == "leaf-real"
    (library / "empty" / "x.jpg").unlink()
    assert kind() == "branch"


def test_a_picture_replaced_in_place_with_the_same_size_and_time(client: TestClient, library: Path) -> None:
    path = library / "a.jpg"
    red, blue = picture("red"), picture("blue", (30, 40))
    length = max(len(red), len(blue))
    path.write_bytes(red.ljust(length, b"\0"))
    before = path.stat()
    first = client.post("/api/folders/reindex").status_code, item(client, "a.jpg")
    assert thumbnail_color(client, "a.jpg") == (1, 0, 0)
    path.write_bytes(blue.ljust(length, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = item(client, "a.jpg")
    assert (first[1]["w"], second["w"], second["h"]) == (40, 30, 40)
    assert first[1]["hash"] is not None
    assert second["hash"] is None
    assert thumbnail_color(client, "a.jpg") == (0, 0, 1)
    client.post("/api/folders/reindex")
    assert item(client, "a.jpg")["hash"] not in (None, first[1]["hash"])


def test_many_replacements_within_one_tick(client: TestClient, library: Path) -> None:
    path = library / "a.jpg"
    pictures = {color: picture(color) for color in ("red", "blue", "lime")}
    length = max(map(len, pictures.values()))
    expected = {"red": (1, 0, 0), "blue": (0, 0, 1), "lime": (0, 1, 0)}
    for color in ("red", "blue", "lime", "red", "lime", "blue"):
        path.write_bytes(pictures[color].ljust(length, b"\0"))
        assert thumbnail_color(client, "a.jpg") == expected[color]


def test_a_replacement_that_is_older_than_the_thumbnail(client: TestClient, library: Path) -> None:
    assert thumbnail_color(client, "a.jpg") == (1, 0, 0)
    other = library.parent / "older.jpg"
    other.write_bytes(picture("blue"))
    os.utime(other, (1_000_000_000, 1_000_000_000))
    other.rename(library / "a.jpg")
    assert thumbnail_color(client, "a.jpg") == (0, 0, 1)


def test_a_picture_from_the_future_has_its_thumbnail_made_once(client: TestClient, library: Path) -> None:
    os.utime(library / "a.jpg", (4_000_000_000, 4_000_000_000))
    first = client.get("/api/thumb", params={"path": "a.jpg"})
    made = (library / "a.jpg.thumbnail").stat()
    assert item(client, "a.jpg")["has_thumb"] is True
    assert client.get("/api/thumb", params={"path": "a.jpg"}).headers["etag"] == first.headers["etag"]
    assert (library / "a.jpg.thumbnail").stat().st_ino == made.st_ino


def test_a_sidecar_written_by_another_program(client: TestClient, library: Path) -> None:
    sidecar = library / "trip" / "one.png.json"
    assert found(client, "tag:alpha") == []
    sidecar.write_text(json.dumps({"v": 1, "tags": ["alpha"], "notes": ""}))
    assert found(client, "tag:alpha") == ["trip/one.png"]
    sidecar.write_text(json.dumps({"v": 1, "tags": ["bravo"], "notes": ""}))  # in place, same size, same second
    assert found(client, "tag:alpha") == []
    assert found(client, "tag:bravo") == ["trip/one.png"]
    sidecar.unlink()
    assert found(client, "tag:bravo") == []
    assert item(client, "trip/one.png")["has_meta"] is False


def test_a_thumbnail_deleted_by_another_program(client: TestClient, library: Path) -> None:
    assert thumbnail_color(client, "a.jpg") == (1, 0, 0)
    (library / "a.jpg.thumbnail").unlink()
    assert item(client, "a.jpg")["has_thumb"] is False
    assert thumbnail_color(client, "a.jpg") == (1, 0, 0)
    assert (library / "a.jpg.thumbnail").exists()


def test_a_thumbnail_torn_by_a_power_cut_is_made_again(client: TestClient, library: Path) -> None:
    assert thumbnail_color(client, "a.jpg") == (1, 0, 0)
    torn = library / "a.jpg.thumbnail"
    torn.write_bytes(torn.read_bytes()[:-5])
    assert thumbnail_color(client, "a.jpg") == (1, 0, 0)


def test_a_whole_library_that_vanishes_is_unreachable_and_comes_back(client: TestClient, library: Path) -> None:
    assert names(client) == ["a.jpg"]
    away = library.parent / "away"
    library.rename(away)
    reply = client.get("/api/folders")
    assert reply.status_code == 503
    assert "retry-after" in reply.headers
    assert str(library) not in reply.text
    away.rename(library)
    assert names(client) == ["a.jpg"]
    assert found(client, "two") == ["trip/two.jpg"]


def test_a_library_replaced_by_another_folder(client: TestClient, library: Path) -> None:
    assert found(client, "two") == ["trip/two.jpg"]
    library.rename(library.parent / "old")
    (library / "trip").mkdir(parents=True)
    (library / "trip" / "new.jpg").write_bytes(picture())
    assert found(client, "two") == []
    assert found(client, "new") == ["trip/new.jpg"]
    (library / "later.jpg").write_bytes(picture())
    assert found(client, "later") == ["later.jpg"]


def test_many_pictures_at_once(client: TestClient, library: Path) -> None:
    data = picture()
    (library / "burst").mkdir()
    for number in range(1500):
        (library / "burst" / f"{number}.jpg").write_bytes(data)
    assert client.get("/api/search", params={"q": "path:burst", "limit": 1}).json()["total"] == 1500
