"""Pointers to buckets that cannot be followed: each says why, nothing else suffers, and mending is enough."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend import Library
from lenscat_backend.errors import (
    BrokenPointerError,
    ForbiddenError,
    LenscatError,
    NotFoundError,
    UnreachableError,
)
from tests.conftest import picture
from tests.library.opening import Opens, errors_in, found
from tests.s3.faulty_proxy import Fault, faulty_proxy
from tests.s3.shelves import POINTER, Shelf, point, pointer
from tests.serving import DEADLINE_S

pytestmark = pytest.mark.anyio
GOOD = ["a.jpg", "trip/one.png", "trip/two.jpg"]
TARGET: dict[str, Any] = {"type": "s3", "bucket": "some-bucket"}

FILES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "not valid JSON"),
    "no bytes": (b"", "not valid JSON"),
    "no object": (b"[1]", '"kind"'),
    "no text": (b'{"kind": "pointer", "label": "\xff\xfe"}', "not valid JSON"),
    "UTF-16": ('{"kind": "pointer"}'.encode("utf-16"), "not valid JSON"),
    "huge": (pointer(TARGET, label="x" * 70_000), "64 KiB"),
    "deep": (b'{"kind": "pointer", "x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "not valid JSON"),
    "another kind": (json.dumps({"kind": "link", "target": TARGET}).encode(), '"kind"'),
    "newer": (pointer(TARGET, version=2), "newer program"),
    "a version in words": (pointer(TARGET, version="one"), '"version"'),
    "unknown type": (pointer({"type": "ftp"}), '"target.type"'),
    "no target": (pointer({}), '"target.type"'),
    "no bucket": (pointer({"type": "s3"}), '"target.bucket" is missing'),
    "no possible bucket": (pointer(TARGET | {"bucket": "a/b"}), "bucket"),
    "a bucket with dots": (pointer(TARGET | {"bucket": ".."}), "bucket"),
    "a bucket with NUL": (pointer(TARGET | {"bucket": "b\0c"}), "bucket"),
    "a prefix that climbs": (pointer(TARGET | {"prefix": "../x"}), '"target.prefix"'),
    "an absolute prefix": (pointer(TARGET | {"prefix": "/x"}), '"target.prefix"'),
    "a prefix with NUL": (pointer(TARGET | {"prefix": "x\0y"}), '"target.prefix"'),
    "a prefix of numbers": (pointer(TARGET | {"prefix": 7}), '"target.prefix" must be a text'),
    "no region": (pointer(TARGET | {"region": "eu/../x"}), "region"),
    "no endpoint": (pointer(TARGET | {"endpoint": "store.example"}), "endpoint"),
    "a file as endpoint": (pointer(TARGET | {"endpoint": "file:///etc"}), "endpoint"),
    "keys in the endpoint": (pointer(TARGET | {"endpoint": "http://me:secret@store.example"}), "endpoint"),
    "a query in the endpoint": (pointer(TARGET | {"endpoint": "http://store.example/?x="}), "endpoint"),
    "unsigned in words": (pointer(TARGET | {"anonymous": "no"}), '"target.anonymous" must be true or false'),
    "read-only in words": (pointer(TARGET, readonly="no"), '"readonly" must be true or false'),
}


async def all_told(opened: Library) -> dict[str, str | None]:
    """What is said of each pointer at the root: a listing does not wait long for folders that nobody has seen yet."""
    deadline = time.monotonic() + DEADLINE_S
    while None in (errors := await errors_in(opened)).values() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return errors


@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_files_that_say_nothing_usable(library: Path, other: Shelf, opens: Opens, where: str) -> None:
    for name, (data, _) in FILES.items():
        if where == "disk":
            (library / name).mkdir()
            (library / name / POINTER).write_bytes(data)
        else:
            other.put(f"{name}/{POINTER}", data)
            other.put("a.jpg", picture())
    async with opens(library if where == "disk" else f"s3://{other.name}") as opened:
        for _ in range(2):
            errors = await all_told(opened)
            assert set(errors) == set(FILES)
            assert {name: error for name, error in errors.items() if FILES[name][1] not in (error or "")} == {}
            await opened.scan()
        assert "secret" not in str(errors)
        for name, (_, why) in FILES.items():
            for call in (opened.folder, lambda path: opened.item(f"{path}/x.jpg")):
                with pytest.raises(BrokenPointerError, match=why):
                    await call(name)
        assert await found(opened, "") == (GOOD if where == "disk" else ["a.jpg"])
        assert (await opened.check()).broken_pointers.count == len(FILES)


@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_a_pointer_file_that_is_a_folder(library: Path, other: Shelf, opens: Opens, where: str) -> None:
    if where == "disk":
        (library / "odd" / POINTER).mkdir(parents=True)
        (library / "odd" / "o.jpg").write_bytes(picture())
    else:
        other.put(f"odd/{POINTER}/x.json", b"{}")
        other.put("odd/o.jpg", picture())
    async with opens(library if where == "disk" else f"s3://{other.name}") as opened:
        await opened.scan()
        assert [item.name for item in (await opened.folder("odd")).items] == ["o.jpg"]
        assert (await opened.folder("odd")).dirs == []
        assert any("is a folder" in problem for problem in (await opened.check()).other_problems.paths)


def dead(shelf: Shelf) -> dict[str, Any]:
    return shelf.target("art", endpoint="http://127.0.0.1:1")


UNREACHED: dict[str, tuple[Callable[[Shelf], dict[str, Any]], type[LenscatError], str]] = {
    "no such bucket": (
        lambda shelf: TARGET | {"bucket": "no-such-bucket"},
        UnreachableError,
        "check the bucket's name",
    ),
    "nobody listens": (dead, UnreachableError, "refuses connections: check the endpoint"),
    "no such host": (
        lambda shelf: shelf.target("art", endpoint="http://nowhere.invalid"),
        UnreachableError,
        "check the endpoint",
    ),
    "unsigned": (lambda shelf: shelf.target("art", anonymous=True), ForbiddenError, "does not permit this"),
}


@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_targets_that_cannot_be_reached(
    library: Path, shelf: Shelf, other: Shelf, opens: Opens, where: str
) -> None:
    other.put("a.jpg", picture())
    targets = {name: target(shelf) for name, (target, _, _) in UNREACHED.items()} | {"nothing": shelf.target("none")}
    for name, target in targets.items():
        if where == "disk":
            point(library / name, target)
        else:
            other.point(name, target)
    async with opens(library if where == "disk" else f"s3://{other.name}") as opened:
        for _ in range(2):
            errors = await errors_in(opened)
            wrong = {name: errors[name] for name, (_, _, why) in UNREACHED.items() if why not in (errors[name] or "")}
            assert wrong == {}
            assert "check its prefix" in (errors["nothing"] or "")
            await opened.scan()
        for name, (_, error, why) in UNREACHED.items():
            for call in (opened.folder, lambda path: opened.item(f"{path}/x.jpg")):
                with pytest.raises(error, match=why):
                    await call(name)
        assert (await opened.folder("nothing")).items == []
        with pytest.raises(NotFoundError):
            await opened.item("nothing/x.jpg")
        assert await found(opened, "") == (GOOD if where == "disk" else ["a.jpg"])
        report = await opened.check()
        assert report.broken_pointers.count == len(targets)
        assert "127.0.0.1" not in str(errors) + str(report)


@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_mending_is_enough(library: Path, other: Shelf, shelf: Shelf, opens: Opens, where: str) -> None:
    """The error goes when what was wrong is put right, without a restart; and comes back with it."""

    def write(name: str, target: dict[str, Any]) -> None:
        if where == "disk":
            point(library / name, target)
        else:
            other.point(name, target)

    late = Shelf(shelf.server, f"late-{shelf.name}")
    write("bucket", late.target())
    write("prefix", shelf.target("later"))
    write("file", {"type": "s3"})
    async with opens(library if where == "disk" else f"s3://{other.name}") as opened:
        await opened.scan()
        assert all((await errors_in(opened)).values())
        assert late.server.signer.ask("PUT", f"/{late.name}").status == 200
        late.put("p.jpg", picture())
        shelf.put("later/p.jpg", picture())
        write("file", shelf.target("art"))
        for name in ("bucket", "prefix", "file"):
            assert len((await opened.folder(name)).items) == 1
            assert (await errors_in(opened))[name] is None
        assert len(await found(opened, "name:p.jpg")) == 2
        assert (await opened.check()).broken_pointers.count == 0
        write("file", {"type": "s3"})
        late.delete("p.jpg")
        await opened.scan()
        errors = await errors_in(opened)
        assert errors["file"] and errors["bucket"] and not errors["prefix"]


async def test_a_listing_shows_what_was_mended_elsewhere(library: Path, shelf: Shelf, opens: Opens) -> None:
    """Nobody opens the pointer itself: a scan, or a poll of a server, is enough."""
    point(library / "away", shelf.target("later"))
    async with opens(library) as opened:
        await opened.scan()
        assert (await errors_in(opened))["away"]
        shelf.put("later/p.jpg", picture())
        await opened.scan()
        assert (await errors_in(opened))["away"] is None


async def test_what_is_out_of_reach_is_kept(library: Path, shelf: Shelf, opens: Opens) -> None:
    with faulty_proxy(shelf.server.port) as proxy:
        point(library / "away", shelf.target("art", endpoint=proxy.url))
        async with opens(library) as opened:
            await opened.scan()
            for fault in (
                Fault(hang_up=True),
                Fault(status=403, code="AccessDenied"),
                Fault(status=404, code="NoSuchBucket"),
            ):
                proxy.plan = lambda seen, fault=fault: fault
                await opened.scan()
                assert await found(opened, "theirs") == ["away/x.jpg"]
                assert (await errors_in(opened))["away"]
                with pytest.raises(LenscatError):
                    await opened.folder("away/deep")
                proxy.plan = None
                await opened.scan()
                assert (await errors_in(opened))["away"] is None
                assert len((await opened.folder("away/deep")).items) == 1
