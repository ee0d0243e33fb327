"""A mail server on loopback that records every dialogue and fails on demand.

It speaks real SMTP (aiosmtpd), with STARTTLS, TLS and logins where asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import shutil
import socket
import ssl
import subprocess
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

HANG_UP = "hang up"
"""As a fault: close the connection instead of answering."""

SILENCE = "silence"
"""As a fault: never answer."""


@dataclass(frozen=True)
class ReceivedMail:
    """One mail as it came: the envelope, the message, and the connection it came on."""

    sender: str
    to: str
    message: EmailMessage
    connection: tuple[str, int]
    is_encrypted: bool

    @property
    def text(self) -> str:
        """The plain text part."""
        return _part(self.message, "plain")

    @property
    def html(self) -> str:
        """The HTML part."""
        return _part(self.message, "html")


@dataclass
class FakeRelay:
    """A mail server; use it as a context manager.

    `user` and `password` make it ask for a login; without `offers_login` it knows of none in the clear.
    `dialogue` lists the commands it saw, `connections` who connected.
    """

    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    is_smtps: bool = False
    offers_login: bool = True
    hostname: str = "127.0.0.1"
    received: list[ReceivedMail] = field(default_factory=list)
    dialogue: list[str] = field(default_factory=list)
    connections: list[tuple[str, int]] = field(default_factory=list)
    _faults: dict[str, deque[str]] = field(default_factory=dict)
    _sessions: list[Any] = field(default_factory=list)

    def fail_next(self, command: str, reply: str, times: int = 1) -> None:
        """Answer the next `times` commands (EHLO, MAIL, RCPT, DATA) with `reply`, HANG_UP or SILENCE."""
        self._faults.setdefault(command, deque()).extend([reply] * times)

    @property
    def url(self) -> str:
        """What `SUBSTRACK_SMTP_URL` would be, without the password."""
        who = f"{self.user}@" if self.user else ""
        return f"smtp{'s' if self.is_smtps else ''}://{who}{self.hostname}:{self.port}"

    def __enter__(self) -> Self:
        self.port = free_port()
        self._controller = Controller(_Handler(self), hostname="127.0.0.1", port=self.port, **self._options())
        make_session: Callable[[], Any] = self._controller.factory
        setattr(self._controller, "factory", lambda: self._remembered(make_session()))  # noqa: B010
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up_on_everybody()
        self._controller.stop()

    def hang_up_on_everybody(self) -> None:
        """Close every connection, as a server does to idle clients."""
        done = asyncio.run_coroutine_threadsafe(self._hang_up(), self._controller.loop)
        done.result(timeout=5)

    async def _hang_up(self) -> None:
        for session in self._sessions:
            # After STARTTLS, the plain connection is the one below.
            for transport in (session.transport, session._original_transport):
                if transport is not None:
                    _abort(transport)
        await asyncio.sleep(0)

    def _remembered(self, session: Any) -> Any:
        self._sessions.append(session)
        return session

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"auth_require_tls": not self.offers_login, "enable_SMTPUTF8": True}
        if self.tls is not None and self.is_smtps:
            options["ssl_context"] = self.tls
        elif self.tls is not None:
            options["tls_context"] = self.tls
        if self.user is not None:
            options["authenticator"] = self._authenticate
        return options

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        self.dialogue.append(f"AUTH {mechanism}")
        login, password = getattr(data, "login", b""), getattr(data, "password", b"")
        if (login.decode(), password.decode()) == (self.user, self.password):
            return AuthResult(success=True)
        # Without handled=False, aiosmtpd answers nothing at all to a refused login.
        return AuthResult(success=False, handled=False)


class _Handler:
    """Hooks of aiosmtpd: each notes the command and answers with a waiting fault, if there is one."""

    def __init__(self, relay: FakeRelay) -> None:
        self._relay = relay

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        if session.peer not in self._relay.connections:
            self._relay.connections.append(session.peer)
        fault = await self._fault("EHLO", server)
        session.host_name = hostname
        return [fault] if fault else responses

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        fault = await self._fault("MAIL", server)
        if fault:
            return fault
        if self._relay.user is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        fault = await self._fault("RCPT", server)
        if fault:
            return fault
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_NOOP(self, server: Any, session: Any, envelope: Any, arg: str) -> str:  # noqa: N802
        self._relay.dialogue.append("NOOP")
        return "250 OK"

    async def handle_RSET(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self._relay.dialogue.append("RSET")
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self._relay.dialogue.append("QUIT")
        return "221 Bye"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        fault = await self._fault("DATA", server)
        if fault:
            return fault
        message = email.message_from_bytes(envelope.content, _class=EmailMessage, policy=default)
        is_encrypted = server.transport.get_extra_info("sslcontext") is not None
        for recipient in envelope.rcpt_tos:
            self._relay.received.append(
                ReceivedMail(envelope.mail_from, recipient, message, session.peer, is_encrypted)
            )
        return f"250 OK kept as {len(self._relay.received)}"

    async def _fault(self, command: str, server: Any) -> str | None:
        self._relay.dialogue.append(command)
        waiting = self._relay._faults.get(command)
        if not waiting:
            return None
        fault = waiting.popleft()
        if fault == HANG_UP:
            server.transport.abort()
            return "421 gone"
        if fault == SILENCE:
            await asyncio.sleep(3600)
        return fault


def _abort(transport: Any) -> None:
    """Drop a connection that may be closed already.

    asyncio's TLS transport lets go of its protocol when it has closed, and early versions of Python 3.11
    raise AttributeError when it is told to abort after that.
    """
    with contextlib.suppress(AttributeError):
        transport.abort()


def free_port() -> int:
    """Find a port nobody listens on; aiosmtpd can't be told to choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return int(port)


def make_certificate(directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for localhost; return the server's context and one of a client that trusts it.

    Raises:
        FileNotFoundError: there is no `openssl` to make it with.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        raise FileNotFoundError("openssl")
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-addext", names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *new, *files], check=True, capture_output=True)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=certificate)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")
