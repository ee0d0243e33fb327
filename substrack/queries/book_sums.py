"""What the books of a whole database add up to, by currency: for comparing two copies of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from substrack.store import Allocation, Direction, Payment, Receipt


@dataclass(frozen=True)
class BookSums:
    """Sums in minor units of one currency, over all workspaces; what is voided is in none of them.

    `receipts` came in, `returned` went back; `credit` is what of the receipts settles nothing.
    """

    amounts: int = 0
    received: int = 0
    written_off: int = 0
    receipts: int = 0
    returned: int = 0
    allocations: int = 0
    credit: int = 0


def load_book_sums(session: Session) -> Mapping[str, BookSums]:
    """Add up payments, receipts and allocations, by currency in the order of their codes; four statements."""
    sums: dict[str, BookSums] = {}
    for columns, query in (
        (("amounts", "received", "written_off"), _payments()),
        (("receipts",), _receipts(Direction.IN)),
        (("returned",), _receipts(Direction.OUT)),
        (("allocations",), _allocations()),
    ):
        for currency, *minors in session.execute(query):
            found = dict(zip(columns, map(int, minors), strict=True))
            sums[currency] = replace(sums.get(currency, BookSums()), **found)
    return {
        currency: replace(one, credit=one.receipts - one.allocations)
        for currency, one in sorted(sums.items())
    }


def _payments() -> Select[str, int, int, int]:
    return (
        select(
            Payment.currency,
            func.sum(Payment.amount_minor),
            func.sum(Payment.received_minor),
            func.sum(Payment.written_off_minor),
        )
        .where(Payment.voided_at.is_(None))
        .group_by(Payment.currency)
    )


def _receipts(direction: Direction) -> Select[str, int]:
    return (
        select(Receipt.currency, func.sum(Receipt.amount_minor))
        .where(Receipt.voided_at.is_(None), Receipt.direction == direction)
        .group_by(Receipt.currency)
    )


def _allocations() -> Select[str, int]:
    return (
        select(Receipt.currency, func.sum(Allocation.amount_minor))
        .join(Receipt, Receipt.id == Allocation.receipt_id)
        .where(Allocation.voided_at.is_(None), Receipt.voided_at.is_(None), Receipt.direction == Direction.IN)
        .group_by(Receipt.currency)
    )
