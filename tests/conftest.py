"""What the tests share: small libraries of real pictures, and a client of the real application over one of them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from lenscat_backend.application import make_application
from lenscat_backend.settings import load_settings

pytest_plugins = ("tests.s3.servers", "tests.s3.shelves", "tests.azure.servers", "tests.gcs.servers")

SHARED = Path(os.environ.get("LENSCAT_SHARED", Path(__file__).resolve().parents[1].parent / "shared"))

OURS = ("LENSCAT_", "S3_", "STORAGE_", "LOCAL_ROOT", "AZURE_", "GOOGLE_")

OpenClient = Callable[..., AbstractContextManager[TestClient]]


def picture(color: str = "red", size: tuple[int, int] = (40, 30), form: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a plain picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads this machine's settings or writes into this user's cache."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        if name != "LENSCAT_SHARED":
            monkeypatch.delenv(name)
    monkeypatch.setenv("LENSCAT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library: `a.jpg` at the root, `trip/one.png` and `trip/two.jpg`, and an empty folder."""
    root = tmp_path / "library"
    (root / "trip").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a.jpg").write_bytes(picture("red"))
    (root / "trip" / "one.png").write_bytes(picture("blue", (300, 600), "PNG"))
    (root / "trip" / "two.jpg").write_bytes(picture("green", (80, 20)))
    return root


@pytest.fixture
def open_client() -> OpenClient:
    """Opens a client of the real application: `with open_client(root, read_only=True) as client`."""

    @contextmanager
    def opened(root: Path, **settings: Any) -> Iterator[TestClient]:
        application = make_application(load_settings(library=str(root), **settings))
        with TestClient(application, raise_server_exceptions=True) as client:
            yield client

    return opened


@pytest.fixture
def client(library: Path, open_client: OpenClient) -> Iterator[TestClient]:
    """A client of a server over `library`."""
    with open_client(library) as opened:
        yield opened


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio alone."""
    return "asyncio"
