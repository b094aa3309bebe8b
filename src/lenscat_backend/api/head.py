"""HEAD on every address that knows GET: the same status and headers, no body (RFC 9110, section 9.3.2)."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MARK = "lenscat.head"


class HeadAsGet:
    """ASGI middleware in front of the application: it answers a GET, and the body is left out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, a HEAD as a GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            else:
                await send({"type": "http.response.body", "more_body": message.get("more_body", False)})

        # Extensions are other ways to send a body (a file by its name, for example).
        await self._app({**scope, "method": "GET", "extensions": {}, _MARK: True}, receive, send_head)


def is_head(scope: Scope) -> bool:
    """Whether the body of the reply will be left out: then it need not be read."""
    return _MARK in scope
