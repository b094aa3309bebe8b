"""The stores that pointers lead to, opened once each and by the operator's rules."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from blake3 import blake3

from lenscat_backend.errors import (
    BrokenPointerError,
    ForbiddenError,
    LenscatError,
    OutsideLibraryError,
    SettingsError,
    UnreachableError,
    UnsupportedError,
)
from lenscat_backend.models.paths import encode_name
from lenscat_backend.models.pointer import BucketTarget, LocalTarget, Pointer
from lenscat_backend.storage.base import Store
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.location import Location
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_requests import RequestCounter
from lenscat_backend.storage.opening import open_store
from lenscat_backend.storage.os_errors import MISSING
from lenscat_backend.storage.spots import Spot, spot_of, spot_of_folder

_log = logging.getLogger("lenscat")
_RETRY_S = 10.0


class ElsewhereError(UnsupportedError):
    """A bucket, asked for in a process that opens none."""


@dataclass(frozen=True, slots=True)
class PointerRules:
    """What pointers may do: lead out of their own place only into `roots`, in a worker process never to `buckets`.

    `endpoints` are the servers that they may name: requests there carry what our credentials make. `shadows` is a
    folder for what we derive of targets that must not be written.
    """

    roots: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    shadows: str | None = None
    follow_outside: bool = False
    writable: bool = True
    buckets: bool = True


@dataclass(frozen=True, slots=True)
class FolderSeen:
    """A folder of this machine as it was when it was allowed: its path, and its device and inode."""

    path: Path
    identity: tuple[int, int]

    def is_there(self) -> bool:
        """Whether it is what the path leads to still; where that leads nowhere, the store says it better."""
        try:
            return _identity(self.path) == self.identity
        except OSError:
            return True


@dataclass(frozen=True, slots=True)
class TargetPlace:
    """An open target; `shadow` takes what is derived of it where it must not be written itself.

    `seen` are the folders that it counts for: another one that a link puts into their place may not be allowed.
    """

    store: Store
    spot: Spot
    shadow: Store | None = None
    seen: tuple[FolderSeen, ...] = ()

    def is_current(self) -> bool:
        """Whether the way to it still leads to it; next to nothing to ask."""
        return all(folder.is_there() for folder in self.seen)


@dataclass(slots=True)
class Targets:
    """Opens targets. Safe to use from several threads: at worst one is opened twice."""

    rules: PointerRules
    objects: ObjectOptions = field(default_factory=ObjectOptions)
    counter: RequestCounter = field(default_factory=RequestCounter)
    _opened: dict[tuple[Spot, bool, ObjectOptions], TargetPlace] = field(default_factory=dict)

    def open(self, pointer: Pointer, root: Path | None, *, readonly: bool) -> TargetPlace:
        """The target of a pointer in a place whose root is the folder `root`, None for one in a bucket.

        Raises what is wrong with it, in words that name no folder of this machine: `BrokenPointerError`,
        `OutsideLibraryError`, `UnreachableError`, `ForbiddenError`.
        """
        writable = self.rules.writable and not readonly
        if isinstance(pointer.target, LocalTarget):
            seen = self._folders(pointer.target, root)
            real = seen[-1].path
            place = self._once(Location("file", path=real), spot_of_folder(real), ObjectOptions(), writable)
            return replace(place, seen=seen)
        if not self.rules.buckets:
            raise ElsewhereError("This process opens no buckets.")
        location, options = self._bucket(pointer.target)
        self._check_endpoint(pointer.target, on_disk=root is not None)
        return self._once(location, spot_of(location, options.endpoint), options, writable)

    def _once(self, location: Location, spot: Spot, options: ObjectOptions, writable: bool) -> TargetPlace:
        key = (spot, writable, options)
        if key not in self._opened:
            try:
                store = open_store(
                    location,
                    writable=writable,
                    make_folders=False,
                    follow_outside=self.rules.follow_outside,
                    objects=options,
                    counter=self.counter,
                )
            except SettingsError as error:
                raise _unusable(location, error) from error
            self._opened[key] = TargetPlace(store, spot, None if writable else self._shadow(spot))
        return self._opened[key]

    def _shadow(self, spot: Spot) -> Store | None:
        if self.rules.shadows is None:
            return None
        name = blake3(spot.name().encode("utf-8", "surrogateescape")).hexdigest(16)
        folder = Path(self.rules.shadows) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _log.warning("Thumbnails of a read-only pointer cannot be kept: %s", error)
            return None
        return LocalDisk(folder)

    def _folders(self, target: LocalTarget, root: Path | None) -> tuple[FolderSeen, ...]:
        """The folder that a target names, and last where that really lies."""
        try:
            path = Path(os.fsdecode(encode_name(target.path)))
        except ValueError as error:
            raise BrokenPointerError('The pointer\'s "target.path" cannot be a path.') from error
        if not path.is_absolute() and root is None:
            raise BrokenPointerError('A pointer in a bucket needs an absolute "target.path".')
        folder = Path(os.path.normpath(path if root is None else root / path))
        real = Path(os.path.realpath(folder))
        self._check_allowed(real, root)
        _check_folder(real)
        return tuple(_seen(each) for each in dict.fromkeys((folder, real)))

    def _check_allowed(self, real: Path, root: Path | None) -> None:
        allowed = [*self.rules.roots, *([str(root)] if root is not None else [])]
        if not any(real.is_relative_to(os.path.realpath(place)) for place in allowed):
            raise OutsideLibraryError(
                "The pointer leads out of the library: whoever runs the server must allow its target with "
                "LENSCAT_POINTER_ROOTS (--pointer-roots)."
            )

    def _check_endpoint(self, target: BucketTarget, *, on_disk: bool) -> None:
        """Who writes a file into a bucket shall not have us send requests wherever he likes.

        Pointers on this machine's disks may name any server for S3, whose requests tell no secret; those of others do.
        """
        allowed = {plain_endpoint(self.objects.endpoint_of(target.kind)), *map(plain_endpoint, self.rules.endpoints)}
        if not (plain_endpoint(target.endpoint) in {"", *allowed} or (on_disk and target.kind == "s3")):
            raise OutsideLibraryError(
                "The pointer names a server of its own: whoever runs the server must allow its endpoint with "
                "LENSCAT_POINTER_ENDPOINTS."
            )

    def _bucket(self, target: BucketTarget) -> tuple[Location, ObjectOptions]:
        options = self.objects
        endpoint = target.endpoint or (options.endpoint if target.kind == "s3" else "")
        try:
            return Location(target.kind, bucket=target.bucket, prefix=target.prefix), replace(
                options,
                region=target.region or options.region,
                endpoint=endpoint,
                endpoint_for=target.kind if target.endpoint else options.endpoint_for,
                virtual_host=options.virtual_host and endpoint == options.endpoint,
                anonymous=target.anonymous or options.anonymous,
            )
        except SettingsError as error:
            raise _unusable(target.bucket, error) from error


def _unusable(what: object, error: SettingsError) -> BrokenPointerError:
    """What is wrong with settings may name files of this machine: only the log tells."""
    _log.warning("The target of a pointer (%s) cannot be opened: %s", what, error)
    return BrokenPointerError(
        "The pointer's target cannot be opened: check its bucket, region and endpoint; the log says more."
    )


def _seen(folder: Path) -> FolderSeen:
    try:
        return FolderSeen(folder, _identity(folder))
    except OSError as error:
        raise _why(error) from error


def _identity(folder: Path) -> tuple[int, int]:
    info = os.stat(folder)  # noqa: PTH116 - half the time of Path.stat, and asked at every call
    return info.st_dev, info.st_ino


def _check_folder(folder: Path) -> None:
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise BrokenPointerError("The pointer's target is a file: let it lead to a folder.")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise ForbiddenError("The pointer's target cannot be read: give the server permission to read it.")
    except OSError as error:
        raise _why(error) from error


def _why(error: OSError) -> LenscatError:
    if error.errno in MISSING:
        message = "The pointer's target does not exist: connect its disk, or correct the pointer."
        return UnreachableError(message, _RETRY_S)
    if isinstance(error, PermissionError):
        return ForbiddenError("The pointer's target cannot be reached: give the server permission to read it.")
    return UnreachableError(f"The pointer's target cannot be reached ({error.strerror}).", _RETRY_S)


def plain_endpoint(address: str) -> str:
    """An address as it is compared with others."""
    return address.strip().rstrip("/").lower()


def allowed_endpoints(text: str) -> tuple[str, ...]:
    """The addresses in a setting that lists them with commas between; `SettingsError` for one that is none."""
    found = tuple(plain_endpoint(part) for part in text.split(",") if part.strip())
    for part in found:
        if not part.startswith(("http://", "https://")):
            raise SettingsError(f"LENSCAT_POINTER_ENDPOINTS needs addresses such as https://host, and {part} is none.")
    return found


def allowed_roots(text: str) -> tuple[str, ...]:
    """The folders in a setting that lists them as ``PATH`` does; `SettingsError` for one that is not absolute."""
    found = [Path(part).expanduser() for part in text.split(os.pathsep) if part]
    for part in found:
        if not part.is_absolute():
            raise SettingsError(f"LENSCAT_POINTER_ROOTS needs absolute folders, and {part} is none.")
    return tuple(str(part) for part in found)
