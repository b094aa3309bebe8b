"""A conference: a keynote on a large stage, and a panel of four at a table."""

from __future__ import annotations

import math
import random

from PIL import ImageDraw

from lenscat_backend.library.sample_art.canvas import HEIGHT, WIDTH, Color, Mask, Picture, Point
from lenscat_backend.library.sample_art.forms import below, clouds, curve, disc, fade, gradient, shape, smooth

_STAGE_Y = 800


def keynote() -> Picture:
    """A speaker, small before a wide screen, under beams of light; the backs of the audience."""
    picture = gradient([(0, (8, 8, 22)), (0.6, (24, 18, 52)), (0.667, (34, 26, 64)), (1, (6, 6, 16))])
    picture.glow((800, 470), 1100, (86, 60, 190), strength=0.6)
    _screen(picture)
    floor = shape([(250, _STAGE_Y - 60), (1350, _STAGE_Y - 60), (1560, _STAGE_Y + 60), (40, _STAGE_Y + 60)])
    picture.fill(floor, gradient([(0.6, (62, 52, 120)), (0.72, (22, 20, 50))]))
    picture.glow((800, _STAGE_Y), 560, (150, 130, 255), strength=0.7, squash=0.14)
    picture.light(shape([(40, 860), (1560, 860), (1560, 866), (40, 866)], 2), (160, 140, 255), 0.8)
    _beams(picture)
    _speaker(picture, 800, _STAGE_Y - 14)
    for row, (y, size, shade) in enumerate(((930, 40, (24, 20, 46)), (1010, 56, (15, 13, 32)), (1130, 84, (7, 7, 18)))):
        _audience(picture, seed=70 + row, y=y, size=size, shade=shade)
    return picture


def panel() -> Picture:
    """Four speakers behind a table, each lit from above; the hosts' screen behind them."""
    picture = gradient([(0, (16, 30, 42)), (0.6, (32, 62, 76)), (1, (8, 14, 22))])
    _backdrop(picture)
    people: tuple[tuple[int, Color, Color, Color, int], ...] = (
        (290, (196, 142, 112), (44, 32, 30), (110, 46, 58), 0),
        (620, (120, 80, 60), (24, 18, 20), (44, 66, 96), 1),
        (960, (226, 178, 148), (134, 86, 48), (58, 88, 78), 2),
        (1300, (182, 128, 98), (90, 88, 92), (70, 66, 82), 3),
    )
    for x, skin, hair, cloth, style in people:
        picture.glow((x, 500), 340, (255, 214, 160), strength=0.4, squash=1.2)
        _panelist(picture, x, skin=skin, hair=hair, cloth=cloth, style=style)
    _table(picture, [x for x, *_ in people])
    for x, *_ in people:
        cone = shape([(x - 26, -20), (x + 26, -20), (x + 190, 860), (x - 190, 860)], blur=34)
        picture.light(cone & fade([(0, 170), (0.5, 60), (0.72, 0), (1, 0)]), (255, 220, 170), 0.6)
    _audience(picture, seed=91, y=1150, size=92, shade=(6, 10, 16))
    return picture


def _screen(picture: Picture) -> None:
    frame = shape([(330, 170), (1270, 170), (1270, 650), (330, 650)])
    art = gradient([(0.14, (40, 40, 150)), (0.34, (126, 60, 190)), (0.54, (240, 110, 140))])
    for wave in range(5):
        line = [(x, 520 - 62 * wave + 54 * math.sin(x / (150 + 22 * wave) + wave * 1.3)) for x in range(320, 1290, 10)]
        color = ((255, 170, 120), (250, 120, 150), (190, 90, 210), (110, 90, 230), (70, 120, 240))[wave]
        art.fill(
            shape([*line, (1290, 660), (320, 660)], 2)
            if wave == 0
            else shape([*line, *[(x, y + 64) for x, y in reversed(line)]], 26),
            color,
            0.5,
        )
    art.light(disc((1060, 300), 74, blur=2), (255, 226, 190), 0.9)
    picture.fill(frame, art)
    picture.light(frame.soft(70), (120, 84, 220), 0.5)


