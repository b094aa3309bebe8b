"""The sample library is exactly the promised tree, and worth looking at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from blake3 import blake3
from PIL import Image, ImageStat

from lenscat_backend.errors import SettingsError
from lenscat_backend.library.sample import make_sample
from lenscat_backend.library.sample_art import paint_jpeg

PROMISED = {
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
MAX_BYTES = 60_000


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sample") / "library"
    make_sample(target)
    return target


def test_the_tree_is_nine_pictures_and_their_sidecars(sample: Path) -> None:
    files = {file.relative_to(sample).as_posix() for file in sample.rglob("*") if file.is_file()}
    assert files == {*PROMISED, *(f"{path}.json" for path in PROMISED)}


@pytest.mark.parametrize("path", PROMISED)
def test_a_sidecar_says_what_was_promised(sample: Path, path: str) -> None:
    tags, notes = PROMISED[path]
    assert json.loads((sample / f"{path}.json").read_text("utf-8")) == {
        "v": 1,
        "tags": tags,
        "notes": notes,
        "exif": {"width": 400, "height": 300, "created_at": "2024-01-01T12:00:00Z"},
        "hash": f"blake3:{blake3((sample / path).read_bytes()).hexdigest()}",
        "updated_at": "2024-01-01T12:00:00Z",
        "updated_by": "sample-data-generator",
    }


@pytest.mark.parametrize("path", PROMISED)
def test_a_picture_is_a_small_jpeg_and_not_flat(sample: Path, path: str) -> None:
    with Image.open(sample / path) as picture:
        assert (picture.format, picture.size) == ("JPEG", (400, 300))
        assert max(ImageStat.Stat(picture).stddev) > 20
    assert (sample / path).stat().st_size < MAX_BYTES


def test_painting_twice_gives_the_same_bytes() -> None:
    assert paint_jpeg("lake") == paint_jpeg("lake")


def test_progress_hears_of_each_picture_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenscat_backend.library.sample.paint_jpeg", lambda name: name.encode())
    heard: list[str] = []
    files = make_sample(tmp_path, progress=heard.append)
    assert heard == list(PROMISED)
    assert [file.relative_to(tmp_path).as_posix() for file in files] == heard


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError, match="not empty"):
        make_sample(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_is_no_place_for_a_library(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError, match="is a file"):
        make_sample(tmp_path / "mine.txt")
