"""The content hash of a file: ``blake3:<hex>``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from blake3 import blake3

CHUNK_BYTES = 1024 * 1024


class HashingCancelledError(Exception):
    """The caller no longer wants the hash."""


def hash_file(path: Path, *, cancelled: Callable[[], bool] | None = None) -> str:
    """The hash of the file's bytes, read in chunks of 1 MiB; `cancelled` is asked before each one.

    Raises `HashingCancelledError` and what opening or reading raises.
    """
    with path.open("rb", buffering=0) as file:
        return hash_chunks(_chunks(file.read, cancelled))


def hash_chunks(chunks: Iterable[bytes]) -> str:
    """The hash of the chunks one after another."""
    hasher = blake3()
    for chunk in chunks:
        hasher.update(chunk)
    return f"blake3:{hasher.hexdigest()}"


def _chunks(read: Callable[[int], bytes | None], cancelled: Callable[[], bool] | None) -> Iterator[bytes]:
    while True:
        if cancelled is not None and cancelled():
            raise HashingCancelledError
        chunk = read(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk
