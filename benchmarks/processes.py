"""Servers as processes of their own, on a free port, for as long as they are wanted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

PATIENCE_SECONDS: Final = 60.0

Command = Callable[[int], list[str]]


@dataclass(frozen=True)
class Running:
    """A server that has shown its first page."""

    pid: int
    port: int

    @property
    def memory(self) -> float:
        """Read its resident memory, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return float(line.split()[1]) * 1024


def module(*words: str) -> list[str]:
    """Write a command of this Python."""
    return [sys.executable, "-m", *words]


@contextmanager
def running(command: Command, path: str, environment: Mapping[str, str]) -> Iterator[Running]:
    """Start what a port makes a command of, and wait for the first page; its output is nobody's."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    out = subprocess.DEVNULL
    with subprocess.Popen(command(port), env=os.environ | environment, stdout=out, stderr=out) as process:
        try:
            _wait_for(port, path)
            yield Running(process.pid, port)
        finally:
            process.terminate()


def _wait_for(port: int, path: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.005)
        finally:
            connection.close()
    raise TimeoutError(f"no page at {path}")
