"""What keeps a mail server from taking mail at all, told apart by what is to be done about it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import aiosmtplib

from substrack.domain.delivery import DeliveryFailed


class SmtpFault(StrEnum):
    """What went wrong between connecting and the first mail."""

    UNKNOWN_HOST = "unknown host"
    NOBODY_THERE = "nobody there"
    SILENT = "silent"
    CERTIFICATE = "certificate"
    NO_TLS = "no TLS"
    LOGIN = "login"
    SENDER = "sender"
    OTHER = "other"


FAULTS: Final[tuple[tuple[type[BaseException], SmtpFault], ...]] = (
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
    if len(causes) == 1:
        return SmtpFault.NO_TLS
    for error in reversed(causes):
        for known, fault in FAULTS:
            if isinstance(error, known):
                return fault
    return SmtpFault.OTHER


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
