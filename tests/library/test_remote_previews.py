"""Thumbnails of JPEGs in a bucket from their embedded previews: what that costs, and that nothing else changes."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from lenscat_backend import Library, LibraryOptions
from lenscat_backend.errors import ImageTooLargeError
from lenscat_backend.imaging.embedded_preview import LOOK_BYTES, SMALLEST_FILE_BYTES
from lenscat_backend.imaging.thumbnail import DecodeLimits, render_thumbnail
from lenscat_backend.models.paths import parse_path
from lenscat_backend.storage.object_requests import Tally
from lenscat_backend.storage.object_store import ObjectStore
from lenscat_backend.storage.remembering import RememberingStore
from tests.imaging.test_embedded_preview import SAME, Camera, encoded, scene
from tests.imaging.test_thumbnail import difference
from tests.s3.servers import S3Server

pytestmark = pytest.mark.anyio


@cache
def with_preview() -> bytes:
    return Camera().shoot()


@cache
def with_wrong_preview() -> bytes:
    return Camera(preview=encoded(scene().resize((640, 427)).rotate(180))).shoot()


def without_preview() -> bytes:
    return Camera(kind=0).shoot()


@pytest.fixture
def store(ministack: S3Server) -> ObjectStore:
    store = ministack.open()
    store.write(parse_path("with.jpg"), with_preview())
    store.write(parse_path("wrong.jpg"), with_wrong_preview())
    store.write(parse_path("without.jpg"), without_preview())
    store.write(parse_path("small.jpg"), replace(Camera(), picture=scene((900, 600))).shoot())
    store.write(parse_path("in-exif.jpg"), Camera(in_exif=True).shoot())
    store.write(parse_path("large.png"), noisy_png())
    return store


@cache
def noisy_png() -> bytes:
    buffer = io.BytesIO()
    scene((1500, 1000)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@asynccontextmanager
async def opened(store: ObjectStore, cache_dir: Path, **options: DecodeLimits) -> AsyncIterator[Library]:
    """A library over the bucket whose folder is known, so that what is counted afterwards is drawing."""
    settings = LibraryOptions(cache_dir=cache_dir, **options)
    async with Library("memory:", settings, RememberingStore(store)) as library:
        await library.folder()
        yield library


async def drawing(store: ObjectStore, cache_dir: Path, name: str) -> tuple[Image.Image, Tally, dict[str, int]]:
    """The thumbnail, what was got of the picture for it, and the number of all other requests."""
    async with opened(store, cache_dir) as library:
        before = store.requests.tallies()
        thumbnail = await library.thumbnail(name)
        after = store.requests.tallies()
    spent = {kind: after[kind].requests - before[kind].requests for kind in after}
    got = Tally(spent.pop("GET"), after["GET"].received_bytes - before["GET"].received_bytes)
    others = {str(kind): count for kind, count in spent.items() if count}
    return Image.open(io.BytesIO(thumbnail.data)), got, others


async def test_a_preview_costs_the_beginning_and_itself(store: ObjectStore, tmp_path: Path) -> None:
    image, got, others = await drawing(store, tmp_path, "with.jpg")
    assert got == Tally(2, received_bytes=LOOK_BYTES + len(Camera().small()))
    assert others == {"PUT": 1}
    (tmp_path / "whole.jpg").write_bytes(with_preview())
    whole = render_thumbnail(tmp_path / "whole.jpg", DecodeLimits())
    assert difference(image, Image.open(io.BytesIO(whole))) < SAME
    kept = store.read(parse_path("with.jpg.thumbnail"), 1 << 20)
    assert kept.source == store.stat(parse_path("with.jpg")).etag


async def test_a_preview_at_the_beginning_costs_that_alone(store: ObjectStore, tmp_path: Path) -> None:
    _, got, others = await drawing(store, tmp_path, "in-exif.jpg")
    assert (got, others) == (Tally(1, received_bytes=LOOK_BYTES), {"PUT": 1})


@pytest.mark.parametrize(
    ("name", "requests", "more_bytes"),
    [("small.jpg", 1, 0), ("large.png", 1, 0), ("without.jpg", 2, LOOK_BYTES)],
)
async def test_without_a_preview_the_whole_is_got_as_ever(
    store: ObjectStore, tmp_path: Path, name: str, requests: int, more_bytes: int
) -> None:
    size = store.stat(parse_path(name)).size
    image, got, others = await drawing(store, tmp_path, name)
    assert got == Tally(requests, received_bytes=size + more_bytes)
    assert others == {"PUT": 1}
    assert max(image.size) == 256 and (size > SMALLEST_FILE_BYTES) == (name != "small.jpg")


async def test_a_preview_of_something_else_is_not_shown(store: ObjectStore, tmp_path: Path) -> None:
    image, got, _ = await drawing(store, tmp_path, "wrong.jpg")
    assert got.requests == 3
    (tmp_path / "whole.jpg").write_bytes(with_wrong_preview())
    whole = render_thumbnail(tmp_path / "whole.jpg", DecodeLimits())
    assert difference(image, Image.open(io.BytesIO(whole))) == 0


@pytest.mark.parametrize("limits", [DecodeLimits(max_pixels=2400 * 1600 - 1), DecodeLimits(max_bytes=1 << 20)])
async def test_what_is_too_large_is_so_with_a_preview_too(
    store: ObjectStore, tmp_path: Path, limits: DecodeLimits
) -> None:
    (tmp_path / "whole.jpg").write_bytes(with_preview())
    with pytest.raises(ImageTooLargeError) as expected:
        render_thumbnail(tmp_path / "whole.jpg", limits)
    async with opened(store, tmp_path, limits=limits) as library:
        with pytest.raises(ImageTooLargeError) as found:
            await library.thumbnail("with.jpg")
    assert str(found.value) == str(expected.value)


async def test_on_a_disk_the_whole_is_used(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "with.jpg").write_bytes(with_wrong_preview())
    (folder / "exif.jpg").write_bytes(with_preview())
    async with Library(str(folder), LibraryOptions(cache_dir=tmp_path / "cache")) as library:
        for path in (folder / "with.jpg", folder / "exif.jpg"):
            assert (await library.thumbnail(path.name)).data == render_thumbnail(path, DecodeLimits())
