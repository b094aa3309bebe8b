"""A served bucket that fails: each call says what is wrong and what to do, nothing is forgotten, no edit is faked."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lenscat_backend.models.paths import parse_path
from tests.api.test_object_store import PICTURES, Bucket, scanned
from tests.conftest import picture
from tests.s3.faulty_proxy import Fault, FaultyProxy, Plan, Seen, faulty_proxy
from tests.s3.servers import S3Server
from tests.serving import Reply, Served, poll, serving

LARGE = parse_path("large/noise.jpg")
NEW = parse_path("new/new.jpg")
SETTINGS = {"LENSCAT_OBJECT_RETRIES": "1", "LENSCAT_OBJECT_TIMEOUT_S": "1", "LENSCAT_POLL_S": "3600"}
SILENCE = threading.Event()
NEVER = "127.0.0.1"
"""What no message may hold: where the store is, is nobody's business."""


class Expected(NamedTuple):
    """A fault of the store, and what everybody who asks us is to hear of it."""

    fault: Fault
    status: int
    words: str


FAULTS = {
    "403": Expected(Fault(status=403, code="AccessDenied"), 403, "give the credentials the right"),
    "no bucket": Expected(Fault(status=404, code="NoSuchBucket"), 503, "check the bucket's name"),
    "wrong region": Expected(
        Fault(status=400, code="AuthorizationHeaderMalformed", extra="<Region>eu-west-1</Region>"),
        503,
        "set S3_REGION=eu-west-1",
    ),
    "expired": Expected(Fault(status=400, code="ExpiredToken"), 403, "have expired: renew them"),
    "slow down": Expected(Fault(status=503, code="SlowDown"), 503, "try again"),
    "silence": Expected(Fault(delay=SILENCE, hang_up=True), 503, "in time: check the network"),
    "cut": Expected(Fault(cut_after=10), 503, "cut the connection in the middle of a reply: try again"),
    "no connection": Expected(Fault(hang_up=True), 503, "check the endpoint and the network"),
    "clock": Expected(Fault(status=403, code="RequestTimeTooSkewed"), 503, "set the clock"),
    "another server": Expected(Fault(status=404), 503, "not as an object store does: check the endpoint"),
    "a login page": Expected(Fault(status=200), 503, "not as an object store does: check the endpoint"),
}


class Gallery(NamedTuple):
    """A server on a bucket, with the proxy between them."""

    bucket: Bucket
    proxy: FaultyProxy
    served: Served

    @contextmanager
    def failing(self, plan: Fault | Plan) -> Iterator[None]:
        """The store fails until the block ends."""
        SILENCE.clear()
        self.proxy.plan = plan if callable(plan) else lambda seen: plan
        try:
            yield
        finally:
            self.proxy.plan = None
            SILENCE.set()

    def known(self) -> Any:
        """What the catalog tells of every picture, without a request to the store."""
        return self.served.get("/api/search", q="", limit=1000).json()["items"]

    def sidecars(self) -> dict[str, bytes]:
        """Those in the bucket."""
        found = [f"{folder}/{entry.name}".lstrip("/") for folder, names in self.bucket.store.walk() for entry in names]
        return {
            path: self.bucket.store.read(parse_path(path), 1 << 20).data for path in found if path.endswith(".jpg.json")
        }


