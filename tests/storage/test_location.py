"""Locations as users type them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lenscat_backend.errors import SettingsError
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.location import Location, parse_location
from lenscat_backend.storage.memory import MemoryStore
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.opening import open_store


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/photos", "/photos"),
        ("/photos/", "/photos"),
        ("/a/../photos/./x", "/photos/x"),
        ("/with space/100%/#1?", "/with space/100%/#1?"),
        ("file:///photos", "/photos"),
        ("FILE:///photos/", "/photos"),
        ("file://localhost/photos", "/photos"),
        ("file:///with%20space/100%25", "/with space/100%"),
        ("file:///", "/"),
        ("file:///%FF", os.fsdecode(b"/\xff")),
    ],
)
def test_folders(text: str, path: str) -> None:
    location = parse_location(text)
    assert (location.scheme, location.path) == ("file", Path(path))
    assert parse_location(location.url) == location


def test_home_and_relative_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.chdir(tmp_path)
    assert parse_location("~/photos").path == Path("/home/somebody/photos")
    assert parse_location("photos").path == tmp_path / "photos"
    assert parse_location(".").path == tmp_path
    assert parse_location("s3").path == tmp_path / "s3"


@pytest.mark.parametrize(
    ("text", "location", "url"),
    [
        ("s3://bucket", Location("s3", bucket="bucket"), "s3://bucket"),
        ("s3://bucket/", Location("s3", bucket="bucket"), "s3://bucket"),
        ("S3://b-1.x/a/b c/", Location("s3", bucket="b-1.x", prefix="a/b c"), "s3://b-1.x/a/b c"),  # type: ignore[arg-type]
        ("gs://bucket/%20#?", Location("gs", bucket="bucket", prefix="%20#?"), "gs://bucket/%20#?"),  # type: ignore[arg-type]
        ("az://container/x", Location("az", bucket="container", prefix="x"), "az://container/x"),  # type: ignore[arg-type]
        ("memory:", Location("memory"), "memory:"),
        ("memory://", Location("memory"), "memory:"),
    ],
)
def test_urls(text: str, location: Location, url: str) -> None:
    assert parse_location(text) == location
    assert location.url == url
    assert parse_location(url) == location


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "give a folder"),
        ("  ", "give a folder"),
        ("a\0b", "give a folder"),
        ("http://host/x", "http://"),
        ("file://photos", "three slashes"),
        ("file://server/photos", "three slashes"),
        ("file:///a%00b", "NUL"),
        ("s3://", "bucket"),
        ("s3:///prefix", "bucket"),
        ("s3://b?x=1/y", "bucket"),
        ("s3://bucket/a//b", "prefix"),
        ("s3://bucket/../b", "prefix"),
        ("~no-such-user-here/x", "home"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        parse_location(text)


def test_secrets_are_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_location("s3://AKIAKEY:hunter2@bucket/prefix")
    assert "hunter2" not in str(caught.value) and "AKIAKEY" not in str(caught.value)


def test_opening(tmp_path: Path) -> None:
    store = open_store(parse_location(str(tmp_path)), writable=False)
    assert isinstance(store, LocalDisk) and not store.capabilities.writable
    assert isinstance(open_store(parse_location("memory:")), MemoryStore)


def test_opening_a_bucket_asks_nothing_yet() -> None:
    store = open_store(parse_location("s3://bucket/prefix"), objects=ObjectOptions(anonymous=True))
    assert store.capabilities.remote and store.describe() == "s3://bucket/prefix"


@pytest.mark.parametrize(("name", "words"), [("gone", "There is no folder"), ("file", "is a file")])
def test_folders_that_cannot_be_opened(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=words) as caught:
        open_store(parse_location(str(tmp_path / name)))
    assert str(tmp_path / name) in str(caught.value)
