"""Connections for listings: kept open, given up when they are old, and asked on anew where the server closed them."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from obstore.exceptions import GenericError

from lenscat_backend.storage.object_http import Connection, Timeouts, find_region
from lenscat_backend.storage.object_pages import IDLE_S, S3Pages
from lenscat_backend.storage.object_patience import Patience
from lenscat_backend.storage.object_requests import RequestCounter

QUICK = Timeouts(5.0, 5.0)
LISTING = b"<ListBucketResult><Contents><Key>a</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified>"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"

Answer = Callable[[socket.socket], bool]
"""Answers one request; False closes the connection."""


def listing(client: socket.socket) -> bool:
    body = LISTING + b"</Contents></ListBucketResult>"
    client.sendall(WHOLE % (len(body), body))
    return True


def listing_then_close(client: socket.socket) -> bool:
    listing(client)
    return False


def hang_up(client: socket.socket) -> bool:
    return False


def half(client: socket.socket) -> bool:
    client.sendall(WHOLE % (1000, b"<List"))
    return False


@dataclass
class Server:
    """A server that answers as it is told, and counts connections and requests."""

    port: int
    answers: list[Answer] = field(default_factory=list)
    """The last one goes on."""
    connections: int = 0
    requests: int = 0
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """One for each connection that has ended."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bucket"

    def serve(self, client: socket.socket) -> None:
        with client:
            while client.recv(1 << 16):  # each request is small and comes in one piece
                self.requests += 1
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if not answer(client):
                    break
        self.closed.release()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@contextmanager
def serving() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1], [listing])

        def accept() -> None:
            while True:
                client, _ = listener.accept()
                if not server.port:
                    client.close()
                    return
                server.connections += 1
                threading.Thread(target=server.serve, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            port, server.port = server.port, 0
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join(10)


def pages_of(server: Server, now: Callable[[], float] = lambda: 0.0, retries: int = 0) -> S3Pages:
    patience = Patience(retries, 0.0, 0.0, clock=now)
    return S3Pages(lambda query: f"{server.url}/?{query}", RequestCounter(), patience, QUICK)


def list_once(pages: S3Pages) -> list[str]:
    return [file.key for page in pages.pages("", delimiter=True) for file in page.files]


def test_listings_share_a_connection(server: Server) -> None:
    pages = pages_of(server)
    assert [list_once(pages) for _ in range(5)] == [["a"]] * 5
    assert (server.connections, server.requests) == (1, 5)


def test_an_old_connection_is_not_trusted(server: Server) -> None:
    """Routers forget connections that are idle, and then nobody ever answers on them."""
    now = [0.0]
    pages = pages_of(server, lambda: now[0])
    list_once(pages)
    now[0] += IDLE_S - 1
    list_once(pages)
    assert server.connections == 1
    now[0] += IDLE_S + 1
    list_once(pages)
    assert server.connections == 2 and server.closed.acquire(timeout=10)


def test_a_connection_that_the_server_closed_meanwhile_is_no_error(server: Server) -> None:
    server.answers = [listing_then_close, listing]
    pages = pages_of(server)
    assert list_once(pages) == ["a"] and server.closed.acquire(timeout=10)
    assert list_once(pages) == ["a"]
    assert (server.connections, server.requests) == (2, 2)


def test_a_new_connection_that_is_closed_is_an_error(server: Server) -> None:
    """Else every failure would be asked for twice as often as the settings say."""
    server.answers = [hang_up]
    with pytest.raises(GenericError, match="error sending request"):
        list_once(pages_of(server))
    assert server.requests == 1
    with pytest.raises(GenericError):
        list_once(pages_of(server, retries=2))
    assert server.requests == 4


def test_a_listing_left_early_closes_its_connection(server: Server) -> None:
    pages = pages_of(server)
    listing = pages.pages("", delimiter=True)
    next(listing)
    listing.close()  # type: ignore[attr-defined] # a generator
    assert server.closed.acquire(timeout=10)


def test_connections_end_with_the_store(server: Server) -> None:
    pages = pages_of(server)
    list_once(pages)
    del pages
    gc.collect()
    assert server.closed.acquire(timeout=10)


def test_a_reply_that_breaks_off_is_told_from_one_that_never_came(server: Server) -> None:
    server.answers = [half]
    with Connection(server.url, QUICK) as connection, pytest.raises(GenericError, match="response body"):
        connection.ask(server.url)


def test_a_silent_server_is_waited_for_as_long_as_a_reply_may_take(server: Server) -> None:
    heard = threading.Event()

    def silent(client: socket.socket) -> bool:
        heard.wait(30)
        return False

    server.answers = [silent]
    timeouts = Timeouts(connect_s=600.0, reply_s=0.05)
    try:
        with Connection(server.url, timeouts) as connection, pytest.raises(GenericError, match="TimedOut"):
            connection.ask(server.url)
    finally:
        heard.set()


def test_a_region_that_nobody_tells_is_none(server: Server) -> None:
    ask = partial(find_region, server.url, 5.0)
    assert ask() == ""
    server.answers = [hang_up]
    assert ask() == ""
