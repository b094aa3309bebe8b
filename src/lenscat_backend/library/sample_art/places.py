"""Architecture, drawn in true perspective: an office block at dusk, a suspension bridge at blue hour."""

from __future__ import annotations

import random
from collections.abc import Callable

from PIL import ImageDraw

from lenscat_backend.library.sample_art.canvas import WIDTH, Color, Mask, Picture, Point
from lenscat_backend.library.sample_art.forms import below, clouds, disc, fade, gradient, mix, shape

Place = tuple[float, float, float]
_WARM: tuple[Color, ...] = ((255, 206, 128), (255, 226, 172), (250, 186, 104), (255, 240, 214))


def building1() -> Picture:
    """The corner of a glass tower seen from the street, some of its windows lit."""
    picture = gradient([(0, (24, 40, 84)), (0.45, (82, 92, 142)), (0.75, (206, 144, 138)), (1, (248, 184, 132))])
    picture.fill(clouds(31, columns=3, rows=12).above(118, 1.6), (240, 170, 160), 0.45)
    picture.glow((240, 1060), 900, (255, 190, 130), strength=0.6)
    _tower(picture, left=-7.6, right=-3.4, top=13.0, seed=4, shade=(38, 44, 74))
    camera = _camera(focal=900, horizon=1090, center=760)
    chance = random.Random(19)
    _facade(picture, lambda u, y: camera((-0.6 - 3.4 * u, y, 5.2 + 6.2 * u)), (26, 36, 70), (196, 132, 128), chance)
    _facade(picture, lambda u, y: camera((-0.6 + 4.6 * u, y, 5.2 + 3.4 * u)), (44, 58, 104), (120, 106, 140), chance)
    edge = [camera((-0.6, y, 5.2)) for y in (0.0, 6.9)]
    with picture.fine() as draw:
        draw.line(edge, fill=(236, 200, 190), width=4)
    _street(picture)
    return picture


def bridge() -> Picture:
    """A suspension bridge that runs off towards a city, lamps along its cables, all of it in the water."""
    water = 800
    picture = gradient(
        [(0, (10, 20, 54)), (0.35, (30, 58, 112)), (0.55, (86, 116, 160)), (0.667, (226, 176, 150)), (1, (0, 0, 0))]
    )
    picture.fill(clouds(52, columns=3, rows=16).above(120, 1.5), (120, 130, 176), 0.5)
    picture.glow((420, water), 900, (255, 190, 140), strength=0.55, squash=0.4)
    _skyline(picture, water)
    _span(picture, _camera(focal=1150, horizon=water - 60, center=330))
    picture.reflect(water, ripple=9, seed=9)
    picture.fill(fade([(0, 0), (0.66, 0), (0.67, 70), (1, 190)]), (8, 18, 46))
    streaks = picture.soft(7).above(70, 1.3)
    low = Picture.plain((0, 0, 0))
    low.fill(fade([(0, 0), (0.666, 0), (0.667, 190), (1, 120)]), streaks)
    picture.screen(low)
    return picture


def _camera(*, focal: float, horizon: float, center: float) -> Callable[[Place], Point]:
    """A pinhole camera at eye height 0: from metres right, up and ahead to pixels."""
    return lambda place: (center + focal * place[0] / place[2], horizon - focal * place[1] / place[2])


