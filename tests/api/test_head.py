"""HEAD: the reply that GET would give, without its body, on every address that knows GET."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from lenscat_backend.api import files
from lenscat_backend.api.head import HeadAsGet, is_head
from tests.api.test_uvicorn import UVICORN
from tests.conftest import picture
from tests.serving import Served, running, serving

CALLS = [
    "/",
    "/api/folders",
    "/api/folders?path=trip&page=0",
    "/api/item?path=a.jpg",
    "/api/thumb?path=a.jpg",
    "/api/thumb?path=a.jpg&routed=1",
    "/api/preview?path=a.jpg",
    "/api/search?q=a",
    "/api/search/suggest?q=a",
    "/api/health/workers",
    "/api/files/trip/one.png",
    "/api/files/a.jpg?download=true",
    "/openapi.json",
    "/static/app.js",
]
WRONG = ["/api/item?path=no.jpg", "/api/folders?path=no", "/api/files/no.jpg", "/api/item", "/nothing"]


@pytest.fixture(scope="module", params=["granian", "uvicorn"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("head") / "library"
    (root / "trip").mkdir(parents=True)
    (root / "a.jpg").write_bytes(picture("red"))
    (root / "trip" / "one.png").write_bytes(picture("blue", (300, 600), "PNG"))
    cache = str(tmp_path_factory.mktemp("cache"))
    if request.param == "granian":
        with serving(root, "--cache-dir", cache) as served:
            yield served
    else:
        with running(UVICORN, "Uvicorn running on", LOCAL_ROOT=str(root), LENSCAT_CACHE_DIR=cache) as served:
            yield served


@pytest.mark.parametrize("call", [*CALLS, *WRONG])
def test_head_is_get_without_the_body(server: Served, call: str) -> None:
    server.ask("GET", call)  # what is drawn at the first time is there the next
    whole, head = server.ask("GET", call), server.ask("HEAD", call)
    assert (head.status, head.data) == (whole.status, b"")
    assert head.headers | {"date": ""} == whole.headers | {"date": ""}


def test_the_page_itself(server: Served) -> None:
    accept = {"Accept": "text/html"}
    whole, head = server.ask("GET", "/", headers=accept), server.ask("HEAD", "/", headers=accept)
    assert (head.status, head.data, head.headers["content-type"]) == (200, b"", "text/html; charset=utf-8")
    assert head.headers["content-length"] == whole.headers["content-length"] == str(len(whole.data))


def test_the_connection_stays_usable(server: Served) -> None:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    try:
        for call in ("/api/files/trip/one.png", "/api/thumb?path=a.jpg", "/api/item?path=a.jpg"):
            connection.request("HEAD", call)
            assert connection.getresponse().read() == b""
            connection.request("GET", call)
            assert connection.getresponse().read() != b""
    finally:
        connection.close()


@pytest.mark.parametrize("call", ["/api/item?path=a.jpg", "/api/thumb?path=a.jpg", "/api/files/a.jpg"])
def test_conditions_hold_for_head(client: TestClient, call: str) -> None:
    etag = client.get(call).headers["etag"]
    reply = client.head(call, headers={"If-None-Match": etag})
    assert (reply.status_code, reply.headers["etag"]) == (304, etag)


def test_a_range_of_head(client: TestClient, library: Path) -> None:
    span = {"Range": "bytes=0-9"}
    whole, head = client.get("/api/files/a.jpg", headers=span), client.head("/api/files/a.jpg", headers=span)
    assert (head.status_code, head.headers["content-range"]) == (206, whole.headers["content-range"])
    assert (head.headers["content-length"], head.content) == ("10", b"")


def test_head_reads_nothing_of_an_original(client: TestClient, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object) -> None:
        raise AssertionError("the body was read")

    monkeypatch.setattr(files, "_pieces", never)
    assert client.head("/api/files/a.jpg").headers["content-length"] == str((library / "a.jpg").stat().st_size)


@pytest.mark.parametrize("call", ["/api/folders/reindex", "/api/search/rebuild-index"])
def test_head_does_not_work_where_get_does_not(client: TestClient, call: str) -> None:
    reply = client.head(call)
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


def test_no_body_reaches_the_server_that_would_have_to_drop_it() -> None:
    seen: list[Scope] = []
    sent: list[Message] = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
        await send({"type": "http.response.body", "body": b"abc", "more_body": True})
        await send({"type": "http.response.body", "body": b"def"})

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "HEAD", "extensions": {"http.response.pathsend": {}}}
    asyncio.run(HeadAsGet(page)(scope, receive, send))
    assert (seen[0]["method"], seen[0]["extensions"], is_head(seen[0]), is_head(scope)) == ("GET", {}, True, False)
    assert [message.get("body", b"") for message in sent[1:]] == [b"", b""]
    assert [message.get("more_body") for message in sent[1:]] == [True, False]
    assert (sent[0]["status"], sent[0]["headers"]) == (200, [(b"content-length", b"6")])
