"""The table of a group: members down, its latest periods across; a page of members at a time.

A constant number of statements, whatever the group's size.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from substrack.domain.payments import ASKABLE, PaymentKind
from substrack.queries.group_periods import PeriodColumn
from substrack.queries.leaving import gone_on
from substrack.queries.namesakes import tell_apart
from substrack.queries.period_cells import MEMBERS_A_PAGE, Cell, CellPage, cell_of, cells
from substrack.queries.prepared import prepared
from substrack.queries.searching import named_like
from substrack.store import Contact, Member, Payment


@dataclass(frozen=True)
class MatrixRow:
    """One member with a cell for each period shown; None where they have nothing to pay."""

    contact_public_id: str
    name: str
    is_payer: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Matrix:
    """Some members of a group, the payer last; `has_more` when another page follows."""

    rows: tuple[MatrixRow, ...]
    number: int
    has_more: bool

    def latest(self) -> CellPage:
        """List who owes what in the latest period, where the table holds everybody."""
        cells = [replace(cell, name=row.name) for row in self.rows if (cell := row.cells[0])]
        return CellPage(tuple(sorted(cells, key=lambda cell: cell.place)), self.number, has_more=False)


def load_matrix(
    session: Session,
    group_id: int,
    columns: Sequence[PeriodColumn],
    *,
    payer_id: int,
    search: str = "",
    number: int = 1,
) -> Matrix:
    """Load one page of the members who pay in these periods, or will once they are billed (2 statements).

    Members come in the order in which they were added, which an index gives for nothing.
    """
    periods = [column.id for column in columns]
    are_billed = all(column.total is not None for column in columns)
    skipped = (number - 1) * MEMBERS_A_PAGE
    query, values = _who_pays(group_id, periods, are_billed, payer_id, skipped=skipped)
    rows_found = session.execute(query.where(named_like(search)) if search else query, values)
    found = rows_found.all()
    shown = found[:MEMBERS_A_PAGE]
    found_cells = _cells(session, periods, [member_id for member_id, *_ in shown])
    rows = [
        MatrixRow(
            public_id,
            name,
            contact_id == payer_id,
            tuple(found_cells.get((member_id, key)) for key in periods),
        )
        for member_id, contact_id, public_id, name in shown
    ]
    rows.sort(key=lambda row: row.is_payer)
    return Matrix(tell_apart(session, rows), number, len(found) > MEMBERS_A_PAGE)


@dataclass(frozen=True)
class Owing:
    """Whether anybody owes something of a group, and whether anybody can be asked for it today."""

    is_owed: bool
    can_be_asked: bool


def who_owes(session: Session, group_id: int, *, today: date) -> Owing:
    """Tell whether somebody owes something of a group, and can be asked for it; one statement.

    Nobody can who has left, asked to wait, or was asked for it today already.
    """
    return Owing(*map(bool, session.execute(*_owed(group_id, today)).one()))


@prepared
def _owed(group_id: int, today: date) -> Select[bool, bool]:
    owed = select(Payment.id).where(
        Payment.group_id == group_id,
        Payment.status.in_(ASKABLE),
        Payment.kind == PaymentKind.DUES,
        Payment.voided_at.is_(None),
    )
    free = (
        owed.join(Member, Member.id == Payment.member_id)
        .join(Contact, Contact.id == Payment.contact_id)
        .where(
            or_(gone_on().is_(None), gone_on() > today),
            or_(Payment.snoozed_until.is_(None), Payment.snoozed_until <= today),
            or_(
                Payment.requested_on.is_(None),
                Payment.requested_on < today,
                Contact.requested_on < today,
            ),
        )
    )
    return select(owed.correlate(None).exists(), free.correlate(None).exists())


@prepared
def _who_pays(
    group_id: int, period_ids: list[int], are_billed: bool, payer_id: int, *, skipped: int
) -> Select[int, int, str, str]:
    pays = exists().where(
        Payment.member_id == Member.id, (Payment.period_id + 0).in_(period_ids), Payment.voided_at.is_(None)
    )  # "+ 0" keeps SQLite from looking through all payments of the periods for each member
    will_pay = Member.left_on.is_(None) & (Member.contact_id != payer_id)
    return (
        select(Member.id, Contact.id, Contact.public_id, Contact.name)
        .join(Contact, Contact.id == Member.contact_id)
        .where(Member.group_id == group_id, pays if are_billed else or_(pays, will_pay))
        .order_by(Member.id)
        .limit(MEMBERS_A_PAGE + 1)
        .offset(skipped)
    )


def _cells(
    session: Session, period_ids: list[int], member_ids: Collection[int]
) -> dict[tuple[int, int], Cell]:
    found = session.execute(*_payments(sorted(member_ids), period_ids))
    return {(row.member_id, row.period_id): cell_of(row) for row in found}


@prepared
def _payments(member_ids: list[int], period_ids: list[int]) -> Select[*tuple[Any, ...]]:
    return cells().where(
        Payment.member_id.in_(member_ids), Payment.period_id.in_(period_ids), Payment.voided_at.is_(None)
    )
