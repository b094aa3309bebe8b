"""Thumbnails: found beside the picture (or in the cache), made on demand, made once, never older than their picture."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from blake3 import blake3

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import KnownItem
from lenscat_backend.errors import (
    CorruptError,
    LenscatError,
    NotFoundError,
    TransientError,
    UnsupportedError,
)
from lenscat_backend.imaging.embedded_preview import render_embedded
from lenscat_backend.imaging.formats import JPEG, format_of_name
from lenscat_backend.imaging.thumbnail import DecodeLimits, render_preview, render_thumbnail, too_many_bytes
from lenscat_backend.library.layout import thumbnail_path
from lenscat_backend.library.place import Place
from lenscat_backend.library.records import thumbnail_is_fresh
from lenscat_backend.library.settled import check_image_path, settled_entry
from lenscat_backend.library.threads import in_thread
from lenscat_backend.library.work_queue import Priority, WorkQueue
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.base import Blob, Entry, OpenedFile, Store

MEMORY_BYTES = 24 * 1024 * 1024
MAX_THUMBNAIL_BYTES = 1024 * 1024
_FAILURES = 10_000
_TRIES = 3


class PictureChangedError(TransientError):
    """The picture changed while it was drawn."""


class Thumbnail(NamedTuple):
    """A thumbnail's WebP bytes and their strong ETag (without quotes)."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class _Held:
    thumbnail: Thumbnail
    image_etag: str
    layer: Store | None
    file_etag: str


