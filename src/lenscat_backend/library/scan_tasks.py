"""What a scan asks of whoever looks at folders for it, in this process or another, and what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lenscat_backend.catalog.records import NOTHING, Before, FolderUpdate, KnownItem
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.place import Place
from lenscat_backend.library.probe import updates_of
from lenscat_backend.library.streaming import KnownOf, LargeFolder, open_folder, updates_in_parts
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.pointer_store import PointerStore
from lenscat_backend.storage.shadows import Shadows
from lenscat_backend.storage.spots import spot_of_folder
from lenscat_backend.storage.targets import ElsewhereError, PointerRules, Targets


class DiskSpec(NamedTuple):
    """How a worker opens a library's disks."""

    base: str
    upper: str | None
    rules: PointerRules


class FolderTask(NamedTuple):
    """Look at one folder. An unchanged `fingerprint` ends the work; without `known` a change is only reported.

    `before` is needed of a folder that may be large.
    """

    path: LibraryPath
    fingerprint: bytes | None
    known: dict[str, KnownItem] | None
    before: Before = NOTHING


class FolderReply(NamedTuple):
    """`state`: "part" (more follow), "done", "unchanged", "changed" (ask again with `known`) or "failed".

    An "unchanged" folder that is large has an update nevertheless, which ends its parts.

    "elsewhere" is a folder behind a pointer to a bucket, which workers do not open. Of no folder is "ready", the first
    that a worker says.
    """

    state: str
    update: FolderUpdate | None = None
    error: LenscatError | None = None


def open_place(spec: DiskSpec) -> Place:
    """The place of `spec`."""
    root = Path(spec.base)
    base = LocalDisk(root, writable=False, follow_outside=spec.rules.follow_outside)
    pointers = PointerStore(base, spot_of_folder(root), Targets(spec.rules))
    upper = None if spec.upper is None else LocalDisk(Path(spec.upper), writable=False)
    return Place(pointers, upper, shadows=Shadows(pointers))


def look_or_fail(place: Place, task: FolderTask, known_of: KnownOf | None = None) -> Iterator[FolderReply]:
    """Do one task: the replies, of which the last one is final.

    `known_of` is asked about large folders, of which no task says all that is known. Without it, folders in buckets are
    "elsewhere": one that does not answer must not keep disks waiting.
    """
    try:
        yield from _look_at(place, task, known_of)
    except ElsewhereError:
        yield FolderReply("elsewhere")
    except LenscatError as error:
        yield FolderReply("failed", None, error)


def _look_at(place: Place, task: FolderTask, known_of: KnownOf | None) -> Iterator[FolderReply]:
    place.base.meet(task.path)
    if known_of is None and place.capabilities(task.path).remote:
        raise ElsewhereError
    listing = open_folder(place, task.path, task.before)
    if isinstance(listing, LargeFolder) and known_of is not None:
        yield from _look_in_parts(place, task, listing, known_of)
    elif isinstance(listing, LargeFolder):
        raise ElsewhereError
    elif task.fingerprint is not None and task.fingerprint == listing.fingerprint:
        yield FolderReply("unchanged")
    elif task.known is None:
        yield FolderReply("changed")
    else:
        for update in updates_of(place, task.path, listing, task.known):
            yield FolderReply("done" if update.complete else "part", update)


def _look_in_parts(place: Place, task: FolderTask, folder: LargeFolder, known_of: KnownOf) -> Iterator[FolderReply]:
    listed, changed = 0, False
    for update in updates_in_parts(place, folder, known_of):
        listed += len(update.listed)
        changed = changed or bool(update.upserts or update.subfolders)
        if update.complete:
            yield FolderReply("done" if changed or listed != task.before.images else "unchanged", update)
        else:
            yield FolderReply("part", update)
