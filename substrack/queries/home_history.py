"""A year in figures: what was collected each month, and how long people took from being asked to paying.

Two statements that return a row a day, however many people pay.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.domain.payments import PaymentKind, Status
from substrack.queries.prepared import prepared
from substrack.queries.unallocated import is_money_in
from substrack.store import Allocation, Payment, Receipt

MONTHS: Final = 12


@dataclass(frozen=True)
class MonthRow:
    """One month, named by its first day; `days` is the median from asking to paying, None if nobody paid."""

    starts_on: date
    collected: Money
    days: int | None


@dataclass(frozen=True)
class History:
    """The last twelve months in one currency, the current one last, and the currencies there are."""

    currency: str
    currencies: tuple[str, ...]
    months: tuple[MonthRow, ...]


def load_history(
    session: Session, workspace_id: int, *, today: date, currency: str | None = None
) -> History | None:
    """Load a year in one currency, by default the one with most receipts; None when nothing ever came."""
    starts = months_until(today)
    sums, counts = _collected(session, workspace_id, starts[0], today)
    if not counts:
        return None
    by_use = tuple(sorted(counts, key=lambda one: (-counts[one], one)))
    chosen = currency if currency in by_use else by_use[0]
    waits = _waits(session, workspace_id, starts[0], today, chosen)
    rows = [
        MonthRow(start, Money(sums[chosen, start], chosen), _median(waits.get(start, {}))) for start in starts
    ]
    return History(chosen, by_use, tuple(rows))


def months_until(today: date) -> list[date]:
    """List the first days of the last twelve months, that of `today` last."""
    number = today.year * 12 + today.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(number - MONTHS + 1, number + 1)]


def _collected(
    session: Session, workspace_id: int, since: date, until: date
) -> tuple[Mapping[tuple[str, date], int], Counter[str]]:
    """Add up by currency and month what came, and count the receipts of each currency."""
    sums: defaultdict[tuple[str, date], int] = defaultdict(int)
    counts: Counter[str] = Counter()
    for currency, day, minor, count in session.execute(*_by_day(workspace_id, since, until)):
        sums[currency, day.replace(day=1)] += int(minor)
        counts[currency] += count
    return sums, counts


@prepared
def _by_day(workspace_id: int, since: date, until: date) -> Select[str, date, int, int]:
    query = select(Receipt.currency, Receipt.received_on, func.sum(Receipt.amount_minor), func.count())
    query = query.where(*is_between(workspace_id, since, until), *is_money_in())
    return query.group_by(Receipt.currency, Receipt.received_on)


def is_between(workspace_id: int, since: date, until: date) -> tuple[ColumnElement[bool], ...]:
    """Select the receipts of some days, in the words of `ix_receipts_workspace_received_on`."""
    return (
        Receipt.workspace_id == workspace_id,
        Receipt.received_on >= since,
        Receipt.received_on <= until,
    )


def _waits(
    session: Session, workspace_id: int, since: date, until: date, currency: str
) -> dict[date, Counter[int]]:
    """Count by month how many days payments took until the last of their money came; paid ahead is none."""
    found: dict[date, Counter[int]] = {}
    for last_on, asked_on, count in session.execute(*_paid(workspace_id, since, until, currency)):
        days = max((last_on - asked_on).days, 0)
        found.setdefault(last_on.replace(day=1), Counter())[days] += count
    return found


@prepared
def _paid(workspace_id: int, since: date, until: date, currency: str) -> Select[date, date, int]:
    paid_on = func.max(Receipt.received_on).label("paid_on")
    paid = (
        select(Payment.asked_on, paid_on)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .join(Receipt, Receipt.id == Allocation.receipt_id)
        .where(
            Receipt.workspace_id == workspace_id,
            Receipt.received_on >= since,
            Receipt.currency == currency,
            Receipt.voided_at.is_(None),
            Allocation.voided_at.is_(None),
            Payment.kind == PaymentKind.DUES,
            Payment.status == Status.CONFIRMED,
            Payment.voided_at.is_(None),
        )
        .group_by(Payment.id, Payment.asked_on)
        .having(paid_on <= until)
        .subquery()
    )
    return select(paid.c.paid_on, paid.c.asked_on, func.count()).group_by(paid.c.paid_on, paid.c.asked_on)


def _median(counts: Mapping[int, int]) -> int | None:
    """Find the middle of counted days, the lower one of two."""
    middle = (sum(counts.values()) + 1) // 2
    for days in sorted(counts):
        middle -= counts[days]
        if middle <= 0:
            return days
    return None
