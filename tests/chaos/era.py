"""An era: a workspace with five groups, a clock that is turned round by round, and schedulers that die.

In each round all schedulers work at once, and at least one of them has to finish before the next begins.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select

from substrack.domain.cycles import Unit
from substrack.domain.payments import ASKABLE
from substrack.queries.groups import load_terms
from substrack.services.group_edits import edit_group
from substrack.services.payments import confirm_payment
from substrack.store import Group, Payment
from tests.chaos.board import Board
from tests.chaos.crews import Crew, Work
from tests.chaos.scale import sized
from tests.journeys.oracle import Plan
from tests.support.cast import Cast, at

BEGIN: Final = at("2026-01-10")
PATIENCE_SECONDS: Final = 60.0
MOST_FAILURES: Final = 30
ZONES: Final = ("Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kathmandu", "America/New_York")
_ALL: Final = (
    Plan("Films", "EUR", "month", 1, date(2026, 1, 31), 31),
    Plan("Music", "EUR", "week", 2, date(2026, 2, 3)),
    Plan("Cloud", "EUR", "year", 1, date(2028, 2, 29), 29, days_before=20),
    Plan("Power", "EUR", "month", 3, date(2026, 3, 30), 30, days_before=40),
    Plan("Club", "EUR", "month", 1, date(2026, 2, 1), 1),
)
PLANS: Final = sized(short=_ALL[:2], full=_ALL)


def found_groups(cast: Cast) -> None:
    """Set up a group for each plan, each in a zone of its own, with Ben and Mia in all of them."""
    for plan, zone in zip(PLANS, ZONES, strict=False):
        unit = Unit(plan.unit)
        group = cast.group(
            plan.name,
            "9.00",
            unit=unit,
            every=plan.every,
            starts_on=plan.starts_on,
            billing_day=None if unit is Unit.WEEK else plan.billing_day,
            collect_days_before=plan.days_before,
            time_zone=zone,
        )
        for name in ("Ben", "Mia"):
            cast.join(group, name)


@dataclass
class Era:
    """What happens to clock, schedulers and groups. `highest` is the latest the clock ever showed."""

    cast: Cast
    board: Board
    crew: Crew
    work: Work
    hands: int
    dice: random.Random = field(default_factory=lambda: random.Random(2026))
    highest: datetime = BEGIN

    def begin(self) -> None:
        """Let all hands begin."""
        for hand in range(self.hands):
            self._start(hand)

    def pass_by(self, passed: timedelta) -> int:
        """Let time pass, and a round begin."""
        self.board.let_pass(passed)
        self.highest = max(self.highest, self.board.wall())
        return self.board.begin_round()

    def jump(self, by: timedelta) -> None:
        """Set the clock on the wall, whatever is going on."""
        self.board.set_wall(self.board.wall() + by)
        self.highest = max(self.highest, self.board.wall())

    def restart(self) -> None:
        """Kill one of the hands where it stands, and let another take its place."""
        hand = self.dice.randrange(self.hands)
        self.crew.kill(hand)
        self._start(hand)

    def restart_all(self, *, between: Callable[[], None]) -> None:
        """Kill every hand, and let others take their places once something else has happened."""
        for hand in range(self.hands):
            self.crew.kill(hand)
        between()
        self.begin()

    def move_house(self) -> None:
        """Put a group into another time zone, wherever it is in its cycle."""
        with self.cast.runtime.transaction() as session:
            group_id = self.dice.choice(list(session.scalars(select(Group.id).order_by(Group.id))))
            terms = replace(load_terms(session, group_id), time_zone=self.dice.choice(ZONES))
            edit_group(session, group_id, terms, by=self.cast.olga, now=self.board.wall())

    def pay(self) -> None:
        """Confirm one of the oldest things that somebody owes."""
        query = select(Payment.id).where(Payment.status.in_(ASKABLE)).order_by(Payment.id).limit(6)
        found = self.cast.read(lambda session: list(session.scalars(query)))
        if found:
            self.cast.do(confirm_payment, self.dice.choice(found), by=self.cast.olga, now=self.board.wall())

    def wait_for(self, number: int, *, everybody: bool = False) -> None:
        """Wait until one hand, or everybody, has finished a round; whoever an error has ended is replaced."""
        enough, end = all if everybody else any, time.monotonic() + PATIENCE_SECONDS
        while not enough(self.board.finished(hand) >= number for hand in range(self.hands)):
            assert time.monotonic() < end, f"nobody finishes round {number}"
            assert self.crew.failures < MOST_FAILURES, "hands end as soon as they begin"
            for hand in range(self.hands):
                if not self.crew.is_alive(hand):
                    self._start(hand)
            time.sleep(0.002)

    def come_to_rest(self) -> None:
        """Let all hands do what there is to do at this instant."""
        for _round in range(2):
            self.wait_for(self.board.begin_round(), everybody=True)

    def end(self) -> None:
        """Let all hands leave."""
        self.board.end()
        self.crew.join()

    def _start(self, hand: int) -> None:
        self.board.finish(hand, -1)
        self.crew.start(hand, self.work, self.board.path, hand)
