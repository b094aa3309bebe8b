"""Pointers that somebody wrote into a bucket that others may write: they show nothing of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lenscat_backend.errors import LenscatError, NotFoundError, OutsideLibraryError
from tests.conftest import picture
from tests.library.opening import Opens, errors_in, found
from tests.s3.faulty_proxy import faulty_proxy
from tests.s3.shelves import Shelf, local, point

pytestmark = pytest.mark.anyio


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A folder that nobody allows, with a picture and its sidecar."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "s.jpg").write_bytes(picture())
    (folder / "s.jpg.json").write_text('{"v": 1, "tags": ["secret"]}')
    return folder


@pytest.fixture
def allowed(tmp_path: Path, secret: Path) -> Path:
    """A folder that the operator allows, beside the secret one, with links out of it."""
    folder = tmp_path / "allowed"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "i.jpg").write_bytes(picture())
    (folder / "link").symlink_to(secret)
    (folder / "up").symlink_to("..")
    return folder


def attempts(secret: Path, allowed: Path) -> dict[str, str]:
    """Paths that a stranger may try, by a name for each."""
    name = secret.name
    return {
        "absolute": str(secret),
        "climbing": f"{allowed}/../{name}",
        "climbing far": f"{allowed}/in/../../{name}",
        "by a link": f"{allowed}/link",
        "by a link up": f"{allowed}/up/{name}",
        "a URL": f"file://{secret}",
        "a URL of a host": f"file://localhost{secret}",
        "relative": f"../{name}",
        "empty parts": f"//{secret}",
        "dots": f"{allowed}/./././../{name}/.",
        "percent": f"{allowed}/%2e%2e/{name}",
        "percent twice": f"{allowed}/%252e%252e/{name}",
        "with NUL": f"{allowed}\0/../{name}",
        "home": "~",
        "the environment": "$HOME",
        "the beginning of an allowed name": str(allowed)[:-2],
        "a name that begins as an allowed one": f"{allowed}x",
        "proc": f"/proc/self/root{secret}",
        "proc's working folder": "/proc/self/cwd",
        "devices": "/dev",
        "everything": "/",
        "half a character": f"{allowed}/\ud800",
        "escaped bytes": f"{allowed}/\U0010feff/../../{name}",
        "long": "/" + "x/" * 5000,
    }


@pytest.mark.parametrize("where", ["bucket", "behind a disk"])
async def test_nothing_of_the_disk_is_shown_without_leave(
    library: Path, shelf: Shelf, opens: Opens, secret: Path, allowed: Path, where: str
) -> None:
    """Also where a pointer on a disk led to the bucket: what lies in the bucket has no root of its own."""
    (allowed.parent / "allowedx").mkdir()
    tried = attempts(secret, allowed)
    for name, path in tried.items():
        shelf.point(f"in/{name}", local(path))
    point(library / "away", shelf.target("in"))
    place, folder = (f"s3://{shelf.name}/in", "") if where == "bucket" else (library, "away/")
    async with opens(place, pointer_roots=(str(allowed),)) as opened:
        await opened.scan()
        errors = await errors_in(opened, folder.rstrip("/"))
        assert set(errors) == set(tried)
        assert [name for name, error in errors.items() if not error] == []
        assert str(allowed.parent) not in str(errors)
        for name in tried:
            for call in (opened.item, opened.thumbnail, opened.original, opened.folder):
                with pytest.raises(LenscatError):
                    await call(f"{folder}{name}" + ("" if call == opened.folder else "/s.jpg"))
            with pytest.raises(LenscatError):
                await opened.edit(f"{folder}{name}/s.jpg", tags=["mine"])
        assert await found(opened, "secret") == []
    assert sorted(path.name for path in secret.iterdir()) == ["s.jpg", "s.jpg.json"]


async def test_what_the_operator_allows_is_shown_and_no_link_leaves_it(
    shelf: Shelf, opens: Opens, secret: Path, allowed: Path
) -> None:
    shelf.point("in/all", local(allowed))
    shelf.point("in/part", local(allowed / "in"))
    async with opens(f"s3://{shelf.name}/in", pointer_roots=(str(allowed),)) as opened:
        await opened.scan()
        assert await found(opened, "") == ["all/in/i.jpg", "part/i.jpg"]
        for path in ("all/link/s.jpg", "all/up/secret/s.jpg"):
            with pytest.raises(OutsideLibraryError):
                await opened.original(path)


@pytest.mark.parametrize("inside", ["the target", "a folder above it"])
async def test_a_target_that_becomes_a_link_out_is_not_followed(
    library: Path, opens: Opens, secret: Path, inside: str
) -> None:
    """After it was looked at, by somebody who may write into the library but not read this machine."""
    (library / "x" / "y").mkdir(parents=True)
    (library / "x" / "y" / "s.jpg").write_bytes(picture("blue"))
    (secret / "y").mkdir()
    (secret / "y" / "s.jpg").write_bytes(picture())
    point(library / "p", local("x/y"))
    async with opens(library, pointer_roots=()) as opened:
        assert [item.name for item in (await opened.folder("p")).items] == ["s.jpg"]
        (library / "x").rename(library / "z")
        if inside == "the target":
            (library / "x").mkdir()
            (library / "x" / "y").symlink_to(secret)
        else:
            (library / "x").symlink_to(secret)
        for call in (opened.original, opened.item, opened.thumbnail, opened.folder):
            with pytest.raises(OutsideLibraryError):
                await call("p" if call == opened.folder else "p/s.jpg")
        with pytest.raises(LenscatError):
            await opened.edit("p/s.jpg", tags=["mine"])
        assert "LENSCAT_POINTER_ROOTS" in ((await errors_in(opened))["p"] or "")
    assert not list(secret.rglob("*.thumbnail"))


async def test_a_link_as_target_may_be_led_elsewhere(library: Path, opens: Opens) -> None:
    """``current -> 2025`` is meant to move."""
    for name in ("2024", "2025"):
        (library / name).mkdir()
        (library / name / f"in{name}.jpg").write_bytes(picture())
    (library / "current").symlink_to("2024")
    point(library / "p", local("current"))
    async with opens(library, pointer_roots=()) as opened:
        assert [item.name for item in (await opened.folder("p")).items] == ["in2024.jpg"]
        (library / "current").unlink()
        (library / "current").symlink_to("2025")
        assert [item.name for item in (await opened.folder("p")).items] == ["in2025.jpg"]
        await opened.thumbnail("p/in2025.jpg")
        with pytest.raises(NotFoundError):
            await opened.item("p/in2024.jpg")


@pytest.mark.parametrize("where", ["bucket", "behind a disk"])
async def test_a_pointer_in_a_bucket_sends_no_request_to_a_server_of_its_choice(
    library: Path, shelf: Shelf, opens: Opens, where: str
) -> None:
    """Such requests are signed with our keys: whoever gets them could pass them on to the true server."""
    point(library / "away", shelf.target("in"))
    place, folder = (f"s3://{shelf.name}/in", "") if where == "bucket" else (library, "away/")
    with faulty_proxy(shelf.server.port) as proxy:
        shelf.point("in/theirs", shelf.target("art", endpoint=proxy.url))
        shelf.point("in/unsigned", shelf.target("art", endpoint=proxy.url, anonymous=True))
        async with opens(place, "cache1") as opened:
            await opened.scan()
            errors = await errors_in(opened, folder.rstrip("/"))
            assert all("LENSCAT_POINTER_ENDPOINTS" in (error or "") for error in errors.values()) and len(errors) == 2
            assert proxy.url not in str(errors)
            for name in ("theirs", "unsigned"):
                for call in (opened.original, opened.item, opened.thumbnail, opened.folder):
                    with pytest.raises(OutsideLibraryError):
                        await call(f"{folder}{name}" + ("" if call == opened.folder else "/x.jpg"))
                with pytest.raises(LenscatError):
                    await opened.edit(f"{folder}{name}/x.jpg", tags=["mine"])
            assert proxy.seen == []
        async with opens(place, "cache2", pointer_endpoints=(proxy.url,)) as opened:
            assert await found(opened, "theirs") == [f"{folder}theirs/x.jpg"]
