"""What the local disk does beyond the suite of all stores: paths of the host, and files that are closed again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lenscat_backend.models.paths import ROOT, decode_name, parse_path
from lenscat_backend.storage.local import LocalDisk

A = parse_path("a.jpg")


@pytest.fixture
def store(tmp_path: Path) -> LocalDisk:
    (tmp_path / "a.jpg").write_bytes(bytes(3 << 20))
    return LocalDisk(tmp_path)


def descriptors() -> set[Path]:
    return set(Path("/dev/fd").iterdir())


def test_local_paths(store: LocalDisk, tmp_path: Path) -> None:
    assert store.local_path(ROOT) == tmp_path
    assert store.local_path(parse_path("x/" + decode_name(b"\xff"))) == tmp_path / "x" / os.fsdecode(b"\xff")


def test_a_stream_that_is_left_early_closes_its_file(store: LocalDisk) -> None:
    before = descriptors()
    with store.open(A) as file:
        assert len(next(file.stream(0, 3 << 20))) == 1 << 20
        assert descriptors() != before
    assert descriptors() == before


def test_a_file_replaced_during_a_stream_is_sent_as_it_was(store: LocalDisk) -> None:
    chunks = []
    with store.open(A) as file:
        for chunk in file.stream(0, 3 << 20):
            chunks.append(chunk)
            store.write(A, b"new", durable=False)
    assert chunks == [bytes(1 << 20)] * 3
