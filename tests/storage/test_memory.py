"""What is particular to the store in memory."""

from __future__ import annotations

import pytest

from lenscat_backend.errors import NotFoundError
from lenscat_backend.models.paths import ROOT, parse_path
from lenscat_backend.storage.memory import MemoryStore


def test_folders_vanish_with_their_last_file() -> None:
    store = MemoryStore()
    store.write(parse_path("x/y/a"), b"")
    store.write(parse_path("x/b"), b"")
    store.delete(parse_path("x/y/a"))
    assert [entry.name for entry in store.list_folder(parse_path("x")).entries] == ["b"]
    store.delete(parse_path("x/b"))
    assert store.list_folder(ROOT).entries == ()
    with pytest.raises(NotFoundError):
        store.list_folder(parse_path("x"))
    store.write(parse_path("x"), b"now a file")


def test_times_come_from_the_clock() -> None:
    store = MemoryStore(clock=lambda: 42)
    store.write(parse_path("a"), b"")
    assert store.stat(parse_path("a")).mtime_ns == 42


def test_the_same_bytes_again_are_a_new_state_of_the_same_version() -> None:
    store = MemoryStore()
    one, two = [store.write(parse_path("a"), b"same") for _ in range(2)]
    assert one.version == two.version and one.etag != two.etag
