"""The sample library: nine pictures with their sidecars, to try Lenscat on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from lenscat_backend.errors import ReadOnlyError, SettingsError
from lenscat_backend.library.layout import sidecar_name
from lenscat_backend.library.sample_art import FINAL_SIZE, paint_jpeg

_MOMENT = "2024-01-01T12:00:00Z"


@dataclass(frozen=True, slots=True)
class _Sample:
    path: str
    tags: str
    notes: str


_SAMPLES = (
    _Sample("landscapes/mountain.jpg", "landscape mountain nature", "Beautiful mountain view"),
    _Sample("landscapes/lake.jpg", "landscape water serene", "Peaceful lake scene"),
    _Sample("landscapes/sunset.jpg", "landscape sunset golden", "Golden hour magic"),
    _Sample("portraits/person1.jpg", "portrait professional", "Professional headshot"),
    _Sample("portraits/person2.jpg", "portrait casual", "Casual portrait"),
    _Sample("architecture/building1.jpg", "architecture modern", "Modern building design"),
    _Sample("architecture/bridge.jpg", "architecture bridge urban", "City bridge"),
    _Sample("events/2024/conference/keynote.jpg", "conference keynote 2024", "Opening keynote"),
    _Sample("events/2024/conference/panel.jpg", "conference panel discussion", "Expert panel"),
)


def make_sample(target: Path, *, progress: Callable[[str], None] | None = None) -> list[Path]:
    """Paint the sample library into the folder `target`, made if missing; returns the pictures' files, in order.

    `progress` hears of each picture's library path once it is written. Takes about two seconds. Raises
    `SettingsError` where `target` is a file or a folder that is not empty, `ReadOnlyError` where it cannot be written.
    """
    try:
        _require_empty(target)
        return [_write(target, sample, progress) for sample in _SAMPLES]
    except OSError as error:
        raise ReadOnlyError(f"The sample library cannot be written there: {error.strerror}.") from error


def _require_empty(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise SettingsError(f"'{target.name}' is a file: name a folder that is new or empty.")
    if target.is_dir() and any(target.iterdir()):
        raise SettingsError(f"The folder '{target.name}' is not empty: name one that is new or empty.")


def _write(target: Path, sample: _Sample, progress: Callable[[str], None] | None) -> Path:
    file = target / sample.path
    file.parent.mkdir(parents=True, exist_ok=True)
    image = paint_jpeg(file.stem)
    file.write_bytes(image)
    sidecar = json.dumps(_sidecar(sample, image), indent=2, ensure_ascii=False) + "\n"
    file.with_name(sidecar_name(file.name)).write_text(sidecar, encoding="utf-8")
    if progress is not None:
        progress(sample.path)
    return file


def _sidecar(sample: _Sample, image: bytes) -> dict[str, object]:
    width, height = FINAL_SIZE
    return {
        "v": 1,
        "tags": sample.tags.split(),
        "notes": sample.notes,
        "exif": {"width": width, "height": height, "created_at": _MOMENT},
        "hash": f"blake3:{blake3(image).hexdigest()}",
        "updated_at": _MOMENT,
        "updated_by": "sample-data-generator",
    }
