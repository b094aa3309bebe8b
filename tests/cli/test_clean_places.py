"""Where `lenscat clean` cleans: beside the pictures, in the cache and in an overlay; never in a read-only library."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.test_cli import answer, lenscat
from tests.serving import tree_digest


@pytest.fixture
def overlay(library: Path, tmp_path: Path) -> Path:
    """An overlay with a sidecar, indexed: it holds three thumbnails and the manifests of three folders and the root."""
    place = tmp_path / "overlay"
    (place / "trip").mkdir(parents=True)
    (place / "trip" / "two.jpg.json").write_text('{"v": 1, "tags": ["overlaid"]}')
    answer("index", library, "--thumbs", "--overlay", place)
    return place


def names(place: Path) -> set[str]:
    return {os.fsdecode(name) for name in tree_digest(place)}


def test_clean_cleans_the_overlay_and_keeps_its_sidecars(library: Path, overlay: Path) -> None:
    before = tree_digest(library)
    assert "trip/one.png.thumbnail" in names(overlay)
    found = len(names(overlay)) - 1
    done = answer("clean", library, "--overlay", overlay, "--yes")
    assert (done["found"], done["removed"], done["failed"]) == (found, found, [])
    assert names(overlay) == {"trip/two.jpg.json"}
    assert tree_digest(library) == before


def test_clean_cleans_both_places(library: Path, overlay: Path) -> None:
    answer("index", library, "--thumbs")
    answer("clean", library, "--overlay", overlay, "--yes")
    assert names(overlay) == {"trip/two.jpg.json"}
    assert names(library) == {"a.jpg", "trip/one.png", "trip/two.jpg"}


def test_clean_of_a_read_only_library_cleans_its_overlay_alone(library: Path, overlay: Path) -> None:
    answer("index", library, "--thumbs")
    before = tree_digest(library)
    assert answer("clean", library, "--read-only", "--overlay", overlay, "--yes")["failed"] == []
    assert names(overlay) == {"trip/two.jpg.json"}
    assert tree_digest(library) == before


def test_clean_says_which_files_lie_in_the_overlay(library: Path, overlay: Path) -> None:
    result = lenscat("clean", library, "--overlay", overlay, "--dry-run")
    assert "  overlay: a.jpg.thumbnail\n" in result.stdout


def test_clean_counts_what_lies_in_the_cache(library: Path) -> None:
    answer("index", library, "--thumbs", "--derived", "cache")
    before = tree_digest(library)
    result = lenscat("clean", library, "--derived", "cache", "--dry-run")
    assert "  cache: a.jpg.thumbnail\n" in result.stdout
    done = answer("clean", library, "--derived", "cache", "--yes")
    assert (done["found"] >= 3, done["removed"] == done["found"]) == (True, True)
    assert answer("clean", library, "--derived", "cache", "--yes")["found"] == 0
    assert tree_digest(library) == before


@pytest.mark.parametrize("arguments", [("--yes",), ("--dry-run",), ()])
def test_clean_refuses_a_read_only_library_at_once(
    library: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    answer("index", library, "--thumbs")
    before = tree_digest(library)
    monkeypatch.setenv("LENSCAT_READ_ONLY", "true")
    result = lenscat("clean", library, *arguments, given="y\n")
    assert (result.exit_code, "read-only" in result.stderr, result.stdout) == (4, True, "")
    assert tree_digest(library) == before
    assert list(json.loads(lenscat("clean", library, *arguments, "--json").stdout)) == ["error"]


def test_after_a_refused_clean_the_catalog_is_still_there(library: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    answer("index", library, "--cache-dir", cache)
    assert lenscat("clean", library, "--read-only", "--yes", "--cache-dir", cache).exit_code == 4
    assert list(cache.rglob("catalog.sqlite3"))
