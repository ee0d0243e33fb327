"""Undo: put back what the same admin did last, while nobody has heard of it.

A decision can be undone for the actor's undo time (10 seconds; none on the command line) and while none of
its messages was claimed for sending. Everything that shares its correlation id goes back together, claim
included. What happened to the same money or period in between is never overwritten: then it is too late.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.errors import Conflict
from substrack.domain.payments import CLOSED, Act, Status
from substrack.queries.unallocated import unallocated_minor
from substrack.queries.undoing import EDIT, corrects_total_alone, moves_due_date
from substrack.services.access import check_admin
from substrack.services.erased import erased_among
from substrack.services.journal import record, record_payment, record_period
from substrack.services.ledger import Decision, payments_now, snapshot
from substrack.services.locks import lock_contacts
from substrack.services.outbox import cancel_waiting
from substrack.services.schedule import reschedule_payments
from substrack.services.shown import flag_shown
from substrack.services.totals import sum_of
from substrack.store import Allocation, Attempt, AttemptItem, AttemptState, Event, Payment, Period, Receipt

_DECISIONS = (
    *(Act.CONFIRM, Act.REJECT, Act.WAIVE, Act.UNWAIVE, Act.REOPEN, Act.ADJUST),
    *(Act.RELEASE, Act.RESHARE),
)
UNDOABLE = {
    "payment": {act.value for act in _DECISIONS},
    "period": {"rebalance", EDIT},
    "receipt": {"receive"},
}


class TooLateToUndo(Conflict):
    """The time is over, the answer is out, or something happened to the payment since."""

    def __init__(self) -> None:
        super().__init__("Too late to undo: the answer is on its way, or something happened since.")


def undo_decision(session: Session, correlation_id: str, *, by: Actor, now: datetime) -> list[Payment]:
    """Put every payment of one decision back as it was and cancel its answers; return the payments.

    Money that was booked is void again, also when it settled nothing.

    Raises:
        TooLateToUndo: not the same actor, too late, already told, or payments, money or period have moved on.
        NoSuchPayment: the actor administers the workspace no more.
    """
    events = _events_of(session, correlation_id, by, now)
    receipt_ids = [event.subject_id for event in events if event.subject_kind == "receipt"]
    histories: dict[int, list[Event]] = {}
    periods: dict[int, list[Event]] = {}
    for event in events:
        if event.payment_id is not None:
            histories.setdefault(event.payment_id, []).append(event)
        elif event.subject_kind == "period":
            periods.setdefault(event.subject_id, []).append(event)
    payments = _locked(session, histories, receipt_ids)
    _lock_periods(session, periods)
    _check_due_dates(session, payments.values(), events[-1])
    _check_nobody_is_erased(session, payments, events)
    if not cancel_waiting(session, correlation_id):
        raise TooLateToUndo
    decision = Decision(by, now)
    _void_booked(session, receipt_ids, decision)
    for payment_id, history in histories.items():
        _put_back(session, payments[payment_id], history, decision)
    for period_id, history in periods.items():
        _put_period_back(session, period_id, history, decision)
    _check_money(session, events)
    reschedule_payments(session, list(payments), now=now)
    return list(payments.values())


def _events_of(session: Session, correlation_id: str, by: Actor, now: datetime) -> list[Event]:
    """Load the events of a decision, oldest first, once it is this actor's to undo."""
    query = select(Event).where(Event.correlation_id == correlation_id).order_by(Event.id)
    events = list(session.scalars(query))
    since = now - timedelta(seconds=by.undo_seconds)
    may_decide = by.decides and by.undo_seconds > 0
    if not events or not may_decide or not all(_may_undo(event, by, since) for event in events):
        raise TooLateToUndo
    for workspace_id in {event.workspace_id for event in events}:
        check_admin(session, by, workspace_id)
    return events


def _may_undo(event: Event, by: Actor, since: datetime) -> bool:
    legal = event.verb in UNDOABLE.get(event.subject_kind, ())
    if event.verb == EDIT and not corrects_total_alone(event):
        return False
    return legal and event.at >= since and _is_by(event, by)


