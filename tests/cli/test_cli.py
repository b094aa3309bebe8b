"""The command line: every command, its JSON, its exit codes, its help, and what a Ctrl-C leaves behind."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from lenscat_backend.cli.main import app
from lenscat_backend.library.thumbnails import is_whole_webp
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.root_folder import RootFolder
from lenscat_backend.version import VERSION
from tests.conftest import picture
from tests.library.test_sample import PROMISED
from tests.serving import DEADLINE_S, lenscat_command, poll, run_lenscat, running, serving, tree_digest

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = ("serve", "index", "search", "check", "export", "clean", "sample")
POINTER_COMMANDS = ("pointer add", "pointer list", "pointer remove")


def lenscat(*arguments: str | Path, given: str | None = None) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)


def answer(*arguments: str | Path) -> Any:
    """What a command that succeeds prints with --json."""
    result = lenscat(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def tagged(library: Path) -> Path:
    """The library with two sidecars."""
    (library / "a.jpg.json").write_text(
        json.dumps({"v": 1, "tags": ["sea", "red"], "notes": "At the sea", "rating": 4})
    )
    (library / "trip" / "one.png.json").write_text(json.dumps({"v": 1, "tags": ["sea"], "notes": ""}))
    return library


# --- help


@pytest.fixture
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "TERM": "dumb", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_plain_terminal")
@pytest.mark.parametrize("command", ["", *COMMANDS, "pointer", *POINTER_COMMANDS])
def test_help_is_as_reviewed(command: str) -> None:
    """After a change on purpose: UPDATE_GOLDEN=1 writes the files anew, and the diff shows what users will see."""
    result = lenscat(*command.split(), "--help")
    assert result.exit_code == 0
    golden = GOLDEN / f"{'-'.join(['help', *command.split()])}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(result.stdout)
    assert result.stdout == golden.read_text()


@pytest.mark.parametrize("command", [*COMMANDS, *POINTER_COMMANDS])
def test_help_teaches_by_example(command: str) -> None:
    assert f"Example: lenscat {command}" in lenscat(*command.split(), "--help").stdout


def test_no_arguments_show_the_help() -> None:
    assert all(command in lenscat().output for command in COMMANDS)


def test_version() -> None:
    assert lenscat("--version").stdout == f"lenscat {VERSION}\n"


def test_lenscat_backend_is_the_same_command() -> None:
    found = {point.name: point.value for point in entry_points(group="console_scripts") if "lenscat" in point.name}
    assert found["lenscat"] == found["lenscat-backend"]


# --- wrong arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("index", "--nonsense"),
        ("search",),
        ("clean",),
        ("sample",),
        ("search", "LIBRARY", "x", "--limit", "-1"),
        ("search", "LIBRARY", "rating>=9"),
        ("search", "LIBRARY", "is:nonsense"),
        ("export", "LIBRARY", "--format", "xml"),
        ("export", "LIBRARY", "--query", "rating>=9"),
        ("export", "LIBRARY", "-o", "LIBRARY/no/such/folder/x.jsonl"),
        ("index", "LIBRARY", "--derived", "nowhere"),
        ("index", "LIBRARY/nothing"),
        ("index", "LIBRARY/a.jpg"),
        ("check", "LIBRARY/nothing"),
        ("clean", "LIBRARY/nothing", "--yes"),
        ("index", ""),
        ("index", "ftp://host/x"),
        ("index", "file://host/x"),
        ("index", "LIBRARY", "--overlay", "LIBRARY/inside"),
        ("serve", "LIBRARY/nothing", "--port", "0"),
        ("serve", "LIBRARY", "--port", "99999"),
        ("serve", "LIBRARY", "--port", "abc"),
        ("serve", "LIBRARY", "--host", "no.such.host.invalid", "--port", "0"),
    ],
)
def test_wrong_arguments_exit_with_2_and_say_what_is_wrong(library: Path, arguments: tuple[str, ...]) -> None:
    before = tree_digest(library)
    result = lenscat(*(argument.replace("LIBRARY", str(library)) for argument in arguments))
    assert (result.exit_code, len(result.stderr) > 20) == (2, True), result.output
    assert "Traceback" not in result.output
    assert tree_digest(library) == before


def test_an_error_is_json_too_for_scripts(tmp_path: Path) -> None:
    result = lenscat("index", tmp_path / "nothing", "--json")
    assert (result.exit_code, list(json.loads(result.stdout))) == (2, ["error"])


# --- index


def test_index_reads_everything_and_counts_it(tagged: Path) -> None:
    assert answer("index", tagged) == {
        "images": 3,
        "folders": 3,
        "images_read": 3,
        "folders_failed": 0,
        "thumbnails_made": 0,
        "thumbnails_failed": 0,
        "failed_folders": [],
        "failed_pictures": [],
    }


def test_index_again_reads_nothing(tagged: Path) -> None:
    poll(lambda: answer("index", tagged)["images_read"] == 0, "files to settle")


def test_index_writes_manifests_and_rollup(tagged: Path) -> None:
    answer("index", tagged)
    rollup = json.loads((tagged / "_rollup.json").read_bytes())
    assert [entry["path"] for entry in rollup["items"]] == ["a.jpg", "trip/one.png", "trip/two.jpg"]
    assert json.loads((tagged / "trip" / "_index.json").read_bytes())["path"] == "trip"


def test_index_thumbs_makes_every_missing_thumbnail(tagged: Path) -> None:
    assert answer("index", tagged, "--thumbs")["thumbnails_made"] == 3
    assert (tagged / "trip" / "one.png.thumbnail").exists()
    assert answer("index", tagged, "--thumbs")["thumbnails_made"] == 0


def test_index_counts_what_cannot_be_drawn(tagged: Path) -> None:
    (tagged / "cut.png").write_bytes(picture(form="PNG", size=(600, 600))[:60] + b"garbage" * 20)
    result = lenscat("index", tagged, "--thumbs", "--json")
    assert json.loads(result.stdout)["thumbnails_failed"] == 1
    assert (tagged / "a.jpg.thumbnail").exists()


def test_index_hash_fills_every_hash(tagged: Path) -> None:
    answer("index", tagged, "--hash")
    written = json.loads((tagged / "trip" / "_index.json").read_bytes())
    assert [entry["hash"] for entry in written["items"]] == [
        "blake3:" + blake3((tagged / "trip" / name).read_bytes()).hexdigest() for name in ("one.png", "two.jpg")
    ]


def test_index_in_plain_words(tagged: Path) -> None:
    result = lenscat("index", tagged)
    assert (result.exit_code, "images: 3" in result.stdout) == (0, True)


def test_index_takes_the_library_from_the_environment(tagged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_ROOT", str(tagged))
    assert answer("index")["images"] == 3


def test_index_takes_a_file_url(tagged: Path) -> None:
    assert answer("index", tagged.as_uri())["images"] == 3


def test_index_of_a_read_only_library_writes_nothing_into_it(tagged: Path) -> None:
    before = tree_digest(tagged)
    assert answer("index", tagged, "--read-only", "--thumbs", "--hash")["thumbnails_made"] == 3
    assert tree_digest(tagged) == before


# --- search


def test_search_prints_paths(tagged: Path) -> None:
    result = lenscat("search", tagged, "sea")
    assert (result.exit_code, result.stdout) == (0, "a.jpg\ntrip/one.png\n")


def test_search_takes_several_words(tagged: Path) -> None:
    assert lenscat("search", tagged, "tag:sea", "rating>=4").stdout == "a.jpg\n"


def test_search_takes_words_to_leave_out(tagged: Path) -> None:
    result = lenscat("search", tagged, "sea", "-red")
    assert (result.exit_code, result.stdout) == (0, "trip/one.png\n")


def test_search_json_is_an_object_a_line(tagged: Path) -> None:
    lines = lenscat("search", tagged, "sea", "--json").stdout.splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["a.jpg", "trip/one.png"]
    assert json.loads(lines[0])["tags"] == ["sea", "red"]


def test_search_limit(tagged: Path) -> None:
    assert lenscat("search", tagged, "jpg", "--limit", "1").stdout == "a.jpg\n"
    assert lenscat("search", tagged, "jpg", "--limit", "0").stdout == ""


def test_search_that_finds_nothing_is_no_error(tagged: Path) -> None:
    result = lenscat("search", tagged, "nothing-like-this")
    assert (result.exit_code, result.stdout) == (0, "")


def test_search_without_a_scan_trusts_the_catalog(tagged: Path) -> None:
    lenscat("index", tagged)
    (tagged / "new.jpg").write_bytes(picture())
    assert lenscat("search", tagged, "new", "--no-scan").stdout == ""
    assert lenscat("search", tagged, "new").stdout == "new.jpg\n"


# --- export


def test_export_is_an_object_a_picture(tagged: Path) -> None:
    rows = [json.loads(line) for line in lenscat("export", tagged).stdout.splitlines()]
    assert [row["path"] for row in rows] == ["a.jpg", "trip/one.png", "trip/two.jpg"]
    assert (rows[0]["width"], rows[0]["height"], rows[0]["tags"], rows[0]["rating"]) == (40, 30, ["sea", "red"], 4)


def test_export_csv_into_a_file(tagged: Path, tmp_path: Path) -> None:
    assert answer("export", tagged, "--format", "csv", "-o", tmp_path / "x.csv") == {"exported": 3}
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["path"], row["tags"]) for row in rows] == [
        ("a.jpg", "sea|red"),
        ("trip/one.png", "sea"),
        ("trip/two.jpg", ""),
    ]


def test_export_of_what_matches(tagged: Path) -> None:
    rows = lenscat("export", tagged, "--query", "tag:red").stdout.splitlines()
    assert [json.loads(row)["path"] for row in rows] == ["a.jpg"]


def test_an_export_that_fails_leaves_the_old_file(tagged: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.jsonl"
    target.write_text("old")
    assert lenscat("export", tagged, "--query", "rating>=9", "-o", target).exit_code == 2
    assert (target.read_text(), sorted(tmp_path.iterdir())) == ("old", [tagged, target])


# --- check


def test_check_of_a_healthy_library(tagged: Path) -> None:
    result = lenscat("check", tagged)
    assert (result.exit_code, "3 pictures" in result.stdout) == (0, True)


@pytest.fixture
def sick(tagged: Path) -> Path:
    """A library with one of everything that can be wrong."""
    (tagged / "gone.jpg.json").write_text('{"tags": ["orphan"]}')
    (tagged / "gone.jpg.thumbnail").write_bytes(picture(form="WEBP"))
    (tagged / "broken.jpg").write_bytes(b"no picture")
    (tagged / "trip" / "two.jpg.json").write_text("{broken")
    (tagged / "pointer").mkdir()
    (tagged / "pointer" / ".lenscat.folder.json").write_text('{"kind": "pointer"}')
    (tagged / "out.jpg").symlink_to("/etc/hostname")
    return tagged


def test_check_names_everything_that_is_wrong(sick: Path) -> None:
    result = lenscat("check", sick, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["images"], report["folders"], report["sidecars"]) == (4, 4, 3)
    assert report["orphan_sidecars"] == {"count": 1, "paths": ["gone.jpg.json"]}
    assert report["orphan_thumbnails"]["paths"] == ["gone.jpg.thumbnail"]
    assert [path.partition(":")[0] for path in report["unreadable_images"]["paths"]] == ["broken.jpg"]
    assert [path.partition(":")[0] for path in report["damaged_sidecars"]["paths"]] == ["trip/two.jpg.json"]
    assert [path.partition(":")[0] for path in report["broken_pointers"]["paths"]] == ["pointer/.lenscat.folder.json"]
    assert "out.jpg" in report["other_problems"]["paths"][0]
    assert report["missing_thumbnails"]["count"] == 3


def test_check_writes_its_report_at_the_root(sick: Path) -> None:
    result = lenscat("check", sick, "--json")
    assert json.loads((sick / "_health.json").read_bytes()) == json.loads(result.stdout)


def test_check_in_plain_words(sick: Path) -> None:
    result = lenscat("check", sick)
    assert result.exit_code == 1
    for path in ("gone.jpg.json", "broken.jpg", "trip/two.jpg.json", "pointer/.lenscat.folder.json", "out.jpg"):
        assert path in result.stdout


def test_check_mends_and_removes_nothing(sick: Path) -> None:
    before = tree_digest(sick)
    lenscat("check", sick)
    after = tree_digest(sick)
    assert {name: after[name] for name in before} == before


def test_check_of_a_read_only_library_still_reports(sick: Path) -> None:
    before = tree_digest(sick)
    assert lenscat("check", sick, "--read-only").exit_code == 1
    assert tree_digest(sick) == before


# --- a folder that cannot be read


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the system deny one folder of every library, which no permission can do to an administrator."""
    real = RootFolder.open_folder

    def forbidding(path: str) -> None:
        def open_folder(self: RootFolder, folder: LibraryPath, **options: Any) -> Any:
            if folder == path or folder.startswith(f"{path}/"):
                raise PermissionError(13, "Permission denied")
            return real(self, folder, **options)

        monkeypatch.setattr(RootFolder, "open_folder", open_folder)

    return forbidding


