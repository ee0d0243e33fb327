"""What was booked for a claim, and where that money is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.claims import Booked
from substrack.domain.money import Money
from substrack.store import Allocation, AttemptItem, Event, Receipt


def load_booked(session: Session, attempt_id: int, *, correlation_id: str | None = None) -> Booked | None:
    """Load what one decision, or all, booked for a claim; None when nothing is booked or it was voided."""
    conditions = [Receipt.attempt_id == attempt_id, Receipt.voided_at.is_(None)]
    if correlation_id is not None:
        conditions.append(Receipt.id.in_(booked_by(correlation_id)))
    row = session.execute(_sums(attempt_id, conditions)).first()
    if row is None:
        return None
    claimed, elsewhere = int(row.claimed or 0), int(row.elsewhere or 0)
    return Booked(
        amount=Money(int(row.amount), row.currency),
        elsewhere=Money(elsewhere, row.currency),
        credit=Money(int(row.amount) - claimed - elsewhere, row.currency),
    )


def booked_by(correlation_id: str) -> Select[int | None]:
    """Select the receipts that a decision booked."""
    return select(Event.subject_id).where(
        Event.correlation_id == correlation_id, Event.subject_kind == "receipt", Event.verb == "receive"
    )


def _sums(attempt_id: int, conditions: list[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    named = select(AttemptItem.payment_id).where(AttemptItem.attempt_id == attempt_id)
    settled = select(func.coalesce(func.sum(Allocation.amount_minor), 0)).where(
        Allocation.receipt_id == Receipt.id, Allocation.voided_at.is_(None)
    )
    claimed = settled.where(Allocation.payment_id.in_(named)).correlate(Receipt).scalar_subquery()
    elsewhere = settled.where(Allocation.payment_id.not_in(named)).correlate(Receipt).scalar_subquery()
    return (
        select(
            Receipt.currency,
            func.sum(Receipt.amount_minor).label("amount"),
            func.sum(claimed).label("claimed"),
            func.sum(elsewhere).label("elsewhere"),
        )
        .where(*conditions)
        .group_by(Receipt.currency)
    )
