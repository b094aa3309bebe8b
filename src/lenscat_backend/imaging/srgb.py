"""Telling an embedded colour profile that is sRGB from one that must be converted.

Most profiles are sRGB, and converting from it to itself costs 4 ms, a tenth of a 12-megapixel thumbnail.
"""

from __future__ import annotations

from struct import Struct, error

_TAG, _NUMBERS = Struct(">4sII"), Struct(">iii")
_MAX_TAGS = 100
_TOLERANCE = 0.003
_CURVE_TOLERANCE = 0.005
_COLORANTS = {
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
"""The primaries of IEC 61966-2-1 adapted to D50."""

_GAMMA = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_SAMPLES = 16
_CURVES = (b"rTRC", b"gTRC", b"bTRC")


def is_srgb(profile: bytes) -> bool:
    """Whether the ICC profile (ICC.1:2022, 7 to 10) has the primaries and the curve of sRGB; names are not believed."""
    try:
        tags = _tags(profile)
        if profile[16:24] != b"RGB XYZ " or b"A2B0" in tags:
            return False
        colorants = all(_near(_xyz(profile, tags[name]), wanted) for name, wanted in _COLORANTS.items())
        return colorants and all(_is_srgb_curve(profile, offset) for offset in {tags[name] for name in _CURVES})
    except (error, KeyError, IndexError):
        return False


def _tags(profile: bytes) -> dict[bytes, int]:
    """The offset of each tag."""
    count = min(int.from_bytes(profile[128:132], "big"), _MAX_TAGS)
    found = (_TAG.unpack_from(profile, 132 + 12 * number) for number in range(count))
    return {name: offset for name, offset, _ in found}


def _xyz(profile: bytes, offset: int) -> tuple[float, ...]:
    return tuple(part / 65536 for part in _NUMBERS.unpack_from(profile, offset + 8))


def _near(found: tuple[float, ...], wanted: tuple[float, ...]) -> bool:
    return all(abs(one - other) < _TOLERANCE for one, other in zip(found, wanted, strict=True))


def _is_srgb_curve(profile: bytes, offset: int) -> bool:
    kind = profile[offset : offset + 4]
    if kind == b"para":
        function = int.from_bytes(profile[offset + 8 : offset + 10], "big")
        parts = Struct(">5i").unpack_from(profile, offset + 12)
        return function == 3 and _near(tuple(part / 65536 for part in parts), _GAMMA)
    count = int.from_bytes(profile[offset + 8 : offset + 12], "big")
    if kind != b"curv" or not 16 <= count <= 65536:
        return False
    for at in range(0, count, max(count // _SAMPLES, 1)):
        point = int.from_bytes(profile[offset + 12 + 2 * at : offset + 14 + 2 * at], "big")
        if abs(point / 65535 - _linear(at / (count - 1))) >= _CURVE_TOLERANCE:
            return False
    return True


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
