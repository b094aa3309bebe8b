"""What the sample pictures are painted on: masks and pictures of the final size, and the ways to lay one on another.

Painters speak in units, 1600 across and 1200 down. Only what has edges (polygons, lines, dots) is drawn at one pixel a
unit, where it lies, and scaled down to smooth it; gradients, blurs and blending are as good at the final size and cost
a sixteenth there.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from PIL import Image, ImageChops, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1600, 1200
FINE = 4
"""Units in a pixel of the final size."""
FINAL_SIZE = (WIDTH // FINE, HEIGHT // FINE)

Color = tuple[int, int, int]
Point = tuple[float, float]


class Sheet:
    """An image of the final size; `Mask` and `Picture` are the two kinds."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image

    def soft(self, blur: float) -> Self:
        """The same, blurred by so many units."""
        return type(self)(self.image.filter(ImageFilter.GaussianBlur(blur / FINE)) if blur else self.image)

    def above(self, floor: float, gain: float = 1) -> Self:
        """What is brighter than `floor`, less that, `gain` times as bright."""
        return type(self)(self.image.point(lambda value: min(255, max(0, value - floor) * gain)))

    @contextmanager
    def fine(self, mode: str | None = None) -> Iterator[ImageDraw.ImageDraw]:
        """Draw on it in units, with smooth edges; `mode` is Pillow's. Takes some 10 ms: draw many things in one go."""
        large = self.image.resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
        yield ImageDraw.Draw(large, mode)
        self.image = large.reduce(FINE)


class Mask(Sheet):
    """How much of each place is meant, 0 to 255."""

    @classmethod
    def empty(cls) -> Mask:
        """Nothing is meant."""
        return cls(Image.new("L", FINAL_SIZE))

    @classmethod
    def polygon(cls, points: Sequence[Point]) -> Mask:
        """What the polygon through `points` encloses."""
        mask = cls.empty()
        left, top, right, bottom = _touched(points)
        if left < right and top < bottom:
            large = Image.new("L", ((right - left) * FINE, (bottom - top) * FINE))
            ImageDraw.Draw(large).polygon([(x - left * FINE, y - top * FINE) for x, y in points], fill=255)
            mask.image.paste(large.reduce(FINE), (left, top))
        return mask

    def __and__(self, other: Mask) -> Mask:
        return Mask(ImageChops.multiply(self.image, other.image))

    def __or__(self, other: Mask) -> Mask:
        return Mask(ImageChops.lighter(self.image, other.image))

    def __sub__(self, other: Mask) -> Mask:
        return Mask(ImageChops.subtract(self.image, other.image))

    def moved(self, dx: float, dy: float) -> Mask:
        """The same, moved right and down by so many units."""
        matrix = (1, 0, -dx / FINE, 0, 1, -dy / FINE)
        affine = Image.Transform.AFFINE
        return Mask(self.image.transform(FINAL_SIZE, affine, matrix, Image.Resampling.BILINEAR))

    def rim(self, dx: float, dy: float, blur: float = 5) -> Mask:
        """The edge of a figure that light from (`dx`, `dy`) strikes."""
        inner = self.moved(-dx, -dy).soft(blur)
        return self & Mask(ImageChops.invert(inner.image))


class Picture(Sheet):
    """A picture that grows layer by layer."""

    @classmethod
    def plain(cls, color: Color) -> Picture:
        """One colour everywhere."""
        return cls(Image.new("RGB", FINAL_SIZE, color))

    def fill(self, mask: Mask, paint: Color | Picture, opacity: float = 1.0) -> None:
        """Lay `paint`, a colour or a whole picture, over this one where `mask` says."""
        share = mask.image if opacity == 1 else mask.image.point(lambda value: value * opacity)
        self.image.paste(paint.image if isinstance(paint, Picture) else paint, (0, 0, *FINAL_SIZE), share)

    def screen(self, layer: Picture) -> None:
        """Add the light of `layer`; it brightens and never flattens (screen blending)."""
        self.image = ImageChops.screen(self.image, layer.image)

    def light(self, mask: Mask, color: Color, strength: float = 1.0) -> None:
        """Add light of a `color` where `mask` says."""
        layer = Picture.plain((0, 0, 0))
        layer.fill(mask, color, strength)
        self.screen(layer)

    def glow(self, center: Point, radius: float, color: Color, *, strength: float = 1.0, squash: float = 1.0) -> None:
        """Add a round light that fades to nothing at `radius`."""
        size = (round(2 * radius / FINE), max(1, round(2 * radius * squash / FINE)))
        fading = Image.radial_gradient("L").point(lambda value: 255 * max(0.0, 1 - value / 180) ** 2)
        mask = Mask.empty()
        place = (round(center[0] / FINE - size[0] / 2), round(center[1] / FINE - size[1] / 2))
        mask.image.paste(fading.resize(size, Image.Resampling.BICUBIC), place)
        self.light(mask, color, strength)

    def reflect(self, waterline: int, *, ripple: float, seed: int) -> None:
        """Mirror what is above `waterline` into the water below; `ripple` is how far waves shake it, in units."""
        chance = random.Random(seed)
        phases = [chance.uniform(0, 6.28) for _ in range(4)]
        large = self.image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        rows = HEIGHT - waterline
        for row in range(rows):
            share = row / rows
            wave = _wave(row, share, phases)
            above = max(0, round(waterline - 1 - row - abs(wave) * ripple * share))
            shift = round(wave * ripple * (0.25 + share))
            line = ImageChops.offset(large.crop((0, above, WIDTH, above + 1)), shift, 0)
            large.paste(line, (0, waterline + row))
        top = waterline // FINE
        self.image.paste(large.crop((0, top * FINE, WIDTH, HEIGHT)).reduce(FINE), (0, top))

    def finish(self, seed: int, grain: float = 4) -> Image.Image:
        """The painting with a vignette, and with grain that hides the steps of its gradients."""
        vignette = Image.radial_gradient("L").resize(FINAL_SIZE).point(lambda value: max(0.0, value - 110) * 0.62)
        self.fill(Mask(vignette), (4, 5, 12))
        noise = Image.frombytes("L", FINAL_SIZE, random.Random(seed).randbytes(FINAL_SIZE[0] * FINAL_SIZE[1]))
        noise = noise.point(lambda value: 128 + (value - 127.5) * grain / 128)
        return ImageChops.add(self.image, Image.merge("RGB", [noise] * 3), 1, -128)


def _touched(points: Sequence[Point]) -> tuple[int, int, int, int]:
    """The box of pixels of the picture that a polygon touches: left, top, right, bottom."""
    across, down = [x / FINE for x, _ in points], [y / FINE for _, y in points]
    return (
        max(0, math.floor(min(across))),
        max(0, math.floor(min(down))),
        min(FINAL_SIZE[0], math.floor(max(across)) + 1),
        min(FINAL_SIZE[1], math.floor(max(down)) + 1),
    )


def _wave(row: int, share: float, phases: list[float]) -> float:
    return sum(
        math.sin(row / (3.1 + 9 * share) * (index + 1) * 0.7 + phase) / (index + 1)
        for index, phase in enumerate(phases)
    )
