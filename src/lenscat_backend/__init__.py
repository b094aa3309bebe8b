"""Lenscat: a gallery server for picture folders that already exist. The files are the truth.

The names below are loaded when they are first used, so that a scan worker, which needs none of them, starts quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lenscat_backend.errors import LenscatError
    from lenscat_backend.library.library import Library
    from lenscat_backend.library.options import LibraryOptions
    from lenscat_backend.library.views import Item

__all__ = ["Item", "LenscatError", "Library", "LibraryOptions"]

_HOMES = {
    "Item": "lenscat_backend.library.views",
    "LenscatError": "lenscat_backend.errors",
    "Library": "lenscat_backend.library.library",
    "LibraryOptions": "lenscat_backend.library.options",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'lenscat_backend' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
