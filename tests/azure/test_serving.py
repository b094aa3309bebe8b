"""The whole gallery over Azure, as a process of its own that is configured as Azure's tools are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lenscat_backend.models.paths import parse_path
from tests.api.test_object_store import scanned
from tests.azure.servers import AzureServer
from tests.conftest import picture
from tests.s3.faulty_proxy import faulty_proxy
from tests.serving import Served, poll, run_lenscat, serving

PICTURES = 12


class Container:
    """A container with a library under the prefix ``lib``, and the variables that open it, beside others of S3's."""

    def __init__(self, server: AzureServer) -> None:
        self.server = server
        name = server.new_bucket()
        self.url = f"az://{name}/lib"
        self.store = server.open(name, "lib")
        own = {"AZURE_STORAGE_CONNECTION_STRING": server.connection(), "LENSCAT_POLL_S": "3600"}
        self.variables = {**own, "S3_ENDPOINT": "http://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
        for number in range(PICTURES):
            self.store.write(parse_path(f"a trip/{number}.jpg"), picture(size=(300, 200)))
        self.store.write(parse_path("a.jpg"), picture("blue"))
        self.store.write(parse_path("a trip/3.jpg.json"), json.dumps({"v": 1, "tags": ["theirs"]}).encode())


@pytest.fixture
def container(azurite: AzureServer) -> Container:
    return Container(azurite)


def requests(served: Served) -> dict[str, int]:
    """So far, once the trial of conditional writes at the start is over."""

    def tried() -> dict[str, int] | None:
        by_kind = served.get("/api/health/storage").json()["storage"]["requests"]["by_kind"]
        return {kind: tally["requests"] for kind, tally in by_kind.items()} if "DELETE" in by_kind else None

    return poll(tried, "the trial of conditional writes")


def test_browse_look_edit_search_and_start_again(container: Container, tmp_path: Path) -> None:
    options = ("--cache-dir", tmp_path)
    with serving(container.url, *options, **container.variables) as served:
        poll(lambda: scanned(served), "the first scan")
        assert served.get("/api/folders").json()["dirs"] == [{"name": "a trip", "kind": "leaf-real"}]
        trip = served.get("/api/folders", path="a trip").json()["items"]
        assert [(item["name"], item["w"], item["h"]) for item in trip] == [
            (f"{number}.jpg", 300, 200) for number in range(PICTURES)
        ]
        thumbnail = served.get("/api/thumb", path="a trip/0.jpg")
        assert (thumbnail.status, thumbnail.data[8:12]) == (200, b"WEBP")
        assert container.store.read(parse_path("a trip/0.jpg.thumbnail"), 1 << 20).data == thumbnail.data
        part = served.ask("GET", "/api/files/a%20trip/0.jpg", headers={"Range": "bytes=10-19"})
        assert (part.status, part.data) == (206, picture(size=(300, 200))[10:20])
        edited = served.put_item("a trip/0.jpg", {"tags": ["ours"]})
        assert edited.status == 200
        assert served.put_item("a trip/0.jpg", {"tags": ["late"]}, If_Match='"other"').status == 412
        assert json.loads(container.store.read(parse_path("a trip/0.jpg.json"), 1 << 20).data)["tags"] == ["ours"]
        assert [served.get("/api/search", q=f"tag:{tag}").json()["total"] for tag in ("ours", "theirs")] == [1, 1]
        assert served.stop() == 0
    with serving(container.url, *options, **container.variables) as served:
        poll(lambda: scanned(served), "the scan after the start")
        assert requests(served).get("GET", 0) < PICTURES  # none was read again
        assert served.get("/api/search", q="tag:ours").json()["total"] == 1
        assert served.get("/api/thumb", path="a trip/0.jpg").headers["etag"] == thumbnail.headers["etag"]
        assert served.get("/api/item", path="a trip/0.jpg").headers["etag"] == edited.headers["etag"]


def test_originals_by_signed_addresses(container: Container, tmp_path: Path) -> None:
    with serving(container.url, "--cache-dir", tmp_path, LENSCAT_SIGNED_URLS_S="60", **container.variables) as served:
        poll(lambda: scanned(served), "the first scan")
        answer = served.ask("GET", "/api/files/a.jpg")
        assert answer.status == 307
        assert "sig=" in answer.headers["location"]


def test_two_servers_lose_no_tag(container: Container, tmp_path: Path) -> None:
    one, two = (serving(container.url, "--cache-dir", tmp_path / name, **container.variables) for name in "12")
    with one as first, two as second:
        for served in (first, second):
            poll(lambda served=served: scanned(served), "the first scan")  # type: ignore[misc] - a default binds it
        etag = first.get("/api/item", path="a.jpg").headers["etag"]
        assert second.put_item("a.jpg", {"tags": ["two"]}, If_Match=etag).status == 200
        refused = first.put_item("a.jpg", {"tags": ["one"]}, If_Match=etag)
        assert refused.status == 412
        tags = [*first.get("/api/item", path="a.jpg").json()["tags"], "one"]
        assert first.put_item("a.jpg", {"tags": tags}, If_Match=refused.headers["etag"]).status == 200
        assert second.get("/api/item", path="a.jpg").json()["tags"] == ["two", "one"]


def test_the_command_line(container: Container, tmp_path: Path) -> None:
    options, variables = ("--cache-dir", tmp_path), container.variables
    indexed = run_lenscat("index", container.url, "--thumbs", *options, **variables)
    assert indexed.returncode == 0, indexed.stderr
    assert container.store.stat(parse_path("a trip/7.jpg.thumbnail")).size > 0
    assert "a trip/3.jpg" in run_lenscat("search", container.url, "theirs", *options, **variables).stdout
    assert run_lenscat("check", container.url, *options, **variables).returncode == 0
    assert run_lenscat("clean", container.url, "--yes", *options, **variables).returncode == 0
    left = {f"{folder}/{entry.name}".lstrip("/") for folder, entries in container.store.walk() for entry in entries}
    assert left == {"a.jpg", "a trip/3.jpg.json", *(f"a trip/{number}.jpg" for number in range(PICTURES))}


def pointing(root: Path, container: Container, **target: object) -> None:
    """Make the folder `there` of a library on a disk a pointer to the container."""
    bucket, _, prefix = container.url.removeprefix("az://").partition("/")
    fields = {"type": "az", "bucket": bucket, "prefix": f"{prefix}/", **target}
    pointer = {"version": 1, "kind": "pointer", "label": "There", "readonly": False, "target": fields}
    (root / "there").mkdir(parents=True)
    (root / "there" / ".lenscat.folder.json").write_text(json.dumps(pointer))


def test_a_pointer_leads_there(container: Container, tmp_path: Path) -> None:
    pointing(tmp_path / "library", container)
    with serving(tmp_path / "library", "--cache-dir", tmp_path / "cache", **container.variables) as served:
        assert len(served.get("/api/folders", path="there/a trip").json()["items"]) == PICTURES
        assert served.get("/api/thumb", path="there/a trip/0.jpg").data[8:12] == b"WEBP"
        assert served.put_item("there/a trip/0.jpg", {"tags": ["ours"]}).status == 200
        assert json.loads(container.store.read(parse_path("a trip/0.jpg.json"), 1 << 20).data)["tags"] == ["ours"]


def test_a_pointer_cannot_have_the_credentials_sent_elsewhere(container: Container, tmp_path: Path) -> None:
    with faulty_proxy(container.server.port) as elsewhere:
        pointing(tmp_path / "library", container, endpoint=f"{elsewhere.url}/lenscat")
        with serving(tmp_path / "library", "--cache-dir", tmp_path / "cache", **container.variables) as served:
            served.get("/api/folders", path="there")
            poll(lambda: scanned(served), "the first scan")
        assert elsewhere.seen == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"AZURE_STORAGE_CONNECTION_STRING": ""}, "LENSCAT_AZURE_ACCOUNT"),
        ({"AZURE_STORAGE_CONNECTION_STRING": "nonsense"}, "names no account"),
    ],
)
def test_what_is_missing_is_said(container: Container, tmp_path: Path, change: dict[str, str], words: str) -> None:
    done = run_lenscat("index", container.url, "--cache-dir", tmp_path, **{**container.variables, **change})
    assert done.returncode not in (0, 1)
    assert words in " ".join(done.stderr.split()) and "Traceback" not in done.stderr
