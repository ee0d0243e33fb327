"""The periods of a group with their sums.

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
from substrack.domain.money import Money
from substrack.domain.payments import COUNTED, PaymentKind, Status
from substrack.domain.spans import Span
from substrack.queries.finding import NotListed
from substrack.queries.owing import LEFT
from substrack.queries.period_places import Place, is_taken, place_of
from substrack.queries.prepared import prepared
from substrack.store import Group, Payment, Period

PERIODS_A_PAGE: Final = 6
VOIDED_SHOWN: Final = 20

MANY: Final = 1_000
"""With more payments than this a period is neither counted beside others nor put into order as a whole."""


@dataclass(frozen=True)
class Tally:
    """What members owe for one period in all: how many are in which status, and the sums.

    `claimed` is the part of what is outstanding that members say they have paid.
    """

    counts: Mapping[Status, int]
    collected: Money
    outstanding: Money
    claimed: Money

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
    place: Place


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


@dataclass(frozen=True)
class OpenPeriod:
    """A period that is open and stays as it is, whatever day is typed."""

    public_id: str
    span: Span


def find_open_period(session: Session, group_id: int, *, day: date) -> OpenPeriod | None:
    """Find the latest open period of a group that is not over before a day, in one statement."""
    query = _periods().where(Period.group_id == group_id, Period.voided_at.is_(None), Period.ends_on >= day)
    found = session.execute(query.order_by(Period.sequence.desc()).limit(1)).first()
    if found is None:
        return None
    period, unit, every, _currency = found
    return OpenPeriod(period.public_id, _span(period, unit, every))


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
    query = _periods().add_columns(Group, is_taken())
    found = session.execute(
        query.where(Group.workspace_id == workspace_id, Period.public_id == public_id)
    ).first()
    if found is None:
        raise NotListed("period")
    period, unit, every, currency, group, taken = found
    tally = load_tallies(session, {period.id: currency}, period.voided_at)[period.id]
    is_large = sum(tally.counts.values()) > MANY
    column = _column(period, _span(period, unit, every), currency, tally, is_large=is_large)
    place = place_of(period, group, is_taken=bool(taken))
    return PeriodOfGroup(column, group.id, group.public_id, group.name, currency, place)


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


def counts_at(voided_at: datetime | None) -> ColumnElement[bool]:
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
    is_owed = and_(LEFT > 0, Payment.status != Status.WAIVED)
    return (
        select(
            Payment.period_id,
            Payment.status,
            func.count(),
            func.sum(Payment.received_minor),
            func.sum(case((is_owed, LEFT), else_=0)),
        )
        .where(Payment.period_id.in_(period_ids), Payment.kind == PaymentKind.DUES, counts_at(voided_at))
        .group_by(Payment.period_id, Payment.status)
    )


def _tally(rows: Collection[tuple[Status, int, int, int]], currency: str) -> Tally:
    return Tally(
        counts={status: count for status, count, _received, _owed in rows},
        collected=Money(sum(received for _status, _count, received, _owed in rows), currency),
        outstanding=Money(sum(owed for _status, _count, _received, owed in rows), currency),
        claimed=Money(
            sum(owed for status, _count, _received, owed in rows if status is Status.MEMBER_CONFIRMED),
            currency,
        ),
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
