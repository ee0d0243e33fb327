"""A machine does anything an admin, a member or time can do, in any order, and the books are right.

It runs longer with the experiments: `make chaos`, `make chaos-long`.
"""

import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Select, event, or_, select

from substrack.bootstrap import make_runtime
from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.notices import REQUESTS, Notice
from substrack.domain.payments import ASKABLE, CLOSED, OPEN, ReopenCause, Status
from substrack.domain.shares import PartPeriod, SplitKind
from substrack.queries.groups import load_terms
from substrack.services.claim_decisions import confirm_claim, reject_claim
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.erasing import erase_contact
from substrack.services.group_edits import edit_group
from substrack.services.groups import pause_group, resume_group
from substrack.services.late_joiners import add_to_period
from substrack.services.members import leave_group
from substrack.services.payments import (
    adjust_payment,
    confirm_payment,
    reject_payment,
    reopen_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.periods import edit_period, open_next_period
from substrack.services.prices import set_price
from substrack.services.putting_off import object_to_payments, snooze_payments
from substrack.services.receipts import apply_credit_now, record_receipt, void_receipt
from substrack.services.undo import undo_decision
from substrack.services.voiding import restore_period, void_period
from substrack.settings import Settings
from substrack.store import Attempt, Event, Group, Member, Message, MessageItem, Payment, Period, Receipt
from substrack.worker.ticking import TickReport
from tests.chaos.figures import record
from tests.chaos.scale import sized
from tests.support.books import check_books
from tests.support.cast import at, make_cast
from tests.support.databases import KINDS, Databases, Kind

PROMISE = "the books are right whatever is done in whatever order"
SIZES = {
    "sqlite": sized(short=(16, 30), full=(12, 100), long=(5000, 100)),
    "postgresql": sized(short=(5, 30), full=(4, 100), long=(1000, 100)),
}
"""Lives, and steps of each."""

STIR = 25
"""Steps that lie between quiet weeks, which cost as much as many others and are chosen too readily."""

LOT = 100
"""Lives after which the figure is written anew, since a long run may be broken off."""


picks = st.integers(0, 10_000)
amounts = st.one_of(st.integers(0, 700), st.sampled_from([1, 5, 299, 300]))


@dataclass
class Lived:
    """What was lived through so far."""

    lives: int = 0
    steps: int = 0
    writing: int = 0
    began: float = field(default_factory=time.process_time)

    def __str__(self) -> str:
        seconds = time.process_time() - self.began
        steps = f"{self.steps:,} steps, {self.writing:,} of which wrote"
        return f"{self.lives:,} lives ({steps}) in {seconds:,.0f} s of our processor time"


class Ledger(RuleBasedStateMachine):
    """Three groups of ben and mia: one whose payer pays too, one by weight, one that waits for bills."""

    def __init__(self, databases: Databases, kind: Kind, lived: Lived | None = None) -> None:
        super().__init__()
        self.lived = lived or Lived()
        self.lived.lives += 1
        self.opened = ExitStack()
        url = self.opened.enter_context(databases.lend(kind))
        data_dir = Path(self.opened.enter_context(TemporaryDirectory()))
        self.runtime = make_runtime(
            Settings(database_url=url, data_dir=data_dir, base_url="http://127.0.0.1:8000")
        )
        self.opened.callback(self.runtime.close)
        self.is_written = True
        self.stirred = 0
        event.listen(self.runtime.write_engine, "before_cursor_execute", self.note_writing)
        self.cast = make_cast(self.runtime)
        self.now = at("2026-02-01")
        self.last_decision: str | None = None

    @initialize(is_old=st.booleans())
    def set_up_groups(self, is_old: bool) -> None:
        """Begin on the first day, or when the requests of that day are used up."""
        cast = self.cast
        self.groups = [
            cast.group("Films", "8.97", part_period=PartPeriod.DAYS, max_requests=2),
            cast.group("Music", "10.00", split=SplitKind.WEIGHTS, payer_included=False, tells_opened=True),
            cast.group("Power", split=SplitKind.VARIABLE, collect_days_before=5),
        ]
        for group in self.groups:
            for name in ("Ben", "Mia"):
                cast.join(group, name)
        cast.tick(self.now)
        if is_old:
            self.weeks_pass_without_a_press()

    def teardown(self) -> None:
        """End a life that went well with weeks in which nobody does anything."""
        with self.opened:
            if sys.exception() is None:
                self.weeks_pass_without_a_press()

    @rule(pick=picks, count=st.integers(1, 3), amount=st.none() | amounts, by_admin=st.booleans())
    def claim(self, pick: int, count: int, amount: int | None, by_admin: bool) -> None:
        payments = self.some_payments(pick, ASKABLE, count)
        if payments:
            contact_id = payments[0].contact_id
            by = self.cast.olga if by_admin else Actor.contact(contact_id)
            stated = None if amount is None else Money(amount, "EUR")
            self.act(claim_payments, contact_id, [p.id for p in payments], amount=stated, by=by)

    @rule(pick=picks)
    def withdraw(self, pick: int) -> None:
        for payment in self.some_payments(pick, {Status.MEMBER_CONFIRMED}):
            by = Actor.contact(payment.contact_id)
            self.act(withdraw_claim, payment.contact_id, [payment.id], by=by)

    @rule(pick=picks, amount=st.none() | amounts)
    def confirm(self, pick: int, amount: int | None) -> None:
        given = None if amount is None else Money(amount, "EUR")
        self.decide(confirm_payment, pick, OPEN, amount=given)

    @rule(pick=picks, amount=st.none() | amounts)
    def confirm_whole_claim(self, pick: int, amount: int | None) -> None:
        given = None if amount is None else Money(amount, "EUR")
        for attempt_id in self.some(Attempt, pick):
            self.remember(self.act(confirm_claim, attempt_id, amount=given, by=self.cast.olga))

    @rule(pick=picks)
    def reject(self, pick: int) -> None:
        self.decide(reject_payment, pick, {Status.MEMBER_CONFIRMED}, reason="not there")

    @rule(pick=picks)
    def reject_whole_claim(self, pick: int) -> None:
        for attempt_id in self.some(Attempt, pick):
            self.remember(self.act(reject_claim, attempt_id, reason="not there", by=self.cast.olga))

    @rule(pick=picks)
    def waive(self, pick: int) -> None:
        self.decide(waive_payment, pick, OPEN, reason="birthday")

    @rule(pick=picks)
    def unwaive(self, pick: int) -> None:
        self.decide(unwaive_payment, pick, {Status.WAIVED})

    @rule(pick=picks, because=st.sampled_from(ReopenCause))
    def reopen(self, pick: int, because: ReopenCause) -> None:
        self.decide(reopen_payment, pick, {Status.CONFIRMED}, because=because)

    @rule(pick=picks, amount=amounts)
    def adjust(self, pick: int, amount: int) -> None:
        terms = {"amount": Money(amount, "EUR"), "reason": "typo"}
        self.decide(adjust_payment, pick, OPEN | CLOSED, **terms)

    @rule(seconds=st.sampled_from([0, 5, 11]))
    def undo(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        if self.last_decision is not None:
            self.act(undo_decision, self.last_decision, by=self.cast.olga)

    @rule(pick=picks, total=amounts)
    def edit_total(self, pick: int, total: int) -> None:
        for period_id in self.some(Period, pick):
            terms = {"total": Money(total * 4, "EUR"), "reason": "the bill"}
            self.act(edit_period, period_id, by=self.cast.olga, **terms)

    @rule(pick=picks, days=st.integers(-5, 20))
    def edit_due_date(self, pick: int, days: int) -> None:
        for period_id in self.some(Period, pick):
            day = self.now.date() + timedelta(days=days)
            self.act(edit_period, period_id, due_on=day, reason="later", by=self.cast.olga)

    @rule(pick=picks)
    def void_a_period(self, pick: int) -> None:
        for period_id in self.some(Period, pick):
            self.act(void_period, period_id, reason="twice", by=self.cast.olga)

    @rule(pick=picks)
    def restore_a_period(self, pick: int) -> None:
        for period_id in self.some(Period, pick, Period.voided_at.is_not(None)):
            self.act(restore_period, period_id, by=self.cast.olga)

    @rule(pick=picks, amount=amounts, is_kept=st.booleans())
    def money_in(self, pick: int, amount: int, is_kept: bool) -> None:
        group = self.groups[pick % len(self.groups)]
        payer_id = self.some_payer(pick)
        for contact_id in self.some_contact(pick):
            receipt = self.act(
                record_receipt,
                self.cast.workspace_id,
                contact_id=contact_id,
                payer_id=payer_id,
                amount=Money(amount * 2, "EUR"),
                group_id=group.id if is_kept else None,
                by=self.cast.olga,
            )
            self.last_decision = self.correlation_of(receipt) if receipt else self.last_decision

    @rule(pick=picks)
    def void_some_receipt(self, pick: int) -> None:
        for receipt_id in self.some(Receipt, pick):
            self.act(void_receipt, receipt_id, reason="bounced", by=self.cast.olga)

    @rule(pick=picks)
    def use_credit(self, pick: int) -> None:
        for contact_id in self.some_contact(pick):
            self.act(apply_credit_now, contact_id, self.some_payer(pick), by=self.cast.olga)

    @rule(pick=picks, days=st.integers(0, 31), objects=st.booleans())
    def put_off(self, pick: int, days: int, objects: bool) -> None:
        for payment in self.some_payments(pick, ASKABLE):
            by, keys = Actor.contact(payment.contact_id), [payment.id]
            if objects:
                self.act(object_to_payments, payment.contact_id, keys, text="why so much?", by=by)
            else:
                until = self.now.date() + timedelta(days=days)
                self.act(snooze_payments, payment.contact_id, keys, until=until, by=by)

    @rule(pick=picks, name=st.sampled_from(["Ben", "Cleo", "Dan"]))
    def join(self, pick: int, name: str) -> None:
        group = self.groups[pick % len(self.groups)]
        self.attempt(lambda: self.cast.join(group, name, now=self.now))

    @rule(pick=picks, amount=amounts)
    def owe_an_open_period(self, pick: int, amount: int) -> None:
        for period_id in self.some(Period, pick):
            for member_id in self.some(Member, pick // 7):
                terms = {"amount": Money(amount, "EUR"), "by": self.cast.olga}
                self.act(add_to_period, period_id, member_id, **terms)

    @rule(pick=picks, days=st.integers(-3, 20))
    def leave(self, pick: int, days: int) -> None:
        for member_id in self.some(Member, pick, Member.contact_id != self.cast.olga_contact):
            day = self.now.date() + timedelta(days=days)
            self.act(leave_group, member_id, left_on=day, by=self.cast.olga)

    @rule(pick=picks, price=st.integers(0, 3000), days=st.none() | st.integers(0, 90))
    def change_price(self, pick: int, price: int, days: int | None) -> None:
        group = self.groups[pick % 2]
        day = None if days is None else self.now.date() + timedelta(days=days)
        self.act(set_price, group.id, amount=Money(price, "EUR"), from_on=day, by=self.cast.olga)

    @rule(pick=picks)
    def another_is_paid(self, pick: int) -> None:
        group = self.groups[pick % len(self.groups)]
        for contact_id in [self.cast.olga_contact] if pick % 3 == 0 else self.some_contact(pick):
            terms = self.cast.read(lambda session: load_terms(session, group.id))
            self.act(edit_group, group.id, replace(terms, payer_id=contact_id), by=self.cast.olga)

    @rule(pick=picks)
    def erase(self, pick: int) -> None:
        """Erase somebody for good, now and then: whoever is gone has no more to live through."""
        for contact_id in self.some_contact(pick) if pick % 10 == 0 else []:
            self.act(erase_contact, contact_id, anyway=True, by=self.cast.olga)

    @rule(pick=picks)
    def pause_or_resume(self, pick: int) -> None:
        key = self.groups[pick % len(self.groups)].id
        is_paused = self.cast.read(lambda session: session.get_one(Group, key).paused_at)
        self.act(resume_group if is_paused else pause_group, key, by=self.cast.olga)

    @rule(pick=picks)
    def open_early(self, pick: int) -> None:
        self.act(open_next_period, self.groups[pick % len(self.groups)].id, by=self.cast.olga)

    @rule(passed=st.integers(1, 30))
    def some_hours_pass(self, passed: int) -> None:
        self.let_time_pass([timedelta(hours=passed)], sends=True)

    @rule(passed=st.integers(1, 8))
    def some_days_pass(self, passed: int) -> None:
        self.let_time_pass([timedelta(days=1)] * passed, sends=True)

    @rule(passed=st.integers(1, 5))
    def the_worker_is_off_for_weeks(self, passed: int) -> None:
        self.let_time_pass([timedelta(weeks=passed)], sends=False)

    @precondition(lambda self: self.stirred >= STIR)
    @rule()
    def weeks_pass_without_a_press(self) -> None:
        """Nobody does anything and all works: whatever could be asked for all the time is asked for and late.

        The days are enough for the seven between requests for what is overdue, and the fourteen of the lapse.
        """
        self.stirred = 0
        since = self.now
        noon = at(since.date().isoformat()) - self.now
        self.let_time_pass([noon + timedelta(days=1), *[timedelta(days=2)] * 8], sends=True)
        waited = self.cast.read(lambda session: list(session.scalars(self.askable_since(since))))
        asked, given_up = self.payments_named_since(since), self.payments_given_up()
        for payment in waited:
            assert payment.status is Status.OVERDUE, f"payment {payment.id} never lapses"
            told_at = given_up.get(payment.id)
            is_told = told_at is not None and told_at >= payment.pending_at
            assert is_told or payment.id in asked, f"payment {payment.id} is forgotten"

    @rule(passed=st.integers(1, 5))
    def mail_is_off_for_days(self, passed: int) -> None:
        self.let_time_pass([timedelta(days=1)] * passed, sends=False)

    @invariant()
    def books_are_right(self) -> None:
        """Read all that there is, unless nothing was written since it was read last."""
        self.lived.steps += 1
        self.stirred += 1
        if self.is_written:
            self.is_written = False
            self.lived.writing += 1
            self.cast.read(check_books)

    def note_writing(self, _c: object, _cursor: object, statement: str, *_rest: object) -> None:
        self.is_written |= not statement.startswith(("SELECT", "BEGIN"))

    def let_time_pass(self, steps: Sequence[timedelta], *, sends: bool) -> None:
        for place, passed in enumerate(steps, start=1):
            self.now += passed
            self.cast.tick(self.now)
            self.check_nobody_is_asked_in_vain()
            if place in (len(steps), self.lived.steps % len(steps) + 1):
                again = self.cast.tick(self.now)
                assert again == TickReport(), f"a second tick at the same instant does something: {again}"
            if sends:
                self.cast.send(self.now)

    def check_nobody_is_asked_in_vain(self) -> None:
        """Whoever was asked just now was asked only for what is theirs to pay."""
        query = (
            select(Payment)
            .join(MessageItem, MessageItem.payment_id == Payment.id)
            .join(Message, Message.id == MessageItem.message_id)
            .where(Message.notice.in_(REQUESTS), Message.created_at == self.now)
        )
        for payment in self.cast.read(lambda session: list(session.scalars(query))):
            assert payment.status in ASKABLE
            assert payment.voided_at is None
            assert payment.amount_minor > payment.received_minor
            assert payment.snoozed_until is None or payment.snoozed_until <= self.now.date()

    def askable_since(self, since: datetime) -> Select[Payment]:
        """Select what since then was open, due and not put off all the time, of people who are there."""
        return (
            select(Payment)
            .join(Member, Member.id == Payment.member_id)
            .where(
                Payment.status.in_(ASKABLE),
                Payment.voided_at.is_(None),
                Payment.pending_at <= since,
                Payment.asked_on <= since.date(),
                or_(Payment.snoozed_until.is_(None), Payment.snoozed_until <= since.date()),
                or_(Member.left_on.is_(None), Member.left_on > self.now.date()),
            )
        )

    def payments_named_since(self, since: datetime) -> set[int]:
        """List which payments requests named that went out since then."""
        query = select(MessageItem.payment_id).join(Message, Message.id == MessageItem.message_id)
        query = query.where(Message.notice.in_(REQUESTS), Message.sent_at > since)
        return self.cast.read(lambda session: set(session.scalars(query)))

    def payments_given_up(self) -> dict[int, datetime]:
        """Tell when admins were last told of each payment that its requests are used up."""
        query = (
            select(Message.created_at, Message.payload)
            .where(Message.notice == Notice.REQUESTS_EXHAUSTED)
            .order_by(Message.id)
        )
        told = self.cast.read(lambda session: session.execute(query).all())
        return {key: message.created_at for message in told for key in message.payload["payment_ids"]}

    def act(self, service: Callable[..., Any], *args: Any, **terms: Any) -> Any:
        """Do something now; a refusal is an answer like any other."""
        return self.attempt(lambda: self.cast.do(service, *args, now=self.now, **terms))

    def attempt(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Refused:
            return None

    def decide(
        self, service: Callable[..., Any], pick: int, statuses: Collection[Status], **terms: Any
    ) -> None:
        """Let olga decide about a payment, mostly one that this can be decided about."""
        for payment in self.some_payments(pick, statuses):
            self.remember(self.act(service, payment.id, by=self.cast.olga, **terms))

    def remember(self, outcome: Any) -> None:
        if outcome is not None and outcome.correlation_id is not None:
            self.last_decision = outcome.correlation_id

    def some_payments(self, pick: int, statuses: Collection[Status], count: int = 1) -> Sequence[Payment]:
        """Choose payments of one contact, mostly of these statuses (every eighth pick: of any)."""
        query = select(Payment).where(Payment.kind == "dues").order_by(Payment.id)
        every = self.cast.read(lambda session: list(session.scalars(query)))
        fitting = [p for p in every if p.status in statuses and p.voided_at is None] if pick % 8 else every
        if not fitting:
            return []
        first = fitting[pick % len(fitting)]
        return [payment for payment in fitting if payment.contact_id == first.contact_id][-count:]

    def some(self, table: type[Any], pick: int, *conditions: Any) -> Sequence[int]:
        """Choose the key of one row."""
        query = select(table.id).where(*conditions).order_by(table.id)
        keys = self.cast.read(lambda session: list(session.scalars(query)))
        return keys[pick % len(keys) :][:1] if keys else []

    def some_contact(self, pick: int) -> Sequence[int]:
        query = select(Payment.contact_id).where(Payment.kind == "dues").distinct()
        keys = self.cast.read(lambda session: sorted(session.scalars(query)))
        return keys[pick % len(keys) :][:1] if keys else []

    def some_payer(self, pick: int) -> int:
        """Choose who was ever paid, mostly olga."""
        query = select(Period.payer_id).distinct().order_by(Period.payer_id)
        keys = self.cast.read(lambda session: list(session.scalars(query)))
        return keys[pick % len(keys)] if keys and pick % 4 == 0 else self.cast.olga_contact

    def correlation_of(self, receipt: Receipt) -> str | None:
        query = select(Event.correlation_id).where(
            Event.subject_kind == "receipt", Event.subject_id == receipt.id, Event.verb == "receive"
        )
        return self.cast.read(lambda session: session.scalar(query))


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_done_in_whatever_order_the_books_are_right(databases: Databases, kind: Kind) -> None:
    lives, steps = SIZES[kind]
    lived = Lived()
    try:
        for first in range(0, lives, LOT):
            live(partial(Ledger, databases, kind, lived), min(LOT, lives - first), steps)
            tell(kind, steps, 0, lived)
    except Exception:
        tell(kind, steps, 1, lived)
        raise


def live(machine: Callable[[], Ledger], lives: int, steps: int) -> None:
    """Let a machine live so many lives; the shortest that goes wrong is told."""
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            database=None,
        ),
    )


def tell(kind: Kind, steps: int, wrong: int, lived: Lived) -> None:
    record(PROMISE, f"{kind}: lives of up to {steps} steps", f"{wrong} books wrong in {lived}")
