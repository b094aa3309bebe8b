"""The brushes of the sample pictures: smooth edges where there are edges, and nothing else touched."""

from __future__ import annotations

from lenscat_backend.library.sample_art.canvas import FINAL_SIZE, FINE, HEIGHT, WIDTH, Mask, Picture
from lenscat_backend.library.sample_art.forms import below, disc, fade, gradient, shape


def at(mask: Mask, x: int, y: int) -> int:
    """What the mask holds at a place in units."""
    value = mask.image.getpixel((x // FINE, y // FINE))
    assert isinstance(value, int)
    return value


def test_a_polygon_covers_what_it_covers() -> None:
    mask = shape([(400, 400), (799, 400), (799, 799), (400, 799)])
    assert mask.image.size == FINAL_SIZE
    assert mask.image.getbbox() == (100, 100, 200, 200)
    assert (at(mask, 600, 600), at(mask, 396, 600)) == (255, 0)


def test_an_edge_within_a_pixel_is_smooth() -> None:
    mask = shape([(402, 0), (799, 0), (799, HEIGHT), (402, HEIGHT)])
    assert 100 < at(mask, 400, 600) < 160


def test_a_polygon_beyond_the_picture_is_cut_off() -> None:
    assert shape([(-90, -90), (-10, -90), (-10, -10)]).image.getbbox() is None
    whole = shape([(-800, -800), (2 * WIDTH, -800), (2 * WIDTH, 2 * HEIGHT), (-800, 2 * HEIGHT)])
    assert whole.image.getextrema() == (255, 255)
    assert at(below(600), WIDTH - 1, HEIGHT - 1) == 255


def test_fine_drawing_leaves_the_rest_alone() -> None:
    picture = gradient([(0, (10, 20, 30)), (1, (200, 100, 50))])
    before = picture.image.copy()
    with picture.fine() as draw:
        draw.rectangle((0, 0, 39, 39), fill=(255, 255, 255))
    assert picture.image.getpixel((5, 5)) == (255, 255, 255)
    rest = (10, 10, *FINAL_SIZE)
    assert picture.image.crop(rest).tobytes() == before.crop(rest).tobytes()


def test_the_rim_is_on_the_side_of_the_light() -> None:
    rim = disc((800, 600), 200).rim(20, 0)
    assert at(rim, 990, 600) > 150
    assert at(rim, 610, 600) < 20
    assert at(rim, 800, 600) < 20


def test_light_brightens_and_fill_covers() -> None:
    picture = Picture.plain((100, 100, 100))
    picture.light(below(600), (255, 0, 0), 0.5)
    picture.fill(fade([(0, 255), (0.2, 255), (0.21, 0), (1, 0)]), (0, 0, 7))
    assert picture.image.getpixel((200, 10)) == (0, 0, 7)
    assert picture.image.getpixel((200, 100)) == (100, 100, 100)
    lit = picture.image.getpixel((200, 250))
    assert isinstance(lit, tuple)
    assert (lit[0] > 150, lit[1:]) == (True, (100, 100))
