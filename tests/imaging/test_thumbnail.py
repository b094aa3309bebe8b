"""Thumbnails: upright, right colours, never enlarged, transparency kept, limits obeyed, from several threads."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pillow_heif
import pytest
import pyvips
from PIL import Image, ImageChops, ImageCms, ImageStat

from lenscat_backend.errors import CorruptImageError, ImageTooLargeError, UnsupportedImageError
from lenscat_backend.imaging.srgb import is_srgb
from lenscat_backend.imaging.thumbnail import PREVIEW_EDGE, DecodeLimits, render_preview, render_thumbnail
from tests.imaging.corpus import hostile, photo

LIMITS = DecodeLimits()


def thumbnail(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(render_thumbnail(path, LIMITS)))


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean absolute difference of two pictures of one size, 0 to 255."""
    assert one.size == other.size
    changed = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return sum(ImageStat.Stat(changed).mean) / 3


def means(image: Image.Image) -> list[float]:
    return ImageStat.Stat(image.convert("RGB")).mean


def saved(path: Path, image: Image.Image, form: str, **options: object) -> Path:
    image.save(path, form, **options)
    return path


@pytest.mark.parametrize("shape", ["Landscape", "Portrait"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_every_orientation_looks_alike(shape: str, orientation: int) -> None:
    upright = thumbnail(photo(f"exif-orientation-examples/{shape}_1.jpg"))
    turned = thumbnail(photo(f"exif-orientation-examples/{shape}_{orientation}.jpg"))
    assert difference(upright, turned) < 6  # the numeral painted in the middle differs


@pytest.mark.parametrize("orientation", range(2, 9))
def test_every_orientation_of_webp_looks_alike(orientation: int) -> None:
    upright = thumbnail(photo("pillow/hopper.jpg"))
    assert difference(upright, thumbnail(photo(f"pillow/hopper_orientation_{orientation}.webp"))) < 6


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_in_every_format(tmp_path: Path, form: str, orientation: int) -> None:
    picture = Image.new("RGB", (80, 40), "red")
    picture.paste("blue", (0, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = thumbnail(saved(tmp_path / "a", picture, form, exif=exif, **({} if form == "TIFF" else {"quality": 95})))
    blue = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}[orientation]
    width, height = made.size
    assert made.size == ((80, 40) if orientation < 5 else (40, 80))
    for right in (0, 1):
        for low in (0, 1):
            at = (width // 4 + right * width // 2, height // 4 + low * height // 2)
            red, _, blueness = made.convert("RGB").getpixel(at)  # type: ignore[misc]
            assert (blueness > red) == ((right, low) == blue)


def test_an_orientation_told_by_xmp_only() -> None:
    path = photo("pillow/xmp_tags_orientation.png")
    with Image.open(path) as opened:
        stored = opened.convert("RGB")
    stored.thumbnail((256, 256))
    assert difference(stored.rotate(180), thumbnail(path)) < 25  # its own colour profile brightens it
    assert difference(stored, thumbnail(path)) > 30


def test_avif_is_turned_once_by_its_own_properties() -> None:
    """One drawing, stored on its side with `irot`, and stored mirrored with `imir`."""
    rotated = thumbnail(photo("avif-sample-images/kimono.rotate90.avif"))
    mirrored = thumbnail(photo("avif-sample-images/kimono.mirror-horizontal.avif"))
    assert rotated.size == (181, 256)
    assert difference(rotated, mirrored) < 6
    assert difference(rotated, mirrored.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > 20


def test_an_avif_sequence_shows_its_first_frame() -> None:
    star = thumbnail(photo("pillow/star.avifs"))
    assert star.mode == "RGBA"
    assert star.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert star.getpixel((80, 80))[:3] == pytest.approx((255, 235, 170), abs=25)  # type: ignore[index]


def test_display_p3_red_is_the_reddest_red() -> None:
    red = thumbnail(photo("sharp/p3.png")).convert("RGB").getpixel((4, 4))
    assert red == pytest.approx((255, 0, 0), abs=6)


def test_one_picture_in_four_colour_spaces_looks_alike() -> None:
    """Adobe RGB, XYB, a palette and plain PNG of the same scene."""
    plain = thumbnail(photo("libvips/sample.png"))
    for name in ("sample.jpg", "sample-xyb.jpg", "indexed.png"):
        assert difference(plain, thumbnail(photo(f"libvips/{name}"))) < 9, name


@pytest.mark.parametrize(
    "path", ["metadata-extractor-images/Multiple ICC segments.jpg", "exif-samples/DudleyLeavittUtah.tiff"]
)
def test_profiles_are_converted_as_littlecms_does(path: str) -> None:
    with Image.open(photo(path)) as opened:
        opened.load()
        profile = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
        base = opened if opened.mode == "CMYK" else opened.convert("RGB")
        expected = ImageCms.profileToProfile(
            base, profile, ImageCms.createProfile("sRGB"), outputMode="RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )  # fmt: skip
    assert expected is not None
    assert means(thumbnail(photo(path))) == pytest.approx(means(expected), abs=6)


@pytest.mark.parametrize(
    "path", ["pillow/pil_sample_cmyk.jpg", "sharp/Channel_digital_image_CMYK_color_no_profile.jpg"]
)
def test_cmyk_without_a_profile_is_not_inverted(path: str) -> None:
    with Image.open(photo(path)) as opened:
        expected = opened.convert("RGB")
    assert means(thumbnail(photo(path))) == pytest.approx(means(expected), abs=45)  # inverted: 180 off


def test_only_true_srgb_profiles_go_unconverted() -> None:
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert is_srgb(made)
    assert not is_srgb(b"")
    assert not is_srgb(b"sRGB IEC61966-2.1" * 20)
    assert not is_srgb(made[:200])
    with Image.open(photo("exif-samples/BlueSquare.jpg")) as opened:
        assert is_srgb(opened.info["icc_profile"])
    with Image.open(photo("sharp/p3.png")) as opened:
        assert not is_srgb(opened.info["icc_profile"])


@pytest.mark.parametrize(
    "data",
    [b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', b"P6\n1 1\n255\nabc", b"%PDF-1.4\n"],
)
def test_other_loaders_of_libvips_are_blocked(data: bytes) -> None:
    with pytest.raises(pyvips.Error):
        pyvips.Image.new_from_buffer(data, "")


@pytest.mark.parametrize("path", ["made/icc_garbage.jpg", "made/icc_missing_part.jpg"])
def test_a_broken_profile_costs_nothing_but_itself(path: str) -> None:
    assert difference(thumbnail(hostile(path)), thumbnail(photo("pillow/hopper.jpg"))) < 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_keeps_its_brightness(tmp_path: Path, mode: str) -> None:
    grey: dict[str, float | tuple[int, ...]] = {
        "1": 1,
        "L": 200,
        "LA": (200, 255),
        "P": 0,
        "RGB": (200, 200, 200),
        "I;16": 200 * 257,
    }
    picture = Image.new(mode, (20, 10), grey.get(mode, (200, 200, 200, 255)))
    if mode == "P":
        picture.putpalette([200, 200, 200])
    made = thumbnail(saved(tmp_path / "a.png", picture, "PNG"))
    assert made.size == (20, 10)
    assert means(made) == pytest.approx([255.0 if mode == "1" else 200.0] * 3, abs=4)


def test_transparency_is_kept(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (600, 300), (255, 0, 0, 0))
    picture.paste((0, 255, 0, 255), (0, 0, 300, 300))
    for form in ("PNG", "WEBP"):
        made = thumbnail(saved(tmp_path / form, picture, form, lossless=True))
        assert made.mode == "RGBA"
        assert made.getpixel((10, 10))[3] == 255  # type: ignore[index]
        assert made.getpixel((250, 60))[3] == 0  # type: ignore[index]


def test_small_pictures_are_not_enlarged_and_thin_ones_not_lost(tmp_path: Path) -> None:
    assert thumbnail(saved(tmp_path / "a", Image.new("RGB", (3, 2)), "PNG")).size == (3, 2)
    assert thumbnail(saved(tmp_path / "b", Image.new("RGB", (5000, 2)), "PNG")).size == (256, 1)
    assert thumbnail(saved(tmp_path / "c", Image.new("RGB", (1, 1), "red"), "GIF")).size == (1, 1)


def test_the_first_page_and_the_first_frame(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (40, 30), color) for color in ("red", "blue")]
    for form in ("TIFF", "GIF", "WEBP", "PNG"):
        made = thumbnail(saved(tmp_path / form, pages[0], form, save_all=True, append_images=pages[1:]))
        assert made.size == (40, 30)
        assert means(made)[0] > 200, form


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"optimize": True}])
def test_kinds_of_jpeg(tmp_path: Path, options: dict[str, object]) -> None:
    picture = Image.effect_mandelbrot((900, 600), (-2, -1.2, 1, 1.2), 50).convert("RGB")
    made = thumbnail(saved(tmp_path / "a.jpg", picture, "JPEG", **options))
    picture.thumbnail((256, 256))
    assert difference(made, picture) < 8


def test_heic_uses_its_stored_thumbnail_only_where_that_is_large_enough(tmp_path: Path) -> None:
    picture = Image.new("RGB", (900, 600), "red")
    picture.paste("blue", (0, 0, 450, 300))
    for stored in ([], [64], [320]):
        heic = pillow_heif.from_pillow(picture)
        heic.save(tmp_path / "a.heic", thumbnails=stored)
        made = thumbnail(tmp_path / "a.heic").convert("RGB")
        assert made.size in {(256, 171), (256, 170)}  # 320 x 213 shrinks to 170
        assert made.getpixel((40, 40))[2] > 200  # type: ignore[index]


def test_limits(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (40, 30)), "PNG")
    with pytest.raises(ImageTooLargeError, match="pixels"):
        render_thumbnail(path, DecodeLimits(max_pixels=1199))
    with pytest.raises(ImageTooLargeError, match="bytes"):
        render_thumbnail(path, DecodeLimits(max_bytes=10))
    assert render_thumbnail(path, DecodeLimits(max_pixels=1200))


def test_what_is_no_picture_is_refused_whatever_its_name(tmp_path: Path) -> None:
    svg = tmp_path / "drawing.jpg"
    svg.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>')
    with pytest.raises(UnsupportedImageError):
        render_thumbnail(svg, LIMITS)


def test_pixels_that_are_missing_are_no_thumbnail() -> None:
    with pytest.raises(CorruptImageError, match="missing"):
        render_thumbnail(photo("pillow/ultrahdr.jpg"), LIMITS)


def test_names_with_special_characters(tmp_path: Path) -> None:
    for name in ("a[1].jpg", "ü%20 b.jpg", "-x.jpg", "a[page=2]"):
        assert thumbnail(saved(tmp_path / name, Image.new("RGB", (40, 30)), "JPEG")).size == (40, 30)


def test_an_open_descriptor_can_be_rendered(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (40, 30), "red"), "JPEG")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert thumbnail(Path(f"/dev/fd/{descriptor}")).size == (40, 30)
    finally:
        os.close(descriptor)


def test_previews_are_large_and_never_enlarged(tmp_path: Path) -> None:
    big = Image.open(io.BytesIO(render_preview(saved(tmp_path / "a", Image.new("RGB", (3000, 1500)), "TIFF"), LIMITS)))
    small = Image.open(io.BytesIO(render_preview(saved(tmp_path / "b", Image.new("RGB", (30, 15)), "TIFF"), LIMITS)))
    assert (big.size, small.size) == ((PREVIEW_EDGE, PREVIEW_EDGE // 2), (30, 15))


def test_threads_give_what_one_thread_gives(tmp_path: Path) -> None:
    paths = []
    for number in range(12):
        noise = Image.effect_noise((400, 300), 10 + number).convert("RGB")
        paths.append(saved(tmp_path / str(number), noise, ("JPEG", "PNG", "WEBP")[number % 3]))
    alone = [render_thumbnail(path, LIMITS) for path in paths]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda path: render_thumbnail(path, LIMITS), paths * 3))
    assert together == alone * 3


def test_nothing_stays_open(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (400, 300)), "JPEG")
    render_thumbnail(path, LIMITS)
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    for _ in range(20):
        render_thumbnail(path, LIMITS)
    assert len(os.listdir("/dev/fd")) <= before + 1  # noqa: PTH208
