"""A browser's tab, for many at once: real HTTP over a connection that is kept, its cookies, its redirects."""

from __future__ import annotations

import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import urlencode

TIMEOUT_SECONDS: Final = 60.0
FORM: Final = "application/x-www-form-urlencoded"

Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Shown:
    """What came of a press: the page, and the status of the press or of a page it led to that failed."""

    status: int
    text: str


@dataclass
class Line:
    """A connection to one server."""

    port: int

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)

    def tab(self, cookies: Mapping[str, str] = {}) -> Tab:
        """Open a tab with these cookies."""
        return Tab(self, dict(cookies))

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> _Answer:
        """Ask once; what the connection has heard is read to its end."""
        self._connection.request(method, path, body, dict(headers))
        answer = self._connection.getresponse()
        return _Answer(
            answer.status,
            answer.read().decode(),
            answer.getheader("Location"),
            answer.headers.get_all("Set-Cookie") or [],
        )

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@dataclass(frozen=True)
class _Answer:
    status: int
    text: str
    location: str | None
    cookies: Sequence[str]


@dataclass
class Tab:
    """One tab; its cookies are its own."""

    line: Line
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> str:
        """Look at a page."""
        answer = self._ask("GET", path)
        assert answer.status == 200, f"{path}: {answer.status}"
        return answer.text

    def post(self, path: str, fields: Fields) -> Shown:
        """Send a form, and read the page it leads to."""
        answer = self._ask("POST", path, urlencode(fields, doseq=True))
        if answer.status != 303 or answer.location is None:
            return Shown(answer.status, answer.text)
        page = self._ask("GET", answer.location)
        return Shown(answer.status if page.status == 200 else page.status, page.text)

    def _ask(self, method: str, path: str, body: str | None = None) -> _Answer:
        headers = {"Content-Type": FORM} if body is not None else {}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.line.ask(method, path, headers, body)
        for line in answer.cookies:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return answer
