"""The periods of a group with their sums, and who owes what in one of them, a page at a time.

The database adds up, over everybody; rows are only read for the page that is shown. What is collected and
outstanding is what members owe the payer; the payer's own share is in neither.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select
from sqlalchemy.orm import Session

from substrack.domain.cycles import Unit
from substrack.domain.letters import Span
from substrack.domain.money import Money
from substrack.domain.payments import CLOSED, COUNTED, PaymentKind, Status
from substrack.queries.finding import NotListed
from substrack.queries.namesakes import tell_apart
from substrack.queries.prepared import prepared
from substrack.queries.searching import named_like
from substrack.store import Contact, Group, Payment, Period

CellRow = Row[*tuple[Any, ...]]

PERIODS_A_PAGE: Final = 6
MEMBERS_A_PAGE: Final = 50
VOIDED_SHOWN: Final = 20

MANY: Final = 1_000
"""With more payments than this a period is neither counted beside others nor put into order as a whole."""

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
    """One member's payment of one period; `left` is still to come, None when nothing is or it is forgiven."""

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

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing is left to do about it."""
        return self.is_own or self.status in CLOSED

    @property
    def place(self) -> tuple[bool, int, int]:
        """Where it stands in a list: the most urgent first, the payer's own share last."""
        return self.is_own, BY_URGENCY.index(self.status), self.id


@dataclass(frozen=True)
class Tally:
    """What members owe for one period in all: how many are in which status, and the sums."""

    counts: Mapping[Status, int]
    collected: Money
    outstanding: Money

    @property
    def count(self) -> int:
        """How many owe something or have paid it; what is waived is in no count of those who paid."""
        return sum(self.counts.get(status, 0) for status in COUNTED)

    @property
    def settled(self) -> int:
        """How many of them have paid."""
        return self.counts.get(Status.CONFIRMED, 0)

    @property
    def waived(self) -> int:
        """How many have nothing to pay."""
        return self.counts.get(Status.WAIVED, 0)


@dataclass(frozen=True)
class PeriodColumn:
    """One period with its sums; `total` is None while the bill is wanted.

    `tally` is None beside other periods where it has very many payments: its own page adds them up.
    """

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
    is_large: bool
    tally: Tally | None


@dataclass(frozen=True)
class PeriodPage:
    """Some periods, the newest first; the sequences tell where older and newer ones begin, if any."""

    columns: tuple[PeriodColumn, ...]
    older_than: int | None
    newer: int | None


@dataclass(frozen=True)
class VoidedPeriod:
    """A period that was taken out of the books."""

    public_id: str
    span: Span
    voided_at: datetime


@dataclass(frozen=True)
class PeriodOfGroup:
    """A period on a page of its own, with what the page says of its group."""

    column: PeriodColumn
    group_id: int
    group_public_id: str
    group: str
    currency: str


@dataclass(frozen=True)
class CellPage:
    """Some payments of one period, the most urgent first; `has_more` when another page follows."""

    cells: tuple[Cell, ...]
    number: int
    has_more: bool


def load_periods(session: Session, group_id: int, *, before: int | None = None) -> PeriodPage:
    """Load the latest periods of a group, or those before a sequence, without voided ones.

    Two statements, and a third for `before`. Periods with very many payments are not added up.
    """
    found = session.execute(*_latest(group_id, before)).all()
    shown = _columns(session, found[:PERIODS_A_PAGE])
    older_than = shown[-1].sequence if len(found) > PERIODS_A_PAGE else None
    return PeriodPage(shown, older_than, None if before is None else _newer(session, group_id, before))


@prepared
def _latest(group_id: int, before: int | None) -> Select[*tuple[Any, ...]]:
    query = _periods().add_columns(is_large()).where(Period.group_id == group_id, Period.voided_at.is_(None))
    if before is not None:
        query = query.where(Period.sequence < before)
    return query.order_by(Period.sequence.desc(), Period.id.desc()).limit(PERIODS_A_PAGE + 1)


def load_voided_periods(session: Session, group_id: int) -> tuple[VoidedPeriod, ...]:
    """Load the periods of a group that were taken out of the books, the latest first, in one statement."""
    return tuple(
        VoidedPeriod(period.public_id, _span(period, unit, every), period.voided_at)
        for period, unit, every, _currency in session.execute(*_voided(group_id))
        if period.voided_at is not None
    )


@prepared
def _voided(group_id: int) -> Select[Period, Unit, int, str]:
    query = _periods().where(Period.group_id == group_id, Period.voided_at.is_not(None))
    return query.order_by(Period.sequence.desc(), Period.id.desc()).limit(VOIDED_SHOWN)


