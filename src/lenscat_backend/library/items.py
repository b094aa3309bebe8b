"""One picture's metadata: its sidecar, or what the picture itself tells where it has none."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import orjson

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.errors import CorruptError, LenscatError, NotFoundError, UnsupportedError, VersionMismatchError
from lenscat_backend.imaging.facts import read_facts
from lenscat_backend.imaging.hashing import hash_chunks
from lenscat_backend.library.conditions import Condition, ConditionError, item_etag, state_without_sidecar
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan import Scanner
from lenscat_backend.library.settled import check_image_path, settled_entry
from lenscat_backend.library.sidecar_reading import Seen, Stored
from lenscat_backend.library.sidecars import Sidecars
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.sidecar import PROBLEM, SIDECAR_VERSION, Edit, Fields, Sidecar, text_or_none
from lenscat_backend.models.times import format_time, time_of_ns
from lenscat_backend.storage.base import Entry

_log = logging.getLogger("lenscat")
SYSTEM = "system"
EMBEDDED_ONLY = ("keywords", "caption", "rating")
"""Facts that are never copied from the picture into a sidecar: they are somebody's words, not measurements."""


@dataclass(frozen=True, slots=True)
class ItemMetadata:
    """An item's sidecar as clients see it, and the ETag (without quotes) for its next conditional write.

    Where the sidecar cannot be edited, its field `problem` says why.
    """

    fields: Fields
    etag: str


class PreconditionError(VersionMismatchError):
    """The client's If-Match or If-None-Match does not hold; `current` is the sidecar, None where there is none."""

    def __init__(self, current: Fields | None, etag: str) -> None:
        super().__init__(
            "Somebody else changed this item: 'current' is what is stored now. Merge your change and send it again "
            "with its ETag."
        )
        self.current = current
        self.etag = etag


