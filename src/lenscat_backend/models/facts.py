"""What an image says of itself: its dimensions and embedded metadata."""

from __future__ import annotations

from typing import NamedTuple


class ImageFacts(NamedTuple):
    """Facts read from an image file's own bytes; every field but `format` is None where the file does not tell.

    `width` and `height` are in pixels as displayed (orientation applied). `created_at` is ISO 8601: with ``Z`` or an
    offset only where the image tells its zone, else local time without one. `latitude` and `longitude` are signed
    degrees. `orientation` is the EXIF value 1 to 8. `rating` is 0 to 5 (XMP ``xmp:Rating``).
    """

    format: str
    width: int | None = None
    height: int | None = None
    created_at: str | None = None
    make: str | None = None
    model: str | None = None
    lens: str | None = None
    iso: int | None = None
    f_number: float | None = None
    exposure_time_s: float | None = None
    focal_length_mm: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None
    orientation: int | None = None
    keywords: tuple[str, ...] | None = None
    caption: str | None = None
    rating: int | None = None

    def as_exif(self) -> dict[str, object]:
        """The `exif` object of a sidecar: only the keys that are known, in the documented order."""
        pairs = zip(_EXIF_KEYS, self[1:], strict=True)
        exif: dict[str, object] = {name: value for name, value in pairs if value is not None}
        if self.keywords is not None:
            exif["keywords"] = list(self.keywords)
        return exif


_EXIF_KEYS = ImageFacts._fields[1:]
