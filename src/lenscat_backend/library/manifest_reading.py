"""Reading a folder's `_index.json`, which another server wrote: to show the folder before it has been listed."""

from __future__ import annotations

from typing import Any

import orjson

from lenscat_backend.errors import InvalidError, LenscatError
from lenscat_backend.imaging.formats import MIME_TYPES, format_of_name
from lenscat_backend.library.layout import manifest_path
from lenscat_backend.library.place import Place
from lenscat_backend.models.manifest import FolderManifest, ManifestFolder, ManifestItem
from lenscat_backend.models.paths import LibraryPath, is_hidden, join, parse_path, split

MAX_MANIFEST_BYTES = 64 << 20


def read_manifest(place: Place, path: LibraryPath) -> FolderManifest | None:
    """What the folder's manifest says; None where there is none that can be used. Blocking.

    Only names are taken from it, not paths: the manifest of a pointer's target has the paths of its own library.
    """
    try:
        data = place.read_derived(manifest_path(path), MAX_MANIFEST_BYTES)[1].data
        told = orjson.loads(data)
    except (LenscatError, orjson.JSONDecodeError):
        return None
    match told:
        case {"v": 1, "generated_at": str(time), "items": list(items), "dirs": list(dirs)}:
            shown, folders = [_item(one, path) for one in items], [_folder(one, path) for one in dirs]
            if None not in shown and None not in folders:  # else nobody knows what the rest is worth
                return FolderManifest(1, path, time, [*filter(None, shown)], [*filter(None, folders)])
    return None


def _item(told: Any, folder: LibraryPath) -> ManifestItem | None:
    match told:
        case {"name": str(name), "w": int() | None as w, "h": int() | None as h, "size": int(size), **rest}:
            path, found = _path(folder, name), format_of_name(name)
            if path is None or found is None:
                return None
            hashed = rest.get("hash")
            return ManifestItem(
                path=path,
                name=name,
                type=MIME_TYPES[found.name],
                w=w,
                h=h,
                size=size,
                has_thumb=rest.get("has_thumb") is True,
                has_meta=rest.get("has_meta") is True,
                hash=hashed if isinstance(hashed, str) else None,
            )
    return None


def _folder(told: Any, folder: LibraryPath) -> ManifestFolder | None:
    match told:
        case {"name": str(name), "kind": "leaf-pointer" | "leaf-real" | "branch" as kind, **rest}:
            if _path(folder, name) is not None:
                said = {key: value for key in ("label", "error") if isinstance(value := rest.get(key), str)}
                return ManifestFolder(name, kind, **said)
    return None


def _path(folder: LibraryPath, name: str) -> LibraryPath | None:
    """The path of `name` in `folder`; None where it is no name, or a hidden one."""
    try:
        path = parse_path(join(folder, name))
    except InvalidError:
        return None
    return path if split(path)[1] == name and not is_hidden(path) else None
