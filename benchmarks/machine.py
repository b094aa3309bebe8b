"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pyvips


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_line() -> str:
    """Cores, processor and versions, in one line."""
    vips = ".".join(str(pyvips.version(part)) for part in range(3))
    packages = ", ".join(f"{name} {version(name)}" for name in ("granian", "apsw", "pillow"))
    tools = ", ".join(filter(None, (_version("nginx", "-v"), _version("wrk", "-v"))))
    parts = [f"{cores()} cores", _processor(), f"Linux {platform.release()}", f"Python {platform.python_version()}"]
    return ", ".join(filter(None, (*parts, f"libvips {vips}", packages, tools)))


def load_line() -> str:
    """How busy the machine is with other things."""
    return "load average before the run: " + " ".join(f"{value:.1f}" for value in os.getloadavg())


def today() -> str:
    """The date of the run, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(program: str, option: str) -> str:
    """What a tool calls itself: nginx and wrk print it to different streams, wrk with an exit code of 1."""
    try:
        done = subprocess.run([program, option], capture_output=True, text=True, timeout=10)
    except OSError:
        return ""
    first = (done.stdout + done.stderr).strip().splitlines()[0]
    number = next((word for word in first.replace("/", " ").split() if word[0].isdigit()), "")
    return f"{program} {number}"
