"""The one plain HTTP call that the client library has no function for: fetching an address that it signed."""

from __future__ import annotations

import http.client
import ssl
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from obstore.exceptions import GenericError

_CLOSED_MEANWHILE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class Reply(NamedTuple):
    """A whole reply; header names are looked up in any case."""

    status: int
    headers: http.client.HTTPMessage
    data: bytes


class Timeouts(NamedTuple):
    """How long to wait for a connection, and then for each reply, in seconds."""

    connect_s: float
    reply_s: float


class Connection:
    """A connection to the server of `url`, through the proxy of the environment where there is one; kept open."""

    def __init__(self, url: str, timeouts: Timeouts) -> None:
        parts, timeout_s = urlsplit(url), timeouts.connect_s
        self._reply_s = timeouts.reply_s
        self._secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if self._secure else 80)
        proxy = "" if proxy_bypass(host) else getproxies().get(parts.scheme, "")
        self._whole_urls = bool(proxy) and not self._secure
        near = urlsplit(proxy) if proxy else parts
        near_port = (near.port or 80) if proxy else port
        if self._secure:
            context = ssl.create_default_context()
            secure = http.client.HTTPSConnection(near.hostname or "", near_port, timeout=timeout_s, context=context)
            if proxy:
                secure.set_tunnel(host, port)
            self._connection: http.client.HTTPConnection = secure
        else:
            self._connection = http.client.HTTPConnection(near.hostname or "", near_port, timeout=timeout_s)

    def ask(self, url: str, method: str = "GET") -> Reply:
        """The reply, whatever its status; a `GenericError` as the client library words it where none comes."""
        parts = urlsplit(url)
        target = url if self._whole_urls else f"{parts.path or '/'}?{parts.query}".rstrip("?")
        try:
            return self._ask_twice(method, target, parts.netloc)
        except TimeoutError as error:
            self.close()
            raise GenericError("HTTP error: TimedOut") from error
        except http.client.IncompleteRead as error:
            self.close()
            raise GenericError("HTTP error: response body error") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            refused = "ConnectionRefused" if isinstance(error, ConnectionRefusedError) else "error sending request"
            raise GenericError(f"HTTP error: {refused}") from error

    @property
    def _is_open(self) -> bool:
        return self._connection.sock is not None

    def _ask_twice(self, method: str, target: str, host: str) -> Reply:
        """Where the server closed a connection that was kept open, the request is made again on a new one."""
        was_open = self._is_open
        try:
            return self._ask(method, target, host)
        except _CLOSED_MEANWHILE:
            if not was_open:
                raise
            self.close()
            return self._ask(method, target, host)

    def _ask(self, method: str, target: str, host: str) -> Reply:
        self._connect()
        self._connection.request(method, target, headers={"Host": host})
        with self._connection.getresponse() as reply:
            return Reply(reply.status, reply.headers, reply.read())

    def close(self) -> None:
        """Close it; the next `ask` opens it again."""
        self._connection.close()

    def _connect(self) -> None:
        if not self._is_open:
            self._connection.connect()
            self._connection.sock.settimeout(self._reply_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def find_region(address: str, timeout_s: float) -> str:
    """The region that the bucket at `address` says it lies in (``x-amz-bucket-region``), "" where it does not say.

    Works without credentials: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html.
    """
    try:
        with Connection(address, Timeouts(timeout_s, timeout_s)) as connection:
            return str(connection.ask(address, "HEAD").headers.get("x-amz-bucket-region", ""))
    except (GenericError, ValueError):
        return ""
