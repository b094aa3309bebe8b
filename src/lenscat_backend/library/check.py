"""Checking a library: what is missing, damaged or left over, as `_health.json` says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.layout import HEALTH_PATH, SIDECAR_SUFFIX, sidecar_path
from lenscat_backend.library.orphans import orphans_in, orphans_of_gone_folders
from lenscat_backend.library.place import Place
from lenscat_backend.library.threads import in_thread
from lenscat_backend.models.paths import LibraryPath, join
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.models.times import format_time, now_utc
from lenscat_backend.storage.base import Store

LISTED = 1000
"""How many paths of each kind a report names; the counts are of all."""


@dataclass(slots=True)
class Findings:
    """Paths of one kind: all are counted, the first `LISTED` are named."""

    count: int = 0
    paths: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        """One more."""
        self.count += 1
        if len(self.paths) < LISTED:
            self.paths.append(path)


@dataclass(slots=True)
class HealthReport:
    """What `lenscat check` found. Paths are the library's."""

    v: int
    generated_at: str
    images: int
    folders: int
    sidecars: int
    thumbnails: int
    missing_thumbnails: Findings = field(default_factory=Findings)
    orphan_sidecars: Findings = field(default_factory=Findings)
    orphan_thumbnails: Findings = field(default_factory=Findings)
    unreadable_images: Findings = field(default_factory=Findings)
    damaged_sidecars: Findings = field(default_factory=Findings)
    broken_pointers: Findings = field(default_factory=Findings)
    other_problems: Findings = field(default_factory=Findings)

    def add_orphans(self, paths: Iterable[LibraryPath]) -> None:
        """Sidecars and thumbnails without a picture."""
        for path in paths:
            (self.orphan_sidecars if path.endswith(SIDECAR_SUFFIX) else self.orphan_thumbnails).add(path)

    @property
    def healthy(self) -> bool:
        """Whether nothing needs a person; missing thumbnails do not, they are made on demand."""
        worrying = (self.orphan_sidecars, self.unreadable_images, self.damaged_sidecars, self.broken_pointers)
        return not any(findings.count for findings in worrying) and not self.other_problems.count


async def check_library(catalog: Catalog, place: Place, on_folder: Callable[[], None] | None = None) -> HealthReport:
    """Look at every folder that the catalog, freshly scanned, knows."""
    totals = await catalog.totals()
    report = HealthReport(
        1, format_time(now_utc()), totals.items, totals.folders, totals.with_sidecar, totals.with_thumbnail
    )
    async for folder in catalog.walk_folders():
        await _check_items(catalog, folder.path, report)
        await in_thread(_check_files, place, folder.path, report)
        if folder.pointer and folder.error:
            report.broken_pointers.add(f"{join(folder.path, POINTER_FILE)}: {folder.error}")
        if on_folder is not None:
            on_folder()
    report.add_orphans(await in_thread(lambda: list(orphans_of_gone_folders(place))))
    for path, problems in await catalog.problems():
        for problem in problems:
            report.other_problems.add(f"{path or '/'}: {problem}")
    return report


def write_report(report: HealthReport, target: Store) -> None:
    """Write `_health.json`. Raises what the store raises where it cannot be written."""
    target.write(HEALTH_PATH, orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n", durable=False)


async def _check_items(catalog: Catalog, folder: LibraryPath, report: HealthReport) -> None:
    for row in await catalog.items(folder):
        path = join(folder, row.record.name)
        if row.record.problem is not None:
            report.unreadable_images.add(f"{path}: {row.record.problem}")
        elif not row.record.thumb_source:
            report.missing_thumbnails.add(path)
        if row.record.sidecar_problem is not None:
            report.damaged_sidecars.add(f"{sidecar_path(path)}: {row.record.sidecar_problem}")


def _check_files(place: Place, folder: LibraryPath, report: HealthReport) -> None:
    try:
        entries = place.base.list_folder(folder).entries
    except LenscatError:
        return  # already among the folder's own problems
    with suppress(LenscatError):  # what a crash left in a place that cannot be written stays
        place.base.sweep(folder)
    report.add_orphans(orphans_in(place, folder, entries))
