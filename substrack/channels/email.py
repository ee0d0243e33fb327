"""Mail by SMTP, over a few connections that are used again.

One mail goes to one recipient. A connection that broke is thrown away; whatever goes wrong with the server is
a `DeliveryFailed`. Nothing here retries: when to try again is decided in `domain.delivery`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import aiosmtplib

from substrack.channels.base import OutgoingMail
from substrack.channels.mime import mail_address, write_mime
from substrack.channels.quoting import quoted
from substrack.channels.smtp_errors import delivery_failure
from substrack.channels.smtp_faults import NoLogin, NoPassword
from substrack.channels.smtp_server import SmtpServer
from substrack.domain.delivery import DeliveryFailed, Scope

TIMEOUT_SECONDS = 30.0
TOTAL_SECONDS = 120.0
"""For one mail in all. A server that answers each command just in time would outlast the lease of a message,
and another worker would send it too."""

IDLE_CHECK_SECONDS = 5.0
"""A connection unused for longer is asked whether it is still there (NOOP) before a mail is risked on it."""

EHLO_NAME = "[127.0.0.1]"
"""An address literal (RFC 5321, section 4.1.3): looking up the machine's name may be slow, and tells it."""


@dataclass(frozen=True)
class _Written:
    """A letter in its envelope."""

    sender: str
    recipient: str
    message: bytes
    options: list[str]

    async def hand_to(self, client: aiosmtplib.SMTP) -> str:
        _refused, answer = await client.sendmail(
            self.sender, [self.recipient], self.message, mail_options=self.options
        )
        return answer


class _Client(aiosmtplib.SMTP):
    """A connection that knows whether a letter was given to it of which nobody heard what became."""

    is_in_doubt = False

    async def data(self, message: str | bytes, /, **terms: Any) -> aiosmtplib.SMTPResponse:
        """Hand the letter over; any answer ends the doubt."""
        self.is_in_doubt = True
        try:
            answer = await super().data(message, **terms)
        except aiosmtplib.SMTPResponseException:
            self.is_in_doubt = False
            raise
        self.is_in_doubt = False
        return answer


