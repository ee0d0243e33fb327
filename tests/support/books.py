"""The books: everything that must be true of a ledger at any moment, whatever was done to it.

`check_books` reads the whole database and knows nothing of the services: it is the same yardstick for a
single test, for a race and for a machine that does things at random.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.cycles import local_date
from substrack.domain.notices import REQUESTS
from substrack.domain.payments import ASKABLE, CLOSED, TRANSITIONS, Act, PaymentKind, Status
from substrack.store import (
    Allocation,
    Attempt,
    AttemptItem,
    AttemptState,
    Event,
    Group,
    Message,
    MessageItem,
    Payment,
    Period,
    Receipt,
    Workspace,
)

MONEY_AND_STATUS = ("status", "amount", "received", "written_off", "version")


def check_books(session: Session) -> None:
    """Fail with what is wrong about payments, receipts, claims, periods, events or requests."""
    payments = {payment.id: payment for payment in session.scalars(select(Payment))}
    _check_money(session, payments)
    _check_claims(session, payments)
    _check_periods(session, payments)
    _check_times(payments)
    _check_history(session, payments)
    _check_requests(session)


def _check_money(session: Session, payments: dict[int, Payment]) -> None:
    receipts = {receipt.id: receipt for receipt in session.scalars(select(Receipt))}
    settled: dict[int, int] = defaultdict(int)
    used: dict[int, int] = defaultdict(int)
    for allocation in session.scalars(select(Allocation).where(Allocation.voided_at.is_(None))):
        payment, receipt = payments[allocation.payment_id], receipts[allocation.receipt_id]
        assert receipt.voided_at is None, f"payment {payment.id} lives on void receipt {receipt.id}"
        assert (payment.contact_id, payment.payer_id) == (receipt.contact_id, receipt.payer_id)
        assert payment.currency == receipt.currency
        settled[payment.id] += allocation.amount_minor
        used[receipt.id] += allocation.amount_minor
    for key, minor in used.items():
        assert minor <= receipts[key].amount_minor, f"receipt {key} settles more than it brought"
    for payment in payments.values():
        assert payment.received_minor == settled[payment.id], (
            f"payment {payment.id} and its allocations differ"
        )
        _check_standing(payment)


def _check_standing(payment: Payment) -> None:
    left = payment.amount_minor - payment.received_minor - payment.written_off_minor
    assert payment.received_minor <= payment.amount_minor
    if payment.voided_at is not None:
        assert payment.received_minor == payment.written_off_minor == 0
    elif payment.status is Status.CONFIRMED:
        assert left == 0, f"payment {payment.id} is confirmed and {left} short"
    elif payment.status in ASKABLE:
        assert left > 0, f"payment {payment.id} is {payment.status} with nothing left to pay"
    if payment.status is not Status.CONFIRMED:
        assert payment.written_off_minor == 0


def _check_claims(session: Session, payments: dict[int, Payment]) -> None:
    waiting: dict[int, int] = defaultdict(int)
    for item in session.scalars(select(AttemptItem).where(AttemptItem.state == AttemptState.OPEN)):
        waiting[item.payment_id] += 1
    for payment in payments.values():
        is_claimed = payment.status is Status.MEMBER_CONFIRMED
        assert waiting[payment.id] == is_claimed, f"payment {payment.id} is {payment.status}"
        assert not (is_claimed and payment.voided_at)
    has_open = select(AttemptItem.attempt_id).where(AttemptItem.state == AttemptState.OPEN)
    open_attempts = session.scalars(select(Attempt.id).where(Attempt.state == AttemptState.OPEN))
    assert set(open_attempts) == set(session.scalars(has_open)), "an attempt is open exactly while an item is"


def _check_periods(session: Session, payments: dict[int, Payment]) -> None:
    live = [payment for payment in payments.values() if payment.voided_at is None]
    seats = [(payment.period_id, payment.member_id) for payment in live]
    assert len(seats) == len(set(seats)), "somebody owes a period twice"
    periods = list(session.scalars(select(Period).where(Period.voided_at.is_(None))))
    places = [(period.group_id, period.sequence) for period in periods]
    assert len(places) == len(set(places)), "a period was opened twice"
    for period in periods:
        _check_sum(period, [payment for payment in live if payment.period_id == period.id])
    orphans = {payment.period_id for payment in live} - {period.id for period in periods}
    assert not orphans, f"live payments of void periods {orphans}"


def _check_sum(period: Period, payments: Sequence[Payment]) -> None:
    if period.total_minor is None:
        assert not payments, f"period {period.id} has payments without a bill"
        return
    dues = sum(payment.amount_minor for payment in payments if payment.kind is PaymentKind.DUES)
    own = [payment for payment in payments if payment.kind is PaymentKind.OWN]
    assert dues + period.payer_part_minor == period.total_minor, f"period {period.id} does not add up"
    for payment in own:
        assert payment.amount_minor == period.payer_part_minor
        assert payment.status is Status.CONFIRMED


def _check_times(payments: dict[int, Payment]) -> None:
    for payment in payments.values():
        if payment.voided_at is not None or payment.status in CLOSED:
            assert payment.next_action_at is None, f"time still acts on payment {payment.id}"
        else:
            assert payment.next_action_at is not None or payment.status is Status.OVERDUE
        is_closed = payment.status in CLOSED and payment.voided_at is None
        assert (payment.closed_at is not None) == is_closed or payment.voided_at is not None


def _check_history(session: Session, payments: dict[int, Payment]) -> None:
    histories: dict[int, list[Event]] = defaultdict(list)
    for event in session.scalars(select(Event).where(Event.payment_id.is_not(None)).order_by(Event.id)):
        if event.after and "version" in event.after:
            histories[event.payment_id or 0].append(event)
    for payment in payments.values():
        history = histories[payment.id]
        assert history[0].verb == "open"
        for earlier, later in pairwise(history):
            _check_link(payment, _facts(earlier.after), _facts(later.before), later)
        assert _facts(history[-1].after)["version"] == payment.version, (
            f"an unjournalled change of {payment.id}"
        )
        assert _facts(history[-1].after)["status"] == payment.status
        for event in history[1:]:
            _check_legal(event)


def _check_link(payment: Payment, after: dict[str, Any], before: dict[str, Any], event: Event) -> None:
    same = {name: before[name] for name in after}
    assert after == same, f"gap in the history of payment {payment.id} before “{event.verb}”"


def _facts(facts: dict[str, Any] | None) -> dict[str, Any]:
    return {name: facts[name] for name in MONEY_AND_STATUS if facts and name in facts}


def _check_legal(event: Event) -> None:
    before, after = _facts(event.before), _facts(event.after)
    assert after["version"] == before["version"] + 1
    source, target = Status(before["status"]), Status(after["status"])
    if event.verb == Act.UNDO or event.verb == "restore":
        return
    if event.verb in ("void", "settle", "release"):
        assert target in (source, Status.PENDING, Status.CONFIRMED)
        return
    row = TRANSITIONS[Act(event.verb)]
    assert source in row.sources, f"{event.verb} from {source}"
    assert target in row.targets, f"{event.verb} to {target}"
    assert event.actor_kind in row.actors, f"{event.verb} by {event.actor_kind}"


def _check_requests(session: Session) -> None:
    """One request per payment and step, none to a person twice within the shortest repeat of its groups."""
    asked: dict[tuple[int | None, str], list[tuple[date, int]]] = defaultdict(list)
    repeats = _repeats_by_message(session)
    query = select(Message, Workspace.time_zone).join(Workspace, Workspace.id == Message.workspace_id)
    for message, zone in session.execute(query.where(Message.notice.in_(REQUESTS)).order_by(Message.id)):
        day = local_date(message.created_at, zone)
        asked[message.contact_id, message.channel].append((day, repeats[message.id]))
    for (contact_id, _channel), days in asked.items():
        for (earlier, _repeat), (later, repeat) in pairwise(days):
            assert (later - earlier).days >= repeat, f"contact {contact_id} asked on {earlier} and {later}"


def _repeats_by_message(session: Session) -> dict[int, int]:
    query = (
        select(MessageItem.message_id, Group.repeat_every_days)
        .join(Payment, Payment.id == MessageItem.payment_id)
        .join(Group, Group.id == Payment.group_id)
    )
    found: dict[int, int] = {}
    for message_id, repeat in session.execute(query):
        found[message_id] = min(repeat, found.get(message_id, repeat))
    return found
