"""Who owes what in one period, a page at a time, the most urgent first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.domain.payments import CLOSED, PaymentKind, Status
from substrack.queries.group_periods import PeriodColumn, counts_at
from substrack.queries.namesakes import tell_apart
from substrack.queries.prepared import prepared
from substrack.queries.searching import named_like
from substrack.store import Contact, Payment

CellRow = Row[*tuple[Any, ...]]

MEMBERS_A_PAGE: Final = 50

BY_URGENCY: Final = (
    Status.MEMBER_CONFIRMED,
    Status.OVERDUE,
    Status.PENDING,
    Status.CONFIRMED,
    Status.WAIVED,
)
"""The order in which an admin cares about statuses."""


@dataclass(frozen=True)
class Cell:
    """One member's payment of one period; `left` is still to come, None when nothing is, forgiven or void."""

    id: int
    public_id: str
    member_id: int
    contact_public_id: str
    name: str
    amount: Money
    received: Money
    left: Money | None
    status: Status
    is_own: bool
    due_on: date | None
    reference: str
    is_void: bool = False

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing is left to do about it."""
        return self.is_own or self.status in CLOSED

    @property
    def place(self) -> tuple[bool, int, int]:
        """Where it stands in a list: the most urgent first, the payer's own share last."""
        return self.is_own, BY_URGENCY.index(self.status), self.id


@dataclass(frozen=True)
class CellPage:
    """Some payments of one period, the most urgent first; `has_more` when another page follows."""

    cells: tuple[Cell, ...]
    number: int
    has_more: bool


def load_cells(session: Session, column: PeriodColumn, *, search: str = "", number: int = 1) -> CellPage:
    """Load one page of a period's payments, the most urgent first, the payer's own share last.

    Of a void period, those that were voided with it. One statement, of very many payments a few for each
    status.
    """
    skipped = (number - 1) * MEMBERS_A_PAGE
    if column.is_large and not search and column.voided_at is None:
        found = [cell_of(row) for row in _of_many(session, column, skipped)]
        return CellPage(tell_apart(session, found[:MEMBERS_A_PAGE]), number, len(found) > MEMBERS_A_PAGE)
    query, values = _most_urgent(column.id, column.voided_at, skipped=skipped)
    rows = session.execute(query.where(named_like(search)) if search else query, values)
    found = [cell_of(row) for row in rows]
    return CellPage(tell_apart(session, found[:MEMBERS_A_PAGE]), number, len(found) > MEMBERS_A_PAGE)


def _of_many(session: Session, column: PeriodColumn, skipped: int) -> list[CellRow]:
    """Load a page of very many payments status by status, which an index has in order."""
    found: list[CellRow] = []
    kinds = [(PaymentKind.DUES, status) for status in BY_URGENCY] + [(PaymentKind.OWN, Status.CONFIRMED)]
    for kind, status in kinds:
        there = column.tally.counts.get(status, 0) if column.tally and kind is PaymentKind.DUES else None
        wanted = MEMBERS_A_PAGE + 1 - len(found)
        if not wanted:
            break
        if there is not None and skipped >= there:
            skipped -= there
            continue
        rows = session.execute(*_in_status(column.id, kind, status, size=wanted, skipped=skipped)).all()
        found += rows
        if rows:
            skipped = 0
        elif skipped:
            skipped -= session.scalar(*_how_many(column.id, kind, status)) or 0
    return found


@prepared
def _how_many(period_id: int, kind: PaymentKind, status: Status) -> Select[int]:
    query = select(func.count()).select_from(Payment)
    return query.where(
        Payment.period_id == period_id,
        Payment.kind == kind,
        Payment.status == status,
        Payment.voided_at.is_(None),
    )


@prepared
def _in_status(
    period_id: int, kind: PaymentKind, status: Status, *, size: int, skipped: int
) -> Select[*tuple[Any, ...]]:
    return (
        cells()
        .where(Payment.period_id == period_id, Payment.kind == kind, Payment.status == status)
        .where(Payment.voided_at.is_(None))
        .order_by(Payment.id)
        .limit(size)
        .offset(skipped)
    )


@prepared
def _most_urgent(period_id: int, voided_at: datetime | None, *, skipped: int) -> Select[*tuple[Any, ...]]:
    urgency = case({status: place for place, status in enumerate(BY_URGENCY)}, value=Payment.status)
    return (
        cells()
        .where(Payment.period_id == period_id, counts_at(voided_at))
        .order_by(Payment.kind == PaymentKind.OWN, urgency, Payment.id)
        .limit(MEMBERS_A_PAGE + 1)
        .offset(skipped)
    )


def cells() -> Select[*tuple[Any, ...]]:
    """Select of payments what their cells tell, and in which period they are."""
    return select(
        Payment.id,
        Payment.period_id,
        Payment.public_id,
        Payment.member_id,
        Contact.public_id.label("contact_public_id"),
        Contact.name,
        Payment.currency,
        Payment.amount_minor,
        Payment.received_minor,
        Payment.written_off_minor,
        Payment.status,
        Payment.kind,
        Payment.due_on,
        Payment.reference,
        Payment.voided_at,
    ).join(Contact, Contact.id == Payment.contact_id)


def cell_of(row: CellRow) -> Cell:
    """Make the cell of a payment."""
    left_minor = row.amount_minor - row.received_minor - row.written_off_minor
    is_left = left_minor > 0 and row.status is not Status.WAIVED and row.voided_at is None
    return Cell(
        id=row.id,
        public_id=row.public_id,
        member_id=row.member_id,
        contact_public_id=row.contact_public_id,
        name=row.name,
        amount=Money(row.amount_minor, row.currency),
        received=Money(row.received_minor, row.currency),
        left=Money(left_minor, row.currency) if is_left else None,
        status=row.status,
        is_own=row.kind is PaymentKind.OWN,
        due_on=row.due_on,
        reference=row.reference,
        is_void=row.voided_at is not None,
    )
