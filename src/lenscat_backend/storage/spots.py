"""Where a folder really lies, whatever it is called: what tells a circle of pointers from a long way."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.location import Location

_AMAZON = re.compile(r"s3[.-](?:[a-z0-9.-]+\.)?amazonaws\.com")
"""See https://docs.aws.amazon.com/general/latest/gr/s3.html."""
_PORTS = {"http": 80, "https": 443}
_THIS_MACHINE = ("localhost", "::1")


@dataclass(frozen=True, slots=True)
class Spot:
    """A folder of this machine (its real path) or of a bucket: `world` says which bucket, `parts` where in it."""

    world: tuple[str, ...]
    parts: tuple[str, ...]

    def holds(self, other: Spot) -> bool:
        """Whether `other` is this folder or lies in it."""
        return self.world == other.world and other.parts[: len(self.parts)] == self.parts

    def below(self, path: LibraryPath) -> Spot:
        """The folder at `path` in this one."""
        return Spot(self.world, self.parts + tuple(path.split("/"))) if path else self

    def name(self) -> str:
        """The same text for the same folder, other texts for others."""
        return "\0".join((*self.world, "", *self.parts))


def spot_of(location: Location, endpoint: str = "") -> Spot:
    """The spot of a location; `endpoint` tells buckets of the same name on several servers apart."""
    if location.path is not None:
        return spot_of_folder(location.path)
    parts = tuple(location.prefix.split("/")) if location.prefix else ()
    return Spot((location.scheme, _host(endpoint), location.bucket), parts)


def spot_of_folder(folder: Path) -> Spot:
    """The spot of a folder of this machine, links resolved."""
    real = os.fsencode(os.path.realpath(folder)).decode("utf-8", "surrogateescape")
    return Spot(("file",), tuple(part for part in real.split("/") if part))


def _host(endpoint: str) -> str:
    """The same for all addresses of one server, "" for Amazon's: there a bucket is the same in every region's."""
    parts = urlsplit(endpoint)
    name = (parts.hostname or "").rstrip(".")
    if _AMAZON.fullmatch(name):
        return ""
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return f"{'127.0.0.1' if name in _THIS_MACHINE else name}:{port}{parts.path.rstrip('/')}" if name else ""
