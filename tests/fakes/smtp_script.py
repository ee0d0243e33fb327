"""A mail server that says what it is told to, byte for byte: for what a real one would never say.

It speaks just enough SMTP to take a mail (EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, RSET, NOOP, QUIT). At each
stage a `Twist` may stand in for the usual answer, once. `taken` lists what it has really taken.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Self

STAGES = ("GREETING", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "DOT")
"""Where something can go wrong: BODY is in the middle of the letter, DOT after its end."""


@dataclass(frozen=True)
class Twist:
    """What happens at a stage instead of the usual answer.

    `says` is sent as it is, a byte at a time with `drips`; then the server hangs up, or falls silent, or goes
    on as if nothing were. `takes`: a letter is kept all the same.
    """

    says: bytes = b""
    hangs_up: bool = False
    is_silent: bool = False
    takes: bool = False
    drips: float = 0.0


HANG_UP = Twist(hangs_up=True)
SILENCE = Twist(is_silent=True)


def reply(text: str) -> Twist:
    """Answer with one line."""
    return Twist(text.encode() + b"\r\n")


@dataclass
class ScriptedRelay:
    """The server; use it as a context manager.

    `offers` are the lines after EHLO. `slow` seconds pass before every answer. With `tls` it upgrades.
    """

    offers: tuple[str, ...] = ("8BITMIME", "SMTPUTF8", "SIZE 10000000")
    tls: ssl.SSLContext | None = None
    slow: float = 0.0
    taken: list[EmailMessage] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    _twists: dict[str, Twist] = field(default_factory=dict)
    _talks: set[asyncio.Task[None]] = field(default_factory=set)

    def twist(self, stage: str, twist: Twist) -> None:
        """Let something happen at the next `stage`, once."""
        if stage not in STAGES:
            raise ValueError(stage)
        self._twists[stage] = twist

    @property
    def url(self) -> str:
        """What `SUBSTRACK_SMTP_URL` would be, without a login."""
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted relay")
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._meet, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _end(self) -> None:
        self._server.close()
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            # Python 3.11 reports a connection whose end was ordered as if it had broken.
            with suppress(OSError, EOFError, _Over, asyncio.CancelledError):
                await _Talk(self, reader, writer).run()
        finally:
            self._talks.discard(talk)
            writer.transport.abort()

    def next_twist(self, stage: str) -> Twist | None:
        """Take what is to happen now."""
        return self._twists.pop(stage, None)


Step = Callable[[], Coroutine[Any, Any, object]]


class _Over(Exception):
    """The server has hung up."""


class _Talk:
    """One connection."""

    def __init__(
        self, relay: ScriptedRelay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._relay, self._reader, self._writer = relay, reader, writer

    async def run(self) -> None:
        """Greet, and answer until the client has had enough."""
        await self._answer("GREETING", b"220 relay.example.com ready\r\n")
        while line := await self._reader.readline():
            command = line.decode("utf-8", "replace").split(" ")[0].split("\r")[0].upper()
            self._relay.seen.append(command)
            await self._steps().get(command, self._refuse)()
            if command == "QUIT":
                return

    def _steps(self) -> dict[str, Step]:
        def says(stage: str, usual: bytes) -> Step:
            return lambda: self._answer(stage, usual)

        return {
            "EHLO": says("EHLO", self._offers()),
            "STARTTLS": self._upgrade,
            "AUTH": says("AUTH", b"235 2.7.0 welcome\r\n"),
            "MAIL": says("MAIL", b"250 2.1.0 fine\r\n"),
            "RCPT": says("RCPT", b"250 2.1.5 fine\r\n"),
            "DATA": self._take_letter,
            "RSET": says("", b"250 2.0.0 forgotten\r\n"),
            "NOOP": says("", b"250 2.0.0 here\r\n"),
            "QUIT": says("", b"221 2.0.0 bye\r\n"),
        }

    def _offers(self) -> bytes:
        offers = ("relay.example.com", *self._relay.offers)
        lines = [f"250-{offer}\r\n" for offer in offers[:-1]] + [f"250 {offers[-1]}\r\n"]
        return "".join(lines).encode()

    async def _upgrade(self) -> None:
        is_going_on = await self._answer("STARTTLS", b"220 2.0.0 go ahead\r\n")
        if is_going_on and self._relay.tls is not None:
            await self._writer.start_tls(self._relay.tls)

    async def _take_letter(self) -> None:
        is_going_on = await self._answer("DATA", b"354 go ahead\r\n")
        if not is_going_on:
            return
        twist = self._relay.next_twist("BODY")
        if twist is not None:
            await self._reader.readline()
            await self._do(twist)
        letter = await self._reader.readuntil(b"\r\n.\r\n")
        await self._answer("DOT", f"250 2.0.0 kept as {len(self._relay.taken) + 1}\r\n".encode(), letter)

    async def _answer(self, stage: str, usual: bytes, letter: bytes | None = None) -> bool:
        """Answer as usual, or as was told; tell whether it was as usual. A letter is kept unless refused."""
        await asyncio.sleep(self._relay.slow)
        twist = self._relay.next_twist(stage)
        if letter is not None and (twist is None or twist.takes):
            self._relay.taken.append(message_from_bytes(letter[:-3], _class=EmailMessage, policy=default))
        if twist is None:
            self._writer.write(usual)
            await self._writer.drain()
        else:
            await self._do(twist)
        return twist is None

    async def _do(self, twist: Twist) -> None:
        if twist.drips:
            for byte in twist.says:
                self._writer.write(bytes([byte]))
                await asyncio.sleep(twist.drips)
        else:
            self._writer.write(twist.says)
        await self._writer.drain()
        if twist.hangs_up:
            raise _Over
        if twist.is_silent:
            await asyncio.sleep(3600)

    async def _refuse(self) -> None:
        self._writer.write(b"502 5.5.1 what?\r\n")
        await self._writer.drain()
