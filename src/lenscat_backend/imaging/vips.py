"""libvips, set up once for a server: one thread an image, no caches, and only the loaders of our formats.

Import `pyvips` from here, so that it is never used before. Only what renders does: loading the library costs 80 ms.
"""

from __future__ import annotations

import pyvips

__all__ = ["LOADERS", "pyvips"]

LOADERS = ("Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif")
"""The libvips loader classes (``VipsForeignLoad...``) behind our formats; all others (SVG, PDF) are blocked."""


def _set_up() -> None:
    pyvips.concurrency_set(1)  # the work queue runs several images at once instead
    pyvips.cache_set_max(0)
    pyvips.cache_set_max_mem(0)
    pyvips.cache_set_max_files(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
    pyvips.block_untrusted_set(True)


_set_up()
