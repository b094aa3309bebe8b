"""Keys that the surroundings give: an instance's role, asked for at a metadata service as Amazon's machines have."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lenscat_backend.errors import UnreachableError
from lenscat_backend.models.paths import ROOT, parse_path
from tests.s3.servers import S3Server

ROLE = "/latest/meta-data/iam/security-credentials/"


@pytest.fixture
def metadata(ministack: S3Server) -> Iterator[str]:
    """The address of a metadata service that gives out the test server's keys."""
    keys = {"AccessKeyId": ministack.access_key, "SecretAccessKey": ministack.secret_key, "Token": ""}
    told = {"Code": "Success", "Expiration": "2099-01-01T00:00:00Z", "LastUpdated": "2020-01-01T00:00:00Z", **keys}

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.answer(b"a token" if self.path == "/latest/api/token" else b"")

        def do_GET(self) -> None:
            self.answer({ROLE: b"gallery", f"{ROLE}gallery": json.dumps(told).encode()}.get(self.path, b""))

        def answer(self, body: bytes) -> None:
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(10)


@pytest.fixture(autouse=True)
def _no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def test_an_instance_role_gives_keys(ministack: S3Server, metadata: str) -> None:
    store = ministack.open(access_key_id="", secret_access_key="", metadata_endpoint=metadata)
    store.write(parse_path("x/a"), b"1")
    assert [entry.name for entry in store.list_folder(ROOT).entries] == ["x"]
    assert [path for page in store.list_tree_pages(ROOT) for path, _ in page] == ["x/a"]
    assert store.signed_url(parse_path("x/a"), 60).startswith("http://")


def test_no_keys_anywhere(ministack: S3Server) -> None:
    store = ministack.open(access_key_id="", secret_access_key="", metadata_endpoint="http://127.0.0.1:1", retries=1)
    for call in (lambda: store.list_folder(ROOT), lambda: list(store.list_tree_pages(ROOT))):
        with pytest.raises(UnreachableError, match="gets no credentials: set AWS_ACCESS_KEY_ID"):
            call()
