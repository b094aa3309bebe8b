"""`lenscat index --thumbs` says which pictures have no thumbnail, and its exit code says that there are some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend.errors import BusyError, ForbiddenError
from lenscat_backend.library.thumbnails import Thumbnails
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Blob
from lenscat_backend.storage.local import LocalDisk
from tests.cli.test_cli import answer, lenscat
from tests.conftest import picture


@pytest.fixture
def broken(library: Path) -> Path:
    """The library with a picture whose header is right and whose pixels are not, and one that is none at all."""
    (library / "trip" / "cut.png").write_bytes(picture(form="PNG", size=(600, 600))[:60] + b"garbage" * 20)
    (library / "none.jpg").write_bytes(b"no picture")
    return library


def test_failed_thumbnails_are_named_and_give_exit_code_1(broken: Path) -> None:
    result = lenscat("index", broken, "--thumbs", "--json")
    done = json.loads(result.stdout)
    assert (result.exit_code, done["thumbnails_made"], done["thumbnails_failed"]) == (1, 3, 2)
    assert [failed["path"] for failed in done["failed_pictures"]] == ["none.jpg", "trip/cut.png"]
    assert all(len(failed["problem"]) > 10 for failed in done["failed_pictures"])


def test_they_are_named_again_the_next_time(broken: Path) -> None:
    lenscat("index", broken, "--thumbs")
    result = lenscat("index", broken, "--thumbs", "--json")
    done = json.loads(result.stdout)
    assert (result.exit_code, done["thumbnails_made"], done["thumbnails_failed"]) == (1, 0, 2)


def test_failed_thumbnails_in_plain_words(broken: Path) -> None:
    result = lenscat("index", broken, "--thumbs")
    assert result.exit_code == 1
    assert "thumbnails failed: 2" in result.stdout
    assert "  trip/cut.png: " in result.stdout


def test_many_failed_thumbnails_are_not_all_printed(library: Path) -> None:
    for number in range(25):
        (library / f"none{number}.jpg").write_bytes(b"no picture")
    result = lenscat("index", library, "--thumbs")
    assert result.stdout.count("  none") == 20
    assert "... and 5 more" in result.stdout
    assert len(json.loads(lenscat("index", library, "--thumbs", "--json").stdout)["failed_pictures"]) == 25


def test_what_fails_for_now_is_named_too(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Thumbnails.get

    async def busy(self: Thumbnails, path: str, *rest: object) -> object:
        if path == "a.jpg":
            raise BusyError("Too much at once.")
        return await real(self, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Thumbnails, "get", busy)
    result = lenscat("index", library, "--thumbs", "--json")
    done = json.loads(result.stdout)
    assert (result.exit_code, done["thumbnails_made"], done["thumbnails_failed"]) == (1, 2, 1)
    assert done["failed_pictures"] == [{"path": "a.jpg", "problem": "Too much at once."}]


def test_a_thumbnail_that_cannot_be_stored_is_none(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = LocalDisk.write

    def forbidding(self: LocalDisk, path: LibraryPath, data: bytes, **options: Any) -> Blob:
        if path == "trip/two.jpg.thumbnail":
            raise ForbiddenError("No permission to write there.")
        return real(self, path, data, **options)

    monkeypatch.setattr(LocalDisk, "write", forbidding)
    result = lenscat("index", library, "--thumbs", "--json")
    done = json.loads(result.stdout)
    assert (result.exit_code, done["thumbnails_made"], done["thumbnails_failed"]) == (1, 2, 1)
    assert done["failed_pictures"][0]["path"] == "trip/two.jpg"
    assert "stored" in done["failed_pictures"][0]["problem"]


def test_without_thumbs_a_picture_that_cannot_be_drawn_is_no_failure(broken: Path) -> None:
    done = answer("index", broken)
    assert (done["thumbnails_failed"], done["failed_pictures"]) == (0, [])