def _facade(
    picture: Picture, wall: Callable[[float, float], Point], top: Color, low: Color, chance: random.Random
) -> None:
    """Paint a wall of `wall(u, y)`, u from 0 (near) to 1 (far): glass that mirrors the sky, floors, lit rooms."""
    floors, bays, height = 19, 14, 6.9
    body = [wall(0, -0.3), wall(1, -0.3), wall(1, height), wall(0, height)]
    picture.fill(shape(body), gradient([(0, top), (0.9, low), (1, low)]))
    with picture.fine("RGBA") as draw:
        for floor in range(floors):
            y = 0.35 + floor * (height - 0.45) / floors
            band = chance.random()
            for bay in range(bays):
                pane = _pane(wall, bay / bays + 0.008, (bay + 1) / bays - 0.008, y + 0.05, y + 0.31)
                if chance.random() < 0.16 + 0.4 * (band > 0.72):
                    draw.polygon(pane, fill=(*chance.choice(_WARM), chance.randint(150, 250)))
                else:
                    draw.polygon(pane, fill=(*mix((16, 22, 44), (150, 160, 200), chance.random() ** 2), 90))
            draw.polygon(_pane(wall, 0, 1, y - 0.03, y + 0.03), fill=(18, 22, 40, 170))
        for bay in range(bays + 1):
            draw.line(
                [wall(bay / bays, -0.3), wall(bay / bays, height)], fill=(16, 20, 38, 200), width=5 if bay < 4 else 3
            )
        draw.line([wall(0, height), wall(1, height)], fill=(240, 206, 196, 220), width=5)


def _pane(wall: Callable[[float, float], Point], near: float, far: float, low: float, high: float) -> list[Point]:
    return [wall(near, low), wall(far, low), wall(far, high), wall(near, high)]


def _tower(picture: Picture, *, left: float, right: float, top: float, seed: int, shade: Color) -> None:
    """A block farther off, its windows only points of light."""
    camera, chance = _camera(focal=900, horizon=1090, center=1520), random.Random(seed)
    corners = [camera((x, y, 16.0)) for x, y in ((left, 0.0), (left, top), (right, top * 0.96), (right, 0.0))]
    picture.fill(shape(corners), gradient([(0.2, shade), (1, (150, 110, 124))]))
    with picture.fine() as draw:
        for _ in range(150):
            x, y = camera(
                (chance.uniform(left + 0.2, right - 0.2), round(chance.uniform(0.3, top - 0.9) * 2.6) / 2.6, 16.0)
            )
            draw.rectangle(
                (x - 5, y - 6, x + 5, y + 4), fill=mix(shade, chance.choice(_WARM), chance.uniform(0.3, 0.95))
            )


def _street(picture: Picture) -> None:
    lobby = fade([(0, 0), (0.86, 0), (0.93, 190), (1, 60)])
    picture.light(lobby & below(960, 40), (255, 180, 96), 0.5)
    picture.fill(below(1122), gradient([(0.93, (66, 54, 66)), (1, (26, 24, 38))]))
    chance = random.Random(2)
    for _ in range(13):
        x, tall = chance.uniform(40, WIDTH - 40), chance.uniform(62, 78)
        foot = 1128 + tall * 0.1
        walker: list[Point] = [
            (x - 10, foot),
            (x - 13, foot - tall * 0.6),
            (x - 4, foot - tall * 0.82),
            (x + 4, foot - tall * 0.82),
            (x + 13, foot - tall * 0.6),
            (x + 9, foot),
        ]
        head = disc((x, foot - tall + 7.5), 7, squash=1.07)
        picture.fill(shape(walker, blur=1.5) | head, (18, 16, 28))
    for x in (180, 620, 1060, 1480):
        picture.glow((x, 1132), 260, (255, 190, 110), strength=0.45, squash=0.22)


def _skyline(picture: Picture, water: int) -> None:
    chance = random.Random(63)
    with picture.fine() as draw:
        for layer, color in enumerate(((74, 88, 130), (38, 52, 92), (18, 28, 60))):
            x = -20.0
            while x < WIDTH:
                wide = chance.uniform(26, 78)
                near_center = max(0.0, 1 - abs(x - 430) / 620)
                tall = chance.uniform(16, 60) + near_center * chance.uniform(20, 210) * (1 - 0.28 * layer)
                box = (x, water - tall, x + wide, water)
                draw.rectangle(box, fill=color)
                _dot_windows(draw, box, chance, lit=0.1 + 0.11 * layer)
                x += wide * chance.uniform(0.75, 1.5)


