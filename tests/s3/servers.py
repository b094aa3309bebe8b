"""Real S3 servers on loopback, one of each for a whole test run: ministack, which is quick, and Ceph's radosgw."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from lenscat_backend.storage.location import parse_location
from lenscat_backend.storage.object_open import open_object_store
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_store import ObjectStore
from tests.s3.signing import Signer
from tests.serving import poll

HERE = Path(__file__).resolve().parent
MINISTACK = Path(os.environ.get("LENSCAT_MINISTACK", HERE.parents[1] / ".venv-s3" / "bin" / "ministack"))
CEPH = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "monmaptool", "ceph-authtool", "bash")
RADOSGW_PORTS = 20
RADOSGW_TRIES = 3
_EVERYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@dataclass
class S3Server:
    """A running server, and keys that may do anything there."""

    name: str
    port: int
    access_key: str
    secret_key: str
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    @property
    def url(self) -> str:
        """The endpoint, for path style."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def signer(self) -> Signer:
        """For requests that the tests make themselves."""
        return Signer(self.port, self.access_key, self.secret_key)

    def new_bucket(self) -> str:
        """An empty bucket of the caller's own."""
        bucket = f"b{next(self._numbers)}-{os.getpid()}"
        answer = self.signer.ask("PUT", f"/{bucket}")
        assert answer.status == 200, answer
        return bucket

    def options(self, **changed: Any) -> ObjectOptions:
        """How to reach it, with short pauses between retries."""
        keys = {"access_key_id": self.access_key, "secret_access_key": self.secret_key}
        quick = {"first_delay_s": 0.01, "longest_delay_s": 0.02, "timeout_s": 10.0, "retries": 3}
        return ObjectOptions(**{"endpoint": self.url, "default_profile": False, **keys, **quick, **changed})

    def open(self, bucket: str = "", prefix: str = "", *, writable: bool = True, **changed: Any) -> ObjectStore:
        """A store in the bucket, or in a new one."""
        location = parse_location(f"s3://{bucket or self.new_bucket()}/{prefix}")
        return open_object_store(location, self.options(**changed), writable=writable)

    def put(self, bucket: str, key: str, data: bytes = b"123") -> None:
        """Write an object whose key may be odd."""
        answer = self.signer.ask("PUT", f"/{bucket}/{key}", body=data)
        assert answer.status == 200, answer


def without(what: str, how: str) -> None:
    """Skip for want of a server, but fail where CI is set."""
    message = f"no {what} found: {how}, or run 'make test'"
    (pytest.fail if os.environ.get("CI") else pytest.skip)(message)


@pytest.fixture(scope="session")
def ministack() -> Iterator[S3Server]:
    """An emulator in Python; keys are checked, and policies too."""
    if not MINISTACK.exists():
        without("ministack", "install it into .venv-s3 with tests/s3/constraints.txt, or name it in LENSCAT_MINISTACK")
    port = free_ports(1)
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "localhost", "AUTH": "true"}
    with tempfile.TemporaryDirectory(prefix="lenscat-ministack-") as folder:
        process = subprocess.Popen(
            [MINISTACK],
            env={**os.environ, **settings, "LOG_LEVEL": "ERROR", "HOME": folder, "TMPDIR": folder},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            poll(lambda: _listens(port) or _ended(process), "ministack to listen")
            yield S3Server("ministack", port, *_ministack_keys(port))
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def radosgw() -> Iterator[S3Server]:
    """Ceph's production server over one in-memory disk."""
    missing = [program for program in CEPH if shutil.which(program) is None]
    if missing:
        without(missing[0], "apt-get install ceph-mon ceph-osd radosgw ceph-common")
    folder = tempfile.mkdtemp(prefix="lenscat-rgw-")
    try:
        yield S3Server("radosgw", _start_radosgw(folder), "AKTEST", "SKTEST")
    finally:
        _radosgw("stop", folder)
        shutil.rmtree(folder, ignore_errors=True)


def _start_radosgw(folder: str) -> int:
    """Its port; tried again on others, for a port that was free may be taken by the time a server asks for it."""
    for _ in range(RADOSGW_TRIES):
        port = free_ports(RADOSGW_PORTS)
        done = _radosgw("start", folder, str(port))
        if done.returncode == 0:
            return port
        _radosgw("stop", folder)
    raise AssertionError(f"radosgw does not start: {done.stdout}{done.stderr}")


def _radosgw(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(HERE / "radosgw.sh"), *words]
    try:
        return subprocess.run(command, timeout=60, capture_output=True, text=True)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, 1, str(error.stdout), f"{error.stderr} (after {error.timeout} s)")


@pytest.fixture(scope="session")
def s3_servers(request: pytest.FixtureRequest) -> Callable[[str], S3Server]:
    """Gives the server of that name, started by the first who asks."""
    return request.getfixturevalue


@pytest.fixture(params=["ministack", "radosgw"])
def s3_server(request: pytest.FixtureRequest, s3_servers: Callable[[str], S3Server]) -> S3Server:
    """Each server in turn."""
    return s3_servers(request.param)


def free_ports(count: int) -> int:
    """The first of so many free ports of this machine in a row, below those that outgoing connections are given."""
    while True:
        port = random.randrange(12_000, 30_000)
        if all(_is_free(port + more) for more in range(count)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) != 0


def _listens(port: int) -> bool:
    return not _is_free(port)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"the server ended with {process.returncode}")
    return False


def _ministack_keys(port: int) -> tuple[str, str]:
    """Keys of a user of its own: those of the root user are not checked by the server."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": [_EVERYTHING]})
    _iam(port, Action="CreateUser", UserName="lenscat")
    _iam(port, Action="PutUserPolicy", UserName="lenscat", PolicyName="all", PolicyDocument=policy)
    reply = _iam(port, Action="CreateAccessKey", UserName="lenscat")
    return _text(reply, "AccessKeyId"), _text(reply, "SecretAccessKey")


def _iam(port: int, **arguments: str) -> str:
    body = urlencode({**arguments, "Version": "2010-05-08"}).encode()
    answer = Signer(port, "test", "test", "iam").ask("POST", "/", body=body)
    assert answer.status == 200, answer
    return answer.body.decode()


def _text(xml: str, tag: str) -> str:
    found = re.search(f"<{tag}>([^<]+)</{tag}>", xml)
    assert found, xml
    return found[1]
