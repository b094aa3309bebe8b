"""Landscapes: a range in the morning mist, a lake that mirrors its shore, the sun going down at sea."""

from __future__ import annotations

import math
import random

from lenscat_backend.library.sample_art.canvas import HEIGHT, WIDTH, Color, Mask, Picture, Point
from lenscat_backend.library.sample_art.forms import below, clouds, disc, fade, gradient, ground, mix, ridge, shape


def mountain() -> Picture:
    """Seven ridges, each paler and bluer the farther it is, with the sun behind the second."""
    picture = gradient([(0, (58, 92, 138)), (0.28, (150, 172, 190)), (0.5, (250, 214, 170)), (1, (255, 226, 190))])
    picture.fill(clouds(11, columns=3, rows=14).above(118, 1.4), (255, 238, 222), 0.55)
    picture.glow((1040, 455), 900, (255, 200, 130), strength=0.75)
    picture.light(disc((1040, 455), 62, blur=5), (255, 248, 226))
    far, near, mist = (178, 168, 190), (10, 30, 48), (252, 218, 184)
    for index in range(7):
        share = index / 6
        skyline = ridge(40 + index * 7, 600 + 92 * index, 330 - 20 * index, roughness=0.54)
        top = mix(far, near, share**0.8)
        low = mix(top, mist, 0.85 - 0.6 * share)
        start = min(y for _, y in skyline) / HEIGHT
        land = _pines_on(skyline, seed=index) if index > 4 else shape(ground(skyline))
        picture.fill(land, gradient([(start, top), (min(0.99, start + 0.24), low), (1, low)]))
        if index < 6:
            drift = clouds(60 + index, columns=2, rows=10).above(92, 2.6)
            band = fade([(start + 0.04, 0), (min(0.96, start + 0.2), 220), (1, 120)])
            picture.fill(drift & band, mist, 0.85 - 0.1 * index)
    picture.glow((1040, 480), 620, (255, 186, 110), strength=0.42)
    return picture


def lake() -> Picture:
    """Still water before sunrise: snow on the peaks, mist along the shore, a canoe."""
    water = 690
    picture = gradient([(0, (70, 98, 150)), (0.3, (154, 160, 194)), (0.48, (243, 190, 176)), (0.58, (255, 216, 184))])
    picture.fill(clouds(23, columns=3, rows=16).above(122, 1.7), (255, 214, 206), 0.6)
    peaks = ridge(211, 640, 470, roughness=0.56, octaves=9)
    picture.fill(shape(ground(peaks)), gradient([(0.15, (120, 118, 158)), (0.58, (164, 150, 176))]))
    _lay_snow(picture, peaks)
    hills = ridge(77, 690, 190, roughness=0.48)
    picture.fill(shape(ground(hills)), gradient([(0.4, (70, 82, 112)), (0.58, (120, 122, 148))]))
    picture.glow((800, water), 1000, (255, 214, 200), strength=0.5, squash=0.09)
    for seed, left, right, tall in ((1, -60, 560, 240), (2, 1120, 1680, 300)):
        wood = _shore(seed, left=left, right=right, water=water, tall=tall)
        picture.fill(wood, gradient([(0.3, (20, 36, 48)), (0.5, (34, 52, 64)), (0.575, (78, 86, 108))]))
    picture.reflect(water, ripple=5, seed=3)
    depth = Picture.plain((24, 46, 78))
    picture.fill(fade([(0, 0), (0.574, 0), (0.575, 30), (1, 165)]), depth)
    picture.glow((800, water), 1100, (255, 226, 214), strength=0.5, squash=0.035)
    _canoe(picture, 690, 905)
    return picture


