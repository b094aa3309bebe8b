"""The shared corpus of real and hostile pictures, and what its manifests say."""

from __future__ import annotations

import csv
import os
from functools import lru_cache
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("LENSCAT_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))

Row = dict[str, str]


@lru_cache
def rows(group: str) -> tuple[Row, ...]:
    """The rows of a group's manifest; empty where the corpus is not there."""
    manifest = SHARED / group / "manifest.csv"
    if not manifest.exists():
        return ()
    with manifest.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def paths(group: str) -> list[str]:
    """The pictures of a group, for `parametrize`; one that explains itself where the corpus is missing."""
    return [row["path"] for row in rows(group)] or ["(corpus missing)"]


def row_of(group: str, path: str) -> Row:
    """What the manifest says of a picture; skips where the corpus is missing, fails in CI."""
    for row in rows(group):
        if row["path"] == path:
            return row
    message = f"The corpus of pictures ({group}/{path}) is missing: put it in ../shared or set LENSCAT_SHARED."
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def photo(path: str) -> Path:
    """The path of a real photograph."""
    row_of("photos", path)
    return SHARED / "photos" / path


def hostile(path: str) -> Path:
    """The path of a hostile file."""
    row_of("hostile", path)
    return SHARED / "hostile" / path
