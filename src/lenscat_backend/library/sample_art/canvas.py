"""The brushes that the sample pictures are painted with: gradients, glows, ridges, noise, silhouettes, grain.

Everything is drawn at four times the final size and scaled down, and every random number comes from a seed, so that the
same Pillow paints the same pictures.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1600, 1200
FINAL_SIZE = (400, 300)

Color = tuple[int, int, int]
Point = tuple[float, float]
Stops = Sequence[tuple[float, Color]]


def mix(first: Color, second: Color, share: float) -> Color:
    """The colour `share` (0 to 1) of the way from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def gradient(stops: Stops, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """A vertical gradient through `stops`: (share of the height, colour), in ascending order."""
    width, height = size
    column = Image.new("RGB", (1, height))
    for y in range(height):
        column.putpixel((0, y), _color_at(stops, y / max(1, height - 1)))
    return column.resize((width, height), Image.Resampling.NEAREST)


def shape(points: Sequence[Point], blur: float = 0) -> Image.Image:
    """A mask of the polygon through `points`, its edge softened by `blur` pixels."""
    mask = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(mask).polygon(list(points), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(blur)) if blur else mask


def disc(center: Point, radius: float, *, squash: float = 1.0, blur: float = 0) -> Image.Image:
    """A mask of an ellipse; `squash` is its height as a share of its width."""
    steps = [2 * math.pi * step / 90 for step in range(90)]
    x, y = center
    return shape([(x + radius * math.cos(a), y + radius * squash * math.sin(a)) for a in steps], blur)


def fill(picture: Image.Image, mask: Image.Image, paint: Color | Image.Image, opacity: float = 1.0) -> None:
    """Lay `paint`, a colour or a whole picture, over `picture` where `mask` says."""
    picture.paste(paint, (0, 0, WIDTH, HEIGHT), mask if opacity == 1 else mask.point(lambda v: v * opacity))


def light(picture: Image.Image, mask: Image.Image, color: Color, strength: float = 1.0) -> None:
    """Add light of a `color` to `picture` where `mask` says; it brightens and never flattens (screen blending)."""
    layer = Image.new("RGB", (WIDTH, HEIGHT))
    fill(layer, mask, color, strength)
    picture.paste(ImageChops.screen(picture, layer))


def glow(
    picture: Image.Image,
    center: Point,
    radius: float,
    color: Color,
    *,
    strength: float = 1.0,
    squash: float = 1.0,
) -> None:
    """Add a round light that fades to nothing at `radius`."""
    size = (round(2 * radius), round(2 * radius * squash))
    fade = Image.radial_gradient("L").point(lambda v: 255 * max(0.0, 1 - v / 180) ** 2)
    mask = Image.new("L", (WIDTH, HEIGHT))
    mask.paste(
        fade.resize(size, Image.Resampling.BICUBIC),
        (round(center[0]) - size[0] // 2, round(center[1]) - size[1] // 2),
    )
    light(picture, mask, color, strength)


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


def clouds(seed: int, *, columns: int = 4, rows: int = 8, octaves: int = 5) -> Image.Image:
    """A mask of soft noise; more `rows` than `columns` stretches it sideways, as clouds and mist are."""
    chance = random.Random(seed)
    total = Image.new("L", (WIDTH, HEIGHT), 128)
    for octave in range(octaves):
        size = (columns << octave, rows << octave)
        layer = Image.frombytes("L", size, chance.randbytes(size[0] * size[1])).resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC
        )
        total = ImageChops.add(total, layer.point(lambda v, o=octave: v / 2 ** (o + 1)), 1, -round(64 / 2**octave))
    return total


def fade(stops: Sequence[tuple[float, int]]) -> Image.Image:
    """A mask that changes from top to bottom through `stops`: (share of the height, 0 to 255)."""
    return gradient([(at, (value, value, value)) for at, value in stops]).convert("L")


def rim(mask: Image.Image, dx: int, dy: int, blur: float = 5) -> Image.Image:
    """The mask of the edge of a figure that light from (`dx`, `dy`) strikes."""
    inner = ImageChops.offset(mask, -dx, -dy).filter(ImageFilter.GaussianBlur(blur))
    return ImageChops.multiply(ImageChops.subtract(mask, inner), mask)


def reflect(picture: Image.Image, waterline: int, *, ripple: float, seed: int, depth: float = 1.0) -> None:
    """Mirror what is above `waterline` into the water below; `ripple` is how far waves shake it, in pixels."""
    chance = random.Random(seed)
    rows = HEIGHT - waterline
    phases = [chance.uniform(0, 6.28) for _ in range(4)]
    source = picture.filter(ImageFilter.GaussianBlur(1.5))
    for row in range(rows):
        share = row / rows
        wave = sum(
            math.sin(row / (3.1 + 9 * share) * (index + 1) * 0.7 + phase) / (index + 1)
            for index, phase in enumerate(phases)
        )
        above = max(0, round(waterline - 1 - row * depth - abs(wave) * ripple * share))
        shift = round(wave * ripple * (0.25 + share))
        line = ImageChops.offset(source.crop((0, above, WIDTH, above + 1)), shift, 0)
        picture.paste(line, (0, waterline + row))


def finish(picture: Image.Image, seed: int, grain: float = 4) -> Image.Image:
    """The picture at its final size, with a vignette and with grain that hides the steps of its gradients."""
    vignette = Image.radial_gradient("L").resize((WIDTH, HEIGHT)).point(lambda v: max(0.0, v - 110) * 0.62)
    picture.paste((4, 5, 12), (0, 0, WIDTH, HEIGHT), vignette)
    small = picture.resize(FINAL_SIZE, Image.Resampling.LANCZOS)
    noise = Image.frombytes("L", FINAL_SIZE, random.Random(seed).randbytes(FINAL_SIZE[0] * FINAL_SIZE[1]))
    noise = noise.point(lambda v: 128 + (v - 127.5) * grain / 128)
    return ImageChops.add(small, Image.merge("RGB", [noise] * 3), 1, -128)


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
