"""What the void of payments set free of the money that had come for them, and what of that is still free."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from substrack.queries.unallocated import UNALLOCATED, is_money_in
from substrack.store import Allocation, Payment, Receipt

_TAKEN_OFF: Final[tuple[ColumnElement[bool], ...]] = (
    Allocation.payment_id == Payment.id,
    Allocation.voided_at == Payment.voided_at,
)
"""Joins a payment that is void with what the void took off it."""

TAKEN_OFF: Final[ColumnElement[int]] = (
    select(func.coalesce(func.sum(Allocation.amount_minor), 0))
    .where(*_TAKEN_OFF)
    .correlate(Payment)
    .scalar_subquery()
)
"""What had come for a payment of a query when it became void, in minor units; nothing while it counts."""


def load_freed(session: Session, payment_ids: Collection[int]) -> int:
    """Add up what is still free, in minor units, of the money that voiding these payments set free.

    What has been spent of a receipt is what was free the longest: two voids, one after the other, never
    count the same money twice. One statement.
    """
    freed: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(_freed(payment_ids)):
        freed[row.receipt_id].append(row)
    return sum(_still_free(rows, set(payment_ids)) for rows in freed.values())


def _freed(payment_ids: Collection[int]) -> Select[*tuple[Any, ...]]:
    """Select all that voids set free of the receipts from which these payments had something."""
    theirs = aliased(Allocation)
    had = select(theirs.receipt_id).where(theirs.payment_id.in_(payment_ids))
    return (
        select(
            Allocation.receipt_id,
            Allocation.payment_id,
            Allocation.amount_minor,
            Allocation.voided_at,
            UNALLOCATED.label("free_minor"),
        )
        .join(Payment, Payment.id == Allocation.payment_id)
        .join(Receipt, Receipt.id == Allocation.receipt_id)
        .where(*_TAKEN_OFF, Receipt.id.in_(had), *is_money_in())
    )


def _still_free(rows: list[Row[Any]], payment_ids: set[int]) -> int:
    mine = [row for row in rows if row.payment_id in payment_ids]
    if not mine:
        return 0
    last = max(map(_order, mine))
    later_minor = sum(row.amount_minor for row in rows if row not in mine and _order(row) > last)
    mine_minor = sum(row.amount_minor for row in mine)
    return max(0, int(min(mine_minor, mine[0].free_minor - later_minor)))


def _order(row: Row[Any]) -> tuple[datetime, int]:
    return row.voided_at, row.payment_id
