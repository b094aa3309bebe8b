"""EXIF: the tags we want (EXIF 2.32 / CIPA DC-008) from directory 0 and its EXIF and GPS directories."""

from __future__ import annotations

from lenscat_backend.imaging.dates import exif_date
from lenscat_backend.imaging.metadata import MAX_CAPTION, Metadata, valid_position, valid_rating
from lenscat_backend.imaging.tiff import Entry, Tiff

_DESCRIPTION, _MAKE, _MODEL, _ORIENTATION = 0x010E, 0x010F, 0x0110, 0x0112
_RATING, _EXIF_IFD, _GPS_IFD = 0x4746, 0x8769, 0x8825
_EXPOSURE, _F_NUMBER, _ISO, _ORIGINAL, _OFFSET_ORIGINAL = 0x829A, 0x829D, 0x8827, 0x9003, 0x9011
_FOCAL_LENGTH, _LENS_MODEL = 0x920A, 0xA434
_MAIN = frozenset({_DESCRIPTION, _MAKE, _MODEL, _ORIENTATION, _RATING, _EXIF_IFD, _GPS_IFD})
_PHOTO = frozenset({_EXPOSURE, _F_NUMBER, _ISO, _ORIGINAL, _OFFSET_ORIGINAL, _FOCAL_LENGTH, _LENS_MODEL})
_GPS = frozenset(range(1, 7))
_DATE_LENGTH = 40

Entries = dict[int, Entry]


def read_exif(tiff: Tiff) -> Metadata:
    """What the structure tells; fields with damaged values are left out."""
    main = tiff.entries(tiff.first, _MAIN)
    found = Metadata()
    if main:
        _add_camera(tiff, main, found)
    if (pointer := main.get(_EXIF_IFD)) and (offset := tiff.integer(pointer)):
        photo = tiff.entries(offset, _PHOTO)
        _add_exposure(tiff, photo, found)
        _add_date(tiff, photo, found)
    if (pointer := main.get(_GPS_IFD)) and (offset := tiff.integer(pointer)):
        _add_position(tiff, tiff.entries(offset, _GPS), found)
    return found


def _add_camera(tiff: Tiff, main: Entries, found: Metadata) -> None:
    if (entry := main.get(_MAKE)) and (make := tiff.text(entry)):
        found["make"] = make
    if (entry := main.get(_MODEL)) and (model := tiff.text(entry)):
        found["model"] = model
    if (entry := main.get(_ORIENTATION)) and (orientation := tiff.integer(entry)) is not None:
        found["orientation"] = orientation
    if (entry := main.get(_DESCRIPTION)) and (caption := tiff.text(entry, MAX_CAPTION)):
        found["caption"] = caption
    if (entry := main.get(_RATING)) and (rating := valid_rating(tiff.number(entry))) is not None:
        found["rating"] = rating


def _add_exposure(tiff: Tiff, photo: Entries, found: Metadata) -> None:
    if (entry := photo.get(_ISO)) and (iso := tiff.integer(entry)) and 0 < iso < 65535:
        found["iso"] = iso  # 65535 means "more than fits", the true value is elsewhere
    if (entry := photo.get(_F_NUMBER)) and (f_number := tiff.ratio(entry)) and f_number > 0:
        found["f_number"] = f_number
    if (entry := photo.get(_EXPOSURE)) and (exposure := tiff.ratio(entry)) and exposure > 0:
        found["exposure_time_s"] = exposure
    if (entry := photo.get(_FOCAL_LENGTH)) and (focal := tiff.ratio(entry)) and focal > 0:
        found["focal_length_mm"] = focal
    if (entry := photo.get(_LENS_MODEL)) and (lens := tiff.text(entry)) and lens.strip("- ."):
        found["lens"] = lens


def _add_date(tiff: Tiff, photo: Entries, found: Metadata) -> None:
    """When the picture was taken. Dates of digitizing and of editing tell something else, and are not read."""
    if entry := photo.get(_ORIGINAL):
        zone = photo.get(_OFFSET_ORIGINAL)
        date = exif_date(tiff.blob(entry, _DATE_LENGTH), tiff.blob(zone, _DATE_LENGTH) if zone else b"")
        if date is not None:
            found["created_at"] = date


def _add_position(tiff: Tiff, gps: Entries, found: Metadata) -> None:
    latitude = _degrees(tiff, gps.get(1), gps.get(2), b"NS")
    longitude = _degrees(tiff, gps.get(3), gps.get(4), b"EW")
    position = valid_position(latitude, longitude)
    if position is not None:
        found["latitude"], found["longitude"] = position
    if (entry := gps.get(6)) and (altitude := tiff.ratio(entry)) is not None:
        reference = gps.get(5)
        below = reference is not None and tiff.blob(reference, 1) in (b"\1", b"\3")  # sea level, ellipsoid (EXIF 3.0)
        found["altitude_m"] = -altitude if below else altitude


def _degrees(tiff: Tiff, reference: Entry | None, value: Entry | None, letters: bytes) -> float | None:
    """Degrees, minutes and seconds with the sign of their reference, one of `letters`; None where a part is missing."""
    if reference is None or value is None:
        return None
    letter = tiff.blob(reference, 1)[:1].upper()
    if not letter or letter not in letters:
        return None
    parts = tiff.ratios(value)
    if not parts or 0 in parts[1::2]:
        return None
    degrees = parts[0] / parts[1]
    if len(parts) > 2:
        degrees += parts[2] / (60 * parts[3])
    if len(parts) > 4:
        degrees += parts[4] / (3600 * parts[5])
    return -degrees if letter == letters[1:] else degrees
