"""Killed at any point, robbed of its catalog, or not alone: nothing but time is lost."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from lenscat_backend.library.thumbnails import is_whole_webp
from tests.conftest import picture
from tests.serving import Served, poll, serving

FOLDERS, EACH = 12, 25
KILLS = 8


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A library of 300 pictures in 12 folders."""
    root = tmp_path / "library"
    data = picture(size=(400, 300))
    for folder in range(FOLDERS):
        (root / f"f{folder}").mkdir(parents=True)
        for number in range(EACH):
            (root / f"f{folder}" / f"{number}.jpg").write_bytes(data)
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def catalogs(cache: Path) -> list[Path]:
    return sorted(cache.rglob("catalog.sqlite3*"))


def assert_right(served: Served, root: Path) -> None:
    """Every listing and search is what lies on disk, and no file of ours is torn."""
    for folder in range(FOLDERS):
        items = served.get("/api/folders", path=f"f{folder}").json()["items"]
        assert [item["name"] for item in items] == [f"{number}.jpg" for number in range(EACH)]
        assert {(item["w"], item["h"]) for item in items} == {(400, 300)}
        for item in items:
            assert item["has_meta"] == (root / f"{item['path']}.json").exists()
    assert served.get("/api/search", q="jpg").json()["total"] == FOLDERS * EACH
    for path in root.rglob("*.json"):
        json.loads(path.read_bytes())
    for path in root.rglob("*.thumbnail"):
        assert is_whole_webp(path.read_bytes())


def keep_editing(served: Served, writer: int, confirmed: dict[str, set[str]], stop: threading.Event) -> None:
    """Tag pictures until the server dies; what it confirmed goes into `confirmed`."""
    chance = random.Random(writer)
    number = 0
    with suppress(OSError, HTTPException):
        while not stop.is_set():
            path = f"f{chance.randrange(FOLDERS)}/{chance.randrange(3)}.jpg"
            tag = f"w{writer}-{number}-{served.process.pid}"
            current = served.get("/api/item", path=path)
            tags = [*current.json()["tags"], tag]
            if served.put_item(path, {"tags": tags}, If_Match=current.headers["etag"]).status == 200:
                confirmed.setdefault(path, set()).add(tag)
                served.get("/api/thumb", path=path)
            number += 1


def edit_and_kill(served: Served, after_edits: int, confirmed: list[dict[str, set[str]]]) -> None:
    """Have three writers edit, and kill the server once about so many edits were confirmed."""
    stop = threading.Event()
    mine: list[dict[str, set[str]]] = [{} for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        for writer in range(3):
            threads.submit(keep_editing, served, writer, mine[writer], stop)
        poll(lambda: sum(len(tags) for found in mine for tags in found.values()) >= after_edits, "edits")
        served.kill()
        stop.set()
    confirmed += mine


def assert_all_on_disk(root: Path, confirmed: list[dict[str, set[str]]]) -> None:
    for found in confirmed:
        for path, tags in found.items():
            assert tags <= set(json.loads((root / f"{path}.json").read_bytes())["tags"])


def test_kill_during_edits_and_scans_loses_no_confirmed_edit(root: Path, cache: Path) -> None:
    chance = random.Random(20240115)
    confirmed: list[dict[str, set[str]]] = []
    for _ in range(KILLS):
        with serving(root, "--cache-dir", cache) as served:
            edit_and_kill(served, chance.randrange(1, 25), confirmed)
        assert_all_on_disk(root, confirmed)
    assert sum(len(tags) for found in confirmed for tags in found.values()) >= KILLS
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)
        for found in confirmed:
            for path, tags in found.items():
                assert tags <= set(served.get("/api/item", path=path).json()["tags"])
                tag = min(tags)
                assert served.get("/api/search", q=f"tag:{tag}").json()["items"][0]["path"] == path


