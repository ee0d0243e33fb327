"""Texts in the DNS: what a domain says about who may send mail in its name."""

from __future__ import annotations

import dns.exception
import dns.resolver


class NoSuchDomain(Exception):
    """The domain does not exist (NXDOMAIN)."""


class DnsSilent(Exception):
    """No server gave an answer, so nothing is known."""


class TextRecords:
    """Asks for TXT records; `nameservers` and `port` stand in for those the system is set to.

    `seconds` bound one question in all, other servers and repeats included.
    """

    def __init__(self, nameservers: tuple[str, ...] = (), port: int = 53, *, seconds: float = 3.0) -> None:
        self._nameservers, self._port, self._seconds = nameservers, port, seconds
        self._resolver: dns.resolver.Resolver | None = None

    def of(self, name: str) -> list[str]:
        """List the TXT records of a name, the strings of each joined (RFC 7208, section 3.3).

        Raises:
            NoSuchDomain, DnsSilent.
        """
        try:
            answer = self._made().resolve(name, "TXT", lifetime=self._seconds, search=False)
        except dns.resolver.NXDOMAIN:
            raise NoSuchDomain from None
        except dns.resolver.NoAnswer:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise DnsSilent(type(error).__name__) from None
        return [b"".join(record.strings).decode(errors="replace") for record in answer]

    def _made(self) -> dns.resolver.Resolver:
        """Make the resolver when it is first needed: a machine without servers fails here."""
        if self._resolver is None:
            self._resolver = dns.resolver.Resolver(configure=not self._nameservers)
            if self._nameservers:
                self._resolver.nameservers, self._resolver.port = list(self._nameservers), self._port
        return self._resolver
