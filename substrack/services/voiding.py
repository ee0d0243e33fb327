"""Voiding: take a whole period out of the books, with a reason, and put it back.

Voided periods and payments carry `voided_at`; no sum and no unique key sees them. What had been received
for them is the members' credit, and no credit moves by itself because of a void. Whoever knew of it is told.
Restoring gives it back where it is still free, claims that the void closed wait again, and whoever had read
of the void is told. What was opened early and is void before its time opens again then; what is void later
stays so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Conflict
from substrack.domain.payments import Act, PaymentKind, Standing, Status, after_giving_back, check_actor
from substrack.queries.period_places import is_taken
from substrack.queries.unallocated import unallocated_minor
from substrack.services.access import check_admin
from substrack.services.allocations import allocate, live_allocations, void_allocations
from substrack.services.claim_items import close_claim_item
from substrack.services.deciding import ReasonForHistoryMissing, clean_reason
from substrack.services.erased import forgive_erased
from substrack.services.journal import record_payment, record_period
from substrack.services.ledger import Decision, Touched, snapshot
from substrack.services.locks import lock_contacts
from substrack.services.periods import NoSuchPeriod
from substrack.services.places import give_back_places, take_place
from substrack.services.schedule import reschedule_payments
from substrack.services.shown import flag_shown
from substrack.services.telling_restore import drop_restored_letters, tell_restored
from substrack.services.telling_void import TakenOff, drop_void_letters, find_known, tell_void
from substrack.store import (
    Allocation,
    Attempt,
    AttemptItem,
    AttemptState,
    Event,
    Group,
    Payment,
    Period,
    Receipt,
    ReceiptSource,
)

_NOTHING_MORE: Final[Mapping[str, Any]] = MappingProxyType({})


class VoidAlready(Conflict):
    """The period is void already."""

    def __init__(self) -> None:
        super().__init__("This period is void already; nothing was changed.")


class NotVoid(Conflict):
    """There is nothing to restore."""

    def __init__(self) -> None:
        super().__init__("This period is not void; nothing was changed.")


class PlaceTaken(Conflict):
    """Another live period has this one's place in the calendar, or some of its days."""

    def __init__(self) -> None:
        super().__init__("Another period has taken this one's place. Void that one first.")


class PlaceAhead(Conflict):
    """A period before this one is still to be opened."""

    def __init__(self) -> None:
        super().__init__("The period before this one is not open. Restore or open that one first.")


@dataclass(frozen=True)
class Restored:
    """A period that is back, and the payments that came back with it, the payer's own included."""

    period: Period
    payments: Sequence[Payment]


def void_period(session: Session, period_id: int, *, reason: str, by: Actor, now: datetime) -> Period:
    """Void a period and its payments; open claims close, received money becomes credit.

    The newest period opens again in its time if that is still to come, and so do void ones just before it.
    Queues a letter to whoever knew of their share, or had paid; they read the reason.

    Raises:
        NoSuchPeriod, NotAllowed, ReasonMissing, VoidAlready.
    """
    check_actor(Act.ADJUST, by)
    decision = _decision(reason, by, now)
    period, group, payments = _locked(session, period_id, by)
    if period.voided_at is not None:
        raise VoidAlready
    live = [payment for payment in payments if payment.voided_at is None]
    known = find_known(session, live)
    taken = [void_payment(session, one, decision, is_known=one.id in known) for one in live]
    period.voided_at = now
    period.version += 1
    opens_again = give_back_places(session, group, now=now)
    _record(session, "void_period", period, decision, {"opens_again": True} if opens_again else {})
    tell_void(session, group.workspace_id, taken, decision)
    return period


