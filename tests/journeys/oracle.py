"""What the periods and shares have to be, worked out once more and in another way.

Nothing here uses the program. Dates are found by walking the calendar, shares by fractions.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True)
class Stay:
    """Somebody in a group: from a day on, until the day they are gone."""

    name: str
    joined_on: date
    left_on: date = date.max
    weight: int = 1


@dataclass
class Plan:
    """What a group has agreed on; prices are minor units from a day on, bills minor units by start."""

    name: str
    currency: str
    unit: str
    every: int
    starts_on: date
    billing_day: int = 1
    ends_on: date = date.max
    payer: str | None = "Olga"
    days_before: int = 0
    stays: list[Stay] = field(default_factory=list)
    prices: dict[date, int] = field(default_factory=dict)
    bills: dict[date, int] = field(default_factory=dict)
    pauses: list[tuple[date, date]] = field(default_factory=list)

    @property
    def digits(self) -> int:
        """How many decimals its amounts have."""
        return 0 if self.currency == "JPY" else 2


@dataclass(frozen=True)
class Expected:
    """One period as it has to be; no total and no shares while the bill is unknown."""

    starts_on: date
    ends_on: date
    total: Decimal | None
    shares: dict[str, Decimal]


def periods(plan: Plan, *, until: date) -> list[Expected]:
    """List the periods that have opened by the morning of `until`."""
    found = []
    for number, (start, after) in enumerate(_windows(plan), start=1):
        if start - timedelta(days=plan.days_before) > until or start > plan.ends_on:
            break
        total = _price(plan, start)
        shares = {} if total is None else _shares(plan, start, total, number)
        found.append(
            Expected(
                start,
                after - timedelta(days=1),
                None if total is None else _major(total, plan),
                {name: _major(minor, plan) for name, minor in shares.items()},
            )
        )
    return found


def _windows(plan: Plan) -> Iterator[tuple[date, date]]:
    """Yield each period's first day and the day after its last, without those a pause covers."""
    starts = _starts(plan)
    start = next(starts)
    for after in starts:
        if not any(begins < start <= ends for begins, ends in plan.pauses):
            yield start, after
        start = after


def _starts(plan: Plan) -> Iterator[date]:
    if plan.unit == "week":
        day = plan.starts_on
        while True:
            yield day
            day += timedelta(days=7 * plan.every)
    step = plan.every * (12 if plan.unit == "year" else 1)
    year, month = plan.starts_on.year, plan.starts_on.month
    while True:
        day = date(year, month, min(plan.billing_day, monthrange(year, month)[1]))
        if day >= plan.starts_on:
            yield day
            year, month = _later(year, month, step)
        else:
            year, month = _later(year, month, 1)


def _later(year: int, month: int, months: int) -> tuple[int, int]:
    whole = year * 12 + month - 1 + months
    return whole // 12, whole % 12 + 1


def _price(plan: Plan, start: date) -> int | None:
    if not plan.prices:
        return plan.bills.get(start)
    return plan.prices[max(day for day in plan.prices if day <= start)]


def _shares(plan: Plan, start: date, total: int, number: int) -> dict[str, int]:
    here = [one for one in plan.stays if one.joined_on <= start < one.left_on]
    if plan.payer is not None:
        return _with_payer(plan.payer, here, total)
    return _dealt([one.name for one in here], total, number)


def _with_payer(payer: str, here: Sequence[Stay], total: int) -> dict[str, int]:
    """Round everybody's part to the nearest unit; whoever pays takes the difference."""
    weights = 1 + sum(one.weight for one in here)
    shares = {one.name: int(Fraction(total * one.weight, weights) + Fraction(1, 2)) for one in here}
    return {payer: total - sum(shares.values()), **shares}


def _dealt(names: list[str], total: int, number: int) -> dict[str, int]:
    """Deal out everything unit by unit, going on round the table where the last period stopped."""
    whole, over = divmod(total, len(names))
    table = [names[place % len(names)] for place in range((number - 1) * over, number * over)]
    return {name: whole + table.count(name) for name in names}


def _major(minor: int, plan: Plan) -> Decimal:
    return Decimal(minor).scaleb(-plan.digits)
