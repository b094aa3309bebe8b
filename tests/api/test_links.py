"""Symbolic links: inside the library followed once, out of it never (unless allowed), loops end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import OpenClient, picture
from tests.serving import tree_digest

WATCHING = [pytest.param(True, id="watching"), pytest.param(False, id="not watching")]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder outside of the library, with a picture in it."""
    outside = tmp_path / "outside"
    (outside / "deeper").mkdir(parents=True)
    (outside / "secret.jpg").write_bytes(picture("red"))
    (outside / "deeper" / "too.jpg").write_bytes(picture("red"))
    return outside


@pytest.fixture
def linked(library: Path, outside: Path) -> Path:
    """The library with links of every kind."""
    links = {
        "same.jpg": "a.jpg",
        "far.jpg": "trip/two.jpg",
        "again.jpg": "same.jpg",
        "album": "trip",
        "empty/up": "../trip",
        "empty/root": "..",
        "empty/here": ".",
        "loop": "loop",
        "ping": "pong",
        "pong": "ping",
        "loop.jpg": "loop.jpg",
        "dangling.jpg": "nothing.jpg",
        "dangling": "nothing",
        "out": str(outside),
        "out-relative": "../outside",
        "out.jpg": str(outside / "secret.jpg"),
        "out-twice.jpg": "out/secret.jpg",
        "etc": "/etc",
        "system": "/",
        "device.jpg": "/dev/zero",
    }
    for name, target in links.items():
        (library / name).symlink_to(target)
    return library


@pytest.fixture
def client(linked: Path, open_client: OpenClient) -> Iterator[TestClient]:
    with open_client(linked, watch=False) as opened:
        yield opened


def names(client: TestClient, path: str = "") -> tuple[list[str], list[str]]:
    manifest = client.get("/api/folders", params={"path": path}).json()
    return [entry["name"] for entry in manifest["items"]], [entry["name"] for entry in manifest["dirs"]]


def asked(client: TestClient, path: str) -> dict[str, Any]:
    """Every call about one picture, by its method and address."""
    return {
        "thumb": client.get("/api/thumb", params={"path": path}),
        "thumb again": client.get("/api/thumb", params={"path": path}),
        "make": client.post("/api/thumb", params={"path": path, "force": True}),
        "remove": client.delete("/api/thumb", params={"path": path}),
        "preview": client.get("/api/preview", params={"path": path}),
        "item": client.get("/api/item", params={"path": path}),
        "edit": client.put("/api/item", params={"path": path}, json={"tags": ["x"]}),
        "delete": client.delete("/api/item", params={"path": path}),
        "file": client.get(f"/api/files/{path}"),
        "head": client.head(f"/api/files/{path}"),
    }


def test_what_is_listed(client: TestClient) -> None:
    assert names(client) == (["a.jpg", "again.jpg", "far.jpg", "same.jpg"], ["album", "empty", "trip"])


def test_a_linked_folder_shows_what_it_holds(client: TestClient) -> None:
    assert names(client, "album") == (["one.png", "two.jpg"], [])
    assert names(client, "empty/up") == (["one.png", "two.jpg"], [])


@pytest.mark.parametrize("path", ["same.jpg", "again.jpg", "far.jpg", "album/two.jpg", "empty/up/two.jpg"])
def test_a_linked_picture_is_a_picture(client: TestClient, linked: Path, path: str) -> None:
    replies = asked(client, path)
    assert {call: reply.status_code for call, reply in replies.items()} == dict.fromkeys(replies, 200)
    assert replies["file"].content == (linked / path).read_bytes()


def test_an_edit_through_a_link_lies_beside_the_link(client: TestClient, linked: Path) -> None:
    client.put("/api/item", params={"path": "same.jpg"}, json={"tags": ["linked"]})
    assert (linked / "same.jpg.json").exists()
    assert not (linked / "a.jpg.json").exists()
    assert (linked / "same.jpg").is_symlink()


def test_an_edit_in_a_linked_folder_is_the_folders_own(client: TestClient, linked: Path) -> None:
    client.put("/api/item", params={"path": "album/one.png"}, json={"tags": ["shared"]})
    assert (linked / "trip" / "one.png.json").exists()
    assert client.get("/api/item", params={"path": "trip/one.png"}).json()["tags"] == ["shared"]


