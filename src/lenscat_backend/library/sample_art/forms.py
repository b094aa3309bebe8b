"""The brushes that the sample pictures are painted with: gradients, polygons, curves, skylines, clouds.

Every random number comes from a seed, so that the same Pillow paints the same pictures.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops

from lenscat_backend.library.sample_art.canvas import FINAL_SIZE, HEIGHT, WIDTH, Color, Mask, Picture, Point

Stops = Sequence[tuple[float, Color]]


def mix(first: Color, second: Color, share: float) -> Color:
    """The colour `share` (0 to 1) of the way from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def gradient(stops: Stops, *, across: bool = False) -> Picture:
    """A gradient from top to bottom (`across`: left to right) through `stops`: (share of the way, colour), in order."""
    length = FINAL_SIZE[0 if across else 1]
    colors = [_color_at(stops, step / (length - 1)) for step in range(length)]
    line = Image.frombytes("RGB", (length, 1) if across else (1, length), bytes(itertools.chain(*colors)))
    return Picture(line.resize(FINAL_SIZE, Image.Resampling.NEAREST))


def fade(stops: Sequence[tuple[float, int]]) -> Mask:
    """A mask that changes from top to bottom through `stops`: (share of the height, 0 to 255)."""
    return Mask(gradient([(at, (value, value, value)) for at, value in stops]).image.convert("L"))


def shape(points: Sequence[Point], blur: float = 0) -> Mask:
    """A mask of the polygon through `points`, its edge softened by `blur`."""
    return Mask.polygon(points).soft(blur)


def below(y: float, blur: float = 0) -> Mask:
    """A mask of everything from `y` down."""
    return shape([(0, y), (WIDTH, y), (WIDTH, HEIGHT), (0, HEIGHT)], blur)


def curve(points: Sequence[Point], blur: float = 0) -> Mask:
    """A mask of what the smooth closed curve through `points` encloses."""
    return shape(smooth(points), blur)


def disc(center: Point, radius: float, *, squash: float = 1.0, blur: float = 0) -> Mask:
    """A mask of an ellipse; `squash` is its height as a share of its width."""
    steps = [2 * math.pi * step / 90 for step in range(90)]
    x, y = center
    return shape([(x + radius * math.cos(a), y + radius * squash * math.sin(a)) for a in steps], blur)


def smooth(points: Sequence[Point], steps: int = 12) -> list[Point]:
    """A closed curve through `points` (Catmull-Rom)."""
    count = len(points)
    return [
        _spline([points[(index + offset) % count] for offset in (-1, 0, 1, 2)], step / steps)
        for index in range(count)
        for step in range(steps)
    ]


def ridge(seed: int, base: float, height: float, *, roughness: float = 0.52, octaves: int = 8) -> list[Point]:
    """The skyline of a mountain range across the picture: peaks up to `height` above the line `base`."""
    chance = random.Random(seed)
    heights = [chance.random() for _ in range(4)]
    amplitude = 0.5
    for _ in range(octaves - 2):
        amplitude *= roughness
        middles = [(a + b) / 2 + chance.uniform(-amplitude, amplitude) for a, b in itertools.pairwise(heights)]
        heights = [value for pair in zip(heights, middles, strict=False) for value in pair] + heights[-1:]
    step = WIDTH / (len(heights) - 1)
    return [(index * step, base - height * value) for index, value in enumerate(heights)]


def ground(skyline: Sequence[Point]) -> list[Point]:
    """The polygon of everything below a skyline."""
    return [*skyline, (WIDTH, HEIGHT), (0, HEIGHT)]


def clouds(seed: int, *, columns: int = 4, rows: int = 8, octaves: int = 5) -> Mask:
    """A mask of soft noise; more `rows` than `columns` stretches it sideways, as clouds and mist are."""
    chance = random.Random(seed)
    total = Image.new("L", FINAL_SIZE, 128)
    for octave in range(octaves):
        size = (columns << octave, rows << octave)
        layer = Image.frombytes("L", size, chance.randbytes(size[0] * size[1])).resize(
            FINAL_SIZE, Image.Resampling.BICUBIC
        )
        total = ImageChops.add(total, layer.point(lambda v, o=octave: v / 2 ** (o + 1)), 1, -round(64 / 2**octave))
    return Mask(total)


def _color_at(stops: Stops, share: float) -> Color:
    for (start, first), (end, second) in itertools.pairwise(stops):
        if share <= end:
            return mix(first, second, max(0.0, (share - start) / (end - start)))
    return stops[-1][1]


def _spline(points: Sequence[Point], t: float) -> Point:
    x, y = (_catmull_rom([point[axis] for point in points], t) for axis in (0, 1))
    return (x, y)


def _catmull_rom(values: Sequence[float], t: float) -> float:
    a, b, c, d = values
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
