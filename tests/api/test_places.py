"""Where derived files go: beside, cache, overlay, read-only; what must not be written into stays as it is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import OpenClient, picture
from tests.serving import poll, tree_digest

OLD = "2020-01-01T00:00:00Z"
BASE_SIDECAR = {
    "v": 1,
    "tags": ["base"],
    "notes": "from the base",
    "mine": {"x": 1},
    "updated_at": "2021-01-01T00:00:00Z",
}


@pytest.fixture
def base(library: Path) -> Path:
    """The library with a sidecar and a thumbnail of somebody else's on `a.jpg`."""
    (library / "a.jpg.json").write_text(json.dumps(BASE_SIDECAR))
    return library


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    return tmp_path / "overlay"


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Whatever happens inside the block, no byte, name or time below `folder` changes."""

    def state() -> object:
        times = {path: path.lstat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
        return tree_digest(folder), times

    before = state()
    yield
    assert state() == before


def use_everything(client: TestClient) -> None:
    """Every call that could write something."""
    for path in ("", "trip", "empty"):
        client.get("/api/folders", params={"path": path})
        client.post(f"/api/folders/{path}/reindex" if path else "/api/folders/reindex")
    for path in ("a.jpg", "trip/one.png", "trip/two.jpg"):
        client.get("/api/thumb", params={"path": path})
        client.post("/api/thumb", params={"path": path, "force": True})
        client.get("/api/preview", params={"path": path})
        client.put("/api/item", params={"path": path}, json={"tags": ["new"], "updated_at": OLD})
        client.delete("/api/thumb", params={"path": path})
        client.get("/api/thumb", params={"path": path})
        client.get(f"/api/files/{path}")
    client.delete("/api/item", params={"path": "trip/two.jpg"})
    client.post("/api/search/rebuild-index")
    client.get("/api/health")


def put(client: TestClient, fields: dict[str, Any], path: str = "a.jpg", **headers: str) -> Any:
    return client.put("/api/item", params={"path": path}, json=fields, headers=headers)


def get(client: TestClient, path: str = "a.jpg") -> Any:
    return client.get("/api/item", params={"path": path})


def found(client: TestClient, query: str) -> list[str]:
    return [entry["path"] for entry in client.get("/api/search", params={"q": query}).json()["items"]]


def files_of(folder: Path) -> set[str]:
    return {os.fsdecode(name) for name in tree_digest(folder)}


# --- beside


def test_beside_writes_the_promised_files_and_no_others(base: Path, open_client: OpenClient) -> None:
    before = files_of(base)
    with open_client(base) as client:
        use_everything(client)
    pictures = {"a.jpg", "trip/one.png", "trip/two.jpg"}
    expected = {f"{path}.thumbnail" for path in pictures} | {"a.jpg.json", "trip/one.png.json"}
    assert files_of(base) - before - expected == {
        "_index.json",
        "_rollup.json",
        "trip/_index.json",
        "empty/_index.json",
    }
    assert before | expected <= files_of(base)


# --- cache


def test_cache_writes_only_sidecars_into_the_library(base: Path, open_client: OpenClient) -> None:
    before = files_of(base)
    with open_client(base, derived="cache") as client:
        use_everything(client)
        assert client.get("/api/folders").json()["items"][0]["has_thumb"] is True
    assert files_of(base) - before == {"trip/one.png.json"}


def test_cache_keeps_thumbnails_and_manifests_in_the_cache(base: Path, tmp_path: Path, open_client: OpenClient) -> None:
    with open_client(base, derived="cache", cache_dir=tmp_path / "mine") as client:
        use_everything(client)
    names = {Path(name).name for name in files_of(tmp_path / "mine")}
    assert {"a.jpg.thumbnail", "one.png.thumbnail", "_index.json", "_rollup.json"} <= names
    assert not any(name.endswith(".json") and not name.startswith("_") for name in names)


def test_cache_still_uses_a_thumbnail_that_lies_beside(base: Path, open_client: OpenClient) -> None:
    with open_client(base) as client:
        made = client.get("/api/thumb", params={"path": "a.jpg"})
    with open_client(base, derived="cache") as client, unchanged(base):
        assert client.get("/api/folders").json()["items"][0]["has_thumb"] is True
        assert client.get("/api/thumb", params={"path": "a.jpg"}).headers["etag"] == made.headers["etag"]


def test_a_cache_that_is_lost_costs_only_time(base: Path, tmp_path: Path, open_client: OpenClient) -> None:
    results = []
    for number in range(2):
        with open_client(base, derived="cache", cache_dir=tmp_path / f"cache{number}") as client:
            put(
                client,
                {"tags": ["kept"]},
                "trip/two.jpg",
                **({"If-None-Match": "*"} if number == 0 else {"If-Match": "*"}),
            )
            thumbnail = client.get("/api/thumb", params={"path": "a.jpg"}).content
            results.append((thumbnail, get(client, "trip/two.jpg").json()["tags"], found(client, "kept")))
    assert results[0] == results[1]


# --- read-only


@pytest.mark.parametrize("settings", [{}, {"derived": "cache"}])
def test_read_only_never_writes_into_the_library(base: Path, open_client: OpenClient, settings: dict[str, str]) -> None:
    with unchanged(base), open_client(base, read_only=True, **settings) as client:
        use_everything(client)
        assert client.get("/api/thumb", params={"path": "a.jpg"}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-None-Match": "*"}])
def test_an_edit_of_a_read_only_library_is_refused_and_says_why(
    base: Path, open_client: OpenClient, headers: dict[str, str]
) -> None:
    with open_client(base, read_only=True) as client:
        reply = put(client, {"tags": ["x"]}, **headers)
        assert (reply.status_code, "read-only" in reply.json()["detail"]) == (403, True)
        assert client.delete("/api/item", params={"path": "a.jpg"}).status_code == 403
        assert get(client).json()["tags"] == ["base"]


def test_a_read_only_library_is_browsed_searched_and_drawn(base: Path, open_client: OpenClient) -> None:
    with open_client(base, read_only=True) as client:
        assert client.get("/api/folders").json()["items"][0]["has_meta"] is True
        assert found(client, "tag:base") == ["a.jpg"]
        assert client.post("/api/search/rebuild-index").json()["items_indexed"] == 3
        assert client.get("/api/health").json()["storage"]["read_only"] is True


@pytest.fixture
def locked(base: Path) -> Iterator[Path]:
    """The library on a disk that this user may not write, where the system makes that so."""
    for folder in (base, base / "trip", base / "empty"):
        folder.chmod(0o555)
    if os.access(base, os.W_OK):
        for folder in (base, base / "trip", base / "empty"):
            folder.chmod(0o755)
        pytest.skip("this user may write everywhere")
    yield base
    for folder in (base, base / "trip", base / "empty"):
        folder.chmod(0o755)


def test_a_library_without_write_permission_shows_and_refuses_edits(locked: Path, open_client: OpenClient) -> None:
    with open_client(locked) as client:
        assert client.get("/api/thumb", params={"path": "a.jpg"}).status_code == 200
        assert put(client, {"tags": ["x"]}).status_code == 403
        assert client.get("/api/health").json()["status"] == "degraded"


# --- overlay


@pytest.mark.parametrize("read_only", [True, False])
def test_an_overlay_takes_everything_and_the_base_nothing(
    base: Path, overlay: Path, open_client: OpenClient, read_only: bool
) -> None:
    with unchanged(base), open_client(base, overlay=str(overlay), read_only=read_only) as client:
        use_everything(client)
        assert put(client, {"tags": ["x"]}).status_code == 200


def test_an_edit_lands_in_the_overlay_at_the_same_path(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        reply = put(client, {"tags": ["new"]}, "trip/one.png")
    assert json.loads((overlay / "trip" / "one.png.json").read_bytes()) == reply.json()
    assert not (base / "trip" / "one.png.json").exists()


def test_thumbnails_land_in_the_overlay(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        made = client.get("/api/thumb", params={"path": "trip/one.png"})
        assert client.get("/api/folders", params={"path": "trip"}).json()["items"][0]["has_thumb"] is True
    assert (overlay / "trip" / "one.png.thumbnail").read_bytes() == made.content


def test_the_first_edit_in_an_overlay_starts_from_the_base(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        reply = put(client, {"tags": ["new"], "updated_at": OLD}).json()
    assert (reply["tags"], reply["notes"], reply["mine"]) == (["base", "new"], "from the base", {"x": 1})


def test_an_overlay_is_merged_on_read(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        put(client, {"tags": ["upper"]}, "trip/one.png")
        assert get(client).json()["tags"] == ["base"]
        assert get(client, "trip/one.png").json()["tags"] == ["upper"]
        assert found(client, "tag:base") == ["a.jpg"]
        assert found(client, "tag:upper") == ["trip/one.png"]
        items = client.get("/api/folders", params={"path": "trip"}).json()["items"]
        assert [entry["has_meta"] for entry in items] == [True, False]


def test_an_overlay_is_still_there_after_a_restart(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        put(client, {"tags": ["upper"], "updated_at": OLD})
    with open_client(base, overlay=str(overlay), read_only=True) as client:
        assert get(client).json()["tags"] == ["base", "upper"]
        assert found(client, "tag:upper") == ["a.jpg"]


@pytest.mark.parametrize("settings", [{"read_only": True}, {"derived": "cache"}, {"overlay": "OVERLAY"}])
def test_sidecars_of_folders_that_only_the_base_has_are_read(
    base: Path, overlay: Path, open_client: OpenClient, settings: dict[str, Any]
) -> None:
    (base / "trip" / "two.jpg.json").write_text(json.dumps({"v": 1, "tags": ["deep"]}))
    given = {name: str(overlay) if value == "OVERLAY" else value for name, value in settings.items()}
    with open_client(base, **given) as client:
        assert found(client, "tag:deep") == ["trip/two.jpg"]
        items = client.get("/api/folders", params={"path": "trip"}).json()["items"]
        assert [entry["has_meta"] for entry in items] == [False, True]


def test_a_match_in_an_overlay_is_against_what_is_merged(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        first = get(client).headers["etag"]
        assert put(client, {"tags": []}, **{"If-Match": '"stale"'}).json()["current"]["tags"] == ["base"]
        assert put(client, {"tags": []}, **{"If-Match": first}).json()["tags"] == []
        assert put(client, {"tags": ["x"]}, **{"If-Match": first}).status_code == 412


def test_delete_in_an_overlay_hides_the_sidecar_of_the_base(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with unchanged(base), open_client(base, overlay=str(overlay)) as client:
        reply = client.delete("/api/item", params={"path": "a.jpg"})
        assert (reply.status_code, reply.json()) == (200, {"message": "Metadata deleted"})
        assert (get(client).json()["tags"], get(client).json()["updated_by"]) == ([], "system")
        assert found(client, "tag:base") == []
        assert client.get("/api/folders").json()["items"][0]["has_meta"] is False
        assert client.delete("/api/item", params={"path": "a.jpg"}).status_code == 404


def test_what_was_hidden_stays_hidden_after_a_restart(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        client.delete("/api/item", params={"path": "a.jpg"})
    with open_client(base, overlay=str(overlay)) as client:
        assert found(client, "tag:base") == []
        assert get(client).json()["updated_by"] == "system"


def test_an_edit_after_a_delete_starts_afresh(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        client.delete("/api/item", params={"path": "a.jpg"})
        etag = get(client).headers["etag"]
        reply = put(client, {"tags": ["again"], "updated_at": OLD}, **{"If-Match": etag})
        assert (reply.status_code, reply.json()["tags"], reply.json()["notes"]) == (200, ["again"], "")
        assert found(client, "tag:again") == ["a.jpg"]


def test_create_only_in_an_overlay_sees_the_base(base: Path, overlay: Path, open_client: OpenClient) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        assert put(client, {"tags": ["x"]}, **{"If-None-Match": "*"}).status_code == 412
        client.delete("/api/item", params={"path": "a.jpg"})
        assert put(client, {"tags": ["x"]}, **{"If-None-Match": "*"}).status_code == 200


def test_a_damaged_sidecar_of_the_base_is_not_covered_up(base: Path, overlay: Path, open_client: OpenClient) -> None:
    (base / "a.jpg.json").write_text("{broken")
    with unchanged(base), open_client(base, overlay=str(overlay)) as client:
        assert put(client, {"tags": ["x"]}).status_code == 409
        assert client.delete("/api/item", params={"path": "a.jpg"}).status_code == 409
    assert not (overlay / "a.jpg.json").exists()


def test_a_damaged_sidecar_of_the_overlay_is_left_alone(base: Path, overlay: Path, open_client: OpenClient) -> None:
    overlay.mkdir()
    (overlay / "a.jpg.json").write_text("{broken")
    with open_client(base, overlay=str(overlay)) as client:
        assert put(client, {"tags": ["x"]}).status_code == 409
    assert (overlay / "a.jpg.json").read_text() == "{broken"


@pytest.mark.parametrize("watch", [True, False], ids=["watching", "not watching"])
def test_a_change_in_the_overlay_behind_the_servers_back_is_seen(
    base: Path, overlay: Path, open_client: OpenClient, watch: bool
) -> None:
    with open_client(base, overlay=str(overlay), watch=watch) as client:
        assert found(client, "tag:theirs") == []
        (overlay / "trip").mkdir(exist_ok=True)
        (overlay / "trip" / "two.jpg.json").write_text(json.dumps({"v": 1, "tags": ["theirs"]}))
        assert found(client, "tag:theirs") == ["trip/two.jpg"]
        (overlay / "trip" / "two.jpg.json").write_text(json.dumps({"v": 1, "tags": ["theirz"]}))
        assert found(client, "tag:theirs") == []


def test_a_replaced_picture_has_a_new_thumbnail_in_the_overlay(
    base: Path, overlay: Path, open_client: OpenClient
) -> None:
    with open_client(base, overlay=str(overlay)) as client:
        before = client.get("/api/thumb", params={"path": "a.jpg"})
        (base / "a.jpg").write_bytes(picture("blue", (90, 60)))
        after = client.get("/api/thumb", params={"path": "a.jpg"})
        assert after.headers["etag"] != before.headers["etag"]
        assert (overlay / "a.jpg.thumbnail").read_bytes() == after.content


@pytest.mark.parametrize("place", ["library/inside", "library", "."])
def test_an_overlay_in_the_library_or_around_it_is_refused(
    base: Path, tmp_path: Path, open_client: OpenClient, place: str
) -> None:
    from lenscat_backend.errors import SettingsError

    with pytest.raises(SettingsError, match="overlay"), open_client(base, overlay=str(tmp_path / place)):
        pass


def test_in_the_background_too_nothing_is_written_into_a_read_only_library(base: Path, open_client: OpenClient) -> None:
    with unchanged(base), open_client(base, read_only=True) as client:
        poll(lambda: client.get("/api/health").json()["library"]["last_scan"], "the first scan")
