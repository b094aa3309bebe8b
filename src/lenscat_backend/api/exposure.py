"""Not serving the whole net by accident: until there is a sign-in, only this machine is answered, and only by its name.

`lenscat serve` refuses to listen elsewhere in the first place. Another server (uvicorn, say) is given its address where
we cannot see it, so that each request is asked which of this machine's addresses it came in on.

A browser on this machine runs pages of strangers. One may have its own name lead to this machine (DNS rebinding), and
would then read the library as if it were its own: so the name in the address must be one of ours. And it may send
requests whose replies it cannot read, which change things all the same: so those must come from our own page.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from lenscat_backend.api.replies import json_reply

REFUSAL = (
    "This server can be reached from other machines, and this version has no sign-in yet: listen on 127.0.0.1, or set "
    "LENSCAT_AUTH=none to serve everyone."
)


WRONG_HOST = (
    "This server does not go by that name. Open it as localhost or 127.0.0.1, or name every host that a proxy answers "
    "for in LENSCAT_HOSTS."
)
WRONG_ORIGIN = "Changes are only taken from this server's own page, and from programs that are no web pages."
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_PAGE = frozenset({b"same-origin", b"none"})

Headers = Sequence[tuple[bytes, bytes]]


class LoopbackOnly:
    """ASGI middleware: 403 to requests that may come from other machines, or under a name that is not ours."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        """`hosts`: names besides this machine's own that the server goes by."""
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._allowed: dict[str, bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] == "http" and (why := self._why_not(scope)):
            await json_reply({"detail": why}, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _why_not(self, scope: Scope) -> str | None:
        server = scope.get("server")
        address = server[0] if server else ""
        if not self._is_ours(address):
            return REFUSAL
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) > 1 or any(not self._is_name(host_of(value), address) for value in named):
            return WRONG_HOST
        return None

    def _is_ours(self, address: str) -> bool:
        if address not in self._allowed:
            self._allowed[address] = is_loopback(address)
        return self._allowed[address]

    def _is_name(self, host: str, address: str) -> bool:
        own = host == "localhost" or host.endswith(".localhost") or host == address.lower() or host in self._hosts
        return own or (_is_ip(host) and is_loopback(host))


class OwnPageOnly:
    """ASGI middleware: 403 to requests that change something and that a browser sends for a page of somebody else.

    Source: Fetch Metadata (W3C), ``Sec-Fetch-Site``; where a browser does not send it, ``Origin`` (RFC 6454) against
    ``Host``. Programs send neither.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        """`hosts`: names that a proxy before the server goes by."""
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] == "http" and scope["method"] not in _SAFE and self._is_foreign(scope["headers"]):
            await json_reply({"detail": WRONG_ORIGIN}, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, headers: Headers) -> bool:
        found = {name: value for name, value in headers if name in (b"sec-fetch-site", b"origin", b"host")}
        if b"sec-fetch-site" in found:
            return found[b"sec-fetch-site"] not in _OWN_PAGE
        if b"origin" not in found:
            return False
        place = found[b"origin"].partition(b"://")[2]
        return place != found.get(b"host", b"") and host_of(place) not in self._hosts


def host_of(value: bytes) -> str:
    """The host in a Host header or an origin, in lower case, without its port and without brackets."""
    text = value.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server at `host`; a Unix socket or a test's made-up name counts as such."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