def sunset() -> Picture:
    """The sun on the horizon, rays through the clouds, its road on the sea, a small boat."""
    horizon = 760
    sky = [
        (0, (36, 30, 78)),
        (0.25, (110, 56, 108)),
        (0.45, (214, 92, 84)),
        (0.58, (255, 164, 84)),
        (0.635, (255, 214, 130)),
    ]
    picture = gradient(sky)
    sun = (960, horizon - 48)
    picture.glow(sun, 1150, (255, 140, 60), strength=0.6)
    _rays(picture, sun)
    bank = clouds(9, columns=3, rows=14) & fade([(0, 190), (0.5, 255), (0.6, 60), (1, 0)])
    picture.fill(bank.above(112, 2.2), (92, 44, 84), 0.75)
    lit = bank.above(112, 2.2) - bank.moved(0, 16).above(112, 2.2)
    picture.light(lit.soft(2), (255, 172, 110), 0.95)
    picture.light(disc(sun, 82, blur=3), (255, 240, 190))
    picture.glow(sun, 330, (255, 220, 140), strength=0.8)
    headland = [(x, max(horizon - 4.0, y)) if x > 480 else (x, y) for x, y in ridge(31, horizon + 8, 120)]
    slope = [(x, horizon - (horizon - y) * max(0.0, 1 - x / 560)) for x, y in headland]
    picture.fill(shape([*slope, (WIDTH, horizon), (0, horizon)]), (70, 36, 66))
    sea = gradient([(0, (0, 0, 0)), (0.633, (236, 142, 96)), (0.72, (134, 70, 98)), (1, (30, 26, 66))])
    picture.fill(below(horizon), sea)
    _glitter(picture, sun[0], horizon)
    _boat(picture, 560, horizon + 46)
    return picture


def _pines_on(skyline: list[Point], seed: int) -> Mask:
    """The mask of a wood that stands on a skyline."""
    chance = random.Random(seed)
    mask = shape(ground(skyline))
    x = -20.0
    with mask.fine() as draw:
        while x < WIDTH + 20:
            base = skyline[min(len(skyline) - 1, max(0, round(x / WIDTH * (len(skyline) - 1))))][1]
            draw.polygon(_pine(x, base + 30, chance.uniform(60, 190)), fill=255)
            x += chance.uniform(10, 34)
    return mask


def _pine(x: float, base: float, tall: float) -> list[Point]:
    left: list[Point] = []
    for tier in range(6):
        y, half = base - tall * tier / 6, tall * 0.17 * (1 - tier / 6.5)
        left += [(half, y), (half * 0.45, y - tall * 0.09)]
    right = [(x + dx, y) for dx, y in reversed(left)]
    return [*[(x - dx, y) for dx, y in left], (x, base - tall), *right]


def _shore(seed: int, *, left: int, right: int, water: int, tall: int) -> Mask:
    """The mask of a wood on the shore from x = `left` to `right`, lower towards the middle of the picture."""
    chance = random.Random(seed)
    mask = Mask.empty()
    x = float(left)
    with mask.fine() as draw:
        while x < right:
            rise = min(1.0, (right - x if left < 0 else x - left) / 420)
            draw.polygon(_pine(x, water + 2, (0.2 + 0.8 * rise) * tall * chance.uniform(0.55, 1.0)), fill=255)
            x += chance.uniform(6, 17)
        draw.rectangle((left, water - 16, right, water), fill=255)
    return mask


def _lay_snow(picture: Picture, peaks: list[Point]) -> None:
    """Snow on the heights, its lower edge torn by rock; slopes that face right lie in blue shade."""
    cover = shape(ground(peaks)) & _snow_cover(peaks)
    picture.fill(cover, (244, 222, 226), 0.92)
    shade = cover & _slopes_facing_right(peaks)
    picture.fill(shade, (150, 146, 190), 0.85)


def _snow_cover(peaks: list[Point]) -> Mask:
    chance = random.Random(8)
    mask = Mask.empty()
    with mask.fine() as draw:
        for x, y in peaks[::2]:
            high = max(0.0, 450 - y)
            deep = high * chance.triangular(0.2, 1.15, 0.5)
            lean = chance.uniform(-0.45, 0.45) * deep
            draw.polygon(
                [(x - 26, y - 12), (x + 26, y - 12), (x + lean + 3, y + deep), (x + lean - 3, y + deep)], fill=255
            )
    rough = clouds(5, columns=60, rows=44, octaves=2).above(94, 20)
    return (mask & rough.soft(2)).soft(2)


