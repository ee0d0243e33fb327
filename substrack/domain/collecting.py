"""From which day something is asked for, and when for the first time: after the days of grace, or on the one
collection day of the month.

What foretells requests and what sends them both go by this.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from substrack.domain.errors import Refused


class CollectionDayOutOfRange(Refused):
    """The day of the month is not one of 1 to 31."""

    field = "collection_day"

    def __init__(self, day: int) -> None:
        self.day = day
        super().__init__(
            "Choose a day from 1 to 31; in shorter months the last day is used. Or leave it empty."
        )


@dataclass(frozen=True)
class FirstRequest:
    """The day of somebody's first request; `is_collected` when a collection day of theirs decides it."""

    on: date
    is_collected: bool


def check_collection_day(day: int | None) -> int | None:
    """Return a day of the month, or None for none.

    Raises:
        CollectionDayOutOfRange.
    """
    if day is not None and not 1 <= day <= 31:
        raise CollectionDayOutOfRange(day)
    return day


def first_day_of_collection(start: date, day: int) -> date:
    """Find the first such day of a month on or after `start`, the last day of a shorter month."""
    this_month = _day_of_month(start, day)
    if this_month >= start:
        return this_month
    return _day_of_month(start.replace(day=1) + timedelta(days=31), day)


def asked_from(*, due_on: date, opens_on: date, in_advance: bool, today: date) -> date:
    """Say from which day a period is asked for, so that nothing that opens late is born overdue."""
    return max(today, opens_on if in_advance else due_on)


@dataclass(frozen=True)
class Days:
    """When a share is due and when it opens, of a whole period or of one that begins within it."""

    due_on: date
    opens_on: date

    def beginning(self, first_on: date | None, *, collect_days_before: int) -> Days:
        """Say the same of a share that begins on a later day: nobody is to pay before it does."""
        if first_on is None:
            return self
        opens_on = first_on - timedelta(days=collect_days_before)
        return Days(max(self.due_on, first_on), max(self.opens_on, opens_on))

    def asked_from(self, *, in_advance: bool, today: date) -> date:
        """Say from which day it is asked for."""
        return asked_from(due_on=self.due_on, opens_on=self.opens_on, in_advance=in_advance, today=today)


def first_request_on(asked_on: date, *, grace_days: int, collection_day: int | None) -> date:
    """Say when what is asked for from `asked_on` on is due for its first request."""
    if collection_day is None:
        return asked_on + timedelta(days=grace_days)
    return first_day_of_collection(asked_on, collection_day)


def _day_of_month(month: date, day: int) -> date:
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))
