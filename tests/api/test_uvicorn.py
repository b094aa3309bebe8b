"""Other ways to start it: under uvicorn from the environment; and what is refused without a sign-in."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import DEADLINE_S, Served, lenscat_command, run_lenscat, running

UVICORN = [sys.executable, "-m", "uvicorn", "lenscat_backend.main:app", "--port", "0"]


@pytest.fixture
def served(library: Path) -> Iterator[Served]:
    with running(UVICORN, "Uvicorn running on", STORAGE_TYPE="local", LOCAL_ROOT=str(library)) as served:
        yield served


def test_uvicorn_serves_the_library_of_the_environment(served: Served) -> None:
    manifest = served.get("/api/folders", path="trip").json()
    assert [entry["name"] for entry in manifest["items"]] == ["one.png", "two.jpg"]
    assert served.get("/api/health").json()["backend"] == "local"


def test_every_kind_of_call_works_under_uvicorn(served: Served, library: Path) -> None:
    assert served.ask("GET", "/", headers={"Accept": "text/html"}).status == 200
    assert served.get("/api/thumb", path="a.jpg").headers["content-type"] == "image/webp"
    assert served.ask("GET", "/api/files/a.jpg").data == (library / "a.jpg").read_bytes()
    assert served.ask("GET", "/api/files/a.jpg", headers={"Range": "bytes=0-9"}).status == 206
    assert served.ask("HEAD", "/api/files/a.jpg").headers["content-length"] == str((library / "a.jpg").stat().st_size)
    assert served.put_item("a.jpg", {"tags": ["uvicorn"]}).status == 200
    assert served.get("/api/search", q="tag:uvicorn").json()["total"] == 1
    assert served.ask("POST", "/api/folders/trip/reindex").status == 200
    assert served.ask("GET", "/api/files/%2e%2e/x.jpg").status == 400


@pytest.mark.parametrize("raw", ["trip/%ff%fe.jpg", "two%0Alines.jpg", "%23%3F%25.jpg"])
def test_odd_names_work_under_uvicorn(served: Served, library: Path, raw: str) -> None:
    assert served.ask("GET", f"/api/files/{raw}").status == 404
    assert served.ask("GET", f"/api/item?path={raw}").status == 404


def test_uvicorn_stops_in_order(served: Served) -> None:
    code = served.stop(signal.SIGINT)
    assert code in (0, -signal.SIGINT)
    assert "Traceback" not in "".join(served.lines)


def test_the_settings_of_the_environment_hold_under_uvicorn(library: Path, tmp_path: Path) -> None:
    environment = {"LOCAL_ROOT": str(library), "LENSCAT_READ_ONLY": "1", "LENSCAT_CACHE_DIR": str(tmp_path / "mine")}
    with running(UVICORN, "Uvicorn running on", **environment) as served:
        assert served.put_item("a.jpg", {"tags": ["x"]}).status == 403
        assert list((tmp_path / "mine").rglob("catalog.sqlite3"))


def test_a_dotenv_file_is_read(library: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"STORAGE_TYPE=local\nLOCAL_ROOT={library}\nLENSCAT_READ_ONLY=true\n")
    done = subprocess.run(
        lenscat_command("index", "--json"), cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert (done.returncode, json.loads(done.stdout)["images"]) == (0, 3)
    assert not (library / "_rollup.json").exists()


def test_uvicorn_with_a_missing_library_ends_with_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_ROOT", str(tmp_path / "nothing"))
    done = subprocess.run(UVICORN, capture_output=True, text=True, timeout=DEADLINE_S)
    assert (done.returncode != 0, "There is no folder" in done.stderr) == (True, True)


# --- who may listen where


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.invalid", "127.0.0.1.example.invalid"])
def test_serve_refuses_to_be_reached_by_others(library: Path, host: str) -> None:
    done = run_lenscat("serve", library, "--host", host, "--port", "0")
    assert done.returncode == 2
    assert "LENSCAT_AUTH=none" in done.stderr
    assert host in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_refuses_a_host_of_the_environment_too(library: Path) -> None:
    done = run_lenscat("serve", library, "--port", "0", HOST="0.0.0.0")
    assert (done.returncode, "LENSCAT_AUTH=none" in done.stderr) == (2, True)


@pytest.mark.parametrize("value", ["yes", "NONE ", "false", "0"])
def test_only_the_exact_word_opens_it(library: Path, value: str) -> None:
    done = run_lenscat("serve", library, "--host", "0.0.0.0", "--port", "0", LENSCAT_AUTH=value)
    assert (done.returncode, "auth" in done.stderr.lower()) == (2, True)


def test_serve_listens_to_others_when_told_to(library: Path) -> None:
    command = lenscat_command("serve", library, "--host", "0.0.0.0", "--port", "0")
    with running(command, "Lenscat serves ", LENSCAT_AUTH="none") as served:
        served.host = "127.0.0.1"
        assert served.get("/api/health").status == 200


def test_uvicorn_is_refused_as_well(library: Path) -> None:
    started = running(UVICORN, "Uvicorn running on", LOCAL_ROOT=str(library), HOST="0.0.0.0")
    with pytest.raises(AssertionError, match="LENSCAT_AUTH=none"), started:
        pass


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "127.0.0.1"])
def test_loopback_is_allowed(library: Path, host: str) -> None:
    with running(lenscat_command("serve", library, "--host", host, "--port", "0"), "Lenscat serves ") as served:
        assert served.get("/api/health").status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STORAGE_TYPE", "ftp"),
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("LENSCAT_THREADS", "0"),
        ("LENSCAT_DERIVED", "nowhere"),
        ("LENSCAT_MAX_PIXELS", "-1"),
        ("LENSCAT_READ_ONLY", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(library: Path, name: str, value: str) -> None:
    done = run_lenscat("serve", library, **{name: value})
    assert done.returncode == 2
    assert name.removeprefix("LENSCAT_").lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