def test_an_unreadable_folder_is_reported_and_the_rest_is_indexed(tagged: Path, forbid: Callable[[str], None]) -> None:
    forbid("trip")
    result = lenscat("index", tagged, "--json")
    assert (result.exit_code, json.loads(result.stdout)["folders_failed"]) == (1, 1)
    (failed,) = json.loads(result.stdout)["failed_folders"]
    assert failed["path"] == "trip" and "ermission" in failed["problem"]
    assert f"  trip: {failed['problem']}" in lenscat("index", tagged).stdout
    assert json.loads(result.stdout)["images"] == 1


def test_an_unreadable_folder_keeps_what_was_known_of_it(tagged: Path, forbid: Callable[[str], None]) -> None:
    lenscat("index", tagged)
    forbid("trip")
    assert lenscat("search", tagged, "sea").stdout == "a.jpg\ntrip/one.png\n"


def test_check_names_an_unreadable_folder(tagged: Path, forbid: Callable[[str], None]) -> None:
    forbid("trip")
    result = lenscat("check", tagged)
    assert (result.exit_code, "trip" in result.stdout) == (1, True)


def test_an_unreadable_library_is_an_error(tagged: Path, forbid: Callable[[str], None]) -> None:
    forbid("")
    assert lenscat("index", tagged).exit_code in (1, 4)


