"""The table of a group: members down, its latest periods across; a page of members at a time.

A constant number of statements, whatever the group's size.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from substrack.domain.payments import ASKABLE, PaymentKind
from substrack.queries.group_periods import MEMBERS_A_PAGE, Cell, PeriodColumn, cell_of
from substrack.queries.namesakes import tell_apart
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
    found = [(member, contact) for member, contact in rows_found]
    shown = found[:MEMBERS_A_PAGE]
    cells = _cells(session, columns, [(member.id, contact) for member, contact in shown])
    rows = [
        MatrixRow(
            contact.public_id,
            contact.name,
            contact.id == payer_id,
            tuple(cells.get((member.id, column.id)) for column in columns),
        )
        for member, contact in shown
    ]
    rows.sort(key=lambda row: row.is_payer)
    return Matrix(tell_apart(session, rows), number, len(found) > MEMBERS_A_PAGE)


def owes_anything(session: Session, group_id: int) -> bool:
    """Tell whether somebody could be asked for something of a group."""
    return session.scalar(*_owed(group_id)) is not None


@prepared
def _owed(group_id: int) -> Select[int]:
    query = select(Payment.id).where(
        Payment.group_id == group_id,
        Payment.status.in_(ASKABLE),
        Payment.kind == PaymentKind.DUES,
        Payment.voided_at.is_(None),
    )
    return query.limit(1)


@prepared
def _who_pays(
    group_id: int, period_ids: list[int], are_billed: bool, payer_id: int, *, skipped: int
) -> Select[Member, Contact]:
    pays = exists().where(
        Payment.member_id == Member.id, (Payment.period_id + 0).in_(period_ids), Payment.voided_at.is_(None)
    )  # "+ 0" keeps SQLite from looking through all payments of the periods for each member
    will_pay = Member.left_on.is_(None) & (Member.contact_id != payer_id)
    return (
        select(Member, Contact)
        .join(Contact, Contact.id == Member.contact_id)
        .where(Member.group_id == group_id, pays if are_billed else or_(pays, will_pay))
        .order_by(Member.id)
        .limit(MEMBERS_A_PAGE + 1)
        .offset(skipped)
    )


def _cells(
    session: Session, columns: Sequence[PeriodColumn], members: Collection[tuple[int, Contact]]
) -> dict[tuple[int, int], Cell]:
    people = dict(members)
    found = session.scalars(*_payments(sorted(people), [column.id for column in columns]))
    return {(one.member_id, one.period_id or 0): cell_of(one, people[one.member_id]) for one in found}


@prepared
def _payments(member_ids: list[int], period_ids: list[int]) -> Select[Payment]:
    return select(Payment).where(
        Payment.member_id.in_(member_ids), Payment.period_id.in_(period_ids), Payment.voided_at.is_(None)
    )
