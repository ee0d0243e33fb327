"""A browser as thin as can be: one connection that is kept, two cookies, and what an answer says.

Whether a press can have arrived is told apart: nobody took the call (`NotSent`), or no answer came
(`NoAnswer`).
"""

from __future__ import annotations

import base64
import json
import random
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlencode

FORM_COOKIE: Final = re.compile(r"substrack-form=([^;]*)")
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
UNDO: Final = re.compile(r"done (\S+)")


class NotSent(Exception):
    """Nobody listens: nothing can have happened."""


class NoAnswer(Exception):
    """The press was on its way, and the connection was cut or silent."""


@dataclass(frozen=True)
class Answer:
    """What came back; `cookie` is the one that carries sentences to the next page."""

    status: int
    location: str
    cookie: str
    text: str

    @property
    def flashes(self) -> list[tuple[str, str]]:
        """What the next page would tell: kind and sentence, as they stand in the signed cookie."""
        found = FORM_COOKIE.search(self.cookie)
        told: list[dict[str, tuple[str, str]]] = _unpacked(found[1]).get("_flashes", []) if found else []
        return [one[" t"] for one in told]

    @property
    def correlation_id(self) -> str | None:
        """What the button "Undo" on the next page would name."""
        return next((found[1] for kind, _ in self.flashes if (found := UNDO.match(kind))), None)


class Browser:
    """One phone or computer; chooses anew among the program's ports whenever its connection was lost."""

    def __init__(self, ports: Sequence[int], *, cookies: str = "", patience_seconds: float) -> None:
        self._ports, self._cookies, self._patience = ports, cookies, patience_seconds
        self._connection: HTTPConnection | None = None

    def get(self, path: str) -> Answer:
        """Load a page.

        Raises:
            NotSent, NoAnswer.
        """
        return self._ask("GET", path, None)

    def post(self, path: str, fields: Sequence[tuple[str, str]]) -> Answer:
        """Send a form.

        Raises:
            NotSent, NoAnswer.
        """
        return self._ask("POST", path, urlencode(fields))

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        connection = self._connection or self._call()
        headers = {"Cookie": self._cookies} if self._cookies else {}
        try:
            connection.request(method, path, body, headers | (FORM if body is not None else {}))
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, HTTPException) as error:
            self.close()
            raise NoAnswer(repr(error)) from error
        return Answer(
            response.status,
            response.headers.get("Location", ""),
            "; ".join(response.headers.get_all("Set-Cookie", [])),
            text,
        )

    def _call(self) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", random.choice(self._ports), timeout=self._patience)
        try:
            connection.connect()
        except OSError as error:
            raise NotSent(repr(error)) from error
        self._connection = connection
        return connection


def _unpacked(signed: str) -> dict[str, Any]:
    """Read what a signed cookie says (itsdangerous: a leading dot stands for zlib)."""
    packed = signed.lstrip(".").partition(".")[0]
    data = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    found: dict[str, Any] = json.loads(zlib.decompress(data) if signed.startswith(".") else data)
    return found
