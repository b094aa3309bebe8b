"""`lenscat pointer`: add, list, remove."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import picture
from tests.serving import run_lenscat, tree_digest

POINTER = ".lenscat.folder.json"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "far.jpg").write_bytes(picture())
    return folder


def written(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / POINTER).read_text()))


def test_a_pointer_is_added_listed_and_removed(library: Path, disk: Path) -> None:
    before = tree_digest(disk)
    added = run_lenscat(
        "pointer",
        "add",
        "away",
        disk,
        "--label",
        "The disk",
        "--readonly",
        "--library",
        library,
        "--pointer-roots",
        disk,
    )
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout == f'away -> {disk} "The disk" (read-only)\n'
    assert written(library / "away") == {
        "version": 1,
        "kind": "pointer",
        "label": "The disk",
        "readonly": True,
        "target": {"type": "local", "path": str(disk)},
    }
    found = run_lenscat("search", library, "far", "--pointer-roots", disk)
    assert found.stdout == "away/far.jpg\n"
    listed = run_lenscat("pointer", "list", library, "--json", "--pointer-roots", disk)
    assert json.loads(listed.stdout) == {
        "path": "away",
        "target": str(disk),
        "label": "The disk",
        "readonly": True,
        "error": "",
    }
    removed = run_lenscat("pointer", "remove", library / "away", "--library", library)
    assert removed.returncode == 0
    assert not (library / "away" / POINTER).exists()
    assert tree_digest(disk) == before
    assert run_lenscat("pointer", "list", library).stdout == ""


def test_a_target_that_is_not_allowed_yet_is_kept_and_said(library: Path, disk: Path) -> None:
    added = run_lenscat("pointer", "add", "away", "../disk", "--library", library)
    assert added.returncode == 0
    assert "--pointer-roots" in added.stderr
    assert written(library / "away")["target"] == {"type": "local", "path": "../disk"}
    listed = run_lenscat("pointer", "list", library)
    assert (listed.returncode, listed.stdout) == (1, "away -> ../disk\n")
    assert run_lenscat("pointer", "remove", "away", "--library", library).returncode == 0


def test_a_bucket_with_its_own_settings(library: Path) -> None:
    added = run_lenscat(
        *("pointer", "add", "trip/bucket", "s3://some-bucket/a/b/", "--library", library, "--anonymous"),
        *("--region", "eu-west-1", "--endpoint", "http://127.0.0.1:1"),
        LENSCAT_OBJECT_RETRIES="0",
    )
    assert added.returncode == 0
    assert "refuses connections" in added.stderr
    assert written(library / "trip" / "bucket")["target"] == {
        "type": "s3",
        "bucket": "some-bucket",
        "prefix": "a/b/",
        "region": "eu-west-1",
        "endpoint": "http://127.0.0.1:1",
        "anonymous": True,
    }


@pytest.mark.parametrize(
    ("path", "target", "code", "why"),
    [
        ("away", "nothing", 6, "does not exist"),
        ("away", "a.jpg", 7, "is a file"),
        ("away", ".", 7, "circle"),
        ("trip", "empty", 5, "not empty"),
        ("", "empty", 2, "Name a folder"),
        (".hidden", "empty", 2, "hidden"),
        ("../out", "empty", 2, "'..'"),
        ("away", "ftp://host/x", 2, "not supported"),
        ("away", "s3://-/x", 2, "bucket name"),
        ("/elsewhere/away", "empty", 2, "does not lie in the library"),
    ],
)
def test_a_pointer_that_cannot_work_is_refused(library: Path, path: str, target: str, code: int, why: str) -> None:
    before = sorted(library.rglob("*"))
    added = run_lenscat("pointer", "add", path, target, "--library", library)
    assert added.returncode == code
    assert why in added.stderr
    assert "Traceback" not in added.stderr
    assert sorted(library.rglob("*")) == before


def test_a_pointer_is_not_overwritten(library: Path) -> None:
    assert run_lenscat("pointer", "add", "away", "empty", "--library", library).returncode == 0
    again = run_lenscat("pointer", "add", "away", "trip", "--library", library)
    assert again.returncode == 5
    assert "pointer already" in again.stderr
    assert written(library / "away")["target"] == {"type": "local", "path": "empty"}


def test_only_pointers_are_removed(library: Path) -> None:
    gone = run_lenscat("pointer", "remove", "trip", "--library", library)
    assert gone.returncode == 3
    assert "pointer list" in gone.stderr


def test_a_place_without_a_named_library(library: Path, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path needs no library, and a relative target is one of the folder that the user is in."""
    monkeypatch.chdir(disk.parent)
    assert run_lenscat("pointer", "add", library / "trip" / "away", "disk").returncode == 0
    assert written(library / "trip" / "away")["target"] == {"type": "local", "path": str(disk)}
    monkeypatch.chdir(library)
    assert run_lenscat("pointer", "add", "near", "empty").returncode == 0
    assert run_lenscat("pointer", "remove", "near").returncode == 0