def test_a_folder_that_contains_itself_is_not_gone_round(client: TestClient) -> None:
    assert names(client, "empty") == ([], ["up"])
    for path in ("empty/root", "empty/here", "loop", "ping"):
        assert client.get("/api/folders", params={"path": path}).status_code == 404


def test_a_link_behind_a_link_is_followed_once(client: TestClient, linked: Path) -> None:
    (linked / "trip" / "more").symlink_to("../empty")
    assert names(client, "trip")[1] == ["more"]
    assert names(client, "album")[1] == []
    assert client.get("/api/folders", params={"path": "album/more"}).status_code == 404


def test_a_search_finds_each_picture_a_bounded_number_of_times(client: TestClient) -> None:
    client.post("/api/search/rebuild-index")
    found = client.get("/api/search", params={"q": "two.jpg"}).json()
    assert [entry["path"] for entry in found["items"]] == ["album/two.jpg", "empty/up/two.jpg", "trip/two.jpg"]
    assert client.get("/api/search", params={"q": "secret"}).json()["total"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "out.jpg",
        "out-twice.jpg",
        "out/secret.jpg",
        "out/deeper/too.jpg",
        "out-relative/secret.jpg",
        "device.jpg",
        "loop.jpg",
        "dangling.jpg",
        "dangling/x.jpg",
        "loop/x.jpg",
        "ping/x.jpg",
        "system/etc/x.jpg",
    ],
)
def test_a_picture_outside_is_refused_by_every_call(client: TestClient, outside: Path, path: str) -> None:
    before = tree_digest(outside)
    replies = asked(client, path)
    statuses = {call: reply.status_code for call, reply in replies.items()}
    assert set(statuses.values()) <= {403, 404}, statuses
    secret = (outside / "secret.jpg").read_bytes()
    assert all(secret not in reply.content for reply in replies.values())
    assert all(
        str(outside) not in reply.text and "/etc" not in reply.text[3:] for reply in replies.values() if path[0] == "o"
    )
    assert tree_digest(outside) == before


@pytest.mark.parametrize("path", ["out", "out/deeper", "out-relative", "etc", "system", "system/etc"])
def test_a_folder_outside_is_refused(client: TestClient, path: str) -> None:
    assert client.get("/api/folders", params={"path": path}).status_code in (403, 404)
    assert client.post(f"/api/folders/{path}/reindex").status_code in (403, 404)


def test_a_sidecar_that_is_a_link_to_the_outside_is_neither_read_nor_written(
    client: TestClient, linked: Path, outside: Path
) -> None:
    (outside / "a.json").write_text('{"tags": ["secret"]}')
    (linked / "a.jpg.json").symlink_to(outside / "a.json")
    assert "secret" not in client.get("/api/item", params={"path": "a.jpg"}).text
    assert client.get("/api/search", params={"q": "tag:secret"}).json()["total"] == 0
    before = tree_digest(outside)
    assert 400 <= client.put("/api/item", params={"path": "a.jpg"}, json={"tags": ["x"]}).status_code < 500
    assert tree_digest(outside) == before
    assert (linked / "a.jpg.json").is_symlink()


def test_a_dangling_sidecar_writes_nothing_outside(client: TestClient, linked: Path, outside: Path) -> None:
    (linked / "a.jpg.json").symlink_to(outside / "made.json")
    client.put("/api/item", params={"path": "a.jpg"}, json={"tags": ["x"]})
    assert not (outside / "made.json").exists()


def test_a_thumbnail_that_is_a_link_to_the_outside_is_not_served(
    client: TestClient, linked: Path, outside: Path
) -> None:
    (outside / "t.webp").write_bytes(picture("blue", (99, 99), "WEBP"))
    (linked / "a.jpg.thumbnail").symlink_to(outside / "t.webp")
    before = tree_digest(outside)
    reply = client.get("/api/thumb", params={"path": "a.jpg"})
    assert (reply.status_code, reply.content != (outside / "t.webp").read_bytes()) == (200, True)
    assert tree_digest(outside) == before


def test_a_picture_that_becomes_a_link_to_the_outside_is_refused(
    client: TestClient, linked: Path, outside: Path
) -> None:
    before = asked(client, "a.jpg")
    client.get("/api/thumb", params={"path": "a.jpg"})
    assert before["file"].status_code == 200
    (linked / "a.jpg").unlink()
    (linked / "a.jpg").symlink_to(outside / "secret.jpg")
    assert {reply.status_code for reply in asked(client, "a.jpg").values()} <= {403, 404}
    assert "a.jpg" not in names(client)[0]


