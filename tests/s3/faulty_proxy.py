"""A proxy before an object store that counts what passes and breaks it on demand: for tests of faults.

It forwards one request a connection, byte for byte, so that signatures stay good: the client signs the proxy's address,
which is what the server sees in the Host header. A client that knows it as its HTTP proxy may ask for whole addresses.
"""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d+)")
_WHOLE = re.compile(rb"^([A-Z]+ )http://[^/ ]+")
_REPLY = b"HTTP/1.1 %d Fault\r\nContent-Type: application/xml\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s"
_PIECE = 1 << 16


@dataclass(frozen=True)
class Seen:
    """One request as it passed; `target` is the path and query, still percent-encoded."""

    method: str
    target: str
    headers: str = field(repr=False)

    @property
    def kind(self) -> str:
        """How an object store's bill calls it."""
        if self.method == "GET" and "list-type=2" in self.target:
            return "LIST"
        return "PUT" if self.method == "POST" else self.method


@dataclass(frozen=True)
class Fault:
    """What to do to one request: any mix of these, in this order."""

    delay: threading.Event | None = None
    """Wait until it is set."""
    hang_up: bool = False
    """Close the connection; the server never sees the request."""
    status: int = 0
    """Answer with this status and an S3 error of the `code`; the server never sees the request."""
    code: str = ""
    extra: str = ""
    """More XML for the error's body."""
    headers: str = ""
    lose_reply: bool = False
    """The server does what is asked, and the client never hears of it."""
    status_after: int = 0
    """As `status`, but the server did what was asked."""
    cut_after: int = -1
    """Pass on only so many bytes of the reply's body."""


Plan = Callable[[Seen], Fault | None]


@dataclass
class FaultyProxy:
    """The running proxy: set `plan` to break requests, read `seen` to count them."""

    host: str
    port: int
    plan: Plan | None = None
    seen: list[Seen] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The endpoint to give to a client."""
        return f"http://{self.host}:{self.port}"

    def counts(self) -> Counter[str]:
        """How many requests of each kind passed."""
        return Counter(seen.kind for seen in self.seen)

    def fail_next(self, fault: Fault, *, times: int = 1, method: str = "", target: str = "") -> None:
        """Break the next requests of that method and whose target holds that text."""
        left, lock = [times], threading.Lock()

        def plan(seen: Seen) -> Fault | None:
            with lock:
                if left[0] <= 0 or method not in ("", seen.method) or target not in seen.target:
                    return None
                left[0] -= 1
                return fault

        self.plan = plan


def s3_error(fault: Fault, status: int, *, with_body: bool = True) -> bytes:
    """A whole reply with an error the way S3 words it; to a HEAD it has no body."""
    body = f'<?xml version="1.0"?><Error><Code>{fault.code}</Code><Message>{fault.code}</Message>{fault.extra}</Error>'
    return _REPLY % (status, fault.headers.encode(), len(body), body.encode() if with_body else b"")


@contextmanager
def faulty_proxy(port: int) -> Iterator[FaultyProxy]:
    """A proxy on a free port before the server at `port` of this machine, until the block ends."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                _pass_on(proxy, self.request, port)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        host, own_port = server.server_address[:2]
        proxy = FaultyProxy(str(host), own_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join(10)


def _pass_on(proxy: FaultyProxy, client: Any, port: int) -> None:
    head, body = _read_request(client)
    if not head:
        return
    head = _WHOLE.sub(rb"\1", head, count=1)
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
    seen = Seen(method, target, head.decode("latin-1"))
    proxy.seen.append(seen)
    fault = (proxy.plan(seen) if proxy.plan else None) or Fault()
    if fault.delay is not None:
        fault.delay.wait(30)
    if fault.hang_up:
        return
    if fault.status:
        client.sendall(s3_error(fault, fault.status, with_body=method != "HEAD"))
        return
    reply = _ask(port, head, body)
    if fault.lose_reply:
        return
    if fault.status_after:
        client.sendall(s3_error(fault, fault.status_after))
        return
    end = reply.index(b"\r\n\r\n") + 4
    client.sendall(reply if fault.cut_after < 0 else reply[: end + fault.cut_after])


def _read_request(client: Any) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(_PIECE)
        if not piece:
            return b"", b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    parts, got = [body], len(body)
    while length and got < int(length[1]) and (piece := client.recv(_PIECE)):
        parts.append(piece)
        got += len(piece)
    return head, b"".join(parts)


def _ask(port: int, head: bytes, body: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as server:
        server.sendall(b"\r\n".join([*lines, b"Connection: close", b"", body]))
        parts = []
        while piece := server.recv(_PIECE):
            parts.append(piece)
    return b"".join(parts)
