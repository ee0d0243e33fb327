"""Somebody with a browser and an address of their own, who asks through TLS."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from tests.journeys.browser import Page, read_page

TIMEOUT_SECONDS: Final = 60.0
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reply:
    """One answer as it came."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    text: str

    def all(self, name: str) -> list[str]:
        """List every header of this name."""
        return self.headers.get_all(name) or []

    @property
    def page(self) -> Page:
        """Read it as a page."""
        return read_page(self.url, self.status, self.text, dict(self.headers))


@dataclass
class Visitor:
    """One person; on loopback any address of 127.0.0.0/8 may be theirs."""

    base_url: str
    tls: ssl.SSLContext
    address: str = "127.0.0.1"
    cookies: dict[str, Morsel[str]] = field(default_factory=dict)

    def ask(
        self,
        where: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> Reply:
        """Ask once, on a connection of its own; `where` is an address, or what follows the base URL."""
        url = where if "://" in where else self.base_url + where
        parts = urlsplit(url)
        assert parts.hostname is not None
        line = http.client.HTTPSConnection(
            parts.hostname,
            parts.port,
            context=self.tls,
            source_address=(self.address, 0),
            timeout=TIMEOUT_SECONDS,
        )
        try:
            line.request(
                method, parts._replace(scheme="", netloc="").geturl(), body, {**self._cookies(), **headers}
            )
            answer = line.getresponse()
            reply = Reply(url, answer.status, answer.headers, answer.read().decode(errors="replace"))
        finally:
            line.close()
        for one in reply.all("Set-Cookie"):
            self.cookies.update(SimpleCookie(one))
        return reply

    def send(self, where: str, fields: Sequence[tuple[str, str]], headers: Mapping[str, str] = {}) -> Reply:
        """Send a form."""
        body = urlencode(fields).encode()
        return self.ask(where, method="POST", body=body, headers={"Content-Type": FORM, **headers})

    def press(self, shown: Reply, label: str, **typed: str) -> Reply:
        """Press a button of a page; what it answers is not followed."""
        form, button = shown.page.form_with(label)
        target = urljoin(shown.url, form.action) if form.action else shown.url
        return self.send(target, form.sent_by(button, typed))

    def follow(self, reply: Reply) -> Reply:
        """Go where an answer leads."""
        assert reply.status in (301, 302, 303), (reply.status, reply.text)
        return self.ask(urljoin(reply.url, reply.headers["Location"]))

    def _cookies(self) -> dict[str, str]:
        held = [f"{name}={morsel.value}" for name, morsel in self.cookies.items() if morsel.value]
        return {"Cookie": "; ".join(held)} if held else {}
