"""An S3 server of production quality for the benchmarks: Ceph's radosgw on loopback, its disk in memory."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.store import S3Store

_SCRIPT = Path(__file__).resolve().parents[1] / "tests" / "s3" / "radosgw.sh"
PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd")
_TRIES = 3
_BUCKET = "benchmarks"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and how to reach it; whoever runs below `radosgw` finds the rest in the environment."""

    name: str
    endpoint: str

    def open(self) -> S3Store:
        """A bare client."""
        return S3Store(self.name, endpoint=self.endpoint, client_options={"allow_http": True}, region="us-east-1")

    def url(self, prefix: str) -> str:
        """A library in it."""
        return f"s3://{self.name}/{prefix}"


@contextmanager
def radosgw(work: Path) -> Iterator[Bucket]:
    """A server with an empty bucket until the block ends, and the environment that leads to it."""
    folder = work / "radosgw"
    for _ in range(_TRIES):
        port = random.randrange(12_000, 30_000)
        if _run("start", folder, port) == 0:
            break
    else:
        raise RuntimeError(f"radosgw does not start: see {folder}/log")
    endpoint = f"http://127.0.0.1:{port}"
    given = {"AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "SKTEST", "AWS_ENDPOINT_URL": endpoint}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield _made(Bucket(_BUCKET, endpoint))
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
        _run("stop", folder)
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: str, folder: Path, *port: int) -> int:
    words = ["bash", str(_SCRIPT), command, str(folder), *map(str, port)]
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120).returncode


def _made(bucket: Bucket) -> Bucket:
    """The client library cannot make buckets, but it can sign the request that does."""
    address = obstore.sign(bucket.open(), "PUT", "", timedelta(minutes=1))
    urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=30).close()
    return bucket