def _slopes_facing_right(peaks: list[Point]) -> Mask:
    mask = Mask.empty()
    with mask.fine() as draw:
        for (x, y), (right, lower) in zip(peaks[::5], peaks[5::5], strict=False):
            if lower > y:
                draw.polygon([(x, y - 10), (right, lower - 10), (right + 12, HEIGHT), (x - 70, HEIGHT)], fill=255)
    return mask.soft(3)


def _canoe(picture: Picture, x: int, y: int) -> None:
    hull: list[Point] = [
        (x - 130, y - 26),
        (x - 96, y - 8),
        (x + 96, y - 8),
        (x + 130, y - 26),
        (x + 104, y + 14),
        (x - 104, y + 14),
    ]
    paddler: list[Point] = [
        (x - 8, y - 8),
        (x - 4, y - 62),
        (x + 10, y - 76),
        (x + 26, y - 62),
        (x + 34, y - 8),
    ]
    mirror = [(px, 2 * (y + 14) - py) for px, py in hull]
    picture.fill(shape(mirror, blur=5), (16, 26, 42), 0.6)
    picture.fill(shape([(px, 2 * (y + 14) - py) for px, py in paddler], blur=6), (16, 26, 42), 0.5)
    dark: Color = (20, 26, 38)
    for mask in (shape(hull), shape(paddler), disc((x + 13, y - 88), 16)):
        picture.fill(mask, dark)
    with picture.fine() as draw:
        draw.line([(x + 74, y - 74), (x - 30, y + 22)], fill=dark, width=6)
    for step in range(4):
        reach = 180 + 90 * step
        picture.light(
            disc((x, y + 18 + 10 * step), reach, squash=0.02, blur=3),
            (255, 214, 204),
            0.16 - 0.03 * step,
        )


def _rays(picture: Picture, sun: Point) -> None:
    chance = random.Random(17)
    rays = Mask.empty()
    with rays.fine() as draw:
        for step in range(15):
            angle = math.pi * (1.06 + 0.88 * step / 14) + chance.uniform(-0.03, 0.03)
            wide = chance.uniform(0.012, 0.04)
            ends = [(sun[0] + 1500 * math.cos(a), sun[1] + 1500 * math.sin(a)) for a in (angle - wide, angle + wide)]
            draw.polygon([sun, *ends], fill=chance.randint(60, 130))
    rays = rays.soft(13) & fade([(0, 40), (0.6, 255), (1, 255)])
    picture.light(rays, (255, 196, 130), 0.75)


def _glitter(picture: Picture, sun_x: float, horizon: int) -> None:
    chance = random.Random(29)
    road, dark = Mask.empty(), Mask.empty()
    with road.fine() as lit, dark.fine() as unlit:
        for _ in range(2600):
            share = chance.random() ** 1.4
            y = horizon + 4 + share * (HEIGHT - horizon)
            half, thick = 6 + 60 * share * chance.random(), 1 + 5 * share
            x = chance.gauss(sun_x, 40 + 170 * share)
            lit.ellipse((x - half, y - thick / 2, x + half, y + thick / 2), fill=chance.randint(120, 255))
            x = chance.uniform(-50, WIDTH + 50)
            unlit.ellipse((x - 2 * half, y - thick, x + 2 * half, y + thick), fill=chance.randint(20, 90))
    picture.fill(dark.soft(3), (44, 26, 70), 0.7)
    picture.light(road.soft(1.5), (255, 200, 110))
    picture.glow((sun_x, horizon + 20), 560, (255, 170, 90), strength=0.5, squash=0.3)


def _boat(picture: Picture, x: int, y: int) -> None:
    dark: Color = (34, 20, 44)
    for points in (
        [(x - 52, y - 12), (x + 56, y - 12), (x + 38, y + 10), (x - 38, y + 10)],
        [(x + 2, y - 16), (x + 2, y - 158), (x + 54, y - 22)],
        [(x - 6, y - 20), (x - 6, y - 136), (x - 46, y - 22)],
    ):
        picture.fill(shape(points), dark)
        picture.fill(shape([(px, 2 * y + 10 - (py - 10) * 1.0) for px, py in points], blur=7), dark, 0.35)