def void_payment(
    session: Session, payment: Payment, decision: Decision, *, is_known: bool = False
) -> TakenOff:
    """Void one locked payment with its claim and allocations, and say what was taken off it.

    The sum of its period, and telling the member, are the caller's; the journal keeps whether the member knew
    of it.
    """
    before, touched = snapshot(payment), Touched()
    close_claim_item(session, payment, AttemptState.VOIDED, touched, decision.now, reason=decision.reason)
    allocations = live_allocations(session, Allocation.payment_id == payment.id)
    void_allocations(session, allocations, touched, decision.now)
    if payment.kind is PaymentKind.OWN:
        _void_own_receipts(session, allocations, touched, decision)
    taken = TakenOff(payment, bool(touched.items_closed), payment.received_minor, is_known)
    payment.status = payment.status if payment.status is Status.WAIVED else Status.PENDING
    payment.received_minor = payment.written_off_minor = 0
    payment.voided_at, payment.next_action_at = decision.now, None
    payment.version += 1
    session.flush()
    _record_payment(session, "void", payment, before, touched, decision, {"known": True} if is_known else {})
    return taken


def restore_period(session: Session, period_id: int, *, by: Actor, now: datetime) -> Restored:
    """Put a voided period and the payments voided with it back, settled as far as their money is still free.

    A claim that the void closed is open again: nobody is asked for what they said they paid. What somebody
    who was erased since would owe is forgiven. Letters about the void that still wait are dropped.

    Raises:
        NoSuchPeriod, NotAllowed, NotVoid, PlaceTaken, PlaceAhead.
    """
    check_actor(Act.ADJUST, by)
    period, group, payments = _locked(session, period_id, by)
    if period.voided_at is None:
        raise NotVoid
    _check_place(session, period, group)
    decision, restored = Decision(by, now), _voided_with(session, period, payments)
    period.voided_at = None
    period.version += 1
    session.flush()
    take_place(session, group, period, now=now)
    drop_void_letters(session, restored)
    drop_restored_letters(session, restored)
    for payment in restored:
        _restore_payment(session, payment, decision)
    forgive_erased(session, restored, decision)
    reschedule_payments(session, [payment.id for payment in restored], now=now)
    _record(session, "restore_period", period, decision)
    tell_restored(session, group.workspace_id, restored, decision)
    return Restored(period, restored)


