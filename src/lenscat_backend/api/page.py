"""The web page, and what it says of itself to programs."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from lenscat_backend.api.replies import json_reply
from lenscat_backend.version import VERSION

router = APIRouter(tags=["page"])
STATIC = Path(__file__).resolve().parents[1] / "web" / "static"
_POLICY = "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Vary": "Accept",
}


@router.get("/", response_class=Response)
async def root(request: Request) -> Response:
    """The web page to a browser, the server's name and version to a program."""
    if "text/html" in request.headers.get("accept", ""):
        return FileResponse(STATIC / "index.html", headers=PAGE_HEADERS)
    return json_reply({"message": "Lenscat Backend", "version": VERSION}, 200, {"Vary": "Accept"})
