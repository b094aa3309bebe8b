"""What is particular to the store in memory."""

from __future__ import annotations

import asyncio

import pytest

from lenscat_backend.errors import NotFoundError
from lenscat_backend.models.paths import ROOT, parse_path
from lenscat_backend.storage.memory import MemoryStore


def test_folders_vanish_with_their_last_file() -> None:
    async def run() -> None:
        store = MemoryStore()
        await store.write(parse_path("x/y/a"), b"")
        await store.write(parse_path("x/b"), b"")
        await store.delete(parse_path("x/y/a"))
        assert [entry.name for entry in (await store.list_folder(parse_path("x"))).entries] == ["b"]
        await store.delete(parse_path("x/b"))
        assert (await store.list_folder(ROOT)).entries == ()
        with pytest.raises(NotFoundError):
            await store.list_folder(parse_path("x"))
        await store.write(parse_path("x"), b"now a file")

    asyncio.run(run())


def test_times_come_from_the_clock() -> None:
    async def run() -> None:
        store = MemoryStore(clock=lambda: 42)
        await store.write(parse_path("a"), b"")
        assert (await store.stat(parse_path("a"))).mtime_ns == 42

    asyncio.run(run())


def test_the_same_bytes_again_are_a_new_state_of_the_same_version() -> None:
    async def run() -> None:
        store = MemoryStore()
        one, two = [await store.write(parse_path("a"), b"same") for _ in range(2)]
        assert one.version == two.version and one.etag != two.etag

    asyncio.run(run())
