"""Replies with ready bytes."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from fastapi import Response


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply of plain values; numbers that orjson cannot hold are written as text."""
    try:
        data = orjson.dumps(body)
    except TypeError:  # half a surrogate pair or a whole number over 64 bits, from a foreign sidecar
        data = orjson.dumps(_replaced(body))
    return Response(data, status, dict(headers or {}), media_type="application/json")


def _replaced(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {str(_replaced(str(key))): _replaced(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value
