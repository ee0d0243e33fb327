"""Receipts and allocations that can't be right: more settled than came, or by money of somebody else."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Subquery, func, or_, select
from sqlalchemy.orm import Session

from substrack.queries.faults import Fault, FaultKind, Window
from substrack.store import Allocation, Event, Payment, Receipt


def receipt_faults(session: Session, window: Window) -> Iterator[Fault]:
    """Find receipts that settle more than they brought, or that are void and settle something."""
    used = _used(window)
    query = (
        select(
            Receipt.id,
            Receipt.public_id,
            Receipt.currency,
            Receipt.amount_minor,
            Receipt.voided_at,
            used.c.minor,
        )
        .join(used, used.c.receipt_id == Receipt.id)
        .where(
            window.holds(Receipt.id),
            or_(used.c.minor > Receipt.amount_minor, Receipt.voided_at.is_not(None)),
        )
        .order_by(Receipt.id)
    )
    for key, public_id, currency, amount, voided_at, minor in session.execute(query):
        kind = FaultKind.RECEIPT_OVERUSED if voided_at is None else FaultKind.RECEIPT_VOID_IN_USE
        facts = {"amount": amount, "used": int(minor)}
        yield Fault(kind, "receipt", key, public_id, currency, facts)


def receipt_changes(session: Session, window: Window) -> Iterator[Fault]:
    """Find receipts whose amount is not the one that was journalled; the window is one of Events.

    A payer's own share has no line of its own.
    """
    said = Event.after["amount"].as_integer()
    query = (
        select(Event.id, Receipt.id, Receipt.public_id, Receipt.currency, Receipt.amount_minor, said)
        .join(Receipt, Receipt.id == Event.subject_id)
        .where(
            window.holds(Event.id),
            Event.subject_kind == "receipt",
            Event.verb == "receive",
            said != Receipt.amount_minor,
        )
        .order_by(Event.id)
    )
    for place, key, public_id, currency, amount, history in session.execute(query):
        facts = {"amount": amount, "history": history}
        yield Fault(FaultKind.RECEIPT_CHANGED, "receipt", key, public_id, currency, facts, place)


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


def _used(window: Window) -> Subquery:
    return (
        select(Allocation.receipt_id, func.sum(Allocation.amount_minor).label("minor"))
        .where(window.holds(Allocation.receipt_id), Allocation.voided_at.is_(None))
        .group_by(Allocation.receipt_id)
        .subquery()
    )
