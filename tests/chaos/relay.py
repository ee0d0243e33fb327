"""A mail server in a process of its own, which outlives every worker and writes down what it accepted.

It is written down before the client hears of it, half-way through the time the answer takes: a worker that
dies then has sent its mail and does not know.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP

from tests.chaos.journals import Journal, Pen
from tests.chaos.processes import forking

LOOK_SECONDS = 0.02
MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^@>]+)@", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Accepted:
    """One mail that was taken: when (monotonic clock), which message, to whom, and a digest of its bytes."""

    at: float
    message: str
    to: str
    digest: str


class Relay:
    """The server, seen from the test; use it as a context manager.

    `dialogue` bounds the seconds that the server spends on one mail, spread over its answers.
    """

    def __init__(self, directory: Path, dialogue: tuple[float, float] = (0.01, 0.03)) -> None:
        self._log, self._dialogue = Journal(directory / "accepted"), dialogue
        self._seen: list[Accepted] = []

    def __enter__(self) -> Self:
        context = forking()
        self._open = context.Event()
        self._open.set()
        told, tell = context.Pipe(duplex=False)
        job = (self._log.path, self._dialogue, self._open, tell)
        self._process = context.Process(target=serve, args=job, daemon=True)
        self._process.start()
        self.port = int(told.recv())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()

    @property
    def url(self) -> str:
        """What `SUBSTRACK_SMTP_URL` would be."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def accepted(self) -> Sequence[Accepted]:
        """What was taken so far, in order."""
        self._seen.extend(Accepted(**mail) for mail in self._log.new())
        return self._seen

    @property
    def is_reachable(self) -> bool:
        """Tell whether it takes calls; it is a process of its own, and closes a moment after it was asked."""
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0

    def close_doors(self) -> None:
        """Be gone: hang up on everybody and refuse who calls."""
        self._open.clear()

    def open_doors(self) -> None:
        """Be there again."""
        self._open.set()


def serve(log: Path, dialogue: tuple[float, float], is_open: Event, tell: Connection) -> None:
    """Be the server until killed."""
    asyncio.run(_serve(_Clerk(Pen(log), dialogue), is_open, tell))


async def _serve(clerk: _Clerk, is_open: Event, tell: Connection) -> None:
    loop, port = asyncio.get_running_loop(), 0
    while True:
        server = await loop.create_server(clerk.dialogue, "127.0.0.1", port, reuse_address=True)
        if not port:
            port = server.sockets[0].getsockname()[1]
            tell.send(port)
        await _until(lambda: not is_open.is_set())
        server.close()
        clerk.hang_up()
        await _until(is_open.is_set)


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  (the test is another process)
        await asyncio.sleep(LOOK_SECONDS)


class _Clerk:
    """Hooks of aiosmtpd: answers take their time, and what is accepted is written down."""

    def __init__(self, pen: Pen, dialogue: tuple[float, float]) -> None:
        self._pen, self._dialogue = pen, dialogue
        self._sessions: list[SMTP] = []

    def dialogue(self) -> SMTP:
        session = SMTP(self, hostname="127.0.0.1", ident="relay")
        # One without a transport yet may have called together with this one: it is to be hung up on, too.
        self._sessions = [*self._sessions[-500:], session]
        return session

    def hang_up(self) -> None:
        for session in self._sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        session.seconds = random.uniform(*self._dialogue)
        await asyncio.sleep(session.seconds / 4)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(session.seconds / 4)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        await asyncio.sleep(session.seconds / 4)
        found = MESSAGE_ID.search(envelope.content)
        self._pen.write(
            message=found[1].decode() if found else "",
            to=envelope.rcpt_tos[0],
            digest=hashlib.sha256(envelope.content).hexdigest()[:16],
        )
        await asyncio.sleep(session.seconds / 4)
        return "250 OK"
