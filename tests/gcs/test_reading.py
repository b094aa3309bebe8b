"""Reading from Google Cloud Storage: lists, ranges, names, and a gallery whose edits go to an overlay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lenscat_backend.errors import NotFoundError, ReadOnlyError
from lenscat_backend.models.paths import ROOT, parse_path
from tests.api.test_object_store import scanned
from tests.conftest import picture
from tests.gcs.servers import GoogleServer
from tests.serving import poll, serving

NAMES = ("plain.jpg", "with space.jpg", "100% #1?.jpg", "é😀.jpg", "a+b&c.jpg", "back\\slash.jpg")


def test_folders(fake_gcs: GoogleServer) -> None:
    bucket = fake_gcs.new_bucket()
    for key in ("in/a.jpg", "in/x/b.jpg", "in/x/y/c.jpg", "out.jpg"):
        fake_gcs.put(bucket, key, key.encode())
    store = fake_gcs.open(bucket, "in")
    assert [(entry.name, entry.is_folder, entry.size) for entry in store.list_folder(ROOT).entries] == [
        ("a.jpg", False, 8),
        ("x", True, 0),
    ]
    assert [path for page in store.list_tree_pages(ROOT) for path, _ in page] == ["a.jpg", "x/b.jpg", "x/y/c.jpg"]
    assert store.stat(parse_path("x")).is_folder
    for call in (store.stat, store.list_folder):
        with pytest.raises(NotFoundError):
            call(parse_path("none"))


def test_bytes_and_ranges(fake_gcs: GoogleServer) -> None:
    bucket, path = fake_gcs.new_bucket(), parse_path("a.jpg")
    fake_gcs.put(bucket, "a.jpg", b"0123456789")
    store = fake_gcs.open(bucket)
    (listed,) = store.list_folder(ROOT).entries
    blob = store.read(path, 10)
    assert (blob.data, blob.etag, blob.mtime_ns) == (b"0123456789", listed.etag, listed.mtime_ns)
    assert [store.read_range(path, *span) for span in ((2, 3), (8, 9), (10, 1))] == [b"234", b"89", b""]
    with store.open(path) as file:
        assert b"".join(file.stream(3, 4)) == b"3456"


def test_a_version_is_a_generation(fake_gcs: GoogleServer) -> None:
    bucket, path = fake_gcs.new_bucket(), parse_path("a.jpg")
    fake_gcs.put(bucket, "a.jpg", b"same")
    before = fake_gcs.open(bucket).read(path, 9)
    fake_gcs.put(bucket, "a.jpg", b"same")
    after = fake_gcs.open(bucket).read(path, 9)
    assert before.version.isdigit() and int(after.version) > int(before.version)


def test_names_with_every_sign(fake_gcs: GoogleServer) -> None:
    bucket = fake_gcs.new_bucket()
    for name in NAMES:
        fake_gcs.put(bucket, f"in/{name}", name.encode())
    store = fake_gcs.open(bucket)
    assert {entry.name for entry in store.list_folder(parse_path("in")).entries} == set(NAMES)
    assert [store.read(parse_path(f"in/{name}"), 99).data.decode() for name in NAMES] == list(NAMES)


def test_nothing_is_written_where_it_is_only_read(fake_gcs: GoogleServer) -> None:
    with pytest.raises(ReadOnlyError):
        fake_gcs.open(fake_gcs.new_bucket()).write(parse_path("a"), b"")


def test_a_gallery_with_an_overlay(fake_gcs: GoogleServer, tmp_path: Path) -> None:
    bucket, overlay = fake_gcs.new_bucket(), tmp_path / "overlay"
    fake_gcs.put(bucket, "lib/a trip/1.jpg", picture(size=(300, 200)))
    overlay.mkdir()
    options = ("--cache-dir", tmp_path / "cache", "--read-only", "--overlay", overlay)
    addresses = {"STORAGE_EMULATOR_HOST": fake_gcs.url, "S3_ENDPOINT": "http://127.0.0.1:1"}
    with serving(f"gs://{bucket}/lib", *options, **addresses) as served:
        poll(lambda: scanned(served), "the first scan")
        (item,) = served.get("/api/folders", path="a trip").json()["items"]
        assert (item["name"], item["w"], item["h"]) == ("1.jpg", 300, 200)
        assert served.get("/api/thumb", path="a trip/1.jpg").data[8:12] == b"WEBP"
        part = served.ask("GET", "/api/files/a%20trip/1.jpg", headers={"Range": "bytes=10-19"})
        assert (part.status, part.data) == (206, picture(size=(300, 200))[10:20])
        assert served.put_item("a trip/1.jpg", {"tags": ["ours"]}).status == 200
        assert served.get("/api/search", q="tag:ours").json()["total"] == 1
    assert json.loads((overlay / "a trip" / "1.jpg.json").read_bytes())["tags"] == ["ours"]
