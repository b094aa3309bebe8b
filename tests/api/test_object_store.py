"""The whole gallery over a real object store: the contract, what it costs, two servers, and faults on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend.models.paths import parse_path
from lenscat_backend.storage.object_store import ObjectStore
from tests.api.test_conflicts import edit_until_done
from tests.conftest import picture
from tests.s3.faulty_proxy import Fault, faulty_proxy
from tests.s3.servers import S3Server
from tests.serving import Served, poll, run_lenscat, serving

PICTURES = 25


class Bucket:
    """A bucket with a library under the prefix ``lib``, and the settings that serve it."""

    def __init__(self, server: S3Server) -> None:
        self.name = server.new_bucket()
        self.server = server
        self.store: ObjectStore = server.open(self.name, "lib")
        for number in range(PICTURES):
            self.store.write(parse_path(f"trip/{number}.jpg"), picture(size=(300, 200)))
        self.store.write(parse_path("a.jpg"), picture("blue"))
        self.store.write(parse_path("trip/3.jpg.json"), json.dumps({"v": 1, "tags": ["theirs"]}).encode())

    def settings(self, **changed: str) -> dict[str, str]:
        return {
            "STORAGE_TYPE": "s3",
            "S3_BUCKET": self.name,
            "S3_PREFIX": "lib",
            "S3_ENDPOINT": self.server.url,
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
            "AWS_REGION": "us-east-1",
            **changed,
        }

    @contextmanager
    def serving(self, cache: Path, *options: str, **changed: str) -> Iterator[Served]:
        """A server whose first scan has ended."""
        url = f"s3://{self.name}/lib"
        with serving(url, "--cache-dir", cache, *options, **self.settings(**changed)) as served:
            poll(lambda: scanned(served), "the first scan")
            yield served

    def tags(self, path: str) -> list[str]:
        found: list[str] = json.loads(self.store.read(parse_path(f"{path}.json"), 1 << 20).data)["tags"]
        return found


def scanned(served: Served) -> bool:
    health = served.get("/api/health").json()
    return health["library"]["last_scan"] is not None


def requests(served: Served) -> dict[str, int]:
    by_kind: dict[str, Any] = served.get("/api/health/storage").json()["storage"]["requests"]["by_kind"]
    return {kind: tally["requests"] for kind, tally in by_kind.items()}


def reads(served: Served) -> dict[str, int]:
    """Without what the trial of conditional writes at the start takes, once that is done."""

    def tried() -> dict[str, int] | None:
        found = requests(served)
        return found if found.pop("DELETE", 0) and found.pop("PUT", 0) else None

    return poll(tried, "the trial of conditional writes")


def spent(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {kind: count - before.get(kind, 0) for kind, count in after.items() if count != before.get(kind, 0)}


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    return Bucket(s3_server)


def test_the_contract_over_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    with bucket.serving(tmp_path) as served:
        root = served.get("/api/folders").json()
        assert [item["name"] for item in root["items"]] == ["a.jpg"]
        assert root["dirs"] == [{"name": "trip", "kind": "leaf-real"}]
        trip = served.get("/api/folders", path="trip").json()["items"]
        assert [item["name"] for item in trip] == [f"{number}.jpg" for number in range(PICTURES)]
        assert all((item["w"], item["h"]) == (300, 200) for item in trip)
        thumbnail = served.get("/api/thumb", path="trip/0.jpg")
        assert (thumbnail.status, thumbnail.data[8:12]) == (200, b"WEBP")
        assert bucket.store.read(parse_path("trip/0.jpg.thumbnail"), 1 << 20).data == thumbnail.data
        whole = served.ask("GET", "/api/files/trip/0.jpg")
        assert (whole.data, whole.headers["content-type"]) == (picture(size=(300, 200)), "image/jpeg")
        part = served.ask("GET", "/api/files/trip/0.jpg", headers={"Range": "bytes=10-19"})
        assert (part.status, part.data) == (206, picture(size=(300, 200))[10:20])
        assert served.put_item("trip/0.jpg", {"tags": ["ours"]}).status == 200
        assert bucket.tags("trip/0.jpg") == ["ours"]
        for query in ("tag:ours", "tag:theirs"):
            assert served.get("/api/search", q=query).json()["total"] == 1
        assert served.ask("POST", "/api/folders/trip/reindex").json()["items_count"] == PICTURES
        assert served.ask("POST", "/api/search/rebuild-index").json()["items_indexed"] == PICTURES + 1
        assert len(json.loads(bucket.store.read(parse_path("_rollup.json"), 1 << 20).data)["items"]) == PICTURES + 1
        assert served.ask("DELETE", "/api/item?path=trip/0.jpg").status == 200
        assert served.get("/api/item", path="trip/0.jpg").json()["updated_by"] == "system"
        assert served.get("/api/folders", path="nothing").status == 404
        assert served.get("/api/health").json()["backend"] == "s3"
        assert any("Requests to object stores so far: " in line and "GET" in line for line in served.lines)


def test_what_another_program_does_is_in_the_next_listing(bucket: Bucket, tmp_path: Path) -> None:
    with bucket.serving(tmp_path) as served:
        bucket.store.write(parse_path("trip/new.jpg"), picture(size=(30, 40)))
        bucket.store.delete(parse_path("trip/0.jpg"))
        bucket.store.write(parse_path("trip/1.jpg"), picture(size=(60, 50)))
        items = {item["name"]: item for item in served.get("/api/folders", path="trip").json()["items"]}
        assert "0.jpg" not in items
        assert (items["new.jpg"]["w"], items["1.jpg"]["w"]) == (30, 60)


def test_an_original_is_one_request(bucket: Bucket, tmp_path: Path) -> None:
    """The catalog knows size and version; where they are others by now, the picture that is there is sent."""
    with bucket.serving(tmp_path, LENSCAT_POLL_S="3600") as served:
        before = reads(served)
        whole = served.ask("GET", "/api/files/trip/0.jpg")
        part = served.ask("GET", "/api/files/trip/1.jpg", headers={"Range": "bytes=10-19"})
        assert (whole.status, part.status) == (200, 206) and spent(before, reads(served)) == {"GET": 2}
        bucket.store.write(parse_path("trip/0.jpg"), picture("blue"))
        bucket.store.delete(parse_path("trip/1.jpg"))
        whole = served.ask("GET", "/api/files/trip/0.jpg")
        assert (whole.status, whole.data, whole.headers["content-length"]) == (
            200,
            picture("blue"),
            str(len(picture("blue"))),
        )
        assert served.ask("GET", "/api/files/trip/1.jpg").status == 404
        tag = {"If-None-Match": whole.headers["etag"]}
        assert served.ask("GET", "/api/files/trip/0.jpg", headers=tag).status == 304
        bucket.store.write(parse_path("trip/0.jpg"), picture("green"))
        assert served.ask("GET", "/api/files/trip/0.jpg", headers=tag).data == picture("green")
        assert served.ask("HEAD", "/api/files/trip/0.jpg").headers["content-length"] == str(len(picture("green")))


def test_exactly_as_many_requests_as_needed(bucket: Bucket, tmp_path: Path) -> None:
    with bucket.serving(tmp_path, LENSCAT_POLL_S="3600", LENSCAT_DERIVED="cache") as served:
        assert reads(served) == {"LIST": 2, "GET": PICTURES + 1 + 1}  # heads, and one sidecar
        before = reads(served)
        served.get("/api/folders", path="trip")
        assert spent(before, reads(served)) == {"LIST": 1}
        for number in range(5):
            assert served.get("/api/thumb", path=f"trip/{number}.jpg").status == 200
        assert spent(before, reads(served)) == {"LIST": 1, "GET": 5}
        served.get("/api/search", q="theirs")
        assert spent(before, reads(served)) == {"LIST": 1, "GET": 5}
    with bucket.serving(tmp_path, LENSCAT_POLL_S="3600", LENSCAT_DERIVED="cache") as served:
        assert reads(served) == {"LIST": 2}  # nothing changed


def test_a_thumbnail_of_another_server_is_used(bucket: Bucket, tmp_path: Path) -> None:
    with bucket.serving(tmp_path / "one") as first, bucket.serving(tmp_path / "two") as second:
        made = first.get("/api/thumb", path="trip/0.jpg")
        second.get("/api/folders", path="trip")
        before = reads(second)
        assert second.get("/api/thumb", path="trip/0.jpg").headers["etag"] == made.headers["etag"]
        assert spent(before, reads(second)) == {"GET": 1}


def test_two_servers_and_sixteen_writers_lose_no_tag(bucket: Bucket, tmp_path: Path) -> None:
    with bucket.serving(tmp_path / "one") as first, bucket.serving(tmp_path / "two") as second:
        servers = (first, second)

        def write(writer: int) -> None:
            for number in range(3):
                edit_until_done(servers[(writer + number) % 2], "a.jpg", f"w{writer}-{number}")

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(write, range(16)))
        expected = {f"w{writer}-{number}" for writer in range(16) for number in range(3)}
        assert set(bucket.tags("a.jpg")) == expected
        for server in servers:
            assert set(server.get("/api/item", path="a.jpg").json()["tags"]) == expected


def test_a_bucket_that_goes_away_is_unreachable_and_not_empty(bucket: Bucket, tmp_path: Path) -> None:
    with faulty_proxy(bucket.server.port) as proxy:
        endpoint = {"S3_ENDPOINT": proxy.url, "LENSCAT_OBJECT_RETRIES": "1"}
        with bucket.serving(tmp_path, **endpoint) as served:
            assert served.get("/api/search", q="").json()["total"] == PICTURES + 1
            proxy.plan = lambda seen: Fault(hang_up=True)
            answer = served.get("/api/folders", path="trip")
            assert answer.status == 503 and "retry-after" in answer.headers
            assert served.put_item("a.jpg", {"tags": ["lost?"]}).status == 503
            assert served.get("/api/search", q="").json()["total"] == PICTURES + 1
            proxy.plan = None
            assert len(served.get("/api/folders", path="trip").json()["items"]) == PICTURES
            assert served.get("/api/item", path="a.jpg").json()["tags"] == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "key"),
        ({"S3_BUCKET": "no-such-bucket"}, "bucket"),
    ],
)
def test_what_is_wrong_is_said(ministack: S3Server, tmp_path: Path, changed: dict[str, str], words: str) -> None:
    settings = Bucket(ministack).settings(**changed)
    done = run_lenscat("index", "--cache-dir", tmp_path, **settings)
    assert done.returncode not in (0, 1)
    assert words in done.stderr and "Traceback" not in done.stderr


def test_the_command_line_over_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    settings = bucket.settings()
    url = f"s3://{bucket.name}/lib"
    indexed = run_lenscat("index", url, "--thumbs", "--json", "--cache-dir", tmp_path, **settings)
    assert indexed.returncode == 0, indexed.stderr
    bucket.store.read(parse_path("trip/7.jpg.thumbnail"), 1 << 20)
    found = run_lenscat("search", url, "theirs", "--cache-dir", tmp_path, **settings)
    assert "trip/3.jpg" in found.stdout
    assert run_lenscat("check", url, "--cache-dir", tmp_path, **settings).returncode == 0
    cleaned = run_lenscat("clean", url, "--yes", "--cache-dir", tmp_path, **settings)
    assert cleaned.returncode == 0, cleaned.stderr
    left = {f"{folder}/{entry.name}".lstrip("/") for folder, entries in bucket.store.walk() for entry in entries}
    assert left == {"a.jpg", "trip/3.jpg.json", *(f"trip/{number}.jpg" for number in range(PICTURES))}