# --- clean


@pytest.fixture
def lookalikes(tagged: Path) -> Path:
    """The library with files that only look like ours."""
    (tagged / "notes.txt.thumbnail").write_bytes(picture(form="WEBP"))
    (tagged / "other.jpg.thumbnail").write_bytes(picture())
    (tagged / "empty" / "_index.json").write_text('{"pages": ["somebody else\'s"]}')
    (tagged / "empty" / "_rollup.json").write_text('{"v":1,"generated_at":"not at the root"}')
    (tagged / "_health.json").write_text("[]")
    (tagged / "gone.jpg.json").write_text('{"tags": ["a sidecar without its picture"]}')
    (tagged / ".hidden.jpg.thumbnail").write_bytes(picture(form="WEBP"))
    (tagged / "package.json").write_text("{}")
    return tagged


def test_clean_removes_exactly_what_we_derived(lookalikes: Path, tmp_path: Path) -> None:
    (lookalikes / "_health.json").unlink()
    before = tree_digest(lookalikes)
    del before[b"empty/_index.json"]
    lenscat("index", lookalikes, "--thumbs", "--cache-dir", tmp_path / "cache")
    lenscat("check", lookalikes, "--cache-dir", tmp_path / "cache")
    assert len(tree_digest(lookalikes)) > len(before) + 5
    result = lenscat("clean", lookalikes, "--yes", "--cache-dir", tmp_path / "cache")
    assert result.exit_code == 0
    assert tree_digest(lookalikes) == before
    assert list((tmp_path / "cache").rglob("*.sqlite3*")) == []


