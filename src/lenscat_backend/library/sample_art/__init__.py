"""The pictures of the sample library, painted with Pillow alone: the same Pillow paints the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from lenscat_backend.library.sample_art.canvas import FINAL_SIZE, Picture
from lenscat_backend.library.sample_art.events import keynote, panel
from lenscat_backend.library.sample_art.landscapes import lake, mountain, sunset
from lenscat_backend.library.sample_art.places import bridge, building1
from lenscat_backend.library.sample_art.portraits import person1, person2

__all__ = ["FINAL_SIZE", "PAINTINGS", "paint_jpeg"]

PAINTINGS: Mapping[str, Callable[[], Picture]] = {
    painting.__name__: painting
    for painting in (mountain, lake, sunset, person1, person2, building1, bridge, keynote, panel)
}


def paint_jpeg(name: str) -> bytes:
    """The painting of that name as a JPEG of `FINAL_SIZE`, 20 to 45 KB; takes about a tenth of a second."""
    seed = list(PAINTINGS).index(name)
    buffer = io.BytesIO()
    PAINTINGS[name]().finish(seed).save(buffer, "JPEG", quality=90, optimize=True)
    return buffer.getvalue()