def test_kill_in_the_middle_of_the_first_scan(root: Path, cache: Path) -> None:
    for _ in range(3):
        with serving(root, "--cache-dir", cache) as served:
            poll(lambda: catalogs(cache), "the catalog")
            served.kill()
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)


def test_kill_while_thumbnails_are_made(root: Path, cache: Path) -> None:
    def ask(served: Served, number: int) -> None:
        with suppress(OSError, HTTPException):
            served.get("/api/thumb", path=f"f{number % FOLDERS}/{number % EACH}.jpg")

    with serving(root, "--cache-dir", cache) as served, ThreadPoolExecutor(8) as threads:
        for number in range(200):
            threads.submit(ask, served, number)
        poll(lambda: len(list(root.rglob("*.thumbnail"))) > 10, "the first thumbnails")
        served.kill()
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)
        assert served.get("/api/thumb", path="f0/0.jpg").status == 200


def test_the_catalog_is_deleted_between_runs(root: Path, cache: Path) -> None:
    with serving(root, "--cache-dir", cache) as served:
        served.put_item("f0/0.jpg", {"tags": ["kept"]})
        served.stop()
    for path in catalogs(cache):
        path.unlink()
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)
        assert served.get("/api/search", q="tag:kept").json()["total"] == 1


def test_the_catalog_is_deleted_during_a_run(root: Path, cache: Path) -> None:
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)
        for path in catalogs(cache):
            path.unlink()
        assert served.put_item("f0/0.jpg", {"tags": ["after"]}).status == 200
        assert served.get("/api/search", q="tag:after").json()["total"] == 1
        assert_right(served, root)
        served.stop()
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)
        assert served.get("/api/search", q="tag:after").json()["total"] == 1


def test_the_whole_cache_is_deleted_during_a_run(root: Path, cache: Path) -> None:
    import shutil

    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)
        shutil.rmtree(cache)
        assert served.put_item("f0/0.jpg", {"tags": ["after"]}).status == 200
        assert served.get("/api/search", q="tag:after").json()["total"] == 1
        assert_right(served, root)


@pytest.mark.parametrize("garbage", [b"", b"garbage" * 10_000, b"SQLite format 3\0" + b"\xff" * 10_000])
def test_the_catalog_is_replaced_by_garbage(root: Path, cache: Path, garbage: bytes) -> None:
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)
        served.kill()
    for path in catalogs(cache):
        path.write_bytes(garbage)
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)


def test_the_catalog_is_damaged_in_the_middle(root: Path, cache: Path) -> None:
    with serving(root, "--cache-dir", cache) as served:
        assert_right(served, root)
        served.stop()
    catalog = next(path for path in catalogs(cache) if path.suffix == ".sqlite3")
    data = bytearray(catalog.read_bytes())
    for start in range(8192, len(data), 8192):
        data[start : start + 4096] = bytes(4096)
    catalog.write_bytes(data)
    with serving(root, "--cache-dir", cache) as served:
        poll(lambda: _is_right(served, root), "the catalog to be made anew")


def _is_right(served: Served, root: Path) -> bool:
    try:
        assert_right(served, root)
    except (AssertionError, KeyError):
        return False
    return True


def test_two_servers_share_one_catalog(root: Path, cache: Path) -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(serving(root, "--cache-dir", cache)) for _ in range(2))
        assert_right(first, root)
        assert_right(second, root)
        assert first.put_item("f0/0.jpg", {"tags": ["shared"]}).status == 200
        assert second.get("/api/search", q="tag:shared").json()["total"] == 1
        first.kill()
        assert second.put_item("f0/1.jpg", {"tags": ["shared"]}).status == 200
        assert second.get("/api/search", q="tag:shared").json()["total"] == 2
        assert_right(second, root)


def test_two_servers_start_on_a_new_library_at_once(root: Path, cache: Path) -> None:
    def serve_once() -> None:
        with serving(root, "--cache-dir", cache) as served:
            assert_right(served, root)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(serve_once) for _ in range(2)]:
            done.result()
