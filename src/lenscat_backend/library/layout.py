"""The only place that builds the names of our files."""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3

from lenscat_backend.imaging.formats import format_of_name
from lenscat_backend.models.paths import MAX_NAME_BYTES, ROOT, LibraryPath, encode_name, join, split
from lenscat_backend.storage.base import Entry

SIDECAR_SUFFIX = ".json"
THUMBNAIL_SUFFIX = ".thumbnail"
FOLDER_MANIFEST = "_index.json"
ROLLUP = "_rollup.json"
HEALTH_REPORT = "_health.json"
MANIFESTS = frozenset((FOLDER_MANIFEST, ROLLUP, HEALTH_REPORT))

_SAFE_CHARS = 60
"""A name of at most this many characters has room for any suffix (four bytes a character at most)."""


def sidecar_name(image: str) -> str:
    """The name of an image's sidecar."""
    return _derived_name(image, SIDECAR_SUFFIX)


def thumbnail_name(image: str) -> str:
    """The name of an image's thumbnail."""
    return _derived_name(image, THUMBNAIL_SUFFIX)


def sidecar_path(image: LibraryPath) -> LibraryPath:
    """The path of an image's sidecar."""
    folder, name = split(image)
    return join(folder, sidecar_name(name))


def thumbnail_path(image: LibraryPath) -> LibraryPath:
    """The path of an image's thumbnail."""
    folder, name = split(image)
    return join(folder, thumbnail_name(name))


def manifest_path(folder: LibraryPath) -> LibraryPath:
    """The path of a folder's manifest."""
    return join(folder, FOLDER_MANIFEST)


ROLLUP_PATH = join(ROOT, ROLLUP)
HEALTH_PATH = join(ROOT, HEALTH_REPORT)


def is_image(name: str) -> bool:
    """Whether a file of this name is an image of a supported format."""
    return format_of_name(name) is not None


def orphans(entries: Iterable[Entry]) -> list[str]:
    """Names of sidecars and thumbnails whose image is not in the same listing."""
    files = [entry.name for entry in entries if not entry.is_folder]
    owned = {derive(name) for name in files if is_image(name) for derive in (sidecar_name, thumbnail_name)}
    return [name for name in files if looks_derived(name) and name not in owned]


def looks_derived(name: str) -> bool:
    """Whether the name is that of a sidecar or a thumbnail of some image, which may be gone."""
    for suffix in (SIDECAR_SUFFIX, THUMBNAIL_SUFFIX):
        if name.endswith(suffix):
            image = name.removesuffix(suffix)
            return is_image(image) or _is_shortened(image)
    return False


def _derived_name(image: str, suffix: str) -> str:
    """`image` with `suffix`; where that is too long for a file system, cut and marked with a hash of the name."""
    if len(image) <= _SAFE_CHARS or len(encode_name(image)) + len(suffix) <= MAX_NAME_BYTES:
        return image + suffix
    raw = encode_name(image)
    mark = "~" + blake3(raw).hexdigest(8)
    kept = image
    while len(encode_name(kept)) + len(mark) + len(suffix) > MAX_NAME_BYTES:
        kept = kept[:-1]
    return kept + mark + suffix


def _is_shortened(stem: str) -> bool:
    mark = stem[-17:]
    return len(mark) == 17 and mark[0] == "~" and all(char in "0123456789abcdef" for char in mark[1:])
