"""nginx with one worker, set up to serve thumbnail files as fast as it can, on loopback, until the block ends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import stopping

_CONFIG = """
worker_processes 1;
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
{user}
events {{ worker_connections 512; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  types {{ }}
  default_type image/webp;
  client_body_temp_path {place}/body;
  proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi;
  scgi_temp_path {place}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {root};
  }}
}}
"""
_START_S = 10.0


@contextmanager
def nginx(root: Path) -> Iterator[int]:
    """The port where nginx serves the files of `root`."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="lenscat-nginx-") as folder:
        user = "user root;" if os.geteuid() == 0 else ""  # as root it would change to a user that may not read
        config = Path(folder) / "nginx.conf"
        config.write_text(_CONFIG.format(place=folder, port=port, root=root.resolve(), user=user))
        command = [program, "-c", str(config), "-p", folder]
        with stopping(command, stderr=subprocess.DEVNULL) as process:
            _wait_for(port, process)
            yield port


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("nginx did not start") from None
            time.sleep(0.02)
