"""Live through the story: day by day, through the same services as everybody, with the clock as an argument.

Chance comes from a fixed seed, so that the same day shows the same workspace.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.cli.demo.story import FORGIVEN, HABITS, QUESTION, STORY, Habit, Sample, Seat
from substrack.domain.actors import Actor
from substrack.domain.cycles import Unit
from substrack.domain.errors import Refused
from substrack.domain.money import Money, parse_amount
from substrack.domain.pay_methods import pay_method
from substrack.domain.payments import ASKABLE, PaymentKind, Status
from substrack.domain.terms import GroupTerms
from substrack.queries.ledger_lists import PaymentRow, list_payments, list_periods
from substrack.services.claim_decisions import confirm_claim, reject_claim
from substrack.services.claims import claim_payments
from substrack.services.groups import create_group, set_pay_methods
from substrack.services.members import add_member, leave_group
from substrack.services.payments import waive_payment
from substrack.services.periods import edit_period
from substrack.services.prices import set_price
from substrack.services.putting_off import object_to_payments
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick

MONTHS = 14
FORGOTTEN_DAYS = 45
"""So long the forgetful have not been heard of, so that something is overdue on every day."""

UNDECIDED_DAYS = 4
"""Claims of the last days stay waiting, so that there is something to review."""


@dataclass
class Life:
    """One run of the story in one workspace."""

    runtime: Runtime
    workspace_id: int
    owner: Actor
    until: datetime
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    plans: dict[date, list[Callable[[Session, datetime], object]]] = field(default_factory=dict)
    groups: dict[int, Sample] = field(default_factory=dict)

    @property
    def starts_on(self) -> date:
        """The first of the month, fourteen months ago."""
        return self.until.date().replace(day=1) - relativedelta(months=MONTHS)

    def live(self, on_month: Callable[[date], None]) -> None:
        """Set everything up, then live day by day up to now; `on_month` hears of each first of a month."""
        self._begin()
        for day in _days(self.starts_on, self.until.date()):
            if day.day == 1:
                on_month(day)
            self._live_through(day)

    def _live_through(self, day: date) -> None:
        for hour, people_act in ((9, False), (17, True)):
            now = datetime.combine(day, time(hour), tzinfo=UTC)
            if now > self.until:
                return
            if people_act:
                self._act(day, now)
            tick(self.runtime, now=now)
            deliver_due(self.runtime, now=now + timedelta(seconds=30))

    def _begin(self) -> None:
        now = datetime.combine(self.starts_on, time(7), tzinfo=UTC)
        for sample in STORY:
            with self.runtime.transaction() as session:
                self._set_up(session, sample, now)
        for month, name in FORGIVEN:
            self._plan(month, partial(self._forgive, name))
        self._plan_on(self.until.date() - timedelta(days=1), self._wonder)

    def _set_up(self, session: Session, sample: Sample, now: datetime) -> None:
        group = create_group(session, self.workspace_id, self._terms(sample), by=self.owner, now=now)
        self.groups[group.id] = sample
        ways = [pay_method(kind, dict(fields)) for kind, fields in sample.ways]
        set_pay_methods(session, group.id, ways, by=self.owner, now=now)
        for seat in sample.seats:
            self._seat(session, group.id, sample, seat, now)
        if sample.new_price:
            month, price = sample.new_price
            self._plan(month, lambda session, now: self._raise_price(session, group.id, sample, price, now))

    def _terms(self, sample: Sample) -> GroupTerms:
        return GroupTerms(
            name=sample.name,
            description=sample.description,
            kind=sample.kind,
            currency=sample.currency,
            price=None if sample.price is None else parse_amount(sample.price, sample.currency),
            split=sample.split,
            unit=sample.unit,
            every=sample.every,
            billing_day=None if sample.unit is Unit.WEEK else sample.billing_day,
            starts_on=self.starts_on,
            time_zone=sample.zone,
            **dict(sample.terms),
        )

    def _seat(self, session: Session, group_id: int, sample: Sample, seat: Seat, now: datetime) -> None:
        if seat.joins_month:
            later = Seat(seat.name, seat.weight, seat.fixed)
            self._plan(seat.joins_month, lambda s, n: self._seat(s, group_id, sample, later, n))
            return
        member = add_member(
            session,
            group_id,
            name=seat.name,
            email=f"{seat.name.lower().replace(' ', '.')}@example.org",
            weight=seat.weight,
            fixed=None if seat.fixed is None else parse_amount(seat.fixed, sample.currency),
            by=self.owner,
            now=now,
        )
        if seat.leaves_month is not None:
            self._plan(seat.leaves_month, lambda s, n: leave_group(s, member.id, by=self.owner, now=n))

    def _raise_price(
        self, session: Session, group_id: int, sample: Sample, price: str, now: datetime
    ) -> object:
        amount = parse_amount(price, sample.currency)
        return set_price(session, group_id, amount=amount, by=self.owner, now=now)

    def _plan(self, month: int, act: Callable[[Session, datetime], object]) -> None:
        self._plan_on(self.starts_on + relativedelta(months=month, days=2), act)

    def _plan_on(self, day: date, act: Callable[[Session, datetime], object]) -> None:
        self.plans.setdefault(day, []).append(act)

    def _act(self, day: date, now: datetime) -> None:
        with self.runtime.reading() as session:
            owed = [
                row for status in ASKABLE for row in list_payments(session, self.workspace_id, status=status)
            ]
            unbilled = [row for row in list_periods(session, self.workspace_id) if row.total is None]
        for period in unbilled:
            if (day - period.starts_on).days >= 3:
                self._enter_bill(period.id, period.group_id, period.sequence, now)
        for claim in self._claims_of_today(owed, day):
            self._do(partial(self._claim, rows=claim, day=day, now=now))
        for act in self.plans.pop(day, []):
            self._do(partial(_at, act, now))

    def _enter_bill(self, period_id: int, group_id: int, sequence: int, now: datetime) -> None:
        sample = self.groups[group_id]
        if (self.until - now).days < UNDECIDED_DAYS + 10:
            return
        total = parse_amount(sample.bills[sequence % len(sample.bills)], sample.currency)
        self._do(lambda session: edit_period(session, period_id, total=total, by=self.owner, now=now))

    def _claims_of_today(self, owed: list[PaymentRow], day: date) -> Iterator[list[PaymentRow]]:
        """Let each person settle in one press what they have been asked for often enough."""
        is_late = (self.until.date() - day).days < FORGOTTEN_DAYS
        by_person: dict[tuple[int, str], list[PaymentRow]] = {}
        for row in owed:
            habit = HABITS.get(row.member, Habit.USUAL)
            ripe = row.requests_sent >= habit.value and row.kind is PaymentKind.DUES
            ripe = ripe and not (habit is Habit.FORGETFUL and is_late)
            if ripe and self.chance.random() < 0.3:
                by_person.setdefault((row.contact_id, row.amount.currency), []).append(row)
        yield from by_person.values()

    def _claim(self, session: Session, rows: list[PaymentRow], day: date, now: datetime) -> None:
        contact_id = rows[0].contact_id
        note = self.chance.choice((None, None, None, "Sent from my savings account", "Sorry for the wait"))
        attempts = claim_payments(
            session,
            contact_id,
            [row.id for row in rows],
            by=Actor.contact(contact_id),
            now=now,
            paid_on=day,
            note=note,
        )
        for attempt in attempts:
            self._decide_later(attempt.id, Money(attempt.amount_minor, attempt.currency), day)

    def _decide_later(self, attempt_id: int, claimed: Money, day: date) -> None:
        """Let the owner look at the claim a day or three later; the last ones are still waiting."""
        decided_on = day + timedelta(days=self.chance.randint(1, 3))
        if (self.until.date() - decided_on).days < UNDECIDED_DAYS:
            return
        dice = self.chance.random()
        if dice < 0.04:
            self._plan_on(decided_on, self._rejection(attempt_id))
        else:
            amount = _part_of(claimed) if dice < 0.08 else _rounded_up(claimed) if dice > 0.95 else None
            self._plan_on(decided_on, self._confirmation(attempt_id, amount))

    def _rejection(self, attempt_id: int) -> Callable[[Session, datetime], object]:
        reason = "Nothing has arrived yet; could you look again?"
        return lambda session, now: reject_claim(session, attempt_id, reason=reason, by=self.owner, now=now)

    def _confirmation(self, attempt_id: int, amount: Money | None) -> Callable[[Session, datetime], object]:
        return lambda session, now: confirm_claim(session, attempt_id, amount=amount, by=self.owner, now=now)

    def _forgive(self, name: str, session: Session, now: datetime) -> object:
        rows = list_payments(session, self.workspace_id, status=Status.OVERDUE)
        for row in [row for row in rows if row.member == name][:1]:
            waive_payment(session, row.id, reason="Thanks for fixing the bike.", by=self.owner, now=now)
        return None

    def _wonder(self, session: Session, now: datetime) -> object:
        """Let somebody forgetful ask about what they owe, so that there is a note to answer."""
        late = list_payments(session, self.workspace_id, status=Status.OVERDUE)
        for row in [row for row in late if HABITS.get(row.member) is Habit.FORGETFUL][:1]:
            by = Actor.contact(row.contact_id)
            object_to_payments(session, row.contact_id, [row.id], text=QUESTION, by=by, now=now)
        return None

    def _do(self, act: Callable[[Session], Any]) -> None:
        """Do one thing; what the rules refuse on that day simply does not happen."""
        try:
            with self.runtime.transaction() as session:
                act(session)
        except Refused:
            pass


def _at(act: Callable[[Session, datetime], object], now: datetime, session: Session) -> object:
    return act(session, now)


def _part_of(money: Money) -> Money:
    return Money(money.minor * 2 // 3, money.currency)


def _rounded_up(money: Money) -> Money:
    whole = 10**money.exponent
    return Money(-(-money.minor // whole) * whole + whole, money.currency)


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
