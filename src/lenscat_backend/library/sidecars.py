"""Reading and writing sidecars: never lose an edit, never overwrite what cannot be understood."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from weakref import WeakValueDictionary

from lenscat_backend.errors import (
    AlreadyExistsError,
    BrokenLinkError,
    BusyError,
    NotFoundError,
    PictureGoneError,
    VersionMismatchError,
)
from lenscat_backend.library.conditions import Condition
from lenscat_backend.library.layout import sidecar_path
from lenscat_backend.library.place import Place
from lenscat_backend.library.sidecar_reading import Seen, Stored, look_at_sidecar
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.sidecar import (
    DELETION_MARK,
    Edit,
    Sidecar,
    apply_edit,
    serialize_sidecar,
)
from lenscat_backend.models.times import format_time, time_of_ns
from lenscat_backend.storage.base import Store

ATTEMPTS = 50
"""Rounds of read, merge, write before giving up: writers of one server take turns, so that only others collide."""

Complete = Callable[[Sidecar], Awaitable[Sidecar]]


class Sidecars:
    """The sidecars of one library."""

    def __init__(self, place: Place, now: Callable[[], datetime]) -> None:
        self._place = place
        self._now = now
        self._turns: WeakValueDictionary[LibraryPath, asyncio.Lock] = WeakValueDictionary()

    async def look(self, image: LibraryPath) -> Seen:
        """The sidecar of `image` as clients see it: nothing where it has none, or where an overlay hides it."""
        seen = await in_thread(look_at_sidecar, self._place, image)
        return Seen() if seen.stored is not None and self._visible(seen.stored) is None else seen

    async def save(self, image: LibraryPath, edit: Edit, condition: Condition, complete: Complete) -> Stored:
        """Write `edit` by the rules of 'Conflicts' and return what is now on disk.

        Where the client's condition does not hold, `ConditionError` carries the stored sidecar. `complete` adds what
        the image itself tells (facts, hash) before the write.
        """
        target = self._place.editable_at(image)
        async with self._turn(image):
            for _ in range(ATTEMPTS):
                found = await self._load(image)
                stored = self._visible(found)
                condition.check(stored)
                merged = apply_edit(
                    stored.sidecar if stored else None,
                    edit,
                    now=self._now(),
                    stored_at=_edited_at(stored),
                    matched=condition.if_match is not None,
                )
                if await self._write(image, target, await complete(merged), found):
                    return await self._reload(image)
                await asyncio.sleep(0)
        raise BusyError("Too many programs edit this item at once; nothing was saved. Try again.")

    async def remove(self, image: LibraryPath, condition: Condition) -> None:
        """Delete the sidecar. `NotFoundError` where there is none."""
        target = self._place.editable_at(image)
        async with self._turn(image):
            for _ in range(ATTEMPTS):
                stored = self._visible(await self._load(image))
                if stored is None:
                    raise NotFoundError("This item has no sidecar to delete.")
                condition.check(stored)
                if await self._remove_once(image, target, stored):
                    return
        raise BusyError("Too many programs edit this item at once; nothing was deleted. Try again.")

    async def _load(self, image: LibraryPath) -> Stored | None:
        """What an edit starts from, an overlay's deletion marker included; raises where it must not be edited."""
        return (await in_thread(look_at_sidecar, self._place, image)).editable()

    def _turn(self, image: LibraryPath) -> asyncio.Lock:
        """Held while this process edits `image`: its own writers wait in line instead of colliding at the store."""
        return self._turns.setdefault(image, asyncio.Lock())

    async def _write(self, image: LibraryPath, target: Store, sidecar: Sidecar, found: Stored | None) -> bool:
        """One write on the condition that `target` still holds what was merged; False: somebody was faster."""
        path, data = sidecar_path(image), serialize_sidecar(sidecar)
        try:
            if found is not None and found.layer is target:
                await in_thread(target.write, path, data, if_version=found.version)
            else:
                await self._create(target, path, data)
        except PictureGoneError:
            raise
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
                await in_thread(target.delete, path, if_version=stored.version)
            elif stored.layer is target:
                await in_thread(target.write, path, marker, if_version=stored.version)
            else:
                await self._create(target, path, marker)
        except (VersionMismatchError, AlreadyExistsError, NotFoundError):
            return False
        return True

    async def _create(self, target: Store, path: LibraryPath, data: bytes) -> None:
        """Write a new file. Where its folder is not there and cannot be made, trying again would not help."""
        try:
            await in_thread(target.write, path, data, create_only=True)
        except NotFoundError as error:
            if target is self._place.base:
                raise PictureGoneError("The picture was renamed or removed meanwhile: nothing was saved.") from error
            message = (
                f"The sidecar {path} cannot be written, for its folder lies behind a link that leads nowhere: {error}"
            )
            raise BrokenLinkError(message) from error

    async def _reload(self, image: LibraryPath) -> Stored:
        stored = self._visible(await self._load(image))
        if stored is None:
            raise NotFoundError("The sidecar was saved, but somebody deleted it at once.")
        return stored


def _edited_at(stored: Stored | None) -> datetime | None:
    """When the stored sidecar was last edited: what it says, else the time of the file."""
    if stored is None:
        return None
    return stored.sidecar.updated_at or time_of_ns(stored.mtime_ns)
