"""What listings say of pointers, and what pointers make of listings."""

from __future__ import annotations

from collections.abc import Iterable

from lenscat_backend.errors import NotFoundError
from lenscat_backend.models.paths import LibraryPath, join
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.storage.base import Entry, Listing, Store
from lenscat_backend.storage.mounts import Mount

STRAY_POINTER = f"{POINTER_FILE} is not followed here: the library's own folder cannot be a pointer."
NO_FILE = f"{POINTER_FILE} is a folder here, and a pointer is a file: rename or remove it."


def below(folder: LibraryPath, path: LibraryPath) -> LibraryPath:
    """`path` as it is called within `folder`."""
    return LibraryPath(path[len(folder) + 1 :])


def pointer_in(entries: Iterable[Entry]) -> Entry | None:
    """The pointer file among the entries of a folder."""
    return next((entry for entry in entries if entry.name == POINTER_FILE and not entry.is_folder), None)


def is_no_pointer(entry: Entry) -> bool:
    """Whether a folder has the name that only a pointer file should have."""
    return entry.is_folder and entry.name == POINTER_FILE


def pointer_etag(container: Store, folder: LibraryPath) -> str | None:
    """The etag of a folder's pointer file; None where there is none."""
    try:
        entry = container.stat(join(folder, POINTER_FILE))
    except NotFoundError:
        return None
    return None if entry.is_folder else entry.etag


def joint_etag(mount: Mount, target_etag: str) -> str:
    """A pointer folder's own etag: another one where a pointer file on the way or the target's folder is another."""
    if not target_etag:
        return ""
    return "|".join([target_etag, *(above.pointer_etag for above in mount.chain() if above.at == mount.at)])


def is_bucket(mount: Mount) -> bool:
    """Whether a pointer is followed into a bucket."""
    return mount.target is not None and mount.target.store.capabilities.remote


def is_in_bucket(mount: Mount) -> bool:
    """Whether a pointer lies behind another that is."""
    return any(is_bucket(above) for above in mount.chain() if above.at != mount.at)


def hidden_by_pointer(own: Iterable[Entry]) -> list[str]:
    """That a pointer folder has pictures of its own, which nobody sees."""
    count = sum(1 for entry in own if not entry.name.endswith(".json"))
    if not count:
        return []
    return [f"{count} entries beside {POINTER_FILE} are not shown, for the pointer's target stands here: move them."]


def with_stray_pointer(own: Listing) -> Listing:
    """The listing of a library's own folder, where no pointer is followed."""
    entries = tuple(entry for entry in own.entries if entry.name != POINTER_FILE)
    return own._replace(entries=entries, problems=(*own.problems, STRAY_POINTER))
