"""Not serving the whole net by accident: until there is a sign-in, only this machine is answered.

`lenscat serve` refuses to listen elsewhere in the first place. Another server (uvicorn, say) is given its address where
we cannot see it, so that each request is asked which of this machine's addresses it came in on.
"""

from __future__ import annotations

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

from lenscat_backend.api.replies import json_reply

REFUSAL = (
    "This server can be reached from other machines, and this version has no sign-in yet: listen on 127.0.0.1, or set "
    "LENSCAT_AUTH=none to serve everyone."
)


class LoopbackOnly:
    """ASGI middleware: 403 to every request that came in on an address which other machines can reach."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._allowed: dict[str, bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] == "http" and not self._is_allowed(scope.get("server")):
            await json_reply({"detail": REFUSAL}, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_allowed(self, server: tuple[str, int | None] | None) -> bool:
        host = server[0] if server else ""
        if host not in self._allowed:
            self._allowed[host] = is_loopback(host)
        return self._allowed[host]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server at `host`; a Unix socket or a test's made-up name counts as such."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
