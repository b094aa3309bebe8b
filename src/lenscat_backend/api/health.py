"""How the server fares, in true figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from lenscat_backend.api.requests import LibraryArgument
from lenscat_backend.api.wire import HealthReply, StorageReply, WorkersReply
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.library import Library
from lenscat_backend.models.times import format_time, now_utc
from lenscat_backend.version import VERSION

router = APIRouter(tags=["health"])


@router.get("/api/health")
async def health(library: LibraryArgument) -> HealthReply:
    """Everything at a glance."""
    status, storage = await _storage(library)
    return HealthReply(
        status=status,
        backend=library.backend,
        workers=_workers(library),
        storage=storage,
        version=VERSION,
        uptime_s=round((now_utc() - library.started_at).total_seconds(), 3),
        library=await _library(library),
    )


@router.get("/api/health/storage")
async def storage_health(library: LibraryArgument) -> StorageReply:
    """Whether the library's place can be reached and written, and how large the catalog is."""
    status, storage = await _storage(library)
    return StorageReply(status=status, backend=library.backend, storage=storage)


@router.get("/api/health/workers")
async def workers_health(library: LibraryArgument) -> WorkersReply:
    """What is being drawn and scanned."""
    return WorkersReply(status="ok", workers=_workers(library))


async def _storage(library: Library) -> tuple[str, dict[str, Any]]:
    problem = library.freshness.problem or library.unwritable
    try:
        await library.reach()
        reachable = True
    except LenscatError as error:
        reachable, problem = False, str(error)
    storage = {
        "type": library.backend,
        "reachable": reachable,
        "read_only": library.read_only,
        "derived_files": library.derived_place,
        "problem": problem,
        "catalog_bytes": library.catalog.size_bytes(),
        "requests": library.request_figures(),
    }
    return ("unreachable" if not reachable else "degraded" if problem else "ok"), storage


def _workers(library: Library) -> dict[str, Any]:
    progress = library.scan_progress
    return {
        "threads": library.queue.threads,
        "running": library.queue.running,
        "waiting": library.queue.waiting,
        "watching": library.freshness.watch is not None,
        "scan": asdict(progress) if progress else None,
    }


async def _library(library: Library) -> dict[str, Any]:
    totals = await library.totals()
    drawable = totals.items - totals.unreadable
    return {
        "images": totals.items,
        "folders": totals.folders,
        "bytes": totals.bytes,
        "sidecars": totals.with_sidecar,
        "thumbnails": totals.with_thumbnail,
        "thumbnail_coverage": round(totals.with_thumbnail / drawable, 4) if drawable else 1.0,
        "unreadable_images": totals.unreadable,
        "damaged_sidecars": totals.damaged_sidecars,
        "started_at": format_time(library.started_at),
        "last_scan": library.last_scan,
    }
