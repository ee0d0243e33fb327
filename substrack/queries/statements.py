"""A person's year: what they were to pay, what of it came, and what they sent.

A payment belongs to the year in which it is due, money to the year in which it came. Everything stands as it
does now: a statement of last year changes when last year's payments are settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from substrack.domain.letters import Span
from substrack.domain.money import Money
from substrack.domain.payments import OPEN, PaymentKind, Status
from substrack.store import Contact, Direction, Group, Payment, Period, Receipt, ReceiptSource


@dataclass(frozen=True)
class DueRow:
    """One payment; `owed` is what of it was received, forgiven and is left, together."""

    public_id: str
    group: str
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
class Statement:
    """One year of one person."""

    year: int
    dues: tuple[DueRow, ...]
    sent: tuple[SentRow, ...]
    totals: tuple[YearTotal, ...]


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


def load_statement(session: Session, contact_id: int, year: int) -> Statement:
    """Load one year of a person (2 statements); an empty one when there is nothing of it."""
    dues, sent = _dues(session, contact_id, year), _sent(session, contact_id, year)
    currencies = sorted({row.owed.currency for row in dues} | {row.amount.currency for row in sent})
    totals = tuple(_total(currency, dues, sent) for currency in currencies)
    return Statement(year, dues, sent, totals)


def _dues(session: Session, contact_id: int, year: int) -> tuple[DueRow, ...]:
    query = (
        select(Payment, Group, Period)
        .join(Group, Group.id == Payment.group_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(*_owes(contact_id), Payment.due_on.between(*_bounds(year)))
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
        span=Span(group.unit, group.every, period.starts_on, period.ends_on) if period else None,
        due_on=payment.due_on,
        status=payment.status,
        owed=Money(payment.amount_minor, payment.currency),
        received=Money(payment.received_minor, payment.currency),
        forgiven=Money(rest - left, payment.currency),
        left=Money(left, payment.currency),
    )


def _sent(session: Session, contact_id: int, year: int) -> tuple[SentRow, ...]:
    query = (
        select(Receipt, Contact.name)
        .join(Contact, Contact.id == Receipt.payer_id)
        .where(*_gave(contact_id), Receipt.received_on.between(*_bounds(year)))
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


def _bounds(year: int) -> tuple[date, date]:
    within = min(max(year, MINYEAR), MAXYEAR)
    return date(within, 1, 1), date(within, 12, 31)