@pytest.fixture(scope="module")
def gallery(ministack: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    bucket = Bucket(ministack)
    bucket.store.write(LARGE, picture(size=(300, 200)) + bytes(range(256)) * 12_000)
    with faulty_proxy(ministack.port) as proxy:
        settings = bucket.settings(S3_ENDPOINT=proxy.url, **SETTINGS)
        with serving(f"s3://{bucket.name}/lib", "--cache-dir", tmp_path_factory.mktemp("cache"), **settings) as served:
            poll(lambda: scanned(served), "the first scan")
            yield Gallery(bucket, proxy, served)


def folders(served: Served) -> dict[str, Callable[[], Reply]]:
    """Listings, whose failure also ends the moment in which what was listed just before is believed."""
    return {
        "folder": lambda: served.get("/api/folders", path="trip"),
        "root": lambda: served.get("/api/folders"),
    }


def other_calls(served: Served) -> dict[str, Callable[[], Reply]]:
    return {
        "page": lambda: served.get("/api/folders", path="trip", page=0),
        "missing folder": lambda: served.get("/api/folders", path="none"),
        "item": lambda: served.get("/api/item", path="trip/3.jpg"),
        "item without sidecar": lambda: served.get("/api/item", path="trip/4.jpg"),
        "missing item": lambda: served.get("/api/item", path="trip/none.jpg"),
        "thumbnail": lambda: served.get("/api/thumb", path="trip/5.jpg"),
        "original": lambda: served.ask("GET", "/api/files/trip/6.jpg"),
        "first edit": lambda: served.put_item("trip/7.jpg", {"tags": ["x"]}),
        "edit": lambda: served.put_item("trip/3.jpg", {"tags": ["x"]}),
        "removal": lambda: served.ask("DELETE", "/api/item?path=trip/3.jpg"),
        "reindex": lambda: served.ask("POST", "/api/folders/trip/reindex"),
    }


def check(name: str, reply: Reply, expected: Expected) -> None:
    """The right status, a message that says what to do, and when to try again where that may help."""
    assert reply.status == expected.status, (name, reply)
    detail = reply.json()["detail"]
    assert expected.words in detail or (expected.status == 503 and "try again later" in detail), (name, detail)
    assert NEVER not in detail and "Traceback" not in detail, (name, detail)
    assert ("retry-after" in reply.headers) == (expected.status == 503), (name, reply.headers)


@pytest.mark.parametrize("kind", FAULTS)
def test_each_failure_is_told_and_forgets_nothing(gallery: Gallery, kind: str) -> None:
    served, expected = gallery.served, FAULTS[kind]
    known, sidecars = gallery.known(), gallery.sidecars()
    assert len(known) == PICTURES + 2
    with gallery.failing(expected.fault):
        for name, call in folders(served).items():
            check(name, call(), expected)
        others = other_calls(served)
        if kind == "cut":
            del others["removal"]  # whose replies have no body
        with ThreadPoolExecutor(len(others)) as threads:
            replies = dict(zip(others, threads.map(lambda call: call(), others.values()), strict=True))
        for name, reply in replies.items():
            check(name, reply, expected)
        assert gallery.known() == known
        check("rebuild", served.ask("POST", "/api/search/rebuild-index"), expected)
        assert gallery.known() == known
        for call in ("/api/health", "/api/health/storage"):
            health = served.get(call).json()
            assert health["status"] == "unreachable" and expected.words in health["storage"]["problem"], health
        assert served.get("/api/health").json()["library"]["images"] == len(known)
    assert gallery.sidecars() == sidecars
    assert len(served.get("/api/folders", path="trip").json()["items"]) == PICTURES
    assert gallery.known() == known
    assert served.get("/api/item", path="trip/3.jpg").json()["tags"] == ["theirs"]
    assert served.get("/api/thumb", path="trip/5.jpg").status == 200
    assert served.ask("GET", "/api/files/trip/6.jpg").data == picture(size=(300, 200))
    assert served.ask("POST", "/api/search/rebuild-index").json()["items_indexed"] == len(known)
    assert served.get("/api/health").json()["status"] == "ok"
    assert served.put_item("trip/8.jpg", {"tags": [kind]}).status == 200
    assert gallery.bucket.tags("trip/8.jpg") == [kind]
    served.ask("DELETE", "/api/thumb?path=trip/5.jpg")


PASSING = {
    "slow down": Fault(status=503, code="SlowDown"),
    "internal": Fault(status=500, code="InternalError"),
    "hang up": Fault(hang_up=True),
    "lost reply": Fault(lose_reply=True),
    "cut": Fault(cut_after=5),
}


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_is_not_noticed(gallery: Gallery, kind: str) -> None:
    calls = folders(gallery.served) | other_calls(gallery.served)
    for name in ("folder", "root", "item", "item without sidecar", "thumbnail", "original"):
        gallery.proxy.fail_next(PASSING[kind])
        assert calls[name]().status == 200, name
    gallery.proxy.fail_next(PASSING[kind], method="PUT")
    assert gallery.served.put_item("trip/9.jpg", {"tags": [kind]}).status == 200
    gallery.proxy.plan = None
    assert gallery.bucket.tags("trip/9.jpg") == [kind]
    gallery.served.ask("DELETE", "/api/thumb?path=trip/5.jpg")


UNSAVED = {
    "denied": Expected(FAULTS["403"].fault, 403, "give the credentials the right"),
    "expired": FAULTS["expired"],
    "slow down": Expected(FAULTS["slow down"].fault, 503, "fewer requests"),
    "silence": Expected(FAULTS["silence"].fault, 503, "whether the change was saved is not known"),
    "hang up": Expected(Fault(hang_up=True), 503, "whether the change was saved is not known"),
    "no bucket": FAULTS["no bucket"],
}


@pytest.mark.parametrize("path", ["a.jpg", "trip/3.jpg"])
@pytest.mark.parametrize("kind", UNSAVED)
def test_an_edit_that_was_not_saved_is_an_error(gallery: Gallery, kind: str, path: str) -> None:
    """The store can be read, but not written: the first edit of a picture, and a later one."""
    before, fault = gallery.sidecars(), UNSAVED[kind].fault
    with gallery.failing(lambda seen: fault if seen.method == "PUT" else None):
        check(kind, gallery.served.put_item(path, {"tags": ["lost"]}), UNSAVED[kind])
        assert "lost" not in gallery.served.get("/api/item", path=path).json()["tags"]
        assert gallery.served.get("/api/search", q="tag:lost").json()["total"] == 0
    assert gallery.sidecars() == before


def test_an_edit_whose_replies_are_all_lost_is_not_called_saved(gallery: Gallery) -> None:
    with gallery.failing(lambda seen: Fault(lose_reply=True) if seen.method == "PUT" else None):
        reply = gallery.served.put_item("trip/10.jpg", {"tags": ["there"]})
        assert reply.status == 503 and "whether the change was saved is not known" in reply.json()["detail"]
    assert gallery.served.get("/api/item", path="trip/10.jpg").json()["tags"] == gallery.bucket.tags("trip/10.jpg")


@pytest.mark.parametrize("kind", ["403", "no bucket", "slow down", "cut", "no connection"])
def test_an_original_that_was_listed_a_moment_ago_fails_before_its_reply_begins(gallery: Gallery, kind: str) -> None:
    gallery.served.get("/api/folders", path="trip")
    with gallery.failing(FAULTS[kind].fault):
        check("original", gallery.served.ask("GET", "/api/files/trip/11.jpg"), FAULTS[kind])


@pytest.mark.parametrize("unreadable", ["12.jpg.json", "12.jpg"])
@pytest.mark.parametrize("kind", ["403", "slow down", "cut", "no connection"])
def test_what_cannot_be_read_now_is_kept_and_read_later(gallery: Gallery, kind: str, unreadable: str) -> None:
    """The folder can be listed, but a sidecar that another program changed, or its picture, cannot be read."""

    def write(*tags: str) -> None:
        gallery.bucket.store.write(parse_path("trip/12.jpg.json"), json.dumps({"v": 1, "tags": tags}).encode())

    def look() -> dict[str, int]:
        assert len(gallery.served.get("/api/folders", path="trip").json()["items"]) == PICTURES
        found = {tag: gallery.served.get("/api/search", q=f"tag:{tag}").json()["total"] for tag in ("old", "new")}
        return {tag: number for tag, number in found.items() if number}

    def plan(seen: Seen) -> Fault | None:
        return FAULTS[kind].fault if seen.kind == "GET" and seen.target.partition("?")[0].endswith(unreadable) else None

    write("old")
    assert look() == {"old": 1}
    write("new")
    with gallery.failing(plan):
        kept = look()
    assert kept == {"old": 1} or (unreadable == "12.jpg" and kept == {"new": 1})
    assert look() == {"new": 1}
    assert gallery.served.get("/api/item", path="trip/12.jpg").json().get("problem") is None


@pytest.mark.parametrize("kind", ["403", "expired", "slow down", "cut", "clock"])
def test_a_new_picture_that_cannot_be_read_now_is_shown_and_read_later(gallery: Gallery, kind: str) -> None:
    gallery.bucket.store.write(NEW, picture(size=(60, 40)))

    def measured() -> list[tuple[str, int | None]]:
        items = gallery.served.get("/api/folders", path="new").json()["items"]
        return [(item["name"], item["w"]) for item in items]

    with gallery.failing(lambda seen: FAULTS[kind].fault if seen.kind == "GET" and "new.jpg" in seen.target else None):
        assert measured() == [("new.jpg", None)]
    assert measured() == [("new.jpg", 60)]
    gallery.bucket.store.delete(NEW)
    gallery.served.get("/api/folders", path="new")


def test_an_original_survives_more_cuts_than_one_request_may(gallery: Gallery) -> None:
    whole = gallery.bucket.store.read(LARGE, 1 << 30).data
    with gallery.failing(Fault(cut_after=600_000)):
        reply = gallery.served.ask("GET", f"/api/files/{LARGE}")
    assert reply.status == 200 and reply.data == whole


def test_an_original_that_is_cut_is_never_whole(gallery: Gallery) -> None:
    """Its beginning may have been sent by then: so the connection ends before what was announced has come."""

    def plan() -> Plan:
        cuts = iter([Fault(cut_after=600_000)])
        return lambda seen: next(cuts, Fault(hang_up=True)) if seen.method == "GET" else None

    for fault in (Fault(cut_after=10), plan()):
        with gallery.failing(fault), suppress(http.client.HTTPException):
            assert gallery.served.ask("GET", f"/api/files/{LARGE}").status >= 500
    assert gallery.served.get("/api/folders").status == 200


@pytest.mark.parametrize("kind", ["no connection", "403", "no bucket"])
def test_a_server_started_while_the_bucket_is_away_needs_no_second_start(
    ministack: S3Server, tmp_path: Path, kind: str
) -> None:
    bucket = Bucket(ministack)
    with faulty_proxy(ministack.port) as proxy:
        proxy.plan = lambda seen: FAULTS[kind].fault
        settings = bucket.settings(S3_ENDPOINT=proxy.url, **SETTINGS)
        with serving(f"s3://{bucket.name}/lib", "--cache-dir", tmp_path, **settings) as served:
            check("root", served.get("/api/folders"), FAULTS[kind])
            health = poll(lambda: unreachable(served), "the first scan to fail")
            assert health["library"]["last_scan"] is None and FAULTS[kind].words in health["storage"]["problem"]
            proxy.plan = None
            assert [item["name"] for item in served.get("/api/folders").json()["items"]] == ["a.jpg"]
            poll(lambda: scanned(served), "a scan")
            assert served.get("/api/search", q="theirs").json()["total"] == 1
            assert served.get("/api/health").json()["status"] == "ok"
            assert FAULTS[kind].words in "".join(served.lines)
            assert not any("Traceback" in line for line in served.lines)


def unreachable(served: Served) -> Any:
    found = json.loads(served.get("/api/health").data)
    return found if found["status"] == "unreachable" else None