def load_period(session: Session, workspace_id: int, public_id: str) -> PeriodOfGroup:
    """Load one period of this workspace, void or not, in two statements; raises NotListed."""
    query = _periods().add_columns(Group.id, Group.public_id, Group.name)
    found = session.execute(
        query.where(Group.workspace_id == workspace_id, Period.public_id == public_id)
    ).first()
    if found is None:
        raise NotListed("period")
    period, unit, every, currency, group_id, group_public_id, group = found
    tally = load_tallies(session, {period.id: currency}, period.voided_at)[period.id]
    is_large = sum(tally.counts.values()) > MANY
    column = _column(period, _span(period, unit, every), currency, tally, is_large=is_large)
    return PeriodOfGroup(column, group_id, group_public_id, group, currency)


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
        .where(Payment.period_id == period_id, _counts_at(voided_at))
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
    ).join(Contact, Contact.id == Payment.contact_id)


def cell_of(row: CellRow) -> Cell:
    """Make the cell of a payment."""
    left_minor = row.amount_minor - row.received_minor - row.written_off_minor
    is_left = left_minor > 0 and row.status is not Status.WAIVED
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
    )


def _span(period: Period, unit: Unit, every: int) -> Span:
    return Span(unit, every, period.starts_on, period.ends_on)


def _periods() -> Select[Period, Unit, int, str]:
    """Select periods, with what their group says of them all: its rhythm and currency."""
    query = select(Period, Group.unit, Group.every, Group.currency)
    return query.join(Group, Group.id == Period.group_id).where(Period.member_id.is_(None))


def _newer(session: Session, group_id: int, before: int) -> int | None:
    """Find the oldest sequence that `before` leaves out."""
    return session.scalar(
        select(func.min(Period.sequence)).where(
            Period.group_id == group_id,
            Period.sequence >= before,
            Period.voided_at.is_(None),
            Period.member_id.is_(None),
        )
    )


def _counts_at(voided_at: datetime | None) -> ColumnElement[bool]:
    """Select the payments that stand with their period: the live ones, or those voided with it."""
    return Payment.voided_at.is_(None) if voided_at is None else Payment.voided_at == voided_at


def _columns(session: Session, found: Sequence[Row[*tuple[Any, ...]]]) -> tuple[PeriodColumn, ...]:
    small = {period.id: currency for period, _unit, _every, currency, is_large in found if not is_large}
    tallies = load_tallies(session, small)
    return tuple(
        _column(period, _span(period, unit, every), currency, tallies.get(period.id), is_large=bool(is_large))
        for period, unit, every, currency, is_large in found
    )


def is_large() -> ColumnElement[bool]:
    """Tell whether a period has very many payments, without counting them all."""
    query = select(Payment.id).where(Payment.period_id == Period.id, Payment.kind == PaymentKind.DUES)
    return query.correlate(Period).limit(1).offset(MANY).exists()


def load_tallies(
    session: Session, currencies: Mapping[int, str], voided_at: datetime | None = None
) -> dict[int, Tally]:
    """Add up periods, given with their currencies: what is live, or was voided at an instant; one statement.

    None for no period.
    """
    if not currencies:
        return {}
    rows: dict[int, list[tuple[Status, int, int, int]]] = {}
    for period_id, status, count, received, owed in session.execute(
        *_added_up(sorted(currencies), voided_at)
    ):
        rows.setdefault(period_id or 0, []).append((status, count, int(received), int(owed)))
    return {key: _tally(rows.get(key, ()), currency) for key, currency in currencies.items()}


@prepared
def _added_up(period_ids: list[int], voided_at: datetime | None) -> Select[int | None, Status, int, int, int]:
    left = Payment.amount_minor - Payment.received_minor - Payment.written_off_minor
    is_owed = and_(left > 0, Payment.status != Status.WAIVED)
    return (
        select(
            Payment.period_id,
            Payment.status,
            func.count(),
            func.sum(Payment.received_minor),
            func.sum(case((is_owed, left), else_=0)),
        )
        .where(Payment.period_id.in_(period_ids), Payment.kind == PaymentKind.DUES, _counts_at(voided_at))
        .group_by(Payment.period_id, Payment.status)
    )


def _tally(rows: Collection[tuple[Status, int, int, int]], currency: str) -> Tally:
    return Tally(
        counts={status: count for status, count, _received, _owed in rows},
        collected=Money(sum(received for _status, _count, received, _owed in rows), currency),
        outstanding=Money(sum(owed for _status, _count, _received, owed in rows), currency),
    )


def _column(
    period: Period, span: Span, currency: str, tally: Tally | None, *, is_large: bool
) -> PeriodColumn:
    total = period.total_minor
    return PeriodColumn(
        id=period.id,
        public_id=period.public_id,
        span=span,
        sequence=period.sequence,
        due_on=period.due_on,
        opens_on=period.opens_on,
        total=None if total is None else Money(total, currency),
        payer_part=Money(period.payer_part_minor, currency),
        opened_at=period.opened_at,
        voided_at=period.voided_at,
        version=period.version,
        is_large=is_large,
        tally=tally,
    )
