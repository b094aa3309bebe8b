"""What an attack on the server once achieved, and never shall again."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from blake3 import blake3
from starlette.testclient import TestClient

from tests.conftest import OpenClient, picture
from tests.serving import Served, poll, run_lenscat, serving


@pytest.fixture
def served(library: Path, tmp_path: Path) -> Served:
    with serving(library, "--cache-dir", tmp_path / "cache") as server:
        yield server


def hash_of(path: Path) -> str:
    return f"blake3:{blake3(path.read_bytes()).hexdigest()}"


def test_a_picture_replaced_by_an_older_file_gets_its_own_hash(library: Path, client: TestClient) -> None:
    picture_file = library / "a.jpg"
    client.put("/api/item?path=a.jpg", json={"rating": 2})
    older = library.parent / "older.jpg"
    older.write_bytes(picture("yellow"))
    os.utime(older, (1_000_000_000, 1_000_000_000))
    older.replace(picture_file)
    assert client.get("/api/item?path=a.jpg").json()["hash"] in (None, hash_of(picture_file))
    client.get("/api/folders")
    assert client.put("/api/item?path=a.jpg", json={"tags": ["x"]}).json()["hash"] == hash_of(picture_file)
    assert json.loads((library / "a.jpg.json").read_bytes())["hash"] == hash_of(picture_file)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "8.8.8.8", "127.0.0.1.evil"]
)
def test_no_other_name_leads_to_the_library(served: Served, host: str) -> None:
    for method in ("GET", "DELETE"):
        reply = served.ask(method, "/api/item?path=a.jpg", headers={"Host": host})
        assert reply.status in (400, 403), reply.data  # http.client sends its own Host too


@pytest.mark.parametrize("host", ["evil.example", "", "[::2]", "127.0.0.1.evil.example"])
def test_names_that_are_not_ours(client: TestClient, host: str) -> None:
    assert client.get("/api/folders", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:81", "127.0.0.1:8000", "[::1]:8000", "photos.localhost", "gallery.example"]
)
def test_names_that_are_ours(library: Path, open_client: OpenClient, host: str) -> None:
    with open_client(library, hosts="gallery.example, other.example") as client:
        assert client.get("/api/folders", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_pages_of_others_change_nothing(client: TestClient, library: Path, headers: dict[str, str]) -> None:
    before = set(library.rglob("*"))
    for method, call in (("POST", "/api/thumb?path=a.jpg"), ("PUT", "/api/item?path=a.jpg")):
        assert client.request(method, call, content="{}", headers=headers).status_code == 403
    assert set(library.rglob("*")) == before


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {}])
def test_our_own_page_and_programs_may(client: TestClient, headers: dict[str, str]) -> None:
    assert client.put("/api/item?path=a.jpg", json={"rating": 3}, headers=headers).status_code == 200


def test_a_folder_that_is_gone_stays_gone(library: Path, open_client: OpenClient) -> None:
    for watch in (True, False):
        with open_client(library, watch=watch) as client:
            for _ in range(8):
                (library / "new").mkdir()
                (library / "new" / "x.png").write_bytes(picture(form="PNG"))
                client.get("/api/folders?path=new")
                shutil.rmtree(library / "new")
            client.post("/api/search/rebuild-index")
            assert not (library / "new").exists()


def test_an_edit_of_a_picture_whose_folder_is_gone_makes_no_folder(library: Path, client: TestClient) -> None:
    client.get("/api/folders?path=trip")
    (library / "trip").rename(library / "journey")
    assert client.put("/api/item?path=trip/two.jpg", json={"tags": ["x"]}).status_code == 404
    assert not (library / "trip").exists()


def test_a_foreign_field_called_deleted_hides_no_edit(library: Path, tmp_path: Path, open_client: OpenClient) -> None:
    (library / "a.jpg.json").write_text('{"v": 1, "tags": [], "notes": "", "deleted": true, "rating": 3}')
    with open_client(library, read_only=True, overlay=str(tmp_path / "edits")) as client:
        assert client.put("/api/item?path=a.jpg", json={"rating": 5}).json()["rating"] == 5
        assert client.get("/api/item?path=a.jpg").json()["rating"] == 5


@pytest.mark.parametrize("kind", [["local"], {}, None, 7])
def test_check_survives_odd_pointers(library: Path, tmp_path: Path, kind: object) -> None:
    pointer = {"version": 1, "kind": "pointer", "target": {"type": kind, "path": "x"}}
    (library / "trip" / ".lenscat.folder.json").write_text(json.dumps(pointer))
    done = run_lenscat("check", library, "--cache-dir", tmp_path / "cache")
    assert "Traceback" not in done.stderr and "target.type" in done.stdout + done.stderr


def test_a_removed_cache_is_made_again(library: Path, tmp_path: Path, served: Served) -> None:
    poll(lambda: served.get("/api/health").json()["library"]["last_scan"], "the first scan")
    shutil.rmtree(tmp_path / "cache")
    assert served.ask("POST", "/api/search/rebuild-index").status == 200


def test_broken_uploads_are_no_errors_of_ours(served: Served) -> None:
    head = f"PUT /api/item?path=a.jpg HTTP/1.1\r\nHost: {served.host}:{served.port}\r\n"
    for rest in ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Content-Length: 99\r\n\r\nhalf"):
        with socket.create_connection((served.host, served.port), timeout=20) as connection:
            connection.sendall((head + rest).encode())
            connection.shutdown(socket.SHUT_WR)
            assert b" 500 " not in connection.recv(4096)
    assert served.get("/api/health").status == 200
    assert "Traceback" not in "".join(served.lines)


def test_clean_leaves_what_only_looks_like_ours(library: Path, tmp_path: Path) -> None:
    mine = {
        "trip/_index.json": b'{"v":7,"path":"/blog","generated_at":"","items":[],"dirs":[],"mine":"precious"}',
        "_health.json": b'{"v":1,"generated_at":"","images":3,"mine":1}',
        "trip/two.jpg.thumbnail": b"RIFF\x00\x00\x00\x00WEBP",
        "a.jpg.lenscat-tmp-mydiary.txt": b"diary",
    }
    for name, data in mine.items():
        (library / name).write_bytes(data)
    assert run_lenscat("clean", library, "--yes", "--cache-dir", tmp_path / "cache").returncode == 0
    assert {name: (library / name).read_bytes() for name in mine} == mine


def test_export_leaves_the_file_beside_alone(library: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv.part").write_text("mine")
    done = run_lenscat(
        "export", library, "--format", "csv", "--output", tmp_path / "out.csv", "--cache-dir", tmp_path / "c"
    )
    assert done.returncode == 0 and "a.jpg" in (tmp_path / "out.csv").read_text()
    assert (tmp_path / "out.csv.part").read_text() == "mine"
    assert sorted(item.name for item in tmp_path.iterdir() if "out.csv" in item.name) == ["out.csv", "out.csv.part"]


def test_sidecars_in_other_encodings_are_left_as_they_are(library: Path, client: TestClient) -> None:
    data = '{"v": 1, "tags": ["Ü"]}'.encode("utf-16")
    (library / "a.jpg.json").write_bytes(data)
    assert client.put("/api/item?path=a.jpg", json={"tags": ["x"]}).status_code == 409
    assert (library / "a.jpg.json").read_bytes() == data


def test_labels_of_any_script_are_found(library: Path, client: TestClient) -> None:
    client.put("/api/item?path=a.jpg", json={"label": "Écarlate"})
    assert client.get("/api/search?q=label:écarlate").json()["total"] == 1


def test_fields_of_a_wrong_type_count_as_missing(library: Path, client: TestClient) -> None:
    odd = {"v": 1, "rating": "4", "label": {}, "favorite": "yes", "updated_at": 99, "updated_by": []}
    (library / "a.jpg.json").write_text(json.dumps(odd))
    found = client.get("/api/item?path=a.jpg").json()
    assert [found[name] for name in ("rating", "label", "favorite", "updated_at", "updated_by")] == [
        None,
        None,
        False,
        None,
        None,
    ]


def test_snake_case_wins_and_every_key_may_be_camel_case(library: Path, client: TestClient) -> None:
    exif = {"created_at": "2020-01-01T00:00:00", "createdAt": "1999-01-01T00:00:00", "fNumber": 2.8}
    (library / "a.jpg.json").write_text(json.dumps({"v": 1, "exif": exif}))
    found = client.get("/api/item?path=a.jpg").json()["exif"]
    assert (found["created_at"], found["f_number"]) == ("2020-01-01T00:00:00", 2.8)
