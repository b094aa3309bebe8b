"""A reverse proxy that serves another server below `/gallery/`, as people put a gallery beside other sites."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PREFIX = b"/gallery/"


@contextmanager
def proxied(port: int) -> Iterator[str]:
    """The address below which the server at `port` appears, until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(lambda reader, writer: _serve(reader, writer, port), "127.0.0.1", 0)

    async def stop() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PREFIX.decode()}"
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """One request a connection: its head with the prefix taken off, its body, and all of the reply."""
    try:
        method, target, version = (await reader.readline()).split()
        headers = [line async for line in _head(reader)]
        if not target.startswith(PREFIX):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        kept = [line for line in headers if not line.lower().startswith(b"connection:")]
        head = [method + b" /" + target.removeprefix(PREFIX) + b" " + version + b"\r\n", *kept]
        length = next((int(line.split(b":")[1]) for line in kept if line.lower().startswith(b"content-length:")), 0)
        up_writer.write(b"".join([*head, b"Connection: close\r\n\r\n", await reader.readexactly(length)]))
        while data := await up_reader.read(65536):
            writer.write(data)
            await writer.drain()
        up_writer.close()
    except (ConnectionError, ValueError, asyncio.IncompleteReadError):
        pass  # the browser hung up
    finally:
        writer.close()


async def _head(reader: asyncio.StreamReader):  # noqa: ANN202 - an asynchronous generator of lines
    while (line := await reader.readline()) not in (b"\r\n", b""):
        yield line