def _is_by(event: Event, by: Actor) -> bool:
    """Tell whether somebody did this, or credit in the course of what they did."""
    return event.actor_kind in (by.kind, ActorKind.CREDIT) and event.actor_id == by.id


def _locked(
    session: Session, payment_ids: Collection[int], receipt_ids: Collection[int]
) -> dict[int, Payment]:
    owners = set(session.scalars(select(Payment.contact_id).where(Payment.id.in_(payment_ids))))
    senders = session.scalars(select(Receipt.contact_id).where(Receipt.id.in_(receipt_ids)))
    lock_contacts(session, owners | set(senders))
    payments = {payment.id: payment for payment in payments_now(session, Payment.id.in_(payment_ids))}
    if len(payments) < len(payment_ids):
        raise TooLateToUndo
    return payments


def _lock_periods(session: Session, period_ids: Collection[int]) -> None:
    """Take the same lock as every correction of a period's sum, after contacts and before rows."""
    query = select(Period).where(Period.id.in_(period_ids)).order_by(Period.id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    session.scalars(query).all()


def _check_due_dates(session: Session, payments: Collection[Payment], last: Event) -> None:
    """Refuse to make overdue again, or to ask again for, what is due on another day since."""
    since = select(Event).where(
        Event.group_id.in_({payment.group_id for payment in payments}),
        Event.subject_kind == "period",
        Event.subject_id.in_({payment.period_id for payment in payments}),
        Event.verb == EDIT,
        Event.at >= last.at,
        Event.id > last.id,
    )
    if any(map(moves_due_date, session.scalars(since))):
        raise TooLateToUndo


def _check_nobody_is_erased(
    session: Session, payments: Mapping[int, Payment], events: Collection[Event]
) -> None:
    """Refuse what would have the erased owe or be owed; what they were forgiven may be as it was."""
    decided = {event.payment_id for event in events if event.verb != Act.RESHARE}
    people = {key for one in payments.values() if one.id in decided for key in (one.contact_id, one.payer_id)}
    if erased_among(session, people):
        raise TooLateToUndo


def _void_booked(session: Session, receipt_ids: Collection[int], decision: Decision) -> None:
    for receipt_id in receipt_ids:
        receipt = session.get_one(Receipt, receipt_id, populate_existing=True)
        if receipt.voided_at is not None:
            raise TooLateToUndo
        receipt.voided_at, receipt.void_reason = decision.now, "undone"
        record(
            session,
            Act.UNDO.value,
            by=decision.by,
            now=decision.now,
            workspace_id=receipt.workspace_id,
            group_id=receipt.group_id,
            subject_kind="receipt",
            subject_id=receipt.id,
            correlation_id=decision.correlation_id,
        )
    session.flush()


def _put_back(session: Session, payment: Payment, history: Sequence[Event], decision: Decision) -> None:
    """Reverse a payment's events by one conditional UPDATE: only if it is exactly as the last one left it."""
    before, after = history[0].before or {}, history[-1].after or {}
    then = snapshot(payment)
    changed = session.execute(
        update(Payment)
        .where(Payment.id == payment.id, Payment.version == after["version"], Payment.voided_at.is_(None))
        .values(version=Payment.version + 1, **_as_before(payment, before, decision.now))
        .returning(Payment.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise TooLateToUndo
    for event in reversed(history):
        _put_rows_back(session, (event.after or {}).get("rows", {}), decision.now)
    session.refresh(payment)
    flag_shown(session, [payment.id], now=decision.now)
    record_payment(
        session,
        Act.UNDO.value,
        payment,
        by=decision.by,
        now=decision.now,
        before=then,
        after=snapshot(payment) | {"undone": _keys(history)},
        correlation_id=decision.correlation_id,
    )


def _keys(history: Sequence[Event]) -> list[int]:
    return [event.id for event in history]


def _as_before(payment: Payment, before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    status, closed_at = Status(before["status"]), _instant(before, "closed_at") or now
    values: dict[str, Any] = {
        "status": status,
        "amount_minor": before["amount"],
        "received_minor": before["received"],
        "written_off_minor": before["written_off"],
        "is_fixed": before["is_fixed"],
        "closed_at": closed_at if status in CLOSED else None,
        **_round_before(payment, before),
    }
    return values | {"nudged_at": now} if status is Status.MEMBER_CONFIRMED else values


def _round_before(payment: Payment, before: Mapping[str, Any]) -> dict[str, Any]:
    """Go on with the round of requests that the decision ended, if it did; older events know of none."""
    pending_at = _instant(before, "pending_at")
    if pending_at is None or pending_at == payment.pending_at:
        return {}
    return {
        "pending_at": pending_at,
        "requests_before": before["requests_before"],
        "exhausted_at": _instant(before, "exhausted_at"),
    }


def _instant(facts: Mapping[str, Any], name: str) -> datetime | None:
    text = facts.get(name)
    return datetime.fromisoformat(text) if text else None


def _put_period_back(session: Session, period_id: int, history: Sequence[Event], decision: Decision) -> None:
    """Put a period's sum back if it is as its last event left it, which knows how it was before all of them.

    Older events say nothing of the bill; it was the total then.
    """
    before, after = history[-1].before or {}, history[-1].after or {}
    period = session.get_one(Period, period_id)
    then = sum_of(period) | {"version": period.version}
    if any(then[name] != value for name, value in after.items() if name in then):
        raise TooLateToUndo
    period.total_minor, period.payer_part_minor = before["total"], before["payer_part"]
    period.billed_minor = before.get("billed", before["total"])
    period.version += 1
    session.flush()
    record_period(
        session,
        Act.UNDO.value,
        period,
        by=decision.by,
        now=decision.now,
        before=then,
        after=sum_of(period) | {"version": period.version, "undone": _keys(history)},
        correlation_id=decision.correlation_id,
    )


def _check_money(session: Session, events: Collection[Event]) -> None:
    """Refuse when the money was used for something else in the meantime, or taken back altogether."""
    rows = [(event.after or {}).get("rows", {}) for event in events]
    allocations = {
        key
        for touched in rows
        for name in ("allocations_made", "allocations_voided")
        for key in touched.get(name, ())
    }
    booked = {event.subject_id for event in events if event.subject_kind == "receipt"}
    used = set(session.scalars(select(Allocation.receipt_id).where(Allocation.id.in_(allocations))))
    for receipt in session.scalars(select(Receipt).where(Receipt.id.in_(used | booked))):
        unused_minor = unallocated_minor(session, receipt.id)
        is_used_up = unused_minor < (0 if receipt.voided_at is None else receipt.amount_minor)
        if is_used_up:
            raise TooLateToUndo


def _put_rows_back(session: Session, rows: Mapping[str, list[int]], now: datetime) -> None:
    _set(session, Allocation, rows.get("allocations_made"), voided_at=now)
    _set(session, Allocation, rows.get("allocations_voided"), voided_at=None, keeps_away=False)
    _set(session, Receipt, rows.get("receipts_made"), voided_at=now, void_reason="undone")
    _set(session, Receipt, rows.get("receipts_voided"), voided_at=None, void_reason=None)
    items = rows.get("items_closed")
    if items:
        _set(session, AttemptItem, items, state=AttemptState.OPEN, reason=None, closed_at=None)
        attempts = select(AttemptItem.attempt_id).where(AttemptItem.id.in_(items))
        session.execute(
            update(Attempt)
            .where(Attempt.id.in_(attempts))
            .values(state=AttemptState.OPEN, decided_at=None)
            .execution_options(synchronize_session=False)
        )
        session.expire_all()


def _set(session: Session, table: type[Any], keys: list[int] | None, **values: Any) -> None:
    if keys:
        session.execute(
            update(table)
            .where(table.id.in_(keys))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        session.expire_all()
