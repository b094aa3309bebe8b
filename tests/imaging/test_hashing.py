"""The content hash."""

from __future__ import annotations

from pathlib import Path

import pytest
from blake3 import blake3

from lenscat_backend.imaging.hashing import CHUNK_BYTES, HashingCancelledError, hash_chunks, hash_file


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 7, 3 * CHUNK_BYTES])
def test_a_file_and_its_chunks_hash_alike(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    file = tmp_path / "file"
    file.write_bytes(data)
    expected = f"blake3:{blake3(data).hexdigest()}"
    assert hash_file(file) == expected
    assert hash_chunks(data[at : at + 1000] for at in range(0, size, 1000)) == expected


def test_hashing_can_be_cancelled(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 3 * CHUNK_BYTES)
    answers = iter([False, False, True])
    with pytest.raises(HashingCancelledError):
        hash_file(file, cancelled=lambda: next(answers))
