"""Mail by SMTP, over a few connections that are used again.

One mail goes to one recipient. A connection that broke is thrown away; whatever goes wrong with the server is
a `DeliveryFailed`. Nothing here retries: when to try again is decided in `domain.delivery`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.policy import EmailPolicy

import aiosmtplib

from substrack.channels.base import OutgoingMail
from substrack.channels.mime import POLICY, build_mime, mail_address
from substrack.channels.smtp_errors import delivery_failure
from substrack.channels.smtp_server import SmtpServer
from substrack.domain.delivery import DeliveryFailed, Scope

TIMEOUT_SECONDS = 30.0
IDLE_CHECK_SECONDS = 5.0
"""A connection unused for longer is asked whether it is still there (NOOP) before a mail is risked on it."""

EHLO_NAME = "[127.0.0.1]"
"""An address literal (RFC 5321, section 4.1.3): looking up the machine's name may be slow, and tells it."""


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
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._timeout = timeout_seconds
        self._tls_context = tls_context
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []

    async def send(self, mail: OutgoingMail) -> str:
        """Hand one mail to the server and return its answer.

        Raises:
            DeliveryFailed: scope LANE for connection, TLS, login, 421 and timeouts; ADDRESS for a refused
                recipient; MESSAGE for everything the server has against this mail.
        """
        message = build_mime(mail).as_bytes(policy=_policy_for(mail))
        async with self._slots, self._connection() as client:
            _refused, answer = await client.sendmail(
                mail_address(mail.from_address, Scope.LANE),
                [mail_address(mail.to)],
                message,
                mail_options=_options(mail),
            )
        return answer

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        while self._idle:
            client, _since = self._idle.pop()
            await _quit(client)
        await asyncio.sleep(0)  # lets the loop close the sockets of what was dropped

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Lend a live connection; it goes back to the pool only if it is still in order."""
        client: aiosmtplib.SMTP | None = None
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

    async def _reused(self) -> aiosmtplib.SMTP | None:
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

    async def _connect(self) -> aiosmtplib.SMTP:
        """Connect, upgrade to TLS when the server offers it, log in.

        Raises:
            DeliveryFailed: mail or login would travel readable over a network.
        """
        client = aiosmtplib.SMTP(
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
        if self._server.user is not None:
            await client.login(self._server.user, self._server.password or "")

    def _keep(self, client: aiosmtplib.SMTP | None) -> None:
        if client is not None and client.is_connected:
            self._idle.append((client, asyncio.get_running_loop().time()))


def _policy_for(mail: OutgoingMail) -> EmailPolicy:
    return POLICY if _is_ascii(mail) else POLICY.clone(utf8=True)


def _options(mail: OutgoingMail) -> list[str]:
    """RFC 6531: addresses with letters beyond ASCII need SMTPUTF8."""
    return [] if _is_ascii(mail) else ["SMTPUTF8", "BODY=8BITMIME"]


def _is_ascii(mail: OutgoingMail) -> bool:
    addresses = (mail.from_address, mail.to, mail.reply_to or "")
    return all(address.rpartition("@")[0].isascii() for address in addresses)


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
