"""Defects that were found by reading and mended: each has its test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lenscat_backend.errors import BusyError
from lenscat_backend.storage.local import LocalDisk
from tests.conftest import OpenClient, picture


def found(client: TestClient, query: str) -> list[str]:
    return [item["path"] for item in client.get("/api/search", params={"q": query}).json()["items"]]


def test_a_foreign_field_named_deleted_hides_and_loses_nothing(client: TestClient, library: Path) -> None:
    sidecar = library / "a.jpg.json"
    sidecar.write_text(json.dumps({"rating": 5, "deleted": True, "mine": {"x": 1}}))
    assert client.get("/api/item", params={"path": "a.jpg"}).json()["rating"] == 5
    saved = client.put("/api/item", params={"path": "a.jpg"}, json={"tags": ["t"], "deleted": False}).json()
    assert (saved["rating"], saved["mine"], saved["deleted"]) == (5, {"x": 1}, True)
    assert found(client, "rating>=5") == ["a.jpg"]


@pytest.mark.parametrize("odd", [r'{"hash": "\ud800"}', r'{"exif": {"created_at": "\udfff"}}', r'{"label": "\ud800"}'])
def test_half_a_surrogate_pair_breaks_no_listing_and_no_search(client: TestClient, library: Path, odd: str) -> None:
    (library / "a.jpg.json").write_text(odd)
    assert client.get("/api/folders").status_code == 200
    assert found(client, "a.jpg") == ["a.jpg"]
    assert client.get("/api/item", params={"path": "a.jpg"}).status_code == 200


def test_a_stale_thumbnail_that_cannot_be_replaced_is_never_taken_for_the_new_one(
    library: Path, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_client(library) as client:
        old = client.get("/api/thumb", params={"path": "a.jpg"}).content
        (library / "a.jpg").write_bytes(picture("blue"))

        def full(*args: object, **given: object) -> None:
            raise BusyError("The disk is full.")

        monkeypatch.setattr(LocalDisk, "write", full)
        new = client.get("/api/thumb", params={"path": "a.jpg"}).content
        assert new != old
    monkeypatch.undo()
    with open_client(library) as client:
        assert client.get("/api/thumb", params={"path": "a.jpg"}).content == new


def test_what_is_not_labelled_red_includes_what_has_no_label(client: TestClient) -> None:
    client.put("/api/item", params={"path": "a.jpg"}, json={"label": "red"})
    assert found(client, "label:red") == ["a.jpg"]
    assert found(client, "-label:red") == ["trip/one.png", "trip/two.jpg"]


def test_an_edit_that_does_not_say_who_made_it_is_not_the_last_editors(client: TestClient) -> None:
    item = {"path": "a.jpg"}
    client.put("/api/item", params=item, json={"tags": ["a"], "updated_by": "ann"})
    assert client.put("/api/item", params=item, json={"tags": ["b"]}).json()["updated_by"] == "anonymous"


def test_rebuilding_a_library_that_is_gone_is_an_error(client: TestClient, library: Path) -> None:
    library.rename(library.parent / "away")
    assert client.post("/api/search/rebuild-index").status_code == 503


def test_settings_of_other_programs_are_not_ours(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lenscat_backend.settings import load_settings

    for name in ("AUTH", "THREADS", "WATCH", "OVERLAY", "LIBRARY", "DERIVED"):
        monkeypatch.setenv(name, "nonsense")
    settings = load_settings()
    assert (settings.auth, settings.overlay, settings.library) == ("", None, None)
