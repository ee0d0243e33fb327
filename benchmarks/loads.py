"""A bounded load: so many requests a second over so few connections, and how long each took."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from statistics import quantiles
from urllib.parse import urlencode

GOOD = (200, 303)


@dataclass(frozen=True)
class Answer:
    """What came back: its status, its body, and the cookies it sets."""

    status: int
    text: str
    cookies: str


@dataclass
class Client:
    """One connection that is kept open, as a browser does, and opened anew when the server closed it."""

    port: int
    connection: HTTPConnection | None = None

    def ask(self, path: str, *, cookie: str = "", form: Sequence[tuple[str, str]] | None = None) -> Answer:
        """Send one request; a server that closes an idle connection is asked once more."""
        for is_last in (self.connection is None, True):
            try:
                return self._ask(path, cookie, form)
            except (ConnectionError, HTTPException):
                self.close()
                if is_last:
                    raise
        raise AssertionError

    def close(self) -> None:
        """Leave; the next request opens a connection anew."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _ask(self, path: str, cookie: str, form: Sequence[tuple[str, str]] | None) -> Answer:
        if self.connection is None:
            self.connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": cookie} if cookie else {}
        body = None if form is None else urlencode(form)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request("GET" if form is None else "POST", path, body, headers)
        answer = self.connection.getresponse()
        set_by_it = [value.partition(";")[0] for value in answer.headers.get_all("Set-Cookie") or ()]
        return Answer(answer.status, answer.read().decode(), "; ".join(set_by_it))


@dataclass
class Taken:
    """How long requests of each kind took, in seconds, and what went wrong."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def percentile(self, kind: str, percent: int) -> float:
        """Say within which time so many of a hundred requests of a kind were answered."""
        taken = self.seconds[kind]
        return quantiles(taken, n=100, method="inclusive")[percent - 1] if taken[1:] else taken[0]


Act = Callable[[Client], Answer]


def run_load(
    port: int, acts: Iterator[tuple[str, Act]], *, connections: int, per_second: float, lasts: float
) -> Taken:
    """Do acts at a steady pace, or as fast as so many connections can where that is slower."""
    taken, turn = Taken(), threading.Lock()
    begun = time.monotonic()
    due = iter(begun + number / per_second for number in range(int(lasts * per_second)))

    def work() -> None:
        with closing(Client(port)) as client:
            while turned := take_turn():
                at, (kind, act) = turned
                time.sleep(max(0.0, at - time.monotonic()))
                _do(client, kind, act, taken)

    def take_turn() -> tuple[float, tuple[str, Act]] | None:
        with turn:
            at = next(due, None)
            return None if at is None else (at, next(acts))

    threads = [threading.Thread(target=work) for _connection in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def _do(client: Client, kind: str, act: Act, taken: Taken) -> None:
    at = time.monotonic()
    try:
        answer = act(client)
    except (OSError, HTTPException) as error:
        taken.errors.append(f"{kind}: {error!r}")
        return
    taken.seconds[kind].append(time.monotonic() - at)
    if answer.status not in GOOD:
        taken.errors.append(f"{kind}: {answer.status}")