def _voided_with(session: Session, period: Period, payments: Sequence[Payment]) -> list[Payment]:
    """Choose the payments that the same act voided; a bill that was taken back has void ones of its own."""
    act = (
        select(Event.correlation_id)
        .where(Event.group_id == period.group_id, Event.at == period.voided_at)
        .where(Event.subject_kind == "period", Event.subject_id == period.id, Event.verb == "void_period")
        .order_by(Event.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    voided = select(Event.payment_id).where(Event.correlation_id == act, Event.verb == "void")
    keys = set(session.scalars(voided))
    return [payment for payment in payments if payment.id in keys]


def _void_own_receipts(
    session: Session, allocations: Iterable[Allocation], touched: Touched, decision: Decision
) -> None:
    for allocation in allocations:
        receipt = session.get_one(Receipt, allocation.receipt_id)
        receipt.voided_at, receipt.void_reason = decision.now, decision.reason or "undone"
        touched.receipts_voided.append(receipt.id)


def _restore_payment(session: Session, payment: Payment, decision: Decision) -> None:
    before, touched = snapshot(payment), Touched()
    _give_back(session, payment, touched, decision)
    given = sum(
        allocation.amount_minor
        for allocation in live_allocations(session, Allocation.payment_id == payment.id)
    )
    standing = after_giving_back(
        Standing(payment.amount_minor, 0), given, written_off_minor=_written_off_before(session, payment)
    )
    is_claimed = _reopen_claim(session, payment)
    is_settled = standing.is_covered and payment.status is not Status.WAIVED and not is_claimed
    payment.status = Status.CONFIRMED if is_settled else payment.status
    if is_claimed:
        payment.status, payment.nudged_at = Status.MEMBER_CONFIRMED, decision.now
    payment.received_minor, payment.voided_at = given, None
    payment.written_off_minor = standing.written_off_minor if is_settled else 0
    payment.pending_at = decision.now
    payment.requests_before, payment.exhausted_at = payment.requests_sent, None
    payment.closed_at = decision.now if payment.status in (Status.CONFIRMED, Status.WAIVED) else None
    payment.version += 1
    session.flush()
    _record_payment(session, "restore", payment, before, touched, decision)


def _give_back(session: Session, payment: Payment, touched: Touched, decision: Decision) -> None:
    """Allocate again what the void took off, as far as its receipts stand and are still free."""
    for allocation in _taken_off(session, payment):
        receipt = session.get_one(Receipt, allocation.receipt_id)
        if receipt.source is ReceiptSource.OWN:
            receipt.voided_at = receipt.void_reason = None
            session.flush()
        free = 0 if receipt.voided_at is not None else unallocated_minor(session, receipt.id)
        part = min(free, allocation.amount_minor)
        if part:
            allocate(session, receipt, payment, part, touched, allocation.made_at)


def _written_off_before(session: Session, payment: Payment) -> int:
    """Say what was written off when it was voided: putting back forgives nothing anew."""
    event = _void_of(session, payment)
    return int(((event.before or {}) if event else {}).get("written_off", 0))


def _reopen_claim(session: Session, payment: Payment) -> bool:
    """Open the claim that the void closed, and tell whether there was one."""
    keys = _rows_of_void(session, payment).get("items_closed", [])
    items = list(session.scalars(select(AttemptItem).where(AttemptItem.id.in_(keys))))
    for item in items:
        item.state, item.reason, item.closed_at = AttemptState.OPEN, None, None
        attempt = session.get_one(Attempt, item.attempt_id)
        attempt.state, attempt.decided_at = AttemptState.OPEN, None
    return bool(items)


def _taken_off(session: Session, payment: Payment) -> list[Allocation]:
    keys = _rows_of_void(session, payment).get("allocations_voided", [])
    return list(session.scalars(select(Allocation).where(Allocation.id.in_(keys)).order_by(Allocation.id)))


def _rows_of_void(session: Session, payment: Payment) -> Mapping[str, list[int]]:
    event = _void_of(session, payment)
    rows: Mapping[str, list[int]] = ((event.after or {}) if event else {}).get("rows", {})
    return rows


def _void_of(session: Session, payment: Payment) -> Event | None:
    return session.scalar(
        select(Event)
        .where(Event.payment_id == payment.id, Event.verb == "void")
        .order_by(Event.id.desc())
        .limit(1)
    )


def _check_place(session: Session, period: Period, group: Group) -> None:
    if session.scalar(select(is_taken()).where(Period.id == period.id)):
        raise PlaceTaken
    if period.sequence > group.next_sequence:
        raise PlaceAhead


def _locked(session: Session, period_id: int, by: Actor) -> tuple[Period, Group, list[Payment]]:
    found = session.get(Period, period_id)
    if found is None:
        raise NoSuchPeriod
    group = session.get_one(
        Group, found.group_id, with_for_update={"key_share": True}, populate_existing=True
    )
    check_admin(session, by, group.workspace_id)
    lock_contacts(session, session.scalars(select(Payment.contact_id).where(Payment.period_id == period_id)))
    period = session.get_one(Period, period_id, with_for_update={"key_share": True}, populate_existing=True)
    query = select(Payment).where(Payment.period_id == period_id).order_by(Payment.id)
    return period, group, list(session.scalars(query.execution_options(populate_existing=True)))


def _decision(reason: str, by: Actor, now: datetime) -> Decision:
    return Decision(by, now, clean_reason(reason, ReasonForHistoryMissing))


def _record(
    session: Session, verb: str, period: Period, decision: Decision, facts: Mapping[str, Any] = _NOTHING_MORE
) -> None:
    record_period(
        session,
        verb,
        period,
        by=decision.by,
        now=decision.now,
        reason=decision.reason,
        after={"total": period.total_minor, **facts},
        correlation_id=decision.correlation_id,
    )


def _record_payment(
    session: Session,
    verb: str,
    payment: Payment,
    before: dict[str, object],
    touched: Touched,
    decision: Decision,
    facts: Mapping[str, Any] = _NOTHING_MORE,
) -> None:
    rows = touched.as_dict()
    flag_shown(session, [payment.id], now=decision.now)
    record_payment(
        session,
        verb,
        payment,
        by=decision.by,
        now=decision.now,
        reason=decision.reason,
        before=before,
        after={**snapshot(payment), **facts, **({"rows": rows} if rows else {})},
        correlation_id=decision.correlation_id,
    )
