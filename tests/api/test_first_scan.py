"""A first scan that fails is tried again by itself, with longer and longer waits, and health says so meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lenscat_backend.errors import UnreachableError
from lenscat_backend.library import retrying
from lenscat_backend.library.retrying import LONGEST_WAIT_S, until_done
from lenscat_backend.library.tree_scan import TreeScan
from tests.conftest import OpenClient
from tests.serving import poll


class Trouble:
    """While it is on, every scan of the whole library fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.on = True
        self.met = 0


@pytest.fixture(
    params=[UnreachableError("The disk sleeps."), RuntimeError("a defect")], ids=["expected", "not expected"]
)
def trouble(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Trouble:
    """Scans fail until the test says otherwise; tries follow each other quickly."""
    found = Trouble(request.param)
    real = TreeScan.run

    async def run(self: TreeScan, processes: int) -> None:
        if found.on:
            found.met += 1
            raise type(found.error)(str(found.error))
        await real(self, processes)

    monkeypatch.setattr(TreeScan, "run", run)
    monkeypatch.setattr(retrying, "FIRST_WAIT_S", 0.05)
    return found


def health(client: TestClient) -> dict[str, Any]:
    reply: dict[str, Any] = client.get("/api/health").json()
    return reply


@pytest.mark.parametrize("watch", [True, False])
def test_the_scan_comes_by_itself_once_the_trouble_is_over(
    library: Path, open_client: OpenClient, trouble: Trouble, watch: bool
) -> None:
    with open_client(library, watch=watch) as client:
        poll(lambda: trouble.met >= 2, "a second try")
        assert health(client)["library"]["images"] == 0
        trouble.on = False
        poll(lambda: health(client)["library"]["images"] == 3, "the scan")


def test_health_says_that_the_scan_failed(library: Path, open_client: OpenClient, trouble: Trouble) -> None:
    with open_client(library) as client:
        poll(lambda: trouble.met >= 1, "a first try")
        found = health(client)
        assert (found["status"], "tried again" in found["storage"]["problem"]) == ("degraded", True)
        assert ("The disk sleeps." in found["storage"]["problem"]) == isinstance(trouble.error, UnreachableError)
        trouble.on = False
        poll(lambda: health(client)["status"] == "ok", "health")
        assert health(client)["storage"]["problem"] is None


def test_a_search_of_a_watched_library_does_not_wait_for_the_next_try(
    library: Path, open_client: OpenClient, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT_S", 1000.0)
    with open_client(library, watch=True) as client:
        poll(lambda: trouble.met >= 1, "a first try")
        trouble.on = False
        assert client.get("/api/search", params={"q": "one"}).json()["total"] == 1
        assert health(client)["status"] == "ok"


def waits_of(failures: int) -> list[float]:
    waits: list[float] = []
    left = iter(range(failures))

    async def work() -> None:
        if next(left, None) is not None:
            raise UnreachableError("Not yet.")

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    asyncio.run(until_done(work, sleep=sleep))
    return waits


def test_waits_double_up_to_a_minute() -> None:
    assert waits_of(0) == []
    assert waits_of(8) == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S]
