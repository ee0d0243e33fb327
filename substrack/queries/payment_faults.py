"""Payments that do not agree with their history, with what was received for them, or with their claim.

One statement looks at a window of payments and returns those that are off; what is wrong with each is told
from the same row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from substrack.domain.payments import CLOSED, Status
from substrack.queries.faults import Fault, FaultKind, Window
from substrack.queries.leaving import gone_on
from substrack.store import Allocation, AttemptItem, AttemptState, Event, Member, Payment

COLUMNS: Final = {
    "status": Payment.status,
    "amount": Payment.amount_minor,
    "received": Payment.received_minor,
    "written_off": Payment.written_off_minor,
    "version": Payment.version,
}
"""What the journal remembers of a payment, and where it stands in its row."""

VOID: Final = "void"


def payment_faults(session: Session, window: Window) -> Iterator[Fault]:
    """Find what is wrong with the payments of a window (one statement)."""
    for row in session.execute(_suspects(window)):
        yield from _faults_of(row)


def journalled(row: Row[*tuple[Any, ...]]) -> dict[str, Any] | None:
    """Read what the journal says a payment is; None when its history says nothing.

    The line of its opening leaves out what follows from its status.
    """
    after: Mapping[str, Any] | None = row.after
    if not after:
        return None
    is_born_paid = after["status"] == Status.CONFIRMED
    born = {"received": after["amount"] if is_born_paid else 0, "written_off": 0}
    return {name: after.get(name, born.get(name)) for name in COLUMNS}


def _suspects(window: Window) -> Select[*tuple[Any, ...]]:
    settled, waiting, last = _settled(window), _waiting(window), _last_event(window)
    received = func.coalesce(settled.c.minor, 0)
    claims = func.coalesce(waiting.c.open_items, 0)
    is_void = case((Event.verb == VOID, 1), else_=0)
    query = (
        select(
            Payment.id,
            Payment.public_id,
            Payment.currency,
            Payment.voided_at,
            Payment.next_action_at,
            Payment.closed_at,
            *(column.label(name) for name, column in COLUMNS.items()),
            received.label("settled"),
            claims.label("claims"),
            Event.after.label("after"),
            is_void.label("is_void"),
            _rests().label("rests"),
        )
        .outerjoin(settled, settled.c.payment_id == Payment.id)
        .outerjoin(waiting, waiting.c.payment_id == Payment.id)
        .outerjoin(last, last.c.payment_id == Payment.id)
        .outerjoin(Event, Event.id == last.c.event_id)
        .where(window.holds(Payment.id))
    )
    ill = (_differs(), Payment.received_minor != received, *_ill(claims))
    return query.where(or_(*ill)).order_by(Payment.id)


def _settled(window: Window) -> Subquery:
    return (
        select(Allocation.payment_id, func.sum(Allocation.amount_minor).label("minor"))
        .where(window.holds(Allocation.payment_id), Allocation.voided_at.is_(None))
        .group_by(Allocation.payment_id)
        .subquery()
    )


def _waiting(window: Window) -> Subquery:
    return (
        select(AttemptItem.payment_id, func.count().label("open_items"))
        .where(window.holds(AttemptItem.payment_id), AttemptItem.state == AttemptState.OPEN)
        .group_by(AttemptItem.payment_id)
        .subquery()
    )


def _last_event(window: Window) -> Subquery:
    """Find the last line of each history that says what the payment was from then on."""
    return (
        select(Event.payment_id, func.max(Event.id).label("event_id"))
        .where(window.holds(Event.payment_id), Event.after["version"].as_integer().is_not(None))
        .group_by(Event.payment_id)
        .subquery()
    )


def _differs() -> ColumnElement[bool]:
    """Tell whether a row is not what its history says."""
    status, amount = Event.after["status"].as_string(), Event.after["amount"].as_integer()
    born = {"received": case((status == Status.CONFIRMED.value, amount), else_=0), "written_off": literal(0)}
    said = [
        func.coalesce(Event.after[name].as_integer(), born.get(name)).is_distinct_from(column)
        for name, column in COLUMNS.items()
        if name != "status"
    ]
    status_differs = status.is_distinct_from(cast(Payment.status, String))
    is_void = (Event.verb == VOID).is_distinct_from(Payment.voided_at.is_not(None))
    return or_(Event.id.is_(None), status_differs, *said, is_void)


def _ill(claims: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    is_live = Payment.voided_at.is_(None)
    is_claimed = and_(Payment.status == Status.MEMBER_CONFIRMED, is_live)
    is_closed = Payment.status.in_(CLOSED)
    waits = Payment.status.in_((Status.PENDING, Status.MEMBER_CONFIRMED))
    return (
        and_(is_claimed, claims == 0),
        and_(~is_claimed, claims > 0),
        and_(or_(is_closed, ~is_live), Payment.next_action_at.is_not(None)),
        and_(waits, is_live, Payment.next_action_at.is_(None), ~_rests()),
        and_(is_live, is_closed, Payment.closed_at.is_(None)),
        and_(is_live, ~is_closed, Payment.closed_at.is_not(None)),
    )


def _rests() -> ColumnElement[bool]:
    """Tell whether time may have nothing to do with what is open: a leaver who was not asked is not late."""
    leaves = exists().where(Member.id == Payment.member_id, gone_on().is_not(None))
    return and_(Payment.status == Status.PENDING, leaves)


def _faults_of(row: Row[*tuple[Any, ...]]) -> Iterator[Fault]:
    kind = _kind_of_difference(row)
    if kind is not None:
        yield _fault(kind, row, _seen(row))
        return
    if row.received != row.settled:
        yield _fault(FaultKind.ALLOCATIONS_DIFFER, row, _seen(row))
        return
    is_claimed = row.status is Status.MEMBER_CONFIRMED and row.voided_at is None
    if is_claimed and not row.claims:
        yield _fault(FaultKind.CLAIM_LOST, row, {"status": row.status.value})
    elif row.claims and not is_claimed:
        yield _fault(FaultKind.CLAIM_LEFT_OPEN, row, {"status": row.status.value})
    if _is_untimed(row):
        yield _fault(FaultKind.PAYMENT_UNTIMED, row, {"status": row.status.value})


def _kind_of_difference(row: Row[*tuple[Any, ...]]) -> FaultKind | None:
    """Tell a row that history, receipts and claim agree about from one about which they do not."""
    said, now = journalled(row), _now(row)
    if said == now and bool(row.is_void) == (row.voided_at is not None):
        return None
    if said is None or said["version"] != now["version"] or said["received"] != row.settled:
        return FaultKind.PAYMENT_UNCLEAR
    is_claimed = said["status"] == Status.MEMBER_CONFIRMED and not row.is_void
    return FaultKind.PAYMENT_CHANGED if bool(row.claims) == is_claimed else FaultKind.PAYMENT_UNCLEAR


def _is_untimed(row: Row[*tuple[Any, ...]]) -> bool:
    """Tell whether time acts on what is closed, or never on what is open, or the day of closing is off."""
    is_live, is_closed = row.voided_at is None, row.status in CLOSED
    if is_closed or not is_live:
        is_timed = row.next_action_at is None
    else:
        is_timed = row.next_action_at is not None or row.status is Status.OVERDUE or row.rests
    return not is_timed or (is_live and is_closed != (row.closed_at is not None))


def _now(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS} | {"status": row.status.value}


def _seen(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {"row": _now(row), "history": journalled(row), "allocated": int(row.settled), "claims": row.claims}


def _fault(kind: FaultKind, row: Row[*tuple[Any, ...]], facts: dict[str, Any]) -> Fault:
    return Fault(kind, "payment", row.id, row.public_id, row.currency, facts)
