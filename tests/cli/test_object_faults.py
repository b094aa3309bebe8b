"""The command line over a bucket that fails: one line that says what to do, and the documented exit code."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.api.test_object_store import PICTURES, Bucket
from tests.s3.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from tests.s3.servers import S3Server
from tests.serving import run_lenscat

SILENCE = threading.Event()


class Expected(NamedTuple):
    """A fault, and how a command ends because of it."""

    fault: Fault
    code: int
    words: str


FAULTS = {
    "403": Expected(Fault(status=403, code="AccessDenied"), 4, "give the credentials the right"),
    "no bucket": Expected(Fault(status=404, code="NoSuchBucket"), 6, "check the bucket's name"),
    "wrong region": Expected(
        Fault(status=301, code="PermanentRedirect", headers="x-amz-bucket-region: eu-west-1\r\n"),
        6,
        "set S3_REGION=eu-west-1",
    ),
    "expired": Expected(Fault(status=400, code="ExpiredToken"), 4, "have expired: renew them"),
    "slow down": Expected(Fault(status=503, code="SlowDown"), 6, "asks for fewer requests: try again"),
    "silence": Expected(Fault(delay=SILENCE, hang_up=True), 6, "in time: check the network"),
    "cut": Expected(Fault(cut_after=10), 6, "cut the connection in the middle of a reply: try again"),
    "no connection": Expected(Fault(hang_up=True), 6, "check the endpoint and the network"),
    "clock": Expected(Fault(status=403, code="RequestTimeTooSkewed"), 6, "set the clock"),
    "another server": Expected(Fault(status=404), 6, "not as an object store does: check the endpoint"),
}


class Library(NamedTuple):
    """A bucket that was indexed once, and the proxy before it."""

    bucket: Bucket
    proxy: FaultyProxy
    cache: Path

    @property
    def url(self) -> str:
        return f"s3://{self.bucket.name}/lib"

    def settings(self, **changed: str) -> dict[str, str]:
        quick = {"LENSCAT_OBJECT_RETRIES": "1", "LENSCAT_OBJECT_TIMEOUT_S": "1"}
        return self.bucket.settings(**{"S3_ENDPOINT": self.proxy.url, **quick, **changed})


@pytest.fixture(scope="module")
def library(ministack: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with faulty_proxy(ministack.port) as proxy:
        found = Library(Bucket(ministack), proxy, tmp_path_factory.mktemp("cache"))
        done = run_lenscat("index", found.url, "--cache-dir", found.cache, **found.settings())
        assert done.returncode == 0, done.stderr
        yield found


@pytest.mark.parametrize("kind", FAULTS)
def test_a_failing_bucket_ends_a_scan_with_what_to_do(library: Library, kind: str) -> None:
    fault, code, words = FAULTS[kind]
    where = ("--cache-dir", library.cache)
    SILENCE.clear()
    library.proxy.plan = lambda seen: fault
    try:
        done = run_lenscat("index", library.url, "--json", *where, **library.settings())
        told = run_lenscat("search", library.url, "theirs", "--no-scan", *where, **library.settings())
    finally:
        library.proxy.plan = None
        SILENCE.set()
    (line,) = done.stderr.splitlines()
    assert line.startswith("lenscat: ") and words in line and "127.0.0.1" not in line
    assert (done.returncode, json.loads(done.stdout)) == (code, {"error": line.removeprefix("lenscat: ")})
    assert (told.returncode, told.stdout) == (0, "trip/3.jpg\n"), told.stderr
    again = run_lenscat("index", library.url, "--json", *where, **library.settings())
    assert again.returncode == 0 and json.loads(again.stdout)["images"] == PICTURES + 1


@pytest.mark.parametrize("command", [("check",), ("export",), ("search", "theirs"), ("clean", "--yes"), ("index",)])
def test_every_command_says_that_nothing_listens(library: Library, command: tuple[str, ...], tmp_path: Path) -> None:
    name, *more = command
    settings = library.settings(S3_ENDPOINT="http://127.0.0.1:1")
    done = run_lenscat(name, library.url, *more, "--cache-dir", tmp_path, **settings)
    assert done.returncode == 6, done
    (line,) = done.stderr.strip().splitlines()
    assert "refuses connections: check the endpoint, and whether the server runs" in line
