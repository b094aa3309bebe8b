"""Looking at a folder that is too large to hold: a page of its names at a time, in the order of their keys.

A picture's sidecar and thumbnail come soon after it, for their names begin with its own: so a few pictures wait at any
time, and memory does not grow with the folder. What is gone is found by the catalog, which notes what was listed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.catalog.records import Before, FolderUpdate, KnownItem
from lenscat_backend.imaging.formats import format_of_name
from lenscat_backend.library import probe
from lenscat_backend.library.layout import SIDECAR_SUFFIX, THUMBNAIL_SUFFIX, sidecar_name, thumbnail_name
from lenscat_backend.library.listing import Change, DerivedEntry, FolderListing, is_unchanged, merge_listings
from lenscat_backend.library.place import Place
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.storage.base import Entry, Listing

LARGE_ENTRIES = 10_000
"""A remote folder of more names than this is looked at in parts."""
LARGE_IMAGES = 10_000
"""A folder that had fewer pictures the last time is listed whole, which is quicker."""

KnownOf = Callable[[Sequence[str]], dict[str, KnownItem]]
"""What the catalog knows of some images of a folder, by name."""


@dataclass(frozen=True, slots=True)
class LargeFolder:
    """A folder that is being listed: its pages as they come, and what could not be shown of them so far."""

    path: LibraryPath
    pages: Iterator[Sequence[Entry]]
    problems: list[str]
    before: Before


def open_folder(place: Place, path: LibraryPath, before: Before) -> FolderListing | LargeFolder:
    """The folder's listing, or where it is large a beginning of it; `before` was asked of the catalog just now.

    Only remote folders are ever large here, and only where nothing lies above them in a layer of its own.
    """
    place.base.meet(path)
    if not place.capabilities(path).remote or place.upper_at(path) is not None or 0 < before.images < LARGE_IMAGES:
        return probe.list_folder(place, path)
    problems: list[str] = []
    pages, entries = place.base.list_pages(path, problems.append), list[Entry]()
    for page in pages:
        entries += page
        if len(entries) > LARGE_ENTRIES:
            return LargeFolder(path, chain([entries], pages), problems, before)
    label, error = place.base.said(path, all(entry.name == POINTER_FILE for entry in entries))
    return merge_listings(Listing(tuple(entries), "", tuple(problems), label, error), None)


def known_from(catalog: Catalog, path: LibraryPath, loop: asyncio.AbstractEventLoop) -> KnownOf:
    """For threads other than that of `loop`: what the catalog knows of some images of a folder."""

    def known_of(names: Sequence[str]) -> dict[str, KnownItem]:
        return asyncio.run_coroutine_threadsafe(catalog.known_named(path, names), loop).result()

    return known_of


def updates_in_parts(
    place: Place, folder: LargeFolder, known_of: KnownOf, names_only: bool = False
) -> Iterator[FolderUpdate]:
    """What changed in a large folder, in parts as it is listed; the last one completes it.

    With `names_only` no image is opened, see `probe.updates_of`.
    """
    listing = secrets.randbits(62)
    join = _Join()
    for part in _parts(join, folder.pages):
        known = known_of([change.image.name for change in part.images])
        seen = [change._replace(known=known.get(change.image.name)) for change in part.images]
        changes = [change for change in seen if not is_unchanged(change)]
        yield FolderUpdate(
            folder.path,
            probe.records_of(place, folder.path, changes, names_only),
            complete=False,
            subfolders=part.subfolders,
            listing=listing,
            listed=[change.image.name for change in part.images],
        )
    label, error = place.base.said(folder.path, is_empty=False)
    yield FolderUpdate(
        folder.path,
        (),
        pointer=join.pointer,
        problems=tuple(folder.problems),
        label=label,
        error=error,
        listing=listing,
        before=folder.before,
    )


def _parts(join: _Join, pages: Iterable[Sequence[Entry]]) -> Iterator[_Part]:
    for page in pages:
        yield join.take(page)
    yield join.rest()


@dataclass(slots=True)
class _Part:
    images: list[Change] = field(default_factory=list)
    subfolders: list[str] = field(default_factory=list)


class _Join:
    """Puts pictures, their sidecars and their thumbnails together again."""

    def __init__(self) -> None:
        self.pointer = False
        self._waiting: dict[str, Change] = {}
        self._odd: list[Entry] = []
        """Pictures whose names are so long that the names of their files are cut, and so come at another place."""
        self._cut: dict[str, Entry] = {}

    def take(self, page: Iterable[Entry]) -> _Part:
        """What a page completes."""
        part = _Part()
        for entry in page:
            if entry.is_folder:
                part.subfolders.append(entry.name)
            elif format_of_name(entry.name) is not None:
                self._complete(entry.name, part)
                self._begin(entry)
            elif entry.name == POINTER_FILE:
                self.pointer = True
            else:
                self._join(entry)
        return part

    def rest(self) -> _Part:
        """What waits at the end."""
        odd = [
            Change(image, self._derived(sidecar_name(image.name)), self._derived(thumbnail_name(image.name)), None)
            for image in self._odd
        ]
        return _Part([*self._waiting.values(), *odd])

    def _begin(self, image: Entry) -> None:
        if sidecar_name(image.name) != image.name + SIDECAR_SUFFIX or (
            thumbnail_name(image.name) != image.name + THUMBNAIL_SUFFIX
        ):
            self._odd.append(image)
        else:
            self._waiting[image.name] = Change(image, None, None, None)

    def _complete(self, name: str, part: _Part) -> None:
        """Hand over the pictures whose last file would have come before `name`."""
        key = name.encode()
        done = [waiting for waiting in self._waiting if (waiting + THUMBNAIL_SUFFIX).encode() < key]
        part.images += [self._waiting.pop(waiting) for waiting in done]

    def _join(self, entry: Entry) -> None:
        name, found = entry.name, DerivedEntry(entry, 0)
        if name.endswith(SIDECAR_SUFFIX) and (owner := self._waiting.get(name.removesuffix(SIDECAR_SUFFIX))):
            self._waiting[owner.image.name] = owner._replace(sidecar=found)
        elif name.endswith(THUMBNAIL_SUFFIX) and (owner := self._waiting.get(name.removesuffix(THUMBNAIL_SUFFIX))):
            self._waiting[owner.image.name] = owner._replace(thumbnail=found)
        elif "~" in name:
            self._cut[name] = entry

    def _derived(self, name: str) -> DerivedEntry | None:
        entry = self._cut.get(name)
        return DerivedEntry(entry, 0) if entry else None
