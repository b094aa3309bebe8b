"""File names that are not UTF-8, in addresses.

Lenscat writes a byte that is not UTF-8 as a private-use character (see `models.paths.decode_name`), and its own
replies hold that. A client that percent-encodes the name's raw bytes instead means the same file: its address is
rewritten before anything else decodes it.
"""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from lenscat_backend.models.paths import decode_name


class RawNames:
    """ASGI middleware in front of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Rewrite the address where it holds bytes that are not UTF-8, and hand on."""
        if scope["type"] == "http":
            query: bytes = scope["query_string"]
            if b"%" in query and not _is_utf8(unquote_to_bytes(query)):
                scope = {**scope, "query_string": b"&".join(_rewritten(part) for part in query.split(b"&"))}
            raw: bytes | None = scope.get("raw_path")
            if raw and b"%" in raw and not _is_utf8(plain := unquote_to_bytes(raw.split(b"?")[0])):
                scope = {**scope, "path": decode_name(plain)}
        await self._app(scope, receive, send)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _rewritten(part: bytes) -> bytes:
    name, sign, value = part.partition(b"=")
    return name + sign + quote(decode_name(unquote_to_bytes(value.replace(b"+", b"%20"))), safe="").encode()
