"""Allocations: which part of a receipt settles which payment.

Written and taken back here; what a payment has received is changed by `services.ledger.move` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from substrack.services.ledger import Touched
from substrack.store import Allocation, Payment, Receipt


def allocate(
    session: Session,
    receipt: Receipt,
    payment: Payment,
    amount_minor: int,
    touched: Touched,
    made_at: datetime,
) -> None:
    """Settle part of a payment from a receipt; writes the allocation, not the payment.

    What stays of an allocation that is made anew keeps the time at which that one was made.
    """
    allocation = Allocation(
        receipt_id=receipt.id, payment_id=payment.id, amount_minor=amount_minor, made_at=made_at
    )
    session.add(allocation)
    session.flush()
    touched.allocations_made.append(allocation.id)


def void_allocations(
    session: Session,
    allocations: Sequence[Allocation],
    touched: Touched,
    now: datetime,
    *,
    keeps_away: bool = False,
) -> None:
    """Take allocations back; their money is the contact's credit again, unless the receipt is void too."""
    for allocation in allocations:
        allocation.voided_at = now
        allocation.keeps_away = keeps_away
        touched.allocations_voided.append(allocation.id)
    session.flush()


def live_allocations(session: Session, *conditions: ColumnElement[bool]) -> list[Allocation]:
    """Load allocations that are not voided, oldest first."""
    query = select(Allocation).where(Allocation.voided_at.is_(None), *conditions).order_by(Allocation.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))
