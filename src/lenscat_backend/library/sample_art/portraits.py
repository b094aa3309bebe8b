"""Portraits: a head and shoulders in studio light, and a profile against the lights of an evening."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lenscat_backend.library.sample_art.canvas import WIDTH, Color, Mask, Picture, Point
from lenscat_backend.library.sample_art.forms import clouds, curve, disc, gradient, mix, shape, smooth

_HEAD: tuple[Point, ...] = (
    (800, 236), (914, 262), (977, 350), (983, 470), (957, 570), (892, 664), (800, 704),
    (708, 664), (643, 570), (617, 470), (623, 350), (686, 262),
)  # fmt: skip
_HAIR: tuple[Point, ...] = (
    (626, 500), (599, 400), (615, 288), (691, 208), (813, 176), (926, 206), (992, 290), (1007, 400), (977, 500),
    (959, 420), (926, 356), (850, 330), (748, 350), (680, 372), (647, 430),
)  # fmt: skip
_PROFILE: tuple[Point, ...] = (
    (700, 330), (640, 380), (604, 452), (600, 512), (590, 548), (552, 610), (548, 634), (578, 648), (580, 676),
    (566, 696), (580, 716), (572, 740), (590, 764), (592, 806), (640, 836), (712, 820), (752, 822), (770, 900),
    (1010, 880), (1000, 760), (1030, 560), (980, 400), (840, 320),
)  # fmt: skip


def person1() -> Picture:
    """A person in a dark jacket, key light from the left and a cool edge from the right."""
    picture = gradient([(0, (44, 58, 68)), (0.6, (70, 88, 96)), (1, (30, 40, 50))])
    picture.fill(clouds(3, columns=3, rows=3).above(110), (110, 130, 136), 0.6)
    picture.glow((620, 430), 900, (150, 172, 172), strength=0.75)
    _jacket(picture)
    neck = curve([(716, 580), (884, 580), (894, 738), (944, 794), (800, 894), (656, 794), (706, 738)])
    _body(picture, neck, (176, 124, 100), (70, 40, 38))
    picture.fill(neck & disc((815, 690), 190, squash=0.55, blur=26), (70, 38, 34), 0.75)
    head = curve(_HEAD, blur=1)
    for x in (619, 981):
        _body(picture, disc((x, 500), 30, squash=1.7), (188, 128, 102), (66, 38, 36))
    _body(picture, head, (230, 178, 146), (92, 54, 48))
    _features(picture, head)
    hair = curve(_HAIR, blur=1)
    picture.fill(hair, (34, 26, 28))
    sheen = hair & disc((720, 250), 150, squash=0.5, blur=40)
    picture.light(sheen, (150, 116, 96), 0.55)
    whole = (hair | head) | (neck | shape(_shoulders()))
    picture.light(whole.rim(9, -4), (150, 200, 232), 0.9)
    picture.light(hair.rim(-6, -8, blur=7), (255, 214, 176), 0.35)
    return picture


def person2() -> Picture:
    """A profile with curls, rimmed by a low sun, in front of lights out of focus."""
    picture = gradient([(0, (46, 30, 52)), (0.45, (148, 74, 64)), (0.75, (206, 122, 70)), (1, (70, 36, 44))])
    picture.glow((1180, 520), 900, (255, 170, 84), strength=0.85)
    _bokeh(picture)
    shoulders = curve(
        [(360, 1260), (420, 1080), (560, 970), (740, 900), (1000, 890), (1180, 960), (1320, 1080), (1380, 1260)]
    )
    head = curve(_PROFILE) | _curls()
    figure = head | shoulders
    picture.fill(
        figure.soft(1),
        gradient([(0.2, (44, 24, 32)), (0.7, (58, 30, 34)), (1, (30, 20, 34))]),
    )
    face = curve(_PROFILE) & disc((590, 620), 190, squash=1.6, blur=60)
    picture.light(face, (190, 104, 78), 0.6)
    picture.fill(curve([(618, 560), (650, 548), (690, 562), (652, 570)], blur=3), (30, 14, 20), 0.8)
    picture.fill(curve([(600, 528), (650, 508), (704, 524), (650, 520)], blur=4), (30, 14, 20), 0.8)
    picture.fill(curve([(568, 698), (604, 694), (632, 706), (600, 704)], blur=3), (30, 10, 16), 0.75)
    picture.light(figure.rim(10, -8, blur=6), (255, 196, 112))
    picture.light(figure.rim(22, -14, blur=20), (255, 150, 70), 0.6)
    picture.light(figure.rim(-7, -3, blur=4), (226, 120, 110), 0.5)
    picture.glow((1230, 470), 520, (255, 190, 110), strength=0.5)
    return picture


def _body(picture: Picture, mask: Mask, lit: Color, dark: Color) -> None:
    """Paint skin that is lit from the left and falls into shade to the right."""
    across = gradient([(0, lit), (0.5, lit), (0.62, dark), (1, dark)], across=True)
    picture.fill(mask, across)


def _features(picture: Picture, head: Mask) -> None:
    shade: Color = (92, 50, 44)
    parts: Sequence[tuple[Sequence[Point], float, float]] = (
        ([(680, 452), (726, 430), (776, 446), (778, 500), (726, 510), (684, 496)], 16, 0.5),
        ([(828, 446), (876, 430), (924, 452), (920, 496), (872, 510), (826, 500)], 16, 0.6),
        ([(806, 470), (826, 560), (838, 590), (806, 600), (796, 580)], 9, 0.6),
        ([(764, 590), (800, 606), (838, 590), (802, 618)], 6, 0.55),
        ([(700, 560), (690, 640), (790, 708), (910, 640), (900, 560), (860, 660), (800, 690), (740, 660)], 30, 0.4),
    )
    for points, blur, opacity in parts:
        picture.fill((curve(points, blur) & head), shade, opacity)
    for x in (728, 874):
        picture.fill(curve([(x - 42, 486), (x, 466), (x + 42, 486), (x, 496)], blur=2), (214, 196, 186), 0.8)
        picture.fill(disc((x, 481), 15, blur=1), (40, 28, 30))
        picture.light(disc((x - 5, 476), 4, blur=1), (255, 255, 255))
        picture.fill(curve([(x - 46, 484), (x, 459), (x + 46, 484), (x, 470)], blur=2), (36, 22, 24), 0.9)
        picture.fill(curve([(x - 54, 436), (x, 414), (x + 54, 434), (x, 428)], blur=3), (40, 26, 26), 0.9)
    picture.fill(
        curve(
            [(742, 624), (778, 626), (800, 630), (822, 626), (858, 624), (836, 646), (800, 658), (764, 646)],
            blur=3,
        ),
        (150, 76, 70),
        0.85,
    )
    picture.fill(
        curve(
            [(738, 621), (768, 634), (800, 639), (832, 634), (862, 621), (832, 639), (800, 645), (768, 639)],
            blur=2,
        ),
        (84, 36, 38),
        0.85,
    )
    picture.light(disc((726, 540), 60, squash=0.6, blur=24), (255, 190, 160), 0.3)
    picture.light(shape([(784, 470), (796, 470), (798, 580), (786, 580)], blur=8), (255, 226, 204), 0.4)


def _shoulders() -> list[Point]:
    return smooth(
        [
            (190, 1300),
            (236, 1024),
            (360, 894),
            (560, 824),
            (680, 774),
            (920, 774),
            (1040, 824),
            (1240, 894),
            (1364, 1024),
            (1410, 1300),
        ]
    )


def _jacket(picture: Picture) -> None:
    picture.fill(shape(_shoulders()), gradient([(0.68, (38, 50, 66)), (1, (14, 20, 30))]))
    picture.light((shape(_shoulders()) & disc((420, 934), 260, blur=80)), (90, 112, 136), 0.4)
    picture.fill(
        shape([(690, 770), (910, 770), (846, 1200), (754, 1200)]),
        gradient([(0.68, (222, 226, 230)), (1, (150, 160, 170))]),
    )
    for side in (-1, 1):
        lapel = [
            (800 + side * dx, y) for dx, y in ((92, 790), (176, 836), (252, 878), (196, 902), (206, 940), (30, 1164))
        ]
        picture.fill(shape(lapel), (30, 40, 54) if side < 0 else (16, 22, 32))
        picture.light(shape(lapel).rim(3 * side, -3, 3), (120, 140, 160), 0.35)
        collar = [(800 + side * dx, y) for dx, y in ((94, 776), (112, 812), (62, 906), (4, 850))]
        picture.fill(shape(collar), (238, 240, 242) if side < 0 else (150, 158, 170))


def _curls() -> Mask:
    chance = random.Random(12)
    mask = Mask.empty()
    with mask.fine() as draw:
        draw.polygon(
            smooth(
                [
                    (640, 400),
                    (700, 280),
                    (860, 220),
                    (1020, 300),
                    (1090, 480),
                    (1070, 700),
                    (1000, 800),
                    (900, 760),
                    (800, 560),
                    (700, 440),
                ]
            ),
            fill=255,
        )
        edge = smooth(
            [(640, 392), (690, 286), (850, 222), (1020, 296), (1096, 480), (1076, 690), (1010, 808)], steps=14
        )
        for x, y in edge[: 14 * 6]:
            size = chance.uniform(18, 54)
            x, y = x + chance.uniform(-20, 16), y + chance.uniform(-18, 20)
            draw.ellipse((x - size, y - size, x + size, y + size), fill=255)
        for x, y in edge[: 14 * 6 : 2]:
            left, top, size = x + chance.uniform(-60, 30), y + chance.uniform(-60, 30), chance.uniform(40, 80)
            draw.arc(
                (left, top, left + size, top + size),
                chance.uniform(150, 260),
                chance.uniform(300, 420),
                fill=255,
                width=4,
            )
    return mask


def _bokeh(picture: Picture) -> None:
    """Lights out of focus: discs with a brighter edge, in layers so that they add up where they overlap."""
    chance = random.Random(44)
    for _ in range(9):
        layer = Picture.plain((0, 0, 0))
        with layer.fine() as draw:
            for _ in range(6):
                x, y, radius = chance.uniform(0, WIDTH), chance.triangular(100, 1100, 620), chance.uniform(24, 92)
                color = chance.choice(
                    [(255, 190, 110), (255, 150, 84), (255, 222, 168), (236, 120, 108), (180, 190, 210)]
                )
                strength = chance.uniform(0.07, 0.3)
                inner, edge = mix((0, 0, 0), color, strength), mix((0, 0, 0), color, strength * 1.75)
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=inner, outline=edge, width=7)
        picture.screen(layer.soft(2.5))
