"""Pages, claims and confirms at once: two processes of gunicorn with four threads each, on both databases."""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from benchmarks.frame import Quantity, Result, Target, seconds
from benchmarks.houses import LATER, House, acting, grow, lived_in, open_house
from benchmarks.loads import Act, Answer, Client, Taken, run_load
from benchmarks.place import Place, environment_of
from benchmarks.processes import module, running
from substrack.domain.payments import Status
from substrack.services.links import renew_pay_link
from substrack.settings import Settings
from substrack.store import Contact, Payment, RoleGrant
from tests.support.databases import Kind

CONNECTIONS: Final = 8
PER_SECOND: Final = 12
SHARES: Final = (
    ("home", 3), ("group page", 4), ("review", 2), ("member's page", 6), ("everybody to ask", 1),
    ("claim", 4), ("confirm", 4),
)  # fmt: skip
"""What of 24 requests is what; the page that lists everybody to ask is the slow one."""

CLAIM: Final = re.compile(r'action="/review/(\w+)/confirm">.*?name="versions" value="([^"]+)"', re.DOTALL)


def measure(place: Place) -> Iterator[Result]:
    """Send mixed traffic for a minute; every answer has to be good."""
    groups, periods, times = place.sized((50, 6, 8), (2, 4, 2))
    for kind in place.kinds:
        with lived_in(place, kind, groups=groups, periods=periods) as settings:
            grow(settings, times=times)
            taken = _load(place, settings)
        yield from _rows(taken, kind)


def _rows(taken: Taken, kind: Kind) -> Iterator[Result]:
    yield Result("mixed traffic: errors", kind, Quantity(len(taken.errors)), target=Target(0, ""))
    for name in sorted(taken.seconds):
        work = f"mixed traffic: {name}"
        p50, p95, p99 = (seconds(taken.percentile(name, percent)) for percent in (50, 95, 99))
        yield Result(work, f"95 of 100, {kind}", p95, p50, "half of them")
        target = Target(3) if name == "claim" else None
        yield Result(work, f"99 of 100, {kind}", p99, p50, "half of them", target)


def _load(place: Place, settings: Settings) -> Taken:
    house = open_house(settings)
    people = _people(settings, place.sized(2_000, 8))
    environment = environment_of(settings) | {"SUBSTRACK_NOW": LATER.isoformat()}
    with running(partial(_gunicorn, place.sized(2, 1)), "/healthz", environment) as process:
        crowd = Crowd(house, people)
        with closing(Client(process.port)) as client:
            crowd.enter(client)
        lasts, warming = place.sized((60.0, 5.0), (1.0, 0.2))
        for duration in (warming, lasts):
            taken = run_load(
                process.port, crowd.acts(), connections=CONNECTIONS, per_second=PER_SECOND, lasts=duration
            )
    return taken


def _people(settings: Settings, count: int) -> list[tuple[str, str]]:
    """Give so many people's pages, each with one payment that they can say to have paid."""
    with acting(settings) as runtime, runtime.transaction() as session:
        workspace_id = session.scalars(sa.select(RoleGrant.workspace_id)).one()
        owed = sa.select(Payment.contact_id, sa.func.min(Payment.public_id)).join(
            Contact, Contact.id == Payment.contact_id
        )
        owed = owed.where(Payment.status == Status.PENDING, Payment.voided_at.is_(None))
        found = session.execute(owed.group_by(Payment.contact_id).limit(count)).all()
        terms: dict[str, Any] = {"workspace_id": workspace_id, "now": LATER}
        links = [renew_pay_link(session, key, **terms) for key, _payment in found]
        tokens = [runtime.signer.token(link.purpose, link.jti) for link in links]
    return [(f"/pay/{token}", payment) for token, (_key, payment) in zip(tokens, found, strict=True)]


@dataclass
class Crowd:
    """Members and an admin: what each does next."""

    house: House
    people: list[tuple[str, str]]
    cookie: str = ""
    token: str = ""
    waiting: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, client: Client) -> None:
        """Take the token of the admin's forms, and the claims that wait, as the page of review has them."""
        self.cookie = self.house.cookie
        shown = client.ask("/review", cookie=self.cookie)
        self.cookie += f"; {shown.cookies}"
        found = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
        assert found, "no form on the page of review"
        self.token = found[1]
        self._note(shown.text)

    def acts(self) -> Iterator[tuple[str, Act]]:
        """Mix acts by their shares, in an order that is the same every time."""
        kinds = [kind for kind, share in SHARES for _share in range(share)]
        random.Random(7).shuffle(kinds)
        numbers = itertools.count()
        for kind in itertools.cycle(kinds):
            yield kind, self._act(kind, next(numbers))

    def _act(self, kind: str, number: int) -> Act:
        page, payment = self.people[number % len(self.people)]
        if kind == "claim":
            return lambda client: client.ask(page, form=[("act", "claim"), ("payment", payment)])
        if kind == "confirm":
            return self._confirm
        if kind == "review":
            return self._review
        path = page if kind == "member's page" else "/ask" if "ask" in kind else self.house.paths[kind]
        cookie = "" if kind == "member's page" else self.cookie
        return lambda client: client.ask(path, cookie=cookie)

    def _review(self, client: Client) -> Answer:
        shown = client.ask("/review", cookie=self.cookie)
        self._note(shown.text)
        return shown

    def _confirm(self, client: Client) -> Answer:
        with self.lock:
            claim = self.waiting.pop() if self.waiting else None
        if claim is None:
            return self._review(client)
        form = [("csrf_token", self.token), ("versions", claim[1]), ("next", "/review")]
        return client.ask(f"/review/{claim[0]}/confirm", cookie=self.cookie, form=form)

    def _note(self, shown: str) -> None:
        claims = CLAIM.findall(shown)
        with self.lock:
            self.waiting[:] = list(dict(claims).items())


def _gunicorn(workers: int, port: int) -> list[str]:
    """Run the pages as on a server: so many processes with four threads each."""
    size = ("--workers", str(workers), "--threads", "4")
    return module("gunicorn", *size, "--bind", f"127.0.0.1:{port}", "wsgi:app")
