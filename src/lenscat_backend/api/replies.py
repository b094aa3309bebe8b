"""Replies with ready bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import orjson
from fastapi import Response


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply of plain values, exactly as they are."""
    try:
        data = orjson.dumps(body)
    except TypeError:  # half a surrogate pair or a whole number over 64 bits, from a foreign sidecar
        data = json.dumps(body, allow_nan=False).encode()
    return Response(data, status, dict(headers or {}), media_type="application/json")
