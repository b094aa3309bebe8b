"""The content hash."""

from __future__ import annotations

import pytest
from blake3 import blake3

from lenscat_backend.imaging.hashing import hash_chunks


@pytest.mark.parametrize("size", [0, 1, 1000, 4097])
def test_however_it_is_cut_the_hash_is_that_of_the_whole(size: int) -> None:
    data = (bytes(range(256)) * 17)[:size]
    assert hash_chunks(data[at : at + 1000] for at in range(0, size, 1000)) == f"blake3:{blake3(data).hexdigest()}"
