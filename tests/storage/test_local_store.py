"""What `LocalStore` adds to the disk: threads, and streams that are left early."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lenscat_backend.models.paths import ROOT, decode_name, parse_path
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.local_store import LocalStore, _RangeReader

A = parse_path("a.jpg")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    (tmp_path / "a.jpg").write_bytes(bytes(3 << 20))
    store = LocalStore(LocalDisk(tmp_path), threads=2)
    yield store
    store.close()


def descriptors() -> set[Path]:
    return set(Path("/dev/fd").iterdir())


def test_local_paths(store: LocalStore, tmp_path: Path) -> None:
    assert store.local_path(ROOT) == tmp_path
    assert store.local_path(parse_path("x/" + decode_name(b"\xff"))) == tmp_path / "x" / os.fsdecode(b"\xff")


def test_a_stream_that_is_dropped_closes_its_file(store: LocalStore) -> None:
    async def read_one() -> None:
        async for chunk in store.stream(A, 0, 3 << 20):
            assert len(chunk) == 1 << 20
            break

    asyncio.run(store.stat(A))
    before = descriptors()
    asyncio.run(read_one())
    assert descriptors() == before


def test_a_stream_that_is_cancelled_closes_its_file(store: LocalStore) -> None:
    async def read_on(started: asyncio.Event) -> None:
        async for _ in store.stream(A, 0, 3 << 20):
            started.set()
            await asyncio.Event().wait()

    async def cancel() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(read_on(started))
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(store.stat(A))
    before = descriptors()
    asyncio.run(cancel())
    assert descriptors() == before


def test_closing_while_a_thread_reads_leaves_the_closing_to_it(store: LocalStore) -> None:
    before = descriptors()
    source = _RangeReader(store.disk, A, 0, 3 << 20)
    assert len(source.read_next()) == 1 << 20
    with source._lock:  # as a thread in the middle of a read holds it
        source.close()
        assert descriptors() != before
    assert source.read_next() == b""
    assert descriptors() == before


def test_a_file_replaced_during_a_stream_is_sent_as_it_was(store: LocalStore) -> None:
    async def read_and_replace() -> list[bytes]:
        chunks = []
        async for chunk in store.stream(A, 0, 3 << 20):
            chunks.append(chunk)
            await store.write(A, b"new", durable=False)
        return chunks

    assert asyncio.run(read_and_replace()) == [bytes(1 << 20)] * 3
