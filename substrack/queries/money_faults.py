"""Receipts and allocations that can't be right: more settled than came, or by money of somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Subquery, and_, func, or_, select
from sqlalchemy.orm import Session

from substrack.queries.faults import Fault, FaultKind, Window
from substrack.store import Allocation, Event, Payment, Receipt


def receipt_faults(session: Session, window: Window) -> Iterator[Fault]:
    """Find receipts that settle more than they brought, are void and used, or are not what was journalled."""
    used, booked = _used(window), _booked(window)
    minor = func.coalesce(used.c.minor, 0)
    said = Event.after["amount"].as_integer()
    query = (
        select(
            Receipt.id,
            Receipt.public_id,
            Receipt.currency,
            Receipt.amount_minor,
            Receipt.voided_at,
            minor.label("used"),
            said.label("said"),
        )
        .outerjoin(used, used.c.receipt_id == Receipt.id)
        .outerjoin(booked, booked.c.receipt_id == Receipt.id)
        .outerjoin(Event, Event.id == booked.c.event_id)
        .where(
            window.holds(Receipt.id),
            or_(
                minor > Receipt.amount_minor,
                and_(Receipt.voided_at.is_not(None), minor > 0),
                said != Receipt.amount_minor,
            ),
        )
        .order_by(Receipt.id)
    )
    for row in session.execute(query):
        yield _fault(_kind(row), row)


def allocation_faults(session: Session, window: Window) -> Iterator[Fault]:
    """Find payments settled by another person's money, or money to another payer or of another currency."""
    query = (
        select(Allocation.id, Payment.public_id, Payment.currency, Receipt.public_id, Allocation.amount_minor)
        .join(Payment, Payment.id == Allocation.payment_id)
        .join(Receipt, Receipt.id == Allocation.receipt_id)
        .where(
            window.holds(Allocation.id),
            Allocation.voided_at.is_(None),
            or_(
                Payment.contact_id != Receipt.contact_id,
                Payment.payer_id != Receipt.payer_id,
                Payment.currency != Receipt.currency,
            ),
        )
        .order_by(Allocation.id)
    )
    for key, payment, currency, receipt, minor in session.execute(query):
        facts = {"receipt": receipt, "amount": minor}
        yield Fault(FaultKind.ALLOCATION_ELSEWHERE, "payment", key, payment, currency, facts)


def _kind(row: Any) -> FaultKind:
    if row.voided_at is not None and row.used:
        return FaultKind.RECEIPT_VOID_IN_USE
    is_known = row.said is not None and row.said != row.amount_minor and row.used <= row.said
    return FaultKind.RECEIPT_CHANGED if is_known else FaultKind.RECEIPT_OVERUSED


def _used(window: Window) -> Subquery:
    return (
        select(Allocation.receipt_id, func.sum(Allocation.amount_minor).label("minor"))
        .where(window.holds(Allocation.receipt_id), Allocation.voided_at.is_(None))
        .group_by(Allocation.receipt_id)
        .subquery()
    )


def _booked(window: Window) -> Subquery:
    """Find the line that says what came; a payer's own share has none."""
    return (
        select(Event.subject_id.label("receipt_id"), func.min(Event.id).label("event_id"))
        .where(Event.subject_kind == "receipt", Event.verb == "receive", window.holds(Event.subject_id))
        .group_by(Event.subject_id)
        .subquery()
    )


def _fault(kind: FaultKind, row: Any) -> Fault:
    facts = {"amount": row.amount_minor, "used": int(row.used), "history": row.said}
    return Fault(kind, "receipt", row.id, row.public_id, row.currency, facts)
