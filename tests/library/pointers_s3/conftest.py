"""Libraries whose pointers lead into buckets and out of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend import Library, LibraryOptions
from tests.library.opening import Opens
from tests.s3.servers import S3Server


@pytest.fixture
def opens(tmp_path: Path, ministack: S3Server) -> Opens:
    """Opens a folder or URL; pointers may lead into all of `tmp_path`, and to the server under other names."""
    endpoints = (f"http://localhost:{ministack.port}", "http://127.0.0.1:1", "http://nowhere.invalid")

    @asynccontextmanager
    async def opened(
        place: Path | str, cache: str = "cache", objects: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[Library]:
        leave = {"pointer_roots": (str(tmp_path),), "pointer_endpoints": endpoints}
        given: dict[str, Any] = {**leave, "cache_dir": tmp_path / cache} | options
        reach = ministack.options(**{"retries": 0, **(objects or {})})
        async with Library.open(str(place), LibraryOptions(**given, objects=reach)) as found:
            yield found

    return opened