def _beams(picture: Picture) -> None:
    for x, target, color in (
        (90, 640, (110, 140, 255)), (420, 760, (200, 150, 255)), (800, 800, (255, 236, 214)),
        (1180, 840, (200, 150, 255)), (1510, 960, (110, 140, 255)), (250, 90, (90, 110, 255)),
        (1350, 1510, (90, 110, 255)),
    ):  # fmt: skip
        cone = shape([(x - 8, 30), (x + 8, 30), (target + 120, _STAGE_Y + 20), (target - 120, _STAGE_Y + 20)], blur=13)
        picture.light(cone & fade([(0, 210), (0.35, 110), (0.72, 20), (1, 0)]), color, 0.62)
        picture.glow((x, 34), 90, color)
    with picture.fine() as draw:
        draw.rectangle((0, 8, WIDTH, 22), fill=(12, 12, 24))


def _speaker(picture: Picture, x: int, foot: int) -> None:
    dark: Color = (10, 9, 22)
    body = smooth(
        [(-13, -196), (-37, -184), (-50, -120), (-72, -112), (-98, -150), (-106, -144), (-82, -94), (-54, -86),
         (-28, -118), (-26, -60), (-22, 0), (-4, 0), (0, -70), (8, 0), (25, 0), (27, -60), (28, -120), (38, -70),
         (47, -66), (46, -130), (37, -184), (13, -196)]
    )  # fmt: skip
    head = disc((x, foot - 222), 19, squash=1.25)
    figure = shape([(x + dx, foot + dy) for dx, dy in body], blur=1) | head
    picture.glow((x, foot), 150, (6, 4, 20), strength=0.2, squash=0.2)
    picture.fill(figure, dark)
    picture.light(figure.rim(0, -6, 4), (255, 232, 200))
    picture.light(figure.rim(5, 0, 4), (220, 150, 255), 0.8)
    picture.fill(disc((x, foot + 8), 84, squash=0.12, blur=9), dark, 0.8)


