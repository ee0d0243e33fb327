"""Amounts: change what a payment asks for, and what follows for its money and status."""

from __future__ import annotations

from sqlalchemy.orm import Session

from substrack.domain.payments import Act, Standing, Status
from substrack.services.allocations import allocate, live_allocations, void_allocations
from substrack.services.ledger import Decision, Touched, move
from substrack.store import Allocation, Payment, Receipt


def change_amount(
    session: Session,
    payment: Payment,
    amount_minor: int,
    decision: Decision,
    *,
    is_fixed: bool,
    version: int | None = None,
) -> None:
    """Set a locked payment's amount, its allocations and status; the period's sum is the caller's."""
    touched = Touched()
    excess = payment.received_minor - amount_minor
    if excess > 0:
        _free_allocations(session, payment, excess, touched, decision)
    standing = _adjusted_standing(payment, amount_minor)
    move(
        session,
        payment,
        Act.ADJUST,
        decision,
        target=_adjusted_status(payment, standing),
        standing=standing,
        touched=touched,
        expected_version=version,
        is_fixed=is_fixed,
    )


def _adjusted_standing(payment: Payment, amount_minor: int) -> Standing:
    """Keep what was written off as small change as far as it still stands: less to pay reopens nothing."""
    received = min(payment.received_minor, amount_minor)
    rest = amount_minor - received
    return Standing(amount_minor, received, rest if rest <= payment.written_off_minor else 0)


def _adjusted_status(payment: Payment, standing: Standing) -> Status:
    if payment.status is Status.MEMBER_CONFIRMED:
        return payment.status
    if standing.is_covered:
        return Status.CONFIRMED
    return Status.PENDING if payment.status is Status.CONFIRMED else payment.status


def _free_allocations(
    session: Session, payment: Payment, excess_minor: int, touched: Touched, decision: Decision
) -> None:
    """Turn received money beyond the amount into credit, newest allocation first."""
    for allocation in reversed(live_allocations(session, Allocation.payment_id == payment.id)):
        if excess_minor <= 0:
            return
        freed = min(excess_minor, allocation.amount_minor)
        void_allocations(session, [allocation], touched, decision.now)
        if freed < allocation.amount_minor:
            receipt = session.get_one(Receipt, allocation.receipt_id)
            kept = allocation.amount_minor - freed
            allocate(session, receipt, payment, kept, touched, allocation.made_at)
        excess_minor -= freed
