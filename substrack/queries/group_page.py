"""What the page of one group shows: its latest periods with everybody's payments, and one period alone.

What is collected and outstanding is what members owe the payer; the payer's own share is in neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.domain.letters import Span
from substrack.domain.money import Money
from substrack.domain.payments import PaymentKind, Status
from substrack.queries.finding import NotListed
from substrack.store import Contact, Group, Member, Payment, Period

PERIODS_A_PAGE = 6


@dataclass(frozen=True)
class Cell:
    """One member's payment of one period; `left` is still to come, None when nothing is or it is forgiven."""

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
    version: int


@dataclass(frozen=True)
class PeriodColumn:
    """One period with its payments as the members joined; `total` is None while the bill is wanted."""

    id: int
    public_id: str
    span: Span
    sequence: int
    due_on: date
    opens_on: date
    total: Money | None
    payer_part: Money
    opened_at: datetime
    voided_at: datetime | None
    version: int
    cells: tuple[Cell, ...]
    collected: Money
    outstanding: Money

    def cell_of(self, member_id: int) -> Cell | None:
        """Find a member's payment."""
        return next((cell for cell in self.cells if cell.member_id == member_id), None)


@dataclass(frozen=True)
class PeriodOfGroup:
    """A period on a page of its own, with what the page says of its group."""

    column: PeriodColumn
    group_id: int
    group_public_id: str
    group: str
    currency: str


@dataclass(frozen=True)
class PeriodPage:
    """Some periods of a group, the newest first; `older_than` is the sequence to go on from, if any."""

    columns: tuple[PeriodColumn, ...]
    older_than: int | None


def load_periods(session: Session, group_id: int, *, before: int | None = None) -> PeriodPage:
    """Load the latest periods of a group, or those before a sequence, without voided ones (2 statements)."""
    query = _periods().where(Period.group_id == group_id, Period.voided_at.is_(None))
    if before is not None:
        query = query.where(Period.sequence < before)
    query = query.order_by(Period.sequence.desc(), Period.id.desc()).limit(PERIODS_A_PAGE + 1)
    found = [(period, group) for period, group in session.execute(query)]
    shown = _columns(session, found[:PERIODS_A_PAGE])
    has_more = len(found) > PERIODS_A_PAGE
    return PeriodPage(shown, shown[-1].sequence if has_more else None)


def load_voided_periods(session: Session, group_id: int) -> tuple[PeriodColumn, ...]:
    """Load the periods of a group that were taken out of the books, the latest first (2 statements)."""
    query = _periods().where(Period.group_id == group_id, Period.voided_at.is_not(None))
    found = session.execute(query.order_by(Period.sequence.desc(), Period.id.desc()).limit(20))
    return _columns(session, [(period, group) for period, group in found])


def load_period(session: Session, workspace_id: int, public_id: str) -> PeriodOfGroup:
    """Load one period of this workspace with its payments; voided with it, if it is void (2 statements).

    Raises:
        NotListed.
    """
    query = _periods().where(Group.workspace_id == workspace_id, Period.public_id == public_id)
    found = session.execute(query).first()
    if found is None:
        raise NotListed("period")
    period, group = found
    (column,) = _columns(session, [(period, group)])
    return PeriodOfGroup(column, group.id, group.public_id, group.name, group.currency)


def _periods() -> Select[Period, Group]:
    return select(Period, Group).join(Group, Group.id == Period.group_id).where(Period.member_id.is_(None))


def _columns(session: Session, found: Sequence[tuple[Period, Group]]) -> tuple[PeriodColumn, ...]:
    cells = _cells_of(session, [period for period, _ in found])
    return tuple(_column(period, group, cells.get(period.id, ())) for period, group in found)


def _cells_of(session: Session, periods: Iterable[Period]) -> dict[int, tuple[Cell, ...]]:
    """Load the payments of periods in one statement: the live ones, of a void period those voided with it."""
    voided_at = {period.id: period.voided_at for period in periods}
    query = (
        select(Payment, Contact)
        .join(Member, Member.id == Payment.member_id)
        .join(Contact, Contact.id == Payment.contact_id)
        .where(Payment.period_id.in_(sorted(voided_at)))
        .order_by(Member.joined_on, Member.id, Payment.id)
    )
    found: dict[int, tuple[Cell, ...]] = {}
    for payment, contact in session.execute(query):
        key = payment.period_id or 0
        if payment.voided_at == voided_at[key]:
            found[key] = (*found.get(key, ()), _cell(payment, contact))
    return found


def _cell(payment: Payment, contact: Contact) -> Cell:
    left_minor = payment.amount_minor - payment.received_minor - payment.written_off_minor
    is_left = left_minor > 0 and payment.status is not Status.WAIVED
    return Cell(
        public_id=payment.public_id,
        member_id=payment.member_id,
        contact_public_id=contact.public_id,
        name=contact.name,
        amount=Money(payment.amount_minor, payment.currency),
        received=Money(payment.received_minor, payment.currency),
        left=Money(left_minor, payment.currency) if is_left else None,
        status=payment.status,
        is_own=payment.kind is PaymentKind.OWN,
        due_on=payment.due_on,
        reference=payment.reference,
        version=payment.version,
    )


def _column(period: Period, group: Group, cells: tuple[Cell, ...]) -> PeriodColumn:
    currency, total = group.currency, period.total_minor
    dues = [cell for cell in cells if not cell.is_own]
    return PeriodColumn(
        id=period.id,
        public_id=period.public_id,
        span=Span(group.unit, group.every, period.starts_on, period.ends_on),
        sequence=period.sequence,
        due_on=period.due_on,
        opens_on=period.opens_on,
        total=None if total is None else Money(total, currency),
        payer_part=Money(period.payer_part_minor, currency),
        opened_at=period.opened_at,
        voided_at=period.voided_at,
        version=period.version,
        cells=cells,
        collected=Money(sum(cell.received.minor for cell in dues), currency),
        outstanding=Money(sum(cell.left.minor for cell in dues if cell.left), currency),
    )