def test_a_folder_that_becomes_a_link_to_the_outside_is_refused(
    client: TestClient, linked: Path, outside: Path
) -> None:
    (outside / "two.jpg").write_bytes(picture())
    client.get("/api/thumb", params={"path": "trip/two.jpg"})
    (linked / "trip").rename(linked / "moved")
    (linked / "trip").symlink_to(outside)
    before = tree_digest(outside)
    assert {reply.status_code for reply in asked(client, "trip/two.jpg").values()} <= {403, 404}
    assert tree_digest(outside) == before


def test_an_option_allows_what_lies_outside(linked: Path, open_client: OpenClient, outside: Path) -> None:
    (linked / "etc").unlink()
    (linked / "system").unlink()
    with open_client(linked, follow_links_outside=True, watch=False) as client:
        assert names(client, "out") == (["secret.jpg"], ["deeper"])
        assert client.get("/api/files/out.jpg").content == (outside / "secret.jpg").read_bytes()
        assert client.get("/api/thumb", params={"path": "out/secret.jpg"}).status_code == 200
        assert client.get("/api/folders", params={"path": "loop"}).status_code == 404


def test_an_allowed_loop_through_the_outside_ends(library: Path, open_client: OpenClient, outside: Path) -> None:
    (library / "out").symlink_to(outside)
    (outside / "back").symlink_to(library)
    with open_client(library, follow_links_outside=True) as client:
        assert client.post("/api/search/rebuild-index").json()["items_indexed"] == 5
        assert names(client, "out") == (["secret.jpg"], ["deeper"])


def test_a_library_that_is_itself_a_link(library: Path, open_client: OpenClient) -> None:
    link = library.with_name("link")
    link.symlink_to(library)
    with open_client(link) as client:
        assert names(client)[0] == ["a.jpg"]
        assert client.put("/api/item", params={"path": "a.jpg"}, json={"tags": ["x"]}).status_code == 200
    assert (library / "a.jpg.json").exists()


def test_special_files_are_neither_listed_nor_opened(library: Path, open_client: OpenClient) -> None:
    os.mkfifo(library / "fifo.jpg")
    with open_client(library) as client:
        assert names(client)[0] == ["a.jpg"]
        statuses = {reply.status_code for reply in asked(client, "fifo.jpg").values()}
        assert statuses <= {403, 404, 415}


def found(client: TestClient, query: str) -> list[str]:
    return [entry["path"] for entry in client.get("/api/search", params={"q": query}).json()["items"]]


@pytest.mark.parametrize("watch", WATCHING)
def test_a_change_in_a_linked_folder_is_seen_under_each_of_its_names(
    library: Path, open_client: OpenClient, watch: bool
) -> None:
    (library / "album").symlink_to("trip")
    with open_client(library, watch=watch) as client:
        assert found(client, "two") == ["album/two.jpg", "trip/two.jpg"]
        (library / "trip" / "two.jpg").rename(library / "trip" / "three.jpg")
        assert found(client, "two") == []
        assert found(client, "three") == ["album/three.jpg", "trip/three.jpg"]


@pytest.mark.parametrize("watch", WATCHING)
def test_a_change_behind_a_linked_picture_is_seen(library: Path, open_client: OpenClient, watch: bool) -> None:
    (library / "trip" / "linked.jpg").symlink_to("../a.jpg")
    with open_client(library, watch=watch) as client:
        assert found(client, "linked") == ["trip/linked.jpg"]
        (library / "a.jpg").unlink()
        assert found(client, "linked") == []


def test_nothing_outside_is_watched(library: Path, open_client: OpenClient, outside: Path) -> None:
    for number in range(100):
        (outside / f"folder{number}").mkdir()
    (library / "out").symlink_to(outside)
    with open_client(library) as client:
        client.get("/api/search")
        assert watch_count() < 100


def watch_count() -> int:
    """How many folders this process listens to."""
    count = 0
    for number in os.listdir("/proc/self/fdinfo"):  # noqa: PTH208 - names only
        with suppress(OSError):
            count += Path(f"/proc/self/fdinfo/{number}").read_text().count("inotify wd")
    return count
