"""Reading an item's sidecar, whatever state its file is in."""

from __future__ import annotations

from dataclasses import dataclass

from blake3 import blake3

from lenscat_backend.errors import (
    ForbiddenError,
    LenscatError,
    NotFoundError,
    SidecarDamagedError,
    SidecarNewerError,
    TooLargeError,
    UnsupportedError,
)
from lenscat_backend.library.layout import sidecar_path
from lenscat_backend.library.place import Place
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.sidecar import MAX_SIDECAR_BYTES, Sidecar, parse_sidecar_exactly
from lenscat_backend.storage.base import Store


@dataclass(frozen=True, slots=True)
class Stored:
    """A sidecar as it lies in a layer: `state` for clients (of the bytes), `version` for the store's own condition."""

    sidecar: Sidecar
    state: str
    version: str
    layer: Store
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at an item's sidecar found.

    `stored` is None where there is none, or nothing in it can be understood. `error` says why it must not be edited.
    `state` is that of the file, None where there is none.
    """

    stored: Stored | None = None
    error: LenscatError | None = None
    state: str | None = None

    def editable(self) -> Stored | None:
        """The sidecar to edit, None where there is none yet; raises `error` where there is one."""
        if self.error is not None:
            raise self.error
        return self.stored


def look_at_sidecar(place: Place, image: LibraryPath) -> Seen:
    """The sidecar of `image`, from the first layer that has one."""
    path = sidecar_path(image)
    try:
        layer, blob = place.read_derived(path, MAX_SIDECAR_BYTES)
    except NotFoundError:
        return Seen()
    except (TooLargeError, ForbiddenError, UnsupportedError) as error:
        return Seen(error=error, state=_hash(str(error).encode()))
    state = _hash(blob.data)
    try:
        sidecar = parse_sidecar_exactly(blob.data)
    except SidecarDamagedError as error:
        return Seen(error=_damaged(path, error), state=state)
    return Seen(Stored(sidecar, state, blob.version, layer, blob.mtime_ns), _newer(path, sidecar), state)


def _damaged(path: LibraryPath, error: SidecarDamagedError) -> SidecarDamagedError:
    return SidecarDamagedError(
        f"The sidecar {path} is damaged: {error}. It is left as it is, and no edit of this picture is saved: mend or "
        "remove that file, then retry."
    )


def _newer(path: LibraryPath, sidecar: Sidecar) -> SidecarNewerError | None:
    if sidecar.newer_format is None:
        return None
    return SidecarNewerError(
        f"The sidecar {path} was written by a newer program: {sidecar.newer_format}. It is left as it is, and no edit "
        "of this picture is saved: update Lenscat, then retry."
    )


def _hash(data: bytes) -> str:
    return blake3(data).hexdigest(16)