class Items:
    """The items of one library."""

    def __init__(self, catalog: Catalog, place: Place, scanner: Scanner, sidecars: Sidecars) -> None:
        self._catalog = catalog
        self._place = place
        self._scanner = scanner
        self._sidecars = sidecars

    async def get(self, path: LibraryPath) -> ItemMetadata:
        """The sidecar; where there is none that can be read, one made from the picture's own metadata, by "system"."""
        image = await self.entry(path)
        await self._scanner.look_at_item(path)
        return await self._metadata(path, image, await self._sidecars.look(path))

    async def save(
        self, path: LibraryPath, edit: Edit, if_match: frozenset[str] | None = None, create_only: bool = False
    ) -> ItemMetadata:
        """Write an edit by the rules of 'Conflicts'; returns what is now on disk."""
        image = await self.entry(path)

        async def complete(sidecar: Sidecar) -> Sidecar:
            return await self._with_facts(path, image, sidecar)

        condition = Condition(state_without_sidecar(path, image), if_match, create_only)
        try:
            stored = await self._sidecars.save(path, edit, condition, complete)
        except ConditionError as error:
            raise await self._refusal(path, image, error) from error
        await self._follow(path)
        return await self._metadata(path, image, Seen(stored, state=stored.state))

    async def remove(self, path: LibraryPath, if_match: frozenset[str] | None = None) -> None:
        """Delete the sidecar. `NotFoundError` where there is none."""
        image = await self.entry(path)
        try:
            await self._sidecars.remove(path, Condition(state_without_sidecar(path, image), if_match))
        except ConditionError as error:
            raise await self._refusal(path, image, error) from error
        await self._follow(path)

    async def hash(self, path: LibraryPath) -> str:
        """``blake3:<hex>`` of the picture as it is now; computed only where the catalog does not know it."""
        image = await self.entry(path)
        return await self._hash(path, image)

    async def entry(self, path: LibraryPath) -> Entry:
        """The picture's entry on disk. `NotFoundError`, `UnsupportedImageError` (not a picture)."""
        check_image_path(path)
        try:
            image = await in_thread(self._place.base.stat, path)
        except NotFoundError:
            raise NotFoundError("There is no such picture: it may have been renamed or removed.") from None
        if image.is_folder:
            raise NotFoundError("This is a folder: ask for a picture in it.")
        return image

    async def _follow(self, path: LibraryPath) -> None:
        """Have the catalog follow an edit that is done: where it cannot, the next look at the folder does it."""
        try:
            await self._scanner.look_at_item(path)
        except LenscatError as error:
            _log.warning("An edit was saved, but the catalog could not follow yet: %s", error)

    async def _metadata(self, path: LibraryPath, image: Entry, seen: Seen) -> ItemMetadata:
        made = self._from_picture(path, image) if seen.stored is None else self._from_both(path, image, seen.stored)
        fields = await made
        if seen.error is not None:
            fields[PROBLEM] = str(seen.error)
        return ItemMetadata(fields, item_etag(seen.state or state_without_sidecar(path, image), fields))

    async def _refusal(self, path: LibraryPath, image: Entry, error: ConditionError) -> PreconditionError:
        """The error that gives a client what is stored now, as a `get` would."""
        await self._scanner.look_at_item(path)
        stored = error.current
        current = await self._metadata(path, image, Seen() if stored is None else Seen(stored, state=stored.state))
        return PreconditionError(current.fields if stored else None, current.etag)

    async def _from_both(self, path: LibraryPath, image: Entry, stored: Stored) -> Fields:
        """A stored sidecar for clients: with what the picture itself says, and dimensions and hash that are today's."""
        facts = await self._facts(path, image)
        embedded = {key: facts[key] for key in EMBEDDED_ONLY if key in facts}
        fields = for_clients(stored.sidecar)
        fields["exif"] = embedded | stored.sidecar.exif | measured(facts)
        row = await self._catalog.item(path)
        if row is not None and image.settled and row.record.etag == image.etag:
            fields["hash"] = row.record.hash
        elif image.newest_ns > stored.mtime_ns:
            fields["hash"] = None
        return fields

    async def _from_picture(self, path: LibraryPath, image: Entry) -> Fields:
        return {
            "v": SIDECAR_VERSION,
            "tags": [],
            "notes": "",
            "exif": await self._facts(path, image),
            "hash": await self._known_hash(path, image),
            "updated_at": format_time(time_of_ns(image.mtime_ns)),
            "updated_by": SYSTEM,
        }

    async def _with_facts(self, path: LibraryPath, image: Entry, sidecar: Sidecar) -> Sidecar:
        """The sidecar with the picture's facts and hash: its dimensions and hash are always the picture's own."""
        facts = await self._facts(path, image)
        exif = facts | sidecar.exif | measured(facts)
        embedded = {key for key in EMBEDDED_ONLY if key in facts and exif[key] == facts[key]}
        fields = dict(sidecar.fields)
        fields["exif"] = {key: value for key, value in exif.items() if key not in embedded}
        fields["hash"] = await self._hash(path, image)
        fields.setdefault("v", SIDECAR_VERSION)
        return Sidecar(fields)

    async def _facts(self, path: LibraryPath, image: Entry) -> Fields:
        row = await self._catalog.item(path)
        if row is not None and image.settled and row.record.etag == image.etag:
            facts: Fields = orjson.loads(row.record.exif)
            return facts
        return await in_thread(self._read_facts, path, image)

    def _read_facts(self, path: LibraryPath, image: Entry) -> Fields:
        with self._place.base.open(path, image) as file:
            try:
                return read_facts(file).as_exif()
            except (UnsupportedError, CorruptError):
                return {}  # a damaged picture can still be tagged

    def _hash_open(self, path: LibraryPath) -> str:
        with self._place.base.open(path) as file:
            return hash_chunks(file.stream(0, file.size))

    async def _known_hash(self, path: LibraryPath, image: Entry) -> str | None:
        row = await self._catalog.item(path)
        return row.record.hash if row is not None and image.settled and row.record.etag == image.etag else None

    async def _hash(self, path: LibraryPath, image: Entry) -> str:
        """The hash of the picture as it was at `image` or later; kept only if it did not change meanwhile."""
        known = await self._known_hash(path, image)
        if known is not None:
            return known
        image = await settled_entry(self._place.base, path)
        await self._scanner.look_at_item(path)
        found = await in_thread(self._hash_open, path)
        if (await in_thread(self._place.base.stat, path)).etag == image.etag:
            await self._catalog.set_item(path, hash=found)
        return found


def for_clients(sidecar: Sidecar) -> Fields:
    """A sidecar's fields with those present that every reply has, and without a `problem` that is not ours."""
    fields: Fields = {
        "v": SIDECAR_VERSION,
        "tags": sidecar.tags,
        "notes": sidecar.notes,
        "exif": {},
        "hash": None,
        "updated_at": None,
        "updated_by": None,
    }
    own = {name: value for name, value in sidecar.fields.items() if name != PROBLEM}
    typed = {name: value for name, value in _typed(sidecar).items() if name in own}
    return fields | own | typed | {"tags": sidecar.tags, "notes": sidecar.notes, "exif": sidecar.exif}


def _typed(sidecar: Sidecar) -> Fields:
    """The fields that have a type; a value of another type counts as missing."""
    return {
        "rating": sidecar.rating,
        "label": sidecar.label,
        "favorite": sidecar.favorite,
        "hash": sidecar.hash,
        "updated_at": text_or_none(sidecar.fields.get("updated_at")),
        "updated_by": text_or_none(sidecar.fields.get("updated_by")),
    }


def measured(facts: Fields) -> Fields:
    """The facts that no sidecar can overrule."""
    return {key: facts[key] for key in ("width", "height") if key in facts}
