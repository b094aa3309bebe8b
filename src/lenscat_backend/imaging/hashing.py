"""The content hash of a file: ``blake3:<hex>``."""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3


def hash_chunks(chunks: Iterable[bytes]) -> str:
    """The hash of the chunks one after another."""
    hasher = blake3()
    for chunk in chunks:
        hasher.update(chunk)
    return f"blake3:{hasher.hexdigest()}"
