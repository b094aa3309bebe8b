"""The hidden names that stores know: everything else that starts with a dot is left out of listings."""

from __future__ import annotations

from lenscat_backend.models.pointer import POINTER_FILE

LISTED_HIDDEN_NAMES = frozenset((POINTER_FILE,))
"""Hidden files that a listing reports all the same: they change what their folder is."""

TEMP_PREFIX = ".lenscat-tmp-"
"""How the name of an unfinished write starts, so that `sweep` finds what a crash left."""

LOCK_NAME = ".lenscat.lock"
"""The lock file of a folder on file systems that cannot lock the folder itself (NFS)."""


def is_left_out(name: str) -> bool:
    """Whether a listing leaves `name` out."""
    return name.startswith(".") and name not in LISTED_HIDDEN_NAMES
