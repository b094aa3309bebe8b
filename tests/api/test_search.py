"""Searching over HTTP: orders, pages by cursor, facets, suggestions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import OpenClient, picture


@pytest.fixture
def shelf_client(tmp_path: Path, open_client: OpenClient) -> Any:
    """A client of a library of ten pictures in two folders, with ratings, tags and dates."""
    root = tmp_path / "library"
    for number in range(10):
        folder = root / ("odd" if number % 2 else "even" / Path("deep"))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"p{number}.jpg").write_bytes(picture(size=(40 + number, 30)))
        sidecar = (
            f'{{"v": 1, "rating": {number % 6}, "tags": ["all", "t{number % 3}"], '
            f'"exif": {{"created_at": "202{number % 4}-0{number % 9 + 1}-01T10:00:00"}}}}'
        )
        (folder / f"p{number}.jpg.json").write_text(sidecar)
    with open_client(root) as client:
        yield client


def names(client: TestClient, **asked: Any) -> list[str]:
    reply = client.get("/api/search", params=asked)
    assert reply.status_code == 200, reply.text
    return [item["name"] for item in reply.json()["items"]]


def test_orders(shelf_client: TestClient) -> None:
    assert names(shelf_client) == [f"p{number}.jpg" for number in (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)]
    assert names(shelf_client, sort="name") == [f"p{number}.jpg" for number in range(10)]
    assert names(shelf_client, sort="-name")[:2] == ["p9.jpg", "p8.jpg"]
    assert names(shelf_client, sort="-rating", limit=2) == ["p5.jpg", "p4.jpg"]
    assert names(shelf_client, sort="date", limit=3) == ["p0.jpg", "p4.jpg", "p8.jpg"]
    assert names(shelf_client, sort="random:7") == names(shelf_client, sort="random:7")


@pytest.mark.parametrize("sort", ["path", "-date", "rating", "random:3", "relevance"])
def test_pages_by_cursor_hold_everything_once(shelf_client: TestClient, sort: str) -> None:
    seen: list[str] = []
    asked = {"q": "tag:all", "sort": sort, "limit": 3}
    while True:
        reply = shelf_client.get("/api/search", params=asked).json()
        assert reply["total"] == 10
        seen += [item["name"] for item in reply["items"]]
        if reply["cursor"] is None:
            break
        asked["cursor"] = reply["cursor"]
    assert seen == names(shelf_client, q="tag:all", sort=sort)


def test_facets(shelf_client: TestClient) -> None:
    found = shelf_client.get("/api/search/facets", params={"q": "rating>=1"}).json()
    assert found["total"] == 8
    assert found["tags"][0] == {"value": "all", "count": 8}
    assert sum(one["count"] for one in found["years"]) == 8
    assert {one["value"] for one in found["ratings"]} == {"1", "2", "3", "4", "5"}
    assert {one["value"]: one["count"] for one in found["folders"]} == {"even": 3, "odd": 5}
    deeper = shelf_client.get("/api/search/facets", params={"folder": "even"}).json()
    assert deeper["folders"] == [{"value": "even/deep", "count": 5}]


def test_suggestions_with_details(shelf_client: TestClient) -> None:
    reply = shelf_client.get("/api/search/suggest", params={"q": "al", "details": True}).json()
    assert reply == {"suggestions": ["all"], "details": [{"text": "all", "kind": "tag", "count": 10}]}


@pytest.mark.parametrize(
    ("asked", "problem"),
    [({"sort": "colour"}, "sorted by path"), ({"cursor": "nonsense"}, "first page"), ({"q": "a or"}, "Column 5")],
)
def test_what_makes_no_sense_is_refused(shelf_client: TestClient, asked: dict[str, str], problem: str) -> None:
    reply = shelf_client.get("/api/search", params=asked)
    assert reply.status_code == 400
    assert problem in reply.json()["detail"]


def test_an_edit_is_in_the_very_next_search(shelf_client: TestClient) -> None:
    asked = {"q": "tag:fresh"}
    assert names(shelf_client, **asked) == []
    assert (
        shelf_client.put("/api/item", params={"path": "odd/p3.jpg"}, json={"v": 1, "tags": ["fresh"]}).status_code
        == 200
    )
    assert names(shelf_client, **asked) == ["p3.jpg"]
    assert "all" not in shelf_client.get("/api/search/facets", params=asked).text
