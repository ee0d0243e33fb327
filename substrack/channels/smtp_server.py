"""Which mail server to use, read from `SUBSTRACK_SMTP_URL`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from substrack.domain.errors import Refused
from substrack.setting_values import INSECURE

DEFAULT_PORTS = {"smtp": 587, "smtps": 465}
"""Submission (RFC 6409, section 3.1) and submission over TLS (RFC 8314, section 7.3)."""


class WrongSmtpUrl(Refused):
    """The URL names no mail server."""

    field = "smtp_url"

    def __init__(self) -> None:
        super().__init__("The mail server must look like smtp://user@mail.example.org:587 or smtps://…")


@dataclass(frozen=True)
class SmtpServer:
    """A mail server and how to log in; `is_tls`: TLS from the first byte. The password is never shown.

    `may_be_plain`: mail, though never the password, may travel readable over a network, because the URL
    says so.
    """

    host: str
    port: int
    is_tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    may_be_plain: bool = False

    @classmethod
    def from_url(cls, url: str, password: str | None = None) -> Self:
        """Read `smtp://user:password@host:port`; user and password are percent-decoded.

        A `password` given beside the URL wins over one in it. `?insecure=1` at the end lets mail go to a
        server on the network that offers no encryption.

        Raises:
            WrongSmtpUrl: another scheme, no host, an impossible port, or a parameter unheard of.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            (parts.hostname or "").encode("idna")
        except ValueError as error:
            raise WrongSmtpUrl from error
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0:
            raise WrongSmtpUrl
        if parts.query not in ("", INSECURE):
            raise WrongSmtpUrl
        inside = unquote(parts.password) if parts.password else None
        return cls(
            host=parts.hostname,
            port=port or DEFAULT_PORTS[parts.scheme],
            is_tls=parts.scheme == "smtps",
            user=unquote(parts.username) if parts.username else None,
            password=password or inside,
            may_be_plain=parts.query == INSECURE,
        )

    @property
    def is_loopback(self) -> bool:
        """Tell whether the server is this very machine, so that nothing travels that could be read."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
