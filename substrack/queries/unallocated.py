"""What of a receipt settles nothing yet: a person's credit, where the receipt is money that came in."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from substrack.store import Allocation, Direction, Receipt, ReceiptSource

UNALLOCATED: Final[ColumnElement[int]] = (
    Receipt.amount_minor
    - select(func.coalesce(func.sum(Allocation.amount_minor), 0))
    .where(Allocation.receipt_id == Receipt.id, Allocation.voided_at.is_(None))
    .correlate(Receipt)
    .scalar_subquery()
)
"""What a live receipt of a query brought and settles nothing with, in minor units."""


def is_money_in() -> tuple[ColumnElement[bool], ...]:
    """Select receipts of what came from others and stands; what of it is unallocated is credit."""
    return (
        Receipt.voided_at.is_(None),
        Receipt.direction == Direction.IN,
        Receipt.source != ReceiptSource.OWN,
    )


def unallocated_minor(session: Session, receipt_id: int) -> int:
    """Return what of a live receipt settles nothing yet, in minor units; one statement."""
    return int(session.scalars(select(UNALLOCATED).where(Receipt.id == receipt_id)).one())
