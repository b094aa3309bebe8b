"""An item's ETag, and the conditions that clients make of it.

An ETag is ``<state>-<reply>``. The state is that of the sidecar's bytes or, where there is no sidecar, of the picture
that an edit is made for; the reply's part also changes with whatever else a reply holds. `If-None-Match` compares the
whole, so that a client never keeps an outdated reply. `If-Match` compares states only: what was merely found out about
a picture meanwhile (its hash, say, and not on every server) is no reason to refuse an edit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from blake3 import blake3

from lenscat_backend.errors import VersionMismatchError
from lenscat_backend.library.sidecar_reading import Stored
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.sidecar import Fields
from lenscat_backend.storage.base import Entry

ANY = "*"
NO_SIDECAR = "none"
"""In `If-Match`: wherever there is no sidecar, whatever the picture."""


class ConditionError(VersionMismatchError):
    """A client's condition does not hold; `current` is what is stored now, None where nothing is."""

    def __init__(self, current: Stored | None) -> None:
        super().__init__("Somebody else changed this item.")
        self.current = current


@dataclass(frozen=True, slots=True)
class Condition:
    """What a client asks to hold before its write. `without` is the item's state where it has no sidecar."""

    without: str
    if_match: frozenset[str] | None = None
    create_only: bool = False

    def check(self, stored: Stored | None) -> None:
        """Raise `ConditionError` where it does not hold of what is stored."""
        if self.create_only and stored is not None:
            raise ConditionError(stored)
        if self.if_match is None or ANY in self.if_match:
            return
        expected = {tag.partition("-")[0] for tag in self.if_match}
        current = {self.without, NO_SIDECAR} if stored is None else {stored.state}
        if expected.isdisjoint(current):
            raise ConditionError(stored)


def state_without_sidecar(path: LibraryPath, image: Entry) -> str:
    """The state of a picture that has no sidecar: its own, and another one for each path."""
    return blake3(f"{image.etag} {path}".encode()).hexdigest(16)


def item_etag(state: str, fields: Fields) -> str:
    """The ETag, without quotes, of a reply that holds `fields`."""
    return f"{state}-{blake3(json.dumps(fields).encode()).hexdigest(8)}"
