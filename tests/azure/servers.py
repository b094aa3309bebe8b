"""A real blob server on loopback, one for a whole test run: Azurite, Microsoft's own emulator of Azure Storage."""

from __future__ import annotations

import base64
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend.storage.cloud_variables import azure_config
from lenscat_backend.storage.location import parse_location
from lenscat_backend.storage.object_open import open_object_store
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_store import ObjectStore
from tests.azure.signing import SharedKey
from tests.s3.servers import free_ports
from tests.serving import poll

ROOT = Path(__file__).resolve().parents[2]
AZURITE = Path(os.environ.get("LENSCAT_AZURITE", ROOT / ".azurite/node_modules/azurite/dist/src/blob/main.js"))
ACCOUNT = "lenscat"
KEY = base64.b64encode(b"a key of the tests, for nobody else").decode()
OPTIONS = (
    "--blobHost", "127.0.0.1", "--inMemoryPersistence", "--silent", "--disableTelemetry", "--disableProductStyleUrl",
)  # fmt: skip


@dataclass
class AzureServer:
    """A running server, and an account that may do anything there."""

    port: int
    name: str = "azurite"
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    @property
    def signer(self) -> SharedKey:
        """For requests that the tests make themselves."""
        return SharedKey(self.port, ACCOUNT, KEY)

    def new_bucket(self, **headers: str) -> str:
        """An empty container of the caller's own, with headers such as ``x_ms_blob_public_access``."""
        container = f"c{next(self._numbers)}-{os.getpid()}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.signer.ask("PUT", f"/{container}", {"restype": "container"}, headers=given)
        assert answer.status == 201, answer
        return container

    def connection(self, *, account: str = ACCOUNT, key: str = KEY, port: int = 0) -> str:
        """A connection string, as the portal shows it."""
        address = f"http://127.0.0.1:{port or self.port}/{account}"
        return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};BlobEndpoint={address};"

    def options(self, *, connection: str = "", **changed: Any) -> ObjectOptions:
        """How to reach it, with short pauses between retries."""
        azure = azure_config({"AZURE_STORAGE_CONNECTION_STRING": connection or self.connection()})
        quick = {"first_delay_s": 0.01, "longest_delay_s": 0.02, "timeout_s": 10.0, "retries": 3}
        return ObjectOptions(**{"azure": azure, **quick, **changed})

    def open(self, bucket: str = "", prefix: str = "", *, writable: bool = True, **changed: Any) -> ObjectStore:
        """A store in the container, or in a new one."""
        location = parse_location(f"az://{bucket or self.new_bucket()}/{prefix}")
        return open_object_store(location, self.options(**changed), writable=writable)

    def put(self, bucket: str, key: str, data: bytes = b"123") -> None:
        """Write a blob whose key may be odd."""
        answer = self.signer.ask("PUT", f"/{bucket}/{key}", body=data, headers={"x-ms-blob-type": "BlockBlob"})
        assert answer.status == 201, answer


@pytest.fixture(scope="session")
def azurite() -> Iterator[AzureServer]:
    """The emulator with an account of the tests' own; keys are checked. Left out where there is no Node to run it."""
    node = shutil.which("node")
    if node is None or not AZURITE.exists():
        _leave_out(has_node=node is not None)
    port = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="lenscat-azurite-") as folder:
        process = subprocess.Popen(
            [str(node), str(AZURITE), "--blobPort", str(port), *OPTIONS],
            env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}", "HOME": folder, "TMPDIR": folder},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            poll(lambda: _answers(port, process), "Azurite to answer")
            yield AzureServer(port)
        finally:
            process.terminate()
            process.wait(30)


def _leave_out(*, has_node: bool) -> None:
    """Azure is optional: its server needs Node.js."""
    what = "no Azurite found; 'make test' puts it into .azurite" if has_node else "no Node.js found; install it and npm"
    pytest.skip(f"Azure is not tested: {what}")


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"Azurite ended with {process.returncode}")
    try:
        return SharedKey(port, ACCOUNT, KEY).ask("GET", "/", {"comp": "list"}).status == 200
    except OSError:
        return False
