"""Mail servers to measure against: Debian's smtp-sink, and one of our own that takes its time."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

SMTP_SINK: Final = "SMTP_SINK"
"""Names the program, where package postfix is unpacked (`dpkg-deb -x`) and not installed."""

START_SECONDS: Final = 10.0


@contextmanager
def fast_sink() -> Iterator[tuple[str, int]]:
    """Run smtp-sink, or our own where there is none; give its name and its port on the loopback."""
    program = os.environ.get(SMTP_SINK) or shutil.which("smtp-sink")
    if program is None:
        with slow_sink(0.0) as sink:
            yield "a sink in Python", sink.port
        return
    port = _free_port()
    libraries = str(Path(program).resolve().parents[1] / "lib" / "postfix")
    as_somebody = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [program, *as_somebody, f"127.0.0.1:{port}", "100"],
        env=os.environ | {"LD_LIBRARY_PATH": libraries},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield "smtp-sink", port
    finally:
        process.kill()
        process.wait()


@dataclass
class SlowSink:
    """A server in a process of its own that answers each mail so late, and notes when."""

    port: int
    _told: Connection

    def accepted(self) -> list[float]:
        """Give the instants (monotonic clock) at which mails were accepted since the last look."""
        self._told.send(None)
        found: list[float] = self._told.recv()
        return found


@contextmanager
def slow_sink(latency_seconds: float) -> Iterator[SlowSink]:
    """Run a server that answers the end of each mail so many seconds after it came."""
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe()
    process = context.Process(target=_serve, args=(latency_seconds, tell), daemon=True)
    process.start()
    tell.close()  # or a server that could not start would be waited for
    try:
        yield SlowSink(told.recv(), told)
    finally:
        process.kill()
        process.join()


def _serve(latency_seconds: float, tell: Connection) -> None:
    asyncio.run(_serve_until_killed(latency_seconds, tell))


async def _serve_until_killed(latency_seconds: float, tell: Connection) -> None:
    loop, accepted = asyncio.get_running_loop(), list[float]()

    def answer() -> None:
        tell.recv()
        tell.send(accepted)
        accepted.clear()

    server = await loop.create_server(lambda: _Dialogue(latency_seconds, accepted), "127.0.0.1", 0)
    tell.send(server.sockets[0].getsockname()[1])
    loop.add_reader(tell.fileno(), answer)
    await asyncio.Event().wait()


@dataclass
class _Dialogue(asyncio.Protocol):
    """The least of SMTP (RFC 5321) that a well-behaved sender needs."""

    latency_seconds: float
    accepted: list[float]
    _received: bytearray = field(default_factory=bytearray)
    _is_data: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = b"\r\n.\r\n" if self._is_data else b"\r\n"
        while (place := self._received.find(end)) >= 0:
            part = bytes(self._received[:place])
            del self._received[: place + len(end)]
            self._take(part)
            end = b"\r\n.\r\n" if self._is_data else b"\r\n"

    def _take(self, part: bytes) -> None:
        if self._is_data:
            self._is_data = False
            asyncio.get_running_loop().call_later(self.latency_seconds, self._accept)
            return
        self._is_data = part[:4].upper() == b"DATA"
        self._transport.write(b"354 go on\r\n" if self._is_data else b"250 OK\r\n")

    def _accept(self) -> None:
        self.accepted.append(time.monotonic())
        self._transport.write(b"250 taken\r\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("the mail sink does not start")
