"""Reading and writing sidecars: never lose an edit, never overwrite what cannot be understood."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakValueDictionary

from blake3 import blake3

from lenscat_backend.errors import (
    AlreadyExistsError,
    BusyError,
    NotFoundError,
    SidecarDamagedError,
    VersionMismatchError,
)
from lenscat_backend.library.layout import sidecar_path
from lenscat_backend.library.place import Place
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.sidecar import (
    DELETION_MARK,
    MAX_SIDECAR_BYTES,
    Edit,
    Sidecar,
    apply_edit,
    parse_sidecar_exactly,
    serialize_sidecar,
)
from lenscat_backend.models.times import format_time, time_of_ns
from lenscat_backend.storage.base import Store

ATTEMPTS = 50
"""Rounds of read, merge, write before giving up: writers of one server take turns, so that only others collide."""
ANY = "*"
NO_SIDECAR = "none"
"""The ETag of an item without a sidecar."""

Complete = Callable[[Sidecar], Awaitable[Sidecar]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A sidecar as it lies in a layer: `etag` for clients (of the bytes), `version` for the store's own condition."""

    sidecar: Sidecar
    etag: str
    version: str
    layer: Store
    mtime_ns: int


class PreconditionError(VersionMismatchError):
    """The client's If-Match does not hold; `current` is what is stored now, None where nothing is."""

    def __init__(self, current: Stored | None) -> None:
        super().__init__(
            "Somebody else changed this item: 'current' is what is stored now. Merge your change and send it again "
            "with its ETag."
        )
        self.current = current


class Sidecars:
    """The sidecars of one library."""

    def __init__(self, place: Place, now: Callable[[], datetime]) -> None:
        self._place = place
        self._now = now
        self._turns: WeakValueDictionary[LibraryPath, asyncio.Lock] = WeakValueDictionary()

    async def load(self, image: LibraryPath) -> Stored | None:
        """The sidecar of `image`, None where it has none. `SidecarDamagedError` names a file that is not valid JSON."""
        path = sidecar_path(image)
        try:
            layer, blob = await self._place.read_derived(path, MAX_SIDECAR_BYTES)
        except NotFoundError:
            return None
        try:
            sidecar = parse_sidecar_exactly(blob.data)
        except SidecarDamagedError as error:
            raise SidecarDamagedError(
                f"The sidecar {path} is damaged: {error}. Nothing was changed: mend or remove that file, then retry."
            ) from error
        return Stored(sidecar, blake3(blob.data).hexdigest(16), blob.version, layer, blob.mtime_ns)

    async def visible(self, image: LibraryPath) -> Stored | None:
        """The sidecar of `image` as clients see it: None where it has none, or where an overlay hides it."""
        return self._visible(await self.load(image))

    async def save(
        self,
        image: LibraryPath,
        edit: Edit,
        if_match: frozenset[str] | None,
        create_only: bool,
        complete: Complete,
    ) -> Stored:
        """Write `edit` by the rules of 'Conflicts' and return what is now on disk.

        `if_match` holds the ETags of the client's condition; where none is current, `PreconditionError` carries the
        stored sidecar. `complete` adds what the image itself tells (facts, hash) before the write.
        """
        target = self._place.editable()
        async with self._turn(image):
            for _ in range(ATTEMPTS):
                found = await self.load(image)
                stored = self._visible(found)
                _check_condition(stored, if_match, create_only)
                merged = apply_edit(
                    stored.sidecar if stored else None,
                    edit,
                    now=self._now(),
                    stored_at=_edited_at(stored),
                    matched=if_match is not None,
                )
                if await self._write(image, target, await complete(merged), found):
                    return await self._reload(image)
                await asyncio.sleep(0)
        raise BusyError("Too many programs edit this item at once; nothing was saved. Try again.")

    async def remove(self, image: LibraryPath, if_match: frozenset[str] | None) -> None:
        """Delete the sidecar. `NotFoundError` where there is none."""
        target = self._place.editable()
        async with self._turn(image):
            for _ in range(ATTEMPTS):
                stored = self._visible(await self.load(image))
                if stored is None:
                    raise NotFoundError("This item has no sidecar to delete.")
                _check_condition(stored, if_match, create_only=False)
                if await self._remove_once(image, target, stored):
                    return
        raise BusyError("Too many programs edit this item at once; nothing was deleted. Try again.")

    def _turn(self, image: LibraryPath) -> asyncio.Lock:
        """Held while this process edits `image`: its own writers wait in line instead of colliding at the store."""
        return self._turns.setdefault(image, asyncio.Lock())

    async def _write(self, image: LibraryPath, target: Store, sidecar: Sidecar, found: Stored | None) -> bool:
        """One write on the condition that `target` still holds what was merged; False: somebody was faster."""
        data = serialize_sidecar(sidecar)
        try:
            if found is not None and found.layer is target:
                await target.write(sidecar_path(image), data, if_version=found.version)
            else:
                await target.write(sidecar_path(image), data, create_only=True)
        except (VersionMismatchError, AlreadyExistsError, NotFoundError):
            return False
        return True

    def _visible(self, found: Stored | None) -> Stored | None:
        hidden = found is not None and found.layer is self._place.upper and found.sidecar.deleted
        return None if hidden else found

    async def _remove_once(self, image: LibraryPath, target: Store, stored: Stored) -> bool:
        path = sidecar_path(image)
        marker = serialize_sidecar(Sidecar({"v": 1, DELETION_MARK: True, "updated_at": format_time(self._now())}))
        try:
            if target is self._place.base:
                await target.delete(path, if_version=stored.version)
            elif stored.layer is target:
                await target.write(path, marker, if_version=stored.version)
            else:
                await target.write(path, marker, create_only=True)
        except (VersionMismatchError, AlreadyExistsError, NotFoundError):
            return False
        return True

    async def _reload(self, image: LibraryPath) -> Stored:
        stored = self._visible(await self.load(image))
        if stored is None:
            raise NotFoundError("The sidecar was saved, but somebody deleted it at once.")
        return stored


def _check_condition(stored: Stored | None, if_match: frozenset[str] | None, create_only: bool) -> None:
    if create_only and stored is not None:
        raise PreconditionError(stored)
    if if_match is None or ANY in if_match:
        return
    if (stored.etag if stored else NO_SIDECAR) not in if_match:
        raise PreconditionError(stored)


def _edited_at(stored: Stored | None) -> datetime | None:
    """When the stored sidecar was last edited: what it says, else the time of the file."""
    if stored is None:
        return None
    return stored.sidecar.updated_at or time_of_ns(stored.mtime_ns)