def _dot_windows(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], chance: random.Random, lit: float
) -> None:
    left, top, right, bottom = box
    for row in range(int((bottom - top - 8) // 9)):
        for column in range(int((right - left - 8) // 9)):
            if chance.random() < lit:
                x, y = left + 5 + 9 * column, top + 6 + 9 * row
                draw.rectangle((x, y, x + 3, y + 4), fill=chance.choice(_WARM))


def _span(picture: Picture, camera: Callable[[Place], Point]) -> None:
    """The bridge: two towers, two cables between them, hangers, a deck with lamps."""
    steel: Color = (20, 26, 50)
    towers, deck, top = (6.6, 21.0), 0.62, 3.35
    sides = (3.0, 4.7)
    lamps: list[Point] = []
    with picture.fine() as draw:
        for side in sides:
            previous = camera((side, _cable(2.4, towers, deck, top), 2.4))
            for step in range(1, 260):
                z = 2.4 + step * 0.14
                here = camera((side, _cable(z, towers, deck, top), z))
                draw.line([previous, here], fill=steel, width=max(3, round(52 / z)))
                if step % 4 == 0:
                    draw.line([here, camera((side, deck, z))], fill=(40, 50, 84), width=max(1, round(11 / z)))
                    lamps.append(here)
                previous = here
    near, far = 2.2, 40.0
    floor = [
        camera((x, y, z)) for x, y, z in ((3.0, deck, near), (3.0, deck, far), (4.7, deck, far), (4.7, deck, near))
    ]
    picture.fill(shape(floor), (62, 60, 84))
    beam = [
        camera((3.0, y, z)) for y, z in ((deck + 0.06, near), (deck + 0.06, far), (deck - 0.2, far), (deck - 0.2, near))
    ]
    picture.fill(shape(beam), gradient([(0.4, (24, 30, 58)), (0.68, (52, 56, 88))]))
    for z in reversed(towers):
        _pylon(picture, camera, sides, z, top)
    _light_lamps(picture, lamps, [camera((3.0, deck + 0.1, 2.4 + 0.45 * step)) for step in range(80)])


def _cable(z: float, towers: tuple[float, float], deck: float, top: float) -> float:
    near, far = towers
    middle, half = (near + far) / 2, (far - near) / 2
    if near <= z <= far:
        return deck + 0.3 + (top - deck - 0.3) * ((z - middle) / half) ** 2
    away = (near - z) / 7 if z < near else (z - far) / 12
    return max(deck, top - (top - deck) * away)


def _pylon(
    picture: Picture, camera: Callable[[Place], Point], sides: tuple[float, float], z: float, top: float
) -> None:
    for side in sides:
        foot, head = 0.22, 0.15
        leg = [
            camera((side + dx, y, z))
            for dx, y in ((-foot, -0.9), (-head, top + 0.14), (head, top + 0.14), (foot, -0.9))
        ]
        picture.fill(shape(leg), gradient([(0, (52, 58, 96)), (0.66, (22, 26, 50))]))
        picture.light(
            shape([leg[0], leg[1], (leg[1][0] + 7, leg[1][1]), (leg[0][0] + 7, leg[0][1])], blur=2),
            (255, 190, 130),
            0.55,
        )
    for low in (0.45, 1.45, 2.35, top - 0.2):
        brace = [
            camera((x, y, z))
            for x, y in ((sides[0], low), (sides[1], low), (sides[1], low + 0.22), (sides[0], low + 0.22))
        ]
        picture.fill(shape(brace), (32, 38, 70))
    picture.glow(camera((sides[0], top + 0.2, z)), 700 / z, (255, 90, 70), strength=0.9)


def _light_lamps(picture: Picture, cable_lamps: list[Point], road_lamps: list[Point]) -> None:
    mask = Mask.empty()
    with mask.fine() as draw:
        for lamps, size in ((cable_lamps, 3.4), (road_lamps, 5.0)):
            for x, y in lamps:
                draw.ellipse((x - size, y - size, x + size, y + size), fill=255)
    picture.light(mask.soft(14).above(0, 4), (255, 190, 110), 0.7)
    picture.light(mask, (255, 240, 214))
