"""The watch of this operating system."""

from __future__ import annotations

import sys

if sys.platform == "linux":
    from lenscat_backend.library.watch_inotify import InotifyWatch as SystemWatch
else:
    from lenscat_backend.library.watch_files import FilesWatch as SystemWatch

__all__ = ["SystemWatch"]
