"""Every command that opens a library takes the same options for it, and they mean the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from lenscat_backend.cli.arguments import LIBRARY_OPTIONS
from lenscat_backend.cli.main import app
from lenscat_backend.library.options import LibraryOptions
from lenscat_backend.settings import Settings
from tests.cli.test_cli import answer, lenscat
from tests.conftest import picture
from tests.serving import tree_digest

OPENING = ("serve", "index", "search", "check", "export", "clean", "pointer add", "pointer list", "pointer remove")
PROMISED = ["--derived", "--overlay", "--read-only", "--follow-links-outside", "--pointer-roots", "--cache-dir"]


@pytest.mark.parametrize("command", OPENING)
def test_a_command_that_opens_a_library_takes_all_its_options(command: str) -> None:
    found: Any = typer.main.get_command(app)
    for name in command.split():
        found = found.commands[name]
    taken = [word for option in found.params for word in option.opts]
    assert [word for word in taken if word in PROMISED] == PROMISED


def test_the_options_are_settings_and_library_options() -> None:
    names = [option.name for option in LIBRARY_OPTIONS]
    assert [f"--{name.replace('_', '-')}" for name in names] == PROMISED
    assert set(names) <= set(Settings.model_fields)
    assert set(names) <= set(LibraryOptions.__dataclass_fields__)


@pytest.fixture
def overlaid(library: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A library and its overlay, which holds a sidecar."""
    overlay = tmp_path / "overlay"
    (overlay / "trip").mkdir(parents=True)
    (overlay / "trip" / "two.jpg.json").write_text(json.dumps({"v": 1, "tags": ["overlaid"], "notes": ""}))
    return library, overlay


def test_search_sees_the_overlay(overlaid: tuple[Path, Path]) -> None:
    library, overlay = overlaid
    assert lenscat("search", library, "tag:overlaid").stdout == ""
    assert lenscat("search", library, "tag:overlaid", "--overlay", overlay).stdout == "trip/two.jpg\n"


def test_export_sees_the_overlay(overlaid: tuple[Path, Path]) -> None:
    library, overlay = overlaid
    result = lenscat("export", library, "--query", "tag:overlaid", "--overlay", overlay)
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == ["trip/two.jpg"]


@pytest.mark.parametrize("command", ["index", "check"])
def test_links_out_of_the_library_are_followed_where_that_is_asked_for(
    library: Path, tmp_path: Path, command: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "far.jpg").write_bytes(picture())
    (library / "out").symlink_to(tmp_path / "out")
    strict = json.loads(lenscat(command, library, "--json").stdout)
    followed = answer(command, library, "--follow-links-outside")
    assert (strict["images"], followed["images"]) == (3, 4)


def test_search_and_export_of_a_read_only_library_write_nothing(library: Path) -> None:
    before = tree_digest(library)
    assert lenscat("search", library, "jpg", "--read-only").stdout == "a.jpg\ntrip/two.jpg\n"
    assert len(lenscat("export", library, "--read-only").stdout.splitlines()) == 3
    assert tree_digest(library) == before
