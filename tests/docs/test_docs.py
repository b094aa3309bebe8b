"""Documentation that cannot rot: what is not documented fails, and so does a link that leads nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.routing import APIRoute

from lenscat_backend.api.app import make_routes
from lenscat_backend.api.errors import STATUS
from lenscat_backend.cli.exits import EXIT_CODES, FOUND_PROBLEMS, INTERRUPTED, OK
from lenscat_backend.cli.main import app
from lenscat_backend.library.sample import make_sample
from lenscat_backend.models.pointer import parse_pointer
from lenscat_backend.models.search.fields import FIELDS, HAS, IS
from lenscat_backend.models.search.sorting import SORT_KEYS
from lenscat_backend.settings import Settings
from lenscat_backend.storage import object_errors

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def page(name: str) -> str:
    return (DOCS / name).read_text()


def setting_names() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        yield alias if isinstance(alias, str) else f"LENSCAT_{name.upper()}"


@pytest.mark.parametrize("name", sorted(setting_names()))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in page("settings.md")


def routes() -> list[tuple[str, str]]:
    def never() -> Any:
        raise AssertionError

    paths = make_routes(never, lambda: None, lambda error: None).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


@pytest.mark.parametrize(("method", "path"), routes())
def test_every_call_is_documented(method: str, path: str) -> None:
    assert re.search(re.escape(f"`{method} {path}") + r"[`?]", page("http-api.md")), (method, path)


def options() -> Iterator[tuple[str, str]]:
    group: Any = typer.main.get_command(app)
    yield from options_below(group.commands)


def options_below(commands: dict[str, Any], group: str = "") -> Iterator[tuple[str, str]]:
    for name, command in commands.items():
        yield from options_below(getattr(command, "commands", {}), f"{name} ")
        for option in command.params if not hasattr(command, "commands") else ():
            for word in option.opts:
                if word.startswith("--"):
                    yield group + name, word


@pytest.mark.parametrize(("command", "option"), sorted(options()))
def test_every_option_is_documented(command: str, option: str) -> None:
    line = next(line for line in page("cli.md").splitlines() if line.startswith(f"| `lenscat {command} "))
    assert f"`{option}`" in line


def row_of(name: str, code: int, word: str) -> bool:
    """Whether the page's table has a row with this number and this class."""
    rows = [line for line in page(name).splitlines() if line.startswith(f"| {code} |")]
    return any(f"`{word}`" in row for row in rows)


def test_every_error_has_its_status_and_its_exit_code_documented() -> None:
    assert [kind.__name__ for kind, status in STATUS if not row_of("http-api.md", status, kind.__name__)] == []
    assert [kind.__name__ for kind, code in EXIT_CODES if not row_of("cli.md", code, kind.__name__)] == []
    for code in (OK, FOUND_PROBLEMS, INTERRUPTED):
        assert f"| {code} |" in page("cli.md")


def test_every_search_field_is_documented() -> None:
    text = page("search.md")
    for field in FIELDS:
        assert f"`{field.name}:" in text, field.name
        assert all(f"`{alias}`" in text for alias in field.aliases), field.aliases
    british = {"favourite", "fav", "labelled", "unlabelled"}
    assert all(f"`is:{state}`" in text for state in IS.keys() - british)
    assert all(f"`has:{fact}`" in text for fact in HAS)
    assert all(f"`{key}`" in text or f"`{key}:42`" in text for key in SORT_KEYS)


def anchors(text: str) -> set[str]:
    """The anchors that the headings of a page get: lower case, spaces to hyphens, other signs gone."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in LINK.findall(path.read_text()):
        if "://" not in target:
            page_there = path.parent / target if target else path
            assert page_there.exists(), target
            assert not anchor or anchor in anchors(page_there.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("name", ["formats.md", "object-stores.md"])
def test_json_examples_are_json(name: str) -> None:
    examples = re.findall(r"^```json\n(.*?)^```", page(name), re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        json.loads(example)


def test_the_pointer_of_the_page_is_one() -> None:
    example = page("formats.md").split("## Pointers")[1].split("```json\n")[1].split("```")[0]
    assert parse_pointer(example.encode()).label == "Characters 2024"


def test_messages_of_object_stores_are_ours() -> None:
    table = page("object-stores.md").split("| message:")[1].split("\n\n")[0]
    messages = [quoted for row in table.splitlines()[2:] for quoted in re.findall(r'"([^"]+)"', row.split("|")[1])]
    source = Path(object_errors.__file__).read_text()
    assert len(messages) > 10
    assert [message for message in messages if message not in source] == []


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    make_sample(tmp_path / "sample-library")
    code = page("python.md").split("```python\n")[1].split("```")[0]
    exec(compile(code, "python.md", "exec"), {"__name__": "example"})
    assert "portraits/person1.jpg" in capsys.readouterr().out


def test_routes_are_api_routes_with_a_description() -> None:
    def never() -> Any:
        raise AssertionError

    for route in make_routes(never, lambda: None, lambda error: None).routes:
        if isinstance(route, APIRoute):
            assert route.description, route.path
