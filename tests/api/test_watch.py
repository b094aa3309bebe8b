"""A served library hears of changes from the system: so it need not compare everything before each search."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lenscat_backend.storage.folder_listing import FINE_TICK_NS
from tests.conftest import OpenClient, picture
from tests.library.watching import watch_count

INotify: Any = pytest.importorskip("inotify_simple", reason="Linux only").INotify


@pytest.fixture(autouse=True)
def _as_in_a_large_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without events, a file that is rewritten in place is not found: nothing is compared whole."""
    monkeypatch.setattr("lenscat_backend.library.freshness.SMALL_LIBRARY", -1)


@pytest.fixture
def open_scanned(open_client: OpenClient) -> Iterator[Callable[..., TestClient]]:
    """Opens clients of servers that have ended their first scan."""
    opened = []

    def open_one(library: Path, **settings: Any) -> TestClient:
        time.sleep(2 * FINE_TICK_NS / 1e9)  # a folder that has not settled would be looked at in any case,
        opening = open_client(library, derived="cache", **settings)  # and so would one with a new manifest
        client = opening.__enter__()
        opened.append(opening)
        for _ in range(500):
            if client.get("/api/health").json()["library"]["last_scan"]:
                return client
            time.sleep(0.01)
        raise AssertionError("The first scan does not end.")

    yield open_one
    for opening in reversed(opened):
        opening.__exit__(None, None, None)


def found(client: TestClient, query: str) -> list[str]:
    return [entry["path"] for entry in client.get("/api/search", params={"q": query}).json()["items"]]


def watching(client: TestClient) -> bool:
    return bool(client.get("/api/health").json()["workers"]["watching"])


def tag(picture: Path, tag: str) -> None:
    """Another program rewrites a sidecar in place: its folder's time stays as it is."""
    picture.with_name(picture.name + ".json").write_text(json.dumps({"v": 1, "tags": [tag], "notes": ""}))


def test_a_file_rewritten_in_place_beside_a_name_that_is_not_utf8(
    library: Path, open_scanned: Callable[..., TestClient]
) -> None:
    tag(library / "a.jpg", "alpha")
    client = open_scanned(library)
    Path(os.fsdecode(os.fsencode(library) + b"/caf\xe9.jpg")).write_bytes(picture())
    assert found(client, "caf") == ["caf\U0010fee9.jpg"]
    tag(library / "a.jpg", "bravo")
    assert found(client, "tag:bravo") == ["a.jpg"]
    assert watching(client)


def test_a_file_rewritten_in_place_in_a_linked_folder(library: Path, open_scanned: Callable[..., TestClient]) -> None:
    tag(library / "trip" / "one.png", "alpha")
    (library / "album").symlink_to("trip")
    client = open_scanned(library)
    tag(library / "album" / "one.png", "bravo")
    assert found(client, "tag:bravo") == ["album/one.png", "trip/one.png"]


def test_a_linked_picture_rewritten_in_place(library: Path, open_scanned: Callable[..., TestClient]) -> None:
    (library / "empty" / "linked.jpg").symlink_to("../a.jpg")
    client = open_scanned(library)
    (library / "a.jpg").write_bytes(picture("red", (400, 100)))
    items = client.get("/api/search", params={"q": "ext:jpg"}).json()["items"]
    assert {entry["path"]: entry["w"] for entry in items} == {"a.jpg": 400, "empty/linked.jpg": 400, "trip/two.jpg": 80}


def test_a_tree_of_folders_that_is_moved_in(
    library: Path, tmp_path: Path, open_scanned: Callable[..., TestClient]
) -> None:
    (tmp_path / "new" / "x" / "y").mkdir(parents=True)
    (tmp_path / "new" / "x" / "y" / "deep.jpg").write_bytes(picture())
    tag(tmp_path / "new" / "x" / "y" / "deep.jpg", "alpha")
    client = open_scanned(library)
    (tmp_path / "new").rename(library / "new")
    assert found(client, "tag:alpha") == ["new/x/y/deep.jpg"]
    tag(library / "new" / "x" / "y" / "deep.jpg", "bravo")
    assert found(client, "tag:bravo") == ["new/x/y/deep.jpg"]


class Full(INotify):
    """A system that lets us listen to one folder, the one of the markers, and to `allowed` more."""

    allowed = 0

    def add_watch(self, path: Any, mask: int) -> int:
        number = int(super().add_watch(path, mask))
        if number > 1 + self.allowed:
            raise OSError(errno.ENOSPC, "No space left on device")
        return number


def test_the_limit_of_watches_is_said_and_changes_are_found_all_the_same(
    library: Path,
    open_scanned: Callable[..., TestClient],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("lenscat_backend.library.watch_inotify.INotify", Full)
    client = open_scanned(library)
    assert not watching(client)
    assert "fs.inotify.max_user_watches" in caplog.text
    (library / "trip" / "x.jpg").write_bytes(picture())
    assert found(client, "x.jpg") == ["trip/x.jpg"]


def test_once_the_limit_is_raised_it_listens_again(
    library: Path, open_scanned: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lenscat_backend.library.upkeep.WATCH_AGAIN_S", 0.05)
    with monkeypatch.context() as patch:
        patch.setattr("lenscat_backend.library.watch_inotify.INotify", Full)
        client = open_scanned(library)
        assert not watching(client)
    (library / "a.jpg").write_bytes(picture(size=(11, 7)))
    end = time.monotonic() + 20
    while not watching(client):
        assert time.monotonic() < end
        time.sleep(0.02)
    (library / "trip" / "x.jpg").write_bytes(picture())
    assert found(client, "x.jpg") == ["trip/x.jpg"]


def test_what_was_heard_before_the_limit_was_reached_is_not_lost(
    library: Path,
    open_scanned: Callable[..., TestClient],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tag(library / "trip" / "two.jpg", "alpha")
    monkeypatch.setattr("lenscat_backend.library.watch_inotify.INotify", Full)
    monkeypatch.setattr(Full, "allowed", 3)
    client = open_scanned(library)
    assert watching(client)
    tag(library / "trip" / "two.jpg", "bravo")
    (library / "one-too-many").mkdir()
    assert found(client, "tag:bravo") == ["trip/two.jpg"]
    assert not watching(client)
    assert "fs.inotify.max_user_watches" in caplog.text


def test_a_server_that_ends_while_it_takes_up_the_folders(
    library: Path, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_way, go = threading.Event(), threading.Event()

    class Slow(INotify):
        def add_watch(self, path: Any, mask: int) -> int:
            half_way.set()
            go.wait()
            return int(super().add_watch(path, mask))

    monkeypatch.setattr("lenscat_backend.library.watch_inotify.INotify", Slow)
    timer = threading.Timer(0.5, go.set)
    with open_client(library) as client:
        assert half_way.wait(5)
        assert client.get("/api/folders").status_code == 200  # nothing waits for it
        timer.start()
    timer.join()
    assert watch_count() == 0
    assert "watch" not in {thread.name for thread in threading.enumerate()}