class Thumbnails:
    """The thumbnails and previews of one library."""

    def __init__(self, place: Place, catalog: Catalog, queue: WorkQueue[bytes], limits: DecodeLimits) -> None:
        self._place = place
        self._catalog = catalog
        self._queue = queue
        self._limits = limits
        self._held: OrderedDict[LibraryPath, _Held] = OrderedDict()
        self._held_bytes = 0
        self._failures: OrderedDict[tuple[LibraryPath, str], LenscatError] = OrderedDict()
        self._unstored: OrderedDict[LibraryPath, str] = OrderedDict()
        self._stored: dict[tuple[LibraryPath, str], str] = {}
        self.unwritable: str | None = None
        """Why thumbnails could not be stored the last time one was made; None while they can."""

    def why_unstored(self, path: LibraryPath) -> str | None:
        """Why the thumbnail of a picture could not be stored when it was drawn last; forgotten once asked."""
        return self._unstored.pop(path, None)

    def held(self, path: LibraryPath) -> Thumbnail | None:
        """The thumbnail from memory, if it still is the one on disk of the picture on disk; costs two `stat` calls."""
        held = self._held.get(path)
        if held is None or held.layer is None:
            return None
        if self._place.base.quick_etag(path) != held.image_etag:
            return None
        if held.layer.quick_etag(thumbnail_path(path)) != held.file_etag:
            return None
        return held.thumbnail

    async def get(self, path: LibraryPath, priority: Priority = Priority.LOOKED_AT, force: bool = False) -> Thumbnail:
        """The thumbnail of the picture as it is now; made if missing, stale or `force`.

        Raises `NotFoundError`, `UnsupportedImageError` (no image), `CorruptError` (cannot be drawn, or is too large).
        """
        for _ in range(_TRIES - 1):
            with suppress(PictureChangedError):
                return await self._get_once(path, priority, force)
        return await self._get_once(path, priority, force)

    async def look(self, path: LibraryPath, force: bool = False) -> tuple[Entry, Thumbnail | None]:
        """The picture, and its thumbnail where there is one of the picture as it is now; with `force` none counts."""
        check_image_path(path)
        known = None if force else await self._catalog.known_item(path)
        image, found = await in_thread(self._look_at_both, path, known, force)
        if not image.settled:
            image = await self._settled(path)
            found = None if force else await in_thread(self._read_existing, path, image, known)
        return image, None if found is None else await self._note(path, image, known, *found)

    async def make(self, path: LibraryPath, image: Entry) -> Thumbnail:
        """The thumbnail of a picture that has none, as `look` has found; as `get` where the picture changes."""
        with suppress(PictureChangedError):
            self._raise_known_failure(path, image)
            return await self._make(path, image, Priority.LOOKED_AT)
        return await self.get(path)

    async def _get_once(self, path: LibraryPath, priority: Priority, force: bool) -> Thumbnail:
        image, found = await self.look(path, force)
        if found is not None:
            return found
        if not force:
            self._raise_known_failure(path, image)
        return await self._make(path, image, priority)

    async def _make(self, path: LibraryPath, image: Entry, priority: Priority) -> Thumbnail:
        try:
            key = (self._place.file_at(path), image.etag)
            data = await self._queue.run(key, lambda: self._draw(path, image), priority)
        except (CorruptError, UnsupportedError) as error:
            self._remember_failure(path, image, error)
            await self._catalog.set_item(path, problem=str(error))
            raise
        return await self._keep(path, image, data)

    async def preview(self, path: LibraryPath) -> Thumbnail:
        """A large WebP of a picture that browsers cannot show; drawn each time it is asked for, never stored."""
        image = await self._settled(path)
        self._raise_known_failure(path, image)
        key = ("preview", self._place.file_at(path), image.etag)
        data = await self._queue.run(
            key,
            lambda: self._render(path, image, lambda file: render_preview(file.on_disk(), self._limits)),
            Priority.LOOKED_AT,
        )
        return Thumbnail(data, preview_etag(image))

    async def preview_etag(self, path: LibraryPath) -> str:
        """The ETag that `preview` would give, without drawing."""
        return preview_etag(await self._settled(path))

    async def remove(self, path: LibraryPath) -> None:
        """Delete the stored thumbnail. `NotFoundError` where there is none."""
        await self._settled(path)
        self._forget(path)
        await in_thread(lambda: self._place.derived_at(path).delete(thumbnail_path(path)))
        await self._catalog.set_item(path, thumb_etag="", thumb_source="")

    async def _settled(self, path: LibraryPath) -> Entry:
        check_image_path(path)
        return await settled_entry(self._place.base, path)

    def _look_at_both(
        self, path: LibraryPath, known: KnownItem | None, force: bool
    ) -> tuple[Entry, tuple[str, _Held] | None]:
        """In one thread: passing things on to threads costs more than looking."""
        image = self._place.base.stat(path)
        if image.is_folder:
            raise NotFoundError("This is a folder: ask for a picture in it.")
        return image, None if force or not image.settled else self._read_existing(path, image, known)

    async def _existing(self, path: LibraryPath, image: Entry) -> Thumbnail | None:
        known = await self._catalog.known_item(path)
        found = await in_thread(self._read_existing, path, image, known)
        return None if found is None else await self._note(path, image, known, *found)

    async def _note(
        self, path: LibraryPath, image: Entry, known: KnownItem | None, name: str, held: _Held
    ) -> Thumbnail:
        if known is not None and (known.thumb_etag, known.thumb_source) != (name, image.etag):
            await self._catalog.set_item(path, thumb_etag=name, thumb_source=image.etag)  # another server has made it
        return self._hold(path, held)

    def _read_existing(self, path: LibraryPath, image: Entry, known: KnownItem | None) -> tuple[str, _Held] | None:
        """A fresh thumbnail with the name that the catalog has for its version; None where there is none."""
        for number, layer in enumerate(self._place.layers_at(path)):
            try:
                blob = layer.read(thumbnail_path(path), MAX_THUMBNAIL_BYTES)
            except LenscatError:
                continue
            name = f"{number}:{blob.etag}"
            if is_whole_webp(blob.data) and _is_fresh(image, name, blob, known):
                return name, _Held(_named(blob.data), image.etag, layer, blob.etag)
        return None

    def _draw(self, path: LibraryPath, image: Entry) -> bytes:
        """In a thread of the queue: draw and store. `PictureChangedError` if the picture changed meanwhile."""
        data = self._render(path, image, lambda file: self._thumbnail_of(path, file))
        if self._place.base.stat(path).etag != image.etag:
            raise PictureChangedError("The picture is being changed right now: try again in a moment.")
        try:
            target = self._place.derived_at(path)
            stored = target.write(thumbnail_path(path), data, durable=False, source=image.etag)
            self._stored[path, image.etag] = stored.etag
            self.unwritable = None
        except LenscatError as error:  # a cache that cannot be kept is no reason not to show the picture
            self.unwritable = self._unstored[path] = str(error)
            while len(self._unstored) > _FAILURES:
                self._unstored.popitem(last=False)
        return data

    def _render(self, path: LibraryPath, image: Entry, render: Callable[[OpenedFile], bytes]) -> bytes:
        with self._place.base.open(path, image) as file:
            if file.size > self._limits.max_bytes:
                raise too_many_bytes(file.size, self._limits)
            return render(file)

    def _thumbnail_of(self, path: LibraryPath, file: OpenedFile) -> bytes:
        """From the preview embedded in the file, where a part costs less than the whole: on a disk it does not."""
        drawn = None
        if self._place.capabilities(path).remote and format_of_name(path) is JPEG:
            drawn = render_embedded(file, self._limits)
        return drawn or render_thumbnail(file.on_disk(), self._limits)

    async def _keep(self, path: LibraryPath, image: Entry, data: bytes) -> Thumbnail:
        self._failures.pop((path, image.etag), None)
        etag = self._stored.pop((path, image.etag), None)
        if etag is None:  # it could not be stored, or another caller who waited for it has done the rest
            known = await self._catalog.known_item(path)
            is_noted = known is None or known.thumb_source == image.etag
            return _named(data) if is_noted else await self._existing(path, image) or _named(data)
        target = self._place.derived_at(path)
        source = f"{self._place.layers_at(path).index(target)}:{etag}"
        await self._catalog.set_item(path, thumb_etag=source, thumb_source=image.etag, problem=None)
        return self._hold(path, _Held(_named(data), image.etag, target, etag))

    def _hold(self, path: LibraryPath, held: _Held) -> Thumbnail:
        self._forget(path)
        self._held[path] = held
        self._held_bytes += len(held.thumbnail.data)
        while self._held_bytes > MEMORY_BYTES:
            _, oldest = self._held.popitem(last=False)
            self._held_bytes -= len(oldest.thumbnail.data)
        return held.thumbnail

    def _forget(self, path: LibraryPath) -> None:
        old = self._held.pop(path, None)
        if old is not None:
            self._held_bytes -= len(old.thumbnail.data)

    def _remember_failure(self, path: LibraryPath, image: Entry, error: LenscatError) -> None:
        self._failures[path, image.etag] = error
        while len(self._failures) > _FAILURES:
            self._failures.popitem(last=False)

    def _raise_known_failure(self, path: LibraryPath, image: Entry) -> None:
        error = self._failures.get((path, image.etag))
        if error is not None:
            raise type(error)(str(error))


def _is_fresh(image: Entry, name: str, blob: Blob, known: KnownItem | None) -> bool:
    """Whether a thumbnail shows the image as it is: it says so itself, or the catalog or the times do."""
    if blob.source:
        return blob.source == image.etag
    return thumbnail_is_fresh(image, name, blob.mtime_ns, known)


def preview_etag(image: Entry) -> str:
    """The ETag of a picture's preview: it changes with the picture."""
    return blake3(f"preview {image.etag}".encode()).hexdigest(16)


def is_whole_webp(data: bytes) -> bool:
    """Whether `data` is as long as its RIFF header says: a thumbnail torn by a power cut is not."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP" and int.from_bytes(data[4:8], "little") + 8 == len(data)


def _named(data: bytes) -> Thumbnail:
    return Thumbnail(data, blake3(data).hexdigest(16))
