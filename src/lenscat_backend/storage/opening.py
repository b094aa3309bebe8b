"""From a location to its store."""

from __future__ import annotations

import os
from pathlib import Path

from lenscat_backend.errors import SettingsError
from lenscat_backend.storage.base import Store
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.location import Location
from lenscat_backend.storage.memory import MemoryStore
from lenscat_backend.storage.object_open import open_object_store
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_requests import RequestCounter
from lenscat_backend.storage.remembering import RememberingStore


def open_store(
    location: Location,
    *,
    writable: bool = True,
    follow_outside: bool = False,
    make_folders: bool = True,
    objects: ObjectOptions | None = None,
    counter: RequestCounter | None = None,
) -> Store:
    """The store at `location`; an object store's requests are counted by `counter`.

    `SettingsError` where a folder is missing, or is none; an object store is not asked yet.
    """
    if location.scheme == "memory":
        return MemoryStore(writable=writable)
    if location.path is None:
        return RememberingStore(open_object_store(location, objects, writable=writable, counter=counter))
    _check_folder(location.path)
    return LocalDisk(location.path, writable=writable, follow_outside=follow_outside, make_folders=make_folders)


def _check_folder(path: Path) -> None:
    """Raise `SettingsError`, for who starts the program: so it may name the folder in full."""
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise SettingsError(f"The library folder {path} cannot be looked at: check its permissions.") from error
    if not exists:
        raise SettingsError(f"There is no folder {path}: check the spelling, or mount its disk first.")
    if not is_folder:
        raise SettingsError(f"{path} is a file, not a folder: give the folder that holds it.")
    if not os.access(path, os.R_OK | os.X_OK):
        raise SettingsError(f"The library folder {path} cannot be read: give this user permission to read it.")
