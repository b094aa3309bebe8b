"""Every hostile file of the corpus: a clear error, or a thumbnail, in bounded time and memory."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from lenscat_backend.errors import CorruptImageError, ImageTooLargeError, LenscatError, UnsupportedImageError
from lenscat_backend.imaging.facts import BytesSource, read_facts
from lenscat_backend.imaging.thumbnail import DecodeLimits, render_preview, render_thumbnail
from tests.imaging.corpus import SHARED, hostile, paths, row_of

MOST_SECONDS = 8.0  # a bomb of text takes 0.5 s here; the machine of a test may be busy
MOST_MEMORY_BYTES = 600 * 1024 * 1024

everyone = pytest.mark.parametrize("path", paths("hostile"))


@everyone
def test_facts_never_surprise(path: str) -> None:
    data = hostile(path).read_bytes()
    start = time.perf_counter()
    try:
        facts = read_facts(BytesSource(data))
        assert facts.width
        assert facts.height
    except (UnsupportedImageError, CorruptImageError) as error:
        assert str(error)
        assert row_of("hostile", path)["expected"] != "still displayable"
    assert time.perf_counter() - start < 1


@everyone
def test_as_expected(path: str) -> None:
    expected = row_of("hostile", path)["expected"]
    start = time.perf_counter()
    try:
        thumbnail = Image.open(io.BytesIO(render_thumbnail(hostile(path), DecodeLimits())))
        assert expected != "clear error"
        assert thumbnail.format == "WEBP"
    except LenscatError as error:
        assert expected != "still displayable"
        assert isinstance(error, UnsupportedImageError | CorruptImageError | ImageTooLargeError)
        assert len(str(error)) > 15
        assert "/" not in str(error)
        assert str(SHARED) not in str(error)
    assert time.perf_counter() - start < MOST_SECONDS


def test_memory_stays_bounded() -> None:
    """All hostile files one after another in a process of their own."""
    hostile(paths("hostile")[0])
    code = (
        "import sys, resource\n"
        "from pathlib import Path\n"
        "from lenscat_backend.errors import LenscatError\n"
        "from lenscat_backend.imaging.thumbnail import DecodeLimits, render_thumbnail\n"
        "for name in sys.stdin.read().split('\\n'):\n"
        "    try:\n"
        "        render_thumbnail(Path(name), DecodeLimits())\n"
        "    except LenscatError:\n"
        "        pass\n"
        "status = Path('/proc/self/status')\n"  # ru_maxrss would count what the parent held when it started us
        "own = [line.split()[1] for line in status.open() if line.startswith('VmHWM')] if status.exists() else []\n"
        "print(own[0] if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    names = "\n".join(str(hostile(path)) for path in paths("hostile"))
    done = subprocess.run([sys.executable, "-c", code], input=names, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < MOST_MEMORY_BYTES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0


@pytest.mark.parametrize(
    "path",
    ["made/claims_50000x50000.png", "made/real_bomb_20000x20000_1bit.png", "made/claims_65535x65535.jpg",
     "libvips/17000x17000.avif", "sharp/65536-uint32-limit.png"],
)  # fmt: skip
def test_a_bomb_is_refused_as_too_large(path: str) -> None:
    with pytest.raises(ImageTooLargeError, match="limit"):
        render_thumbnail(hostile(path), DecodeLimits())


def test_a_preview_has_the_same_rules() -> None:
    with pytest.raises(ImageTooLargeError):
        render_preview(hostile("made/claims_50000x50000.png"), DecodeLimits())
    with pytest.raises(UnsupportedImageError):
        render_preview(hostile("made/svg_named.jpg"), DecodeLimits())


def test_entities_tell_nothing() -> None:
    for name in ("made/xmp_billion_laughs.jpg", "made/xmp_external_entity.jpg", "made/xmp_not_xml.jpg"):
        facts = read_facts(BytesSource(hostile(name).read_bytes()))
        assert facts.caption is None, name
        assert facts.keywords is None, name


@pytest.mark.parametrize("bytes_kept", [0, 1, 2, 3, 10, 20, 100, 400])
def test_a_truncated_picture_of_any_format_is_an_error_of_ours(tmp_path: Path, bytes_kept: int) -> None:
    for form in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"):
        buffer = io.BytesIO()
        Image.effect_noise((60, 40), 40).convert("RGB").save(buffer, form)
        cut = tmp_path / f"{form}.bin"
        cut.write_bytes(buffer.getvalue()[:bytes_kept])
        try:
            assert render_thumbnail(cut, DecodeLimits())[:4] == b"RIFF"
        except (UnsupportedImageError, CorruptImageError) as error:
            assert str(error)