def test_clean_leaves_lookalikes(lookalikes: Path) -> None:
    before = tree_digest(lookalikes)
    assert answer("clean", lookalikes, "--yes")["removed"] == 0
    assert tree_digest(lookalikes) == before


def test_clean_asks_first(tagged: Path) -> None:
    lenscat("index", tagged, "--thumbs")
    before = tree_digest(tagged)
    assert lenscat("clean", tagged, given="n\n").exit_code == 0
    assert tree_digest(tagged) == before
    assert lenscat("clean", tagged, given="").exit_code == 1
    assert tree_digest(tagged) == before
    assert lenscat("clean", tagged, given="y\n").exit_code == 0
    assert tree_digest(tagged) != before


def test_clean_dry_run_only_says_what_would_go(tagged: Path) -> None:
    lenscat("index", tagged, "--thumbs")
    unfinished = tagged / ".lenscat-tmp-0123456789abcdef"
    unfinished.write_bytes(b"of a crash")
    os.utime(unfinished, (1, 1))
    before = tree_digest(tagged)
    result = lenscat("clean", tagged, "--dry-run")
    assert (result.exit_code, "a.jpg.thumbnail" in result.stdout) == (0, True)
    assert tree_digest(tagged) == before


def test_after_clean_everything_comes_back(tagged: Path) -> None:
    lenscat("index", tagged, "--thumbs")
    before = set(tree_digest(tagged))
    lenscat("clean", tagged, "--yes")
    assert answer("index", tagged, "--thumbs")["thumbnails_made"] == 3
    assert set(tree_digest(tagged)) == before


