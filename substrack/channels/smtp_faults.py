"""What keeps a mail server from taking mail at all, told apart by what is to be done about it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import aiosmtplib

from substrack.domain.delivery import DeliveryFailed, Scope


class SmtpFault(StrEnum):
    """What went wrong between connecting and the first mail."""

    UNKNOWN_HOST = "unknown host"
    NOBODY_THERE = "nobody there"
    SILENT = "silent"
    CERTIFICATE = "certificate"
    NO_TLS = "no TLS"
    LOGIN = "login"
    NO_LOGIN = "no login"
    NO_PASSWORD = "no password"
    SENDER = "sender"
    OTHER = "other"


class NoLogin(DeliveryFailed):
    """The server offers no AUTH on this connection (RFC 4954, section 3)."""

    def __init__(self) -> None:
        super().__init__(
            "the mail server takes no login on this connection: remove `user@` from SUBSTRACK_SMTP_URL, "
            "or use the port with TLS",
            scope=Scope.LANE,
        )


class NoPassword(DeliveryFailed):
    """There is somebody to log in as, and nothing to log in with."""

    def __init__(self) -> None:
        super().__init__(
            "SUBSTRACK_SMTP_URL names a user, and there is no password: set SUBSTRACK_SMTP_PASSWORD",
            scope=Scope.LANE,
        )


FAULTS: Final[tuple[tuple[type[BaseException], SmtpFault], ...]] = (
    (NoLogin, SmtpFault.NO_LOGIN),
    (NoPassword, SmtpFault.NO_PASSWORD),
    (ssl.SSLCertVerificationError, SmtpFault.CERTIFICATE),
    (ssl.SSLError, SmtpFault.NO_TLS),
    (socket.gaierror, SmtpFault.UNKNOWN_HOST),
    (ConnectionRefusedError, SmtpFault.NOBODY_THERE),
    (aiosmtplib.SMTPAuthenticationError, SmtpFault.LOGIN),
    (aiosmtplib.SMTPSenderRefused, SmtpFault.SENDER),
    (TimeoutError, SmtpFault.SILENT),
)


def fault_of(failure: DeliveryFailed) -> SmtpFault:
    """Name the fault by the error that lies deepest; without any, it is that nothing is encrypted."""
    causes = list(_causes(failure))
    for error in reversed(causes):
        for known, fault in FAULTS:
            if isinstance(error, known):
                return fault
    return SmtpFault.NO_TLS if len(causes) == 1 else SmtpFault.OTHER


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
