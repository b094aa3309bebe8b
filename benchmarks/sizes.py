"""How much each benchmark does."""

from __future__ import annotations

from dataclasses import dataclass

GROUPS = 20
"""Groups of images in the library of small images: 4 parts of 5 groups."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of one run. `group_images` times `GROUPS` is the library of small images; times in seconds."""

    photo_width: int
    photo_height: int
    photo_bases: int
    photos: int
    photo_rounds: int
    existing: int
    wrk_s: int
    wrk_rounds: int
    group_images: int
    scan_rounds: int
    objects: int
    object_rounds: int
    searched: int

    @property
    def scan_images(self) -> int:
        """Images in the library of small images."""
        return self.group_images * GROUPS


FULL = Sizes(4000, 3000, 24, 96, 7, 500, 5, 5, 10_000, 3, 5000, 5, 1_000_000)
QUICK = Sizes(4000, 3000, 4, 12, 2, 200, 1, 2, 500, 1, 1000, 2, 20_000)
TINY = Sizes(320, 240, 2, 4, 1, 6, 1, 1, 20, 1, 40, 1, 400)
