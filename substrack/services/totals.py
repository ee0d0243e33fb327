"""The sum of a period: total = Σ payments + the payer's part = max(its bill, Σ payments), after every change.

The payer's own share is a payment too, born confirmed by a receipt of source `own`; it follows the payer's
part.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.payments import Act, PaymentKind, Standing, Status
from substrack.services.allocations import allocate, live_allocations, void_allocations
from substrack.services.journal import record_period
from substrack.services.ledger import Decision, Touched, move
from substrack.store import Allocation, Direction, Payment, Period, Receipt, ReceiptSource


def rebalance_period(session: Session, period_id: int, decision: Decision) -> None:
    """Let the payer's part take what the members' payments leave of the period's bill.

    When single corrections come to more than the bill, the total rises to their sum: refusing would leave
    an admin of a group without a paying payer no way to correct one amount. It falls back with them.
    """
    period = session.get_one(Period, period_id, with_for_update={"key_share": True}, populate_existing=True)
    dues_minor = _dues_minor(session, period_id)
    total_minor = max(period.billed_minor or 0, dues_minor)
    part = total_minor - dues_minor
    if (total_minor, part) == (period.total_minor, period.payer_part_minor):
        return
    _record_rebalance(session, period, total_minor, part, decision)
    period.total_minor, period.payer_part_minor = total_minor, part
    period.version += 1
    session.flush()
    own = session.scalar(
        select(Payment).where(
            Payment.period_id == period_id, Payment.kind == PaymentKind.OWN, Payment.voided_at.is_(None)
        )
    )
    if own is not None:
        _follow(session, own, part, decision)


def sum_of(period: Period) -> dict[str, int | None]:
    """Describe a period's sum for `before` and `after` of an Event."""
    return {
        "total": period.total_minor,
        "billed": period.billed_minor,
        "payer_part": period.payer_part_minor,
    }


def _record_rebalance(
    session: Session, period: Period, total_minor: int, part_minor: int, decision: Decision
) -> None:
    record_period(
        session,
        "rebalance",
        period,
        by=decision.by,
        now=decision.now,
        reason=decision.reason,
        before=sum_of(period),
        after=sum_of(period) | {"total": total_minor, "payer_part": part_minor},
        correlation_id=decision.correlation_id,
    )


def own_receipt(payment: Payment, amount_minor: int, decision: Decision) -> Receipt:
    """Make (not yet add) the receipt by which a payer's own share is confirmed."""
    return Receipt(
        workspace_id=payment.workspace_id,
        contact_id=payment.contact_id,
        payer_id=payment.payer_id,
        group_id=payment.group_id,
        amount_minor=amount_minor,
        currency=payment.currency,
        direction=Direction.IN,
        received_on=payment.asked_on,
        source=ReceiptSource.OWN,
        created_at=decision.now,
    )


def _dues_minor(session: Session, period_id: int) -> int:
    total = session.scalar(
        select(func.coalesce(func.sum(Payment.amount_minor), 0)).where(
            Payment.period_id == period_id, Payment.kind == PaymentKind.DUES, Payment.voided_at.is_(None)
        )
    )
    return int(total or 0)


def _follow(session: Session, own: Payment, part_minor: int, decision: Decision) -> None:
    touched = Touched()
    for allocation in live_allocations(session, Allocation.payment_id == own.id):
        receipt = session.get_one(Receipt, allocation.receipt_id)
        void_allocations(session, [allocation], touched, decision.now)
        receipt.voided_at, receipt.void_reason = decision.now, "the period's total changed"
        touched.receipts_voided.append(receipt.id)
    if part_minor:
        receipt = own_receipt(own, part_minor, decision)
        session.add(receipt)
        session.flush()
        touched.receipts_made.append(receipt.id)
        allocate(session, receipt, own, part_minor, touched, decision.now)
    move(
        session,
        own,
        Act.ADJUST,
        decision,
        target=Status.CONFIRMED,
        standing=Standing(part_minor, part_minor),
        touched=touched,
    )
