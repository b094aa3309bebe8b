"""Every command as a user runs it: a process, its output, its exit code, and the files it leaves."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import picture
from tests.serving import lenscat_command, poll, run_lenscat, tree_digest

SAMPLE = {
    "landscapes/mountain.jpg": (["landscape", "mountain", "nature"], "Beautiful mountain view"),
    "landscapes/lake.jpg": (["landscape", "water", "serene"], "Peaceful lake scene"),
    "landscapes/sunset.jpg": (["landscape", "sunset", "golden"], "Golden hour magic"),
    "portraits/person1.jpg": (["portrait", "professional"], "Professional headshot"),
    "portraits/person2.jpg": (["portrait", "casual"], "Casual portrait"),
    "architecture/building1.jpg": (["architecture", "modern"], "Modern building design"),
    "architecture/bridge.jpg": (["architecture", "bridge", "urban"], "City bridge"),
    "events/2024/conference/keynote.jpg": (["conference", "keynote", "2024"], "Opening keynote"),
    "events/2024/conference/panel.jpg": (["conference", "panel", "discussion"], "Expert panel"),
}


def run(*arguments: str | Path, code: int = 0, given: str = "", **environment: str) -> str:
    done = run_lenscat(*arguments, given=given, **environment)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout


def as_json(*arguments: str | Path, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code))


def test_sample_draws_the_documented_tree(tmp_path: Path) -> None:
    target = tmp_path / "demo"
    assert as_json("sample", target)["pictures"] == 9
    assert {str(path.relative_to(target)) for path in target.rglob("*.jpg")} == set(SAMPLE)
    for name, (tags, notes) in SAMPLE.items():
        with Image.open(target / name) as drawn:
            assert drawn.size == (400, 300)
        sidecar = json.loads((target / f"{name}.json").read_text())
        assert (sidecar["tags"], sidecar["notes"]) == (tags, notes)
        assert sidecar["updated_by"] == "sample-data-generator"
        assert sidecar["exif"]["created_at"] == "2024-01-01T12:00:00Z"
    run("sample", target, code=2)


def test_search_prints_paths_or_objects(library: Path) -> None:
    assert run("search", library, "one").splitlines() == ["trip/one.png"]
    found = [json.loads(line) for line in run("search", library, "t", "--json").splitlines()]
    assert [item["path"] for item in found] == ["trip/two.jpg"]
    assert (found[0]["width"], found[0]["height"]) == (80, 20)
    assert run("search", library, "nothing") == ""
    run("search", library, "rating>=9", code=2)


def test_search_sees_what_changed_and_no_scan_does_not(library: Path) -> None:
    run("index", library)
    (library / "new.jpg").write_bytes(picture())
    assert run("search", library, "new", "--no-scan") == ""
    assert run("search", library, "new") == "new.jpg\n"


def test_a_name_cannot_steer_the_terminal(library: Path) -> None:
    (library / "\x1b[31mred\n.jpg").write_bytes(picture())
    assert run("search", library, "red") == "\\x1b[31mred\\n.jpg\n"


def test_index_makes_thumbnails_hashes_and_manifests(library: Path) -> None:
    result = as_json("index", library, "--thumbs", "--hash")
    assert (result["images"], result["thumbnails_made"], result["thumbnails_failed"]) == (3, 3, 0)
    manifest = json.loads((library / "trip" / "_index.json").read_text())
    assert [(item["name"], item["has_thumb"]) for item in manifest["items"]] == [("one.png", True), ("two.jpg", True)]
    assert all(item["hash"].startswith("blake3:") for item in manifest["items"])
    assert len(json.loads((library / "_rollup.json").read_text())["items"]) == 3


def test_manifests_are_only_rewritten_when_the_content_changed(library: Path) -> None:
    run("index", library)
    before = (library / "trip" / "_index.json").stat().st_ino
    run("index", library)
    assert (library / "trip" / "_index.json").stat().st_ino == before
    (library / "trip" / "x.jpg").write_bytes(picture())
    run("index", library)
    assert "x.jpg" in (library / "trip" / "_index.json").read_text()


def test_check_reports_and_writes_the_report(library: Path) -> None:
    run("check", library)
    (library / "gone.jpg.json").write_text("{}")
    (library / "bad.jpg").write_bytes(b"no picture")
    (library / "a.jpg.json").write_text("{broken")
    (library / "empty" / ".lenscat.folder.json").write_text('{"kind": "pointer"}')
    report = as_json("check", library, code=1)
    on_disk = json.loads((library / "_health.json").read_text())
    for found in (report, on_disk):
        assert found["images"] == 4
        counts = {kind: found[kind]["count"] for kind in ("orphan_sidecars", "unreadable_images", "damaged_sidecars")}
        assert counts == {"orphan_sidecars": 1, "unreadable_images": 1, "damaged_sidecars": 1}
        assert found["broken_pointers"]["count"] == 1
        assert found["orphan_sidecars"]["paths"] == ["gone.jpg.json"]


def test_export_as_lines_and_as_a_table(library: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in run("export", library).splitlines()]
    assert [row["path"] for row in rows] == ["a.jpg", "trip/one.png", "trip/two.jpg"]
    target = tmp_path / "out.csv"
    assert as_json("export", library, "--format", "csv", "--output", target, "--query", "path:trip") == {"exported": 2}
    table = list(csv.DictReader(io.StringIO(target.read_text())))
    assert [(row["path"], row["width"]) for row in table] == [("trip/one.png", "300"), ("trip/two.jpg", "80")]
    run("export", library, "--output", tmp_path / "no" / "x.jsonl", code=2)


def test_clean_asks_and_removes_only_what_was_derived(library: Path) -> None:
    (library / "a.jpg.json").write_text(json.dumps({"tags": ["kept"]}))
    before = tree_digest(library)
    run("index", library, "--thumbs")
    assert as_json("clean", library, "--dry-run")["removed"] == 0
    run("clean", library, given="n\n")
    assert (library / "a.jpg.thumbnail").exists()
    run("clean", library, given="y\n")
    assert tree_digest(library) == before


@pytest.mark.parametrize("command", ["serve", "index", "search", "check", "export", "clean", "sample"])
def test_help_teaches(command: str) -> None:
    text = run(command, "--help")
    assert "Example: lenscat" in text
    assert command in run("--help")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("serve", "/nowhere/at/all"), 2),
        (("index", "s3://bucket/prefix"), 2),
        (("check", "/dev/null"), 2),
        (("serve", "--port", "99999"), 2),
        (("nonsense",), 2),
        (("search",), 2),
    ],
)
def test_wrong_arguments_end_with_2_and_a_reason(arguments: tuple[str, ...], code: int) -> None:
    done = run_lenscat(*arguments)
    assert done.returncode == code
    assert len(done.stderr.strip()) > 20
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named() -> None:
    done = run_lenscat("index", LENSCAT_THREADS="many")
    assert done.returncode == 2
    assert "threads" in done.stderr.lower()


def test_serving_everyone_needs_a_word(library: Path) -> None:
    done = run_lenscat("serve", library, "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "LENSCAT_AUTH=none" in done.stderr


def test_a_taken_port_is_said(library: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run_lenscat("serve", library, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_ctrl_c_during_index_ends_with_130_and_the_next_run_goes_on(tmp_path: Path) -> None:
    root = tmp_path / "many"
    data = picture(size=(1200, 900))
    for number in range(150):
        (root / str(number % 3)).mkdir(parents=True, exist_ok=True)
        (root / str(number % 3) / f"{number}.jpg").write_bytes(data)
    process = subprocess.Popen(
        lenscat_command("index", root, "--thumbs"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    poll(lambda: len(list(root.rglob("*.thumbnail"))) > 3, "the first thumbnails")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not [name for _, _, names in os.walk(root) for name in names if name.startswith(".lenscat-tmp")]
    result = as_json("index", root, "--thumbs")
    assert result["images"] == len(list(root.rglob("*.thumbnail"))) == 150


def test_an_unreadable_folder_is_reported_and_forgotten_by_nobody(library: Path) -> None:
    (library / "loop").symlink_to(library)
    (library / "away").symlink_to(library.parent)
    report = as_json("check", library, code=1)
    assert report["images"] == 3
    assert "away" in " ".join(report["other_problems"]["paths"])