def test_clean_does_not_follow_links(tagged: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.jpg").write_bytes(picture())
    lenscat("index", other, "--thumbs")
    (tagged / "out").symlink_to(other)
    before = tree_digest(other)
    assert lenscat("clean", tagged, "--yes").exit_code == 0
    assert tree_digest(other) == before


# --- sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("place") / "new" / "sample"
    assert answer("sample", target)["pictures"] == 9
    return target


def test_sample_makes_the_promised_tree(sample: Path) -> None:
    files = {os.fsdecode(name) for name in tree_digest(sample)}
    assert files == {*PROMISED, *(f"{path}.json" for path in PROMISED)}
    for path, (tags, notes) in PROMISED.items():
        sidecar = json.loads((sample / f"{path}.json").read_bytes())
        assert (sidecar["tags"], sidecar["notes"], sidecar["updated_by"]) == (tags, notes, "sample-data-generator")
        assert sidecar["exif"]["created_at"] == "2024-01-01T12:00:00Z"
        with Image.open(sample / path) as image:
            assert image.size == (400, 300)


def test_sample_is_a_healthy_library(sample: Path) -> None:
    assert lenscat("check", sample, "--read-only").exit_code == 0
    found = lenscat("search", sample, "tag:conference", "keynote").stdout
    assert found == "events/2024/conference/keynote.jpg\n"


def test_sample_never_writes_into_a_folder_in_use(tagged: Path) -> None:
    before = tree_digest(tagged)
    assert lenscat("sample", tagged).exit_code == 2
    assert tree_digest(tagged) == before


# --- serve


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_stops_in_order(library: Path, number: signal.Signals) -> None:
    with serving(library) as served:
        assert served.get("/api/folders").status == 200
        assert served.stop(number) == 0
        assert "Traceback" not in "".join(served.lines)


def test_serve_says_at_once_where_it_serves(library: Path) -> None:
    with serving(library) as served:
        assert f"http://127.0.0.1:{served.port}/" in served.lines[0]


def test_serve_on_a_port_in_use(library: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run_lenscat("serve", library, "--port", str(taken.getsockname()[1]))
    assert (done.returncode, "--port" in done.stderr) == (2, True)


def test_serve_on_ipv6(library: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with running(lenscat_command("serve", library, "--host", "::1", "--port", "0"), "Lenscat serves ") as served:
        served.host = served.host.strip("[]")
        assert served.get("/api/health").status == 200


def test_serve_refuses_a_missing_library_in_words(tmp_path: Path) -> None:
    done = run_lenscat("serve", tmp_path / "nothing", "--port", "0")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


# --- Ctrl-C


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A library that takes a while: 240 pictures to draw, in 12 folders."""
    root = tmp_path / "large"
    data = picture(size=(1800, 1200), quality=95)
    for folder in range(12):
        (root / f"f{folder}").mkdir(parents=True)
        for number in range(20):
            (root / f"f{folder}" / f"{number}.jpg").write_bytes(data)
    return root


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command in a process group of its own, as a terminal does; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str | Path) -> subprocess.Popen[str]:
        command = lenscat_command(*arguments)
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, start_new_session=True, stdout=pipe, stderr=pipe, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=DEADLINE_S)


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Ctrl-C: the whole process group hears it. Returns the exit code and what was printed."""
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=DEADLINE_S)
    return process.returncode, "".join(output)


def test_ctrl_c_while_drawing_leaves_nothing_broken(large: Path, start: Callable[..., Any]) -> None:
    process = start("index", large, "--thumbs")
    poll(lambda: len(list(large.rglob("*.thumbnail"))) > 3, "the first thumbnails")
    code, output = interrupt(process)
    assert (code, "Traceback" in output) == (130, False), output
    made = list(large.rglob("*.thumbnail"))
    assert 3 < len(made) < 240
    assert all(is_whole_webp(path.read_bytes()) for path in made)
    assert [path for path in large.rglob(".*") if path.is_file()] == []
    done = answer("index", large, "--thumbs")
    assert (done["images"], done["thumbnails_made"]) == (240, 240 - len(made))


def test_ctrl_c_while_scanning_leaves_nothing_broken(tmp_path: Path, start: Callable[..., Any]) -> None:
    data = picture(size=(8, 6))
    for folder in range(80):
        (tmp_path / "wide" / f"f{folder}").mkdir(parents=True)
        for number in range(100):
            (tmp_path / "wide" / f"f{folder}" / f"{number}.jpg").write_bytes(data)
    process = start("index", tmp_path / "wide", "--cache-dir", tmp_path / "cache")
    poll(lambda: list((tmp_path / "cache").rglob("*.sqlite3-wal")), "the scan to begin")
    code, output = interrupt(process)
    assert (code, "Traceback" in output) == (130, False), output
    assert answer("index", tmp_path / "wide", "--cache-dir", tmp_path / "cache")["images"] == 8000
