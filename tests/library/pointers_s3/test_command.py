"""`lenscat pointer`, `index`, `search` and `check` with targets in buckets, in libraries on disks and in buckets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.api.test_pointers_s3 import environment
from tests.conftest import picture
from tests.s3.shelves import POINTER, Shelf, local, point
from tests.serving import run_lenscat

Runs = Callable[..., CompletedProcess[str]]


@pytest.fixture
def runs(shelf: Shelf) -> Runs:
    """Runs `lenscat` with settings that reach the buckets."""
    return lambda *words: run_lenscat(*words, **environment(shelf.server))


@pytest.mark.parametrize("where", ["disk", "bucket"])
def test_added_listed_searched_and_removed(
    where: str, library: Path, shelf: Shelf, other: Shelf, runs: Runs, tmp_path: Path
) -> None:
    other.put("lib/a.jpg", picture())
    place = library if where == "disk" else f"s3://{other.name}/lib"
    before = {key: shelf.get(key) for key in shelf.listed()}
    url = f"s3://{shelf.name}/art"
    added = runs("pointer", "add", "in/away", url + "/", "--label", "Far", "--region", "us-east-1", "--library", place)
    assert (added.returncode, added.stderr, added.stdout) == (0, "", f'in/away -> {url} "Far"\n')
    written = (
        (library / "in" / "away" / POINTER).read_bytes() if where == "disk" else other.get(f"lib/in/away/{POINTER}")
    )
    assert json.loads(written) == {
        "version": 1,
        "kind": "pointer",
        "label": "Far",
        "readonly": False,
        "target": {"type": "s3", "bucket": shelf.name, "prefix": "art/", "region": "us-east-1"},
    }
    assert runs("search", place, "tag:theirs").stdout == "in/away/x.jpg\n"
    listed = runs("pointer", "list", place, "--json")
    assert listed.returncode == 0
    assert json.loads(listed.stdout) == {
        "path": "in/away",
        "target": url,
        "label": "Far",
        "readonly": False,
        "error": "",
    }
    named = "in/away" if where == "disk" else f"{place}/in/away"
    removed = runs("pointer", "remove", named, "--library", place)
    assert removed.returncode == 0
    assert "What it led to was not touched" in removed.stdout
    assert runs("pointer", "list", place).stdout == ""
    assert {key: shelf.get(key) for key in shelf.listed()} == before
    assert not [key for key in other.listed() if POINTER in key]


@pytest.mark.parametrize(
    ("path", "target", "code", "why"),
    [
        ("deep/self", "s3://{bucket}/art", 7, "circle"),
        ("deep", "s3://{bucket}/elsewhere", 5, "not empty"),
        ("new", "s3://key:secret@{bucket}/a", 2, "environment"),
    ],
)
def test_what_cannot_work_is_refused_in_a_bucket(
    shelf: Shelf, runs: Runs, path: str, target: str, code: int, why: str
) -> None:
    before = shelf.listed()
    place = f"s3://{shelf.name}/art"
    done = runs("pointer", "add", path, target.format(bucket=shelf.name), "--library", place)
    assert (done.returncode, why in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr and "secret" not in done.stderr
    assert shelf.listed() == before


def test_what_only_wants_something_is_kept_and_said(shelf: Shelf, other: Shelf, runs: Runs, tmp_path: Path) -> None:
    """By an address of its own, without a named library; leave is wanted, a bucket, and pictures at the prefix."""
    place = f"s3://{other.name}/lib"
    other.put("lib/a.jpg", picture())
    wants = {
        "leave": (str(tmp_path), "LENSCAT_POINTER_ROOTS"),
        "bucket": ("s3://no-such-bucket/x", "check the bucket's name"),
        "prefix": (f"s3://{shelf.name}/none", "check its prefix"),
    }
    for name, (target, why) in wants.items():
        added = runs("pointer", "add", f"{place}/{name}", target)
        assert (added.returncode, why in added.stderr) == (0, True), added
    listed = runs("pointer", "list", place)
    assert (listed.returncode, listed.stdout.count("->")) == (1, len(wants))
    checked = runs("check", place)
    assert checked.returncode == 1
    assert all(why in checked.stdout + checked.stderr for _, why in wants.values())


def test_circles_end_for_every_command(library: Path, shelf: Shelf) -> None:
    point(library / "trip" / "away", shelf.target("art"))
    shelf.point("art/home", local(library))
    settings = environment(shelf.server, LENSCAT_POINTER_ROOTS=str(library))
    indexed = run_lenscat("index", library, "--thumbs", "--json", **settings)
    assert (indexed.returncode, json.loads(indexed.stdout)["images"]) == (1, 6)
    assert len(run_lenscat("search", library, "", **settings).stdout.splitlines()) == 6
    listed = run_lenscat("pointer", "list", library, **settings)
    assert (listed.returncode, "circle" in listed.stderr) == (1, True)
    checked = run_lenscat("check", library, **settings)
    assert (checked.returncode, "circle" in checked.stdout + checked.stderr) == (1, True)