class EmailChannel:
    """Sends through one server over at most `connections` connections; belongs to one event loop.

    `tls_context` replaces the default one, which checks certificates against the system's authorities.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        connections: int = 4,
        timeout_seconds: float = TIMEOUT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._timeout, self._total = timeout_seconds, total_seconds
        self._tls_context = tls_context
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[tuple[_Client, float]] = []

    async def send(self, mail: OutgoingMail) -> str:
        """Hand one mail to the server and return its answer.

        Raises:
            DeliveryFailed: scope LANE for connection, TLS, login, 421 and timeouts; ADDRESS for a refused
                recipient; MESSAGE for everything the server has against this mail.
        """
        used: list[_Client] = []
        async with self._slots:
            try:
                async with asyncio.timeout(self._total):
                    return await self._send(mail, used)
            except TimeoutError as error:
                in_doubt = _is_in_doubt(used)
                raise DeliveryFailed(
                    "the mail server is too slow", scope=Scope.LANE, may_have_arrived=in_doubt
                ) from error
            except DeliveryFailed as failure:
                failure.may_have_arrived = _is_in_doubt(used)
                raise

    async def try_out(self, sender: str) -> bool:
        """Go as far as a mail goes before it is one: connect, TLS, login, sender; tell whether TLS was used.

        Nothing is sent: the sender is taken back (RSET) and the connection closed.

        Raises:
            DeliveryFailed: as for `send`; the library's own error is its cause.
        """
        try:
            async with self._connection() as client:
                await client.mail(mail_address(sender, Scope.LANE))
                await client.rset()
                return client.get_transport_info("sslcontext") is not None
        finally:
            await self.close()

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        while self._idle:
            client, _since = self._idle.pop()
            await _quit(client)
        await asyncio.sleep(0)  # lets the loop close the sockets of what was dropped

    async def _send(self, mail: OutgoingMail, used: list[_Client]) -> str:
        written = _write(mail)
        async with self._connection() as client:
            used.append(client)
            try:
                answer = await written.hand_to(client)
            except aiosmtplib.SMTPNotSupported:
                answer = await _write(_in_plain_letters(mail)).hand_to(client)
        return quoted(answer)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Client]:
        """Lend a live connection; it goes back to the pool only if it is still in order."""
        client: _Client | None = None
        try:
            client = await self._reused() or await self._connect()
            yield client
        except Exception as error:
            failure = delivery_failure(error) if not isinstance(error, DeliveryFailed) else error
            if failure is None or failure.scope is Scope.LANE:
                _drop(client)
            else:
                self._keep(client)
            if failure is None or failure is error:
                raise
            raise failure from error
        except BaseException:
            _drop(client)
            raise
        else:
            self._keep(client)

    async def _reused(self) -> _Client | None:
        while self._idle:
            client, since = self._idle.pop()
            if client.is_connected and await self._answers(client, since):
                return client
            _drop(client)
        return None

    async def _answers(self, client: aiosmtplib.SMTP, since: float) -> bool:
        if asyncio.get_running_loop().time() - since < IDLE_CHECK_SECONDS:
            return True
        try:
            await client.noop()
        except (aiosmtplib.SMTPException, OSError):
            return False
        return True

    async def _connect(self) -> _Client:
        """Connect, upgrade to TLS when the server offers it, log in.

        Raises:
            DeliveryFailed: mail or login would travel readable over a network.
        """
        client = _Client(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=self._server.is_tls,
            start_tls=False if self._server.is_tls else None,
            tls_context=self._tls_context,
            local_hostname=EHLO_NAME,
            timeout=self._timeout,
        )
        try:
            await client.connect()
            self._check_privacy(client)
            await self._log_in(client)
        except BaseException:
            _drop(client)
            raise
        return client

    def _check_privacy(self, client: aiosmtplib.SMTP) -> None:
        """Refuse to go on in the clear over a network: mail carries links that act for people."""
        if client.get_transport_info("sslcontext") is not None or self._server.is_loopback:
            return
        if self._server.user is not None:
            reason = "the mail server offers no encryption, and the password is not sent without"
            raise DeliveryFailed(reason, scope=Scope.LANE)
        if not self._server.may_be_plain:
            reason = "the mail server offers no encryption; add ?insecure=1 to its URL to send without"
            raise DeliveryFailed(reason, scope=Scope.LANE)

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        """Log in if a user is named.

        Raises:
            NoPassword, NoLogin.
        """
        if self._server.user is None:
            return
        if self._server.password is None:
            raise NoPassword
        try:
            await client.login(self._server.user, self._server.password)
        except aiosmtplib.SMTPException as error:
            is_lacking = type(error) is aiosmtplib.SMTPException and client.is_connected
            if is_lacking and not client.supports_extension("auth"):
                raise NoLogin from error
            raise

    def _keep(self, client: _Client | None) -> None:
        if client is not None and client.is_connected:
            self._idle.append((client, asyncio.get_running_loop().time()))


def _is_in_doubt(used: Sequence[_Client]) -> bool:
    return any(client.is_in_doubt for client in used)


def _write(mail: OutgoingMail) -> _Written:
    return _Written(
        sender=mail_address(mail.from_address, Scope.LANE),
        recipient=mail_address(mail.to),
        message=write_mime(mail, is_utf8=not _is_ascii(mail)),
        options=_options(mail),
    )


def _in_plain_letters(mail: OutgoingMail) -> OutgoingMail:
    """Do without letters beyond ASCII where nothing but an answer depends on them.

    Raises:
        DeliveryFailed: they are the recipient's, or those of everybody's sender.
    """
    for address, scope in ((mail.from_address, Scope.LANE), (mail.to, Scope.ADDRESS)):
        if not _has_plain_name(address):
            reason = "the mail server can’t send to addresses with such letters (SMTPUTF8)"
            raise DeliveryFailed(reason, scope=scope, permanent=scope is Scope.ADDRESS)
    return replace(mail, reply_to=None)


def _options(mail: OutgoingMail) -> list[str]:
    """RFC 6531: addresses with letters beyond ASCII need SMTPUTF8."""
    return [] if _is_ascii(mail) else ["SMTPUTF8", "BODY=8BITMIME"]


def _is_ascii(mail: OutgoingMail) -> bool:
    return all(map(_has_plain_name, (mail.from_address, mail.to, mail.reply_to or "")))


def _has_plain_name(address: str) -> bool:
    return address.rpartition("@")[0].isascii()


async def _quit(client: aiosmtplib.SMTP) -> None:
    transport = client.transport
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit()
    client.close()
    _abort(transport)


def _drop(client: aiosmtplib.SMTP | None) -> None:
    if client is not None:
        transport = client.transport
        client.close()
        _abort(transport)


def _abort(transport: asyncio.BaseTransport | None) -> None:
    """Close the socket at once: a polite end of TLS waits for the server, up to half a minute."""
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
