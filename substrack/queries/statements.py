"""A person's year: what they were to pay, what of it came, and what they sent.

A payment belongs to the year in which it is due, money to the year in which it came. Everything stands as it
does now: a statement of last year changes when last year's payments are settled. A year of more rows than
anybody reads through is summed up by groups and months, each of which can be looked at by itself.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.domain.payments import OPEN, PaymentKind, Status
from substrack.domain.spans import Span
from substrack.store import Contact, Direction, Group, Payment, Period, Receipt, ReceiptSource

READ_THROUGH: Final = 100
"""As many payments, or receipts, of a year are listed one by one."""


@dataclass(frozen=True)
class DueRow:
    """One payment; `owed` is what of it was received, forgiven and is left, together."""

    public_id: str
    group: str
    group_public_id: str
    span: Span | None
    due_on: date
    status: Status
    owed: Money
    received: Money
    forgiven: Money
    left: Money


@dataclass(frozen=True)
class SentRow:
    """Money a person sent on a day, or got back (then it is below zero)."""

    received_on: date
    amount: Money
    payer: str
    method: str | None


@dataclass(frozen=True)
class YearTotal:
    """The sums of a year in one currency."""

    owed: Money
    received: Money
    forgiven: Money
    left: Money
    sent: Money


@dataclass(frozen=True)
class Part:
    """What of a year is looked at: one group or one month of it, or all."""

    group: str | None = None
    month: int | None = None


WHOLE: Final = Part()


@dataclass(frozen=True)
class GroupSum:
    """What was to be paid for one group in a year."""

    group: str
    group_public_id: str
    count: int
    owed: Money
    received: Money
    forgiven: Money
    left: Money


@dataclass(frozen=True)
class MonthSum:
    """What one payer got in one month, in one currency."""

    month: date
    payer: str
    count: int
    amount: Money


@dataclass(frozen=True)
class Statement:
    """One year of one person, or a part of it."""

    year: int
    part: Part
    dues: tuple[DueRow, ...]
    sent: tuple[SentRow, ...]
    totals: tuple[YearTotal, ...]

    @property
    def first_day(self) -> date:
        """The first day that it is about."""
        return date(self.year, self.part.month or 1, 1)

    @property
    def is_long(self) -> bool:
        """Tell whether it is to be summed up: all of a year, and more than anybody reads through."""
        return self.part == WHOLE and max(len(self.dues), len(self.sent)) > READ_THROUGH

    @property
    def by_group(self) -> tuple[GroupSum, ...]:
        """Sum up what was to be paid, by group."""
        groups: dict[str, list[DueRow]] = {}
        for row in sorted(self.dues, key=lambda row: row.group.casefold()):
            groups.setdefault(row.group_public_id, []).append(row)
        return tuple(_group_sum(rows) for rows in groups.values())

    @property
    def by_month(self) -> tuple[MonthSum, ...]:
        """Sum up what came, by month, payer and currency."""
        months: dict[tuple[date, str, str], list[Money]] = {}
        for row in self.sent:
            key = (row.received_on.replace(day=1), row.payer, row.amount.currency)
            months.setdefault(key, []).append(row.amount)
        return tuple(
            MonthSum(month, payer, len(amounts), _sum(amounts, currency))
            for (month, payer, currency), amounts in months.items()
        )


def list_years(session: Session, contact_id: int) -> tuple[int, ...]:
    """List the years of which there is something to state, the latest first (2 statements)."""
    first_and_last = [
        *session.execute(
            select(func.min(Payment.due_on), func.max(Payment.due_on)).where(*_owes(contact_id))
        ),
        *session.execute(
            select(func.min(Receipt.received_on), func.max(Receipt.received_on)).where(*_gave(contact_id))
        ),
    ]
    days = [day for row in first_and_last for day in row if day is not None]
    return tuple(range(max(days).year, min(days).year - 1, -1)) if days else ()


def load_statement(session: Session, contact_id: int, year: int, part: Part = WHOLE) -> Statement:
    """Load a year of a person, or a part of it (2 statements); an empty one when there is nothing of it.

    Money is sent to a payer and not for a group, so a group's part has none.
    """
    dues = _dues(session, contact_id, year, part)
    sent = () if part.group else _sent(session, contact_id, year, part)
    currencies = sorted({row.owed.currency for row in dues} | {row.amount.currency for row in sent})
    totals = tuple(_total(currency, dues, sent) for currency in currencies)
    return Statement(year, part, dues, sent, totals)


def _group_sum(rows: Sequence[DueRow]) -> GroupSum:
    first = rows[0]
    total = _total(first.owed.currency, rows, ())
    return GroupSum(
        group=first.group,
        group_public_id=first.group_public_id,
        count=len(rows),
        owed=total.owed,
        received=total.received,
        forgiven=total.forgiven,
        left=total.left,
    )


def _dues(session: Session, contact_id: int, year: int, part: Part) -> tuple[DueRow, ...]:
    in_group = (Group.public_id == part.group,) if part.group else ()
    query = (
        select(Payment, Group, Period)
        .join(Group, Group.id == Payment.group_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(*_owes(contact_id), Payment.due_on.between(*_bounds(year, part.month)), *in_group)
        .order_by(Payment.due_on, Payment.id)
    )
    return tuple(_due_row(*row) for row in session.execute(query))


def _due_row(payment: Payment, group: Group, period: Period | None) -> DueRow:
    rest = payment.amount_minor - payment.received_minor
    left = rest - payment.written_off_minor if payment.status in OPEN else 0
    assert payment.due_on is not None
    return DueRow(
        public_id=payment.public_id,
        group=group.name,
        group_public_id=group.public_id,
        span=Span(group.unit, group.every, period.starts_on, period.ends_on) if period else None,
        due_on=payment.due_on,
        status=payment.status,
        owed=Money(payment.amount_minor, payment.currency),
        received=Money(payment.received_minor, payment.currency),
        forgiven=Money(rest - left, payment.currency),
        left=Money(left, payment.currency),
    )


def _sent(session: Session, contact_id: int, year: int, part: Part) -> tuple[SentRow, ...]:
    query = (
        select(Receipt, Contact.name)
        .join(Contact, Contact.id == Receipt.payer_id)
        .where(*_gave(contact_id), Receipt.received_on.between(*_bounds(year, part.month)))
        .order_by(Receipt.received_on, Receipt.id)
    )
    return tuple(_sent_row(receipt, payer) for receipt, payer in session.execute(query))


def _sent_row(receipt: Receipt, payer: str) -> SentRow:
    sign = 1 if receipt.direction is Direction.IN else -1
    amount = Money(sign * receipt.amount_minor, receipt.currency)
    return SentRow(receipt.received_on, amount, payer, receipt.method)


def _total(currency: str, dues: Sequence[DueRow], sent: Sequence[SentRow]) -> YearTotal:
    mine = [row for row in dues if row.owed.currency == currency]
    return YearTotal(
        owed=_sum([row.owed for row in mine], currency),
        received=_sum([row.received for row in mine], currency),
        forgiven=_sum([row.forgiven for row in mine], currency),
        left=_sum([row.left for row in mine], currency),
        sent=_sum([row.amount for row in sent if row.amount.currency == currency], currency),
    )


def _sum(amounts: Sequence[Money], currency: str) -> Money:
    return Money(sum(amount.minor for amount in amounts), currency)


def _owes(contact_id: int) -> tuple[ColumnElement[bool], ...]:
    """Say which payments a statement lists: a payer's own share is nobody's debt."""
    return (
        Payment.contact_id == contact_id,
        Payment.kind == PaymentKind.DUES,
        Payment.voided_at.is_(None),
        Payment.due_on.is_not(None),
    )


def _gave(contact_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        Receipt.contact_id == contact_id,
        Receipt.source != ReceiptSource.OWN,
        Receipt.voided_at.is_(None),
    )


def _bounds(year: int, month: int | None) -> tuple[date, date]:
    within = min(max(year, MINYEAR), MAXYEAR)
    last = month or 12
    return date(within, month or 1, 1), date(within, last, monthrange(within, last)[1])