def _audience(picture: Picture, *, seed: int, y: int, size: int, shade: Color) -> None:
    chance = random.Random(seed)
    crowd = Mask.empty()
    x = -size * chance.random()
    with crowd.fine() as draw:
        while x < WIDTH + size:
            top, head = y + chance.uniform(-0.35, 0.35) * size, size * chance.uniform(0.44, 0.54)
            draw.ellipse((x - head, top - head * 1.25, x + head, top + head * 1.25), fill=255)
            draw.rounded_rectangle(
                (x - size * 1.15, top + head * 1.3, x + size * 1.15, HEIGHT + size), size * 0.7, fill=255
            )
            draw.rectangle((x - head * 0.5, top, x + head * 0.5, top + size), fill=255)
            x += size * chance.uniform(2.0, 2.7)
    crowd = crowd.soft(size / 34)
    picture.fill(crowd, shade)
    picture.light(crowd.rim(0, -max(3, size // 11), size / 14), (166, 150, 250) if y < 1140 else (150, 190, 210), 0.6)


def _backdrop(picture: Picture) -> None:
    wall = shape([(120, 70), (1480, 70), (1480, 640), (120, 640)])
    art = gradient([(0, (18, 92, 104)), (0.55, (38, 148, 146)), (1, (14, 60, 76))])
    art.fill(clouds(14, columns=4, rows=4).above(110), (120, 220, 200), 0.7)
    for ring in range(7):
        radius = 150 + 105 * ring
        band = disc((1240, 560), radius) - disc((1240, 560), radius - 4)
        art.light(band, (210, 250, 236), 0.3)
    picture.fill(wall.soft(3), art, 0.75)
    picture.light(wall.soft(60), (50, 130, 130), 0.3)


def _panelist(picture: Picture, x: int, *, skin: Color, hair: Color, cloth: Color, style: int) -> None:
    torso = curve(
        [
            (x - 150, 900),
            (x - 142, 720),
            (x - 92, 636),
            (x - 30, 606),
            (x + 30, 606),
            (x + 92, 636),
            (x + 142, 720),
            (x + 150, 900),
        ]
    )
    head = disc((x, 490), 72, squash=1.28, blur=1)
    back = {
        0: disc((x, 500), 106, squash=1.32),
        2: curve([(x - 90, 640), (x - 100, 460), (x, 372), (x + 100, 460), (x + 90, 640)]),
    }.get(style)
    if back is not None:
        picture.fill(back, hair)
    picture.fill(torso, cloth)
    picture.fill(torso & torso.soft(30).moved(50, 40), (8, 12, 20), 0.45)
    picture.fill(shape([(x - 32, 560), (x + 32, 560), (x + 46, 626), (x, 668), (x - 46, 626)], blur=2), skin)
    picture.fill(disc((x + 4, 594), 52, squash=0.4, blur=12), (50, 28, 26), 0.5)
    picture.fill(head, skin)
    picture.fill(head & disc((x + 62, 530), 76, squash=1.4, blur=30), (60, 32, 34), 0.6)
    _face(picture, x, beard=hair if style == 3 else None)
    crown = disc((x, 470), 82, squash=1.2) - disc((x + (8 if style % 2 else -14), 530), 84, squash=1.1, blur=2)
    picture.fill(crown, hair)
    figure = torso | head | crown
    figure = figure if back is None else figure | back
    picture.light(figure.rim(0, -7, 5), (255, 226, 180), 0.8)
    picture.light(figure.rim(-6, 0, 6), (120, 220, 210), 0.5)


def _face(picture: Picture, x: int, beard: Color | None) -> None:
    if beard is not None:
        jaw = disc((x, 496), 72, squash=1.26, blur=2) - disc((x, 462), 84, squash=0.98, blur=6)
        picture.fill(jaw, beard, 0.9)
    for side in (-27, 27):
        picture.fill(disc((x + side, 488), 8, squash=0.8, blur=1.5), (30, 20, 22), 0.9)
        picture.fill(disc((x + side, 463), 17, squash=0.16, blur=2.5), (34, 22, 22), 0.6)
    picture.fill(disc((x + 5, 520), 10, squash=0.8, blur=5), (70, 36, 34), 0.5)
    smile = smooth([(x - 27, 538), (x, 549), (x + 27, 538), (x + 16, 554), (x, 560), (x - 16, 554)])
    picture.fill(shape(smile, blur=1.5), (134, 54, 54), 0.85)


def _table(picture: Picture, places: list[int]) -> None:
    top: list[Point] = [(60, 812), (1540, 812), (1600, 860), (0, 860)]
    picture.fill(below(858), gradient([(0.71, (34, 48, 60)), (1, (8, 12, 18))]))
    picture.fill(shape(top), gradient([(0.67, (150, 128, 104)), (0.72, (92, 76, 66))]))
    picture.light(shape([(0, 857), (WIDTH, 857), (WIDTH, 863), (0, 863)], 2), (255, 226, 180), 0.7)
    for x in places:
        picture.fill(disc((x, 826), 130, squash=0.12, blur=8), (30, 22, 22), 0.6)
    with picture.fine() as draw:
        for x in places:
            _sign_and_microphone(draw, x)
    for x in places:
        picture.light(shape([(x - 130, 776), (x - 94, 776), (x - 98, 838), (x - 126, 838)], 1), (170, 220, 230), 0.4)


def _sign_and_microphone(draw: ImageDraw.ImageDraw, x: int) -> None:
    draw.polygon([(x - 74, 866), (x + 74, 866), (x + 74, 912), (x - 74, 912)], fill=(222, 230, 230))
    draw.rectangle((x - 50, 880, x + 20, 886), fill=(70, 90, 100))
    draw.rectangle((x - 50, 894, x + 46, 898), fill=(150, 164, 170))
    draw.line([(x + 96, 838), (x + 70, 726)], fill=(16, 18, 24), width=7)
    draw.ellipse((x + 56, 690, x + 84, 734), fill=(16, 18, 24))
