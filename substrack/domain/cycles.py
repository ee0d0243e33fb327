"""The calendar of a group: when its k-th period starts and ends, and instants of local hours.

Every start is computed from the original anchor, never from the start before, so a group billed on
the 31st comes back to the 31st after February. Nothing here reads the clock or knows a group.
"""

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo, available_timezones

from substrack.domain.errors import Refused

MAX_EVERY: Final = 120
"""Longest step of a cycle, in its own units."""


class BillingDayOutOfRange(Refused):
    """The day of the month is not one of 1 to 31."""

    field = "billing_day"

    def __init__(self, billing_day: int) -> None:
        self.billing_day = billing_day
        super().__init__(
            "The billing day must be from 1 to 31; in shorter months the last day is used instead."
        )


class EveryOutOfRange(Refused):
    """The number of weeks, months or years between two periods is not one of 1 to `MAX_EVERY`."""

    field = "every"

    def __init__(self, every: int) -> None:
        self.every = every
        super().__init__("The cycle must repeat every 1 to %(most)s weeks, months or years.", most=MAX_EVERY)


class SequenceOutOfRange(Refused):
    """The period lies before the cycle's anchor or beyond the year 9999."""

    field = "sequence"

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        super().__init__(
            "This cycle has no period %(number)s; choose one between its first and the year 9999.",
            number=sequence,
        )


class UnknownZone(Refused):
    """The time zone database has no zone of this name."""

    field = "time_zone"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            "“%(typed)s” is not a time zone. Use a name such as Europe/Berlin or UTC.", typed=name[:50]
        )


class Unit(StrEnum):
    """What a cycle counts in."""

    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Window:
    """One period's dates in the group's zone; `ends_on` is the last day of it."""

    sequence: int
    starts_on: date
    ends_on: date

    @property
    def days(self) -> int:
        """How many days the period has, both ends included."""
        return (self.ends_on - self.starts_on).days + 1


@dataclass(frozen=True, slots=True)
class Cycle:
    """The rhythm of a group: period `anchor_sequence` starts on `anchor_on`, the others follow from it.

    `billing_day` is the wanted day of the month (None for weeks, or for "the anchor's own day").
    A changed cycle is a new one, anchored at the next unopened period; it knows no earlier periods.

    Raises: EveryOutOfRange, BillingDayOutOfRange. An anchor that is not on its billing day is a bug
    (ValueError): take the anchor from `begin`.
    """

    unit: Unit
    every: int
    billing_day: int | None
    anchor_on: date
    anchor_sequence: int = 1

    def __post_init__(self) -> None:
        _check_rhythm(self.every, self.billing_day)
        if self.anchor_sequence < 1:
            raise ValueError("sequences count from 1")
        if self.start_of(self.anchor_sequence) != self.anchor_on:
            raise ValueError(f"{self.anchor_on} is not on billing day {self.billing_day}")

    @classmethod
    def begin(
        cls, unit: Unit, every: int, billing_day: int | None, starts_on: date, sequence: int = 1
    ) -> Self:
        """Anchor a cycle at its first date on or after `starts_on`, which starts period `sequence`.

        Weeks start on `starts_on` itself and have no billing day; without one, months and years
        take the day of `starts_on`.

        Raises: EveryOutOfRange, BillingDayOutOfRange.
        """
        _check_rhythm(every, billing_day)
        if unit is Unit.WEEK:
            return cls(unit, every, None, starts_on, sequence)
        day = billing_day or starts_on.day
        month = _month_number(starts_on)
        first = _date_in_month(month, day)
        if first is not None and first < starts_on:
            first = _date_in_month(month + 1, day)
        if first is None:
            raise SequenceOutOfRange(sequence)
        return cls(unit, every, day, first, sequence)

    def start_of(self, sequence: int) -> date:
        """Return the first day of a period.

        Raises: SequenceOutOfRange.
        """
        steps = sequence - self.anchor_sequence
        found = self._date_after(steps) if steps >= 0 else None
        if found is None:
            raise SequenceOutOfRange(sequence)
        return found

    def window(self, sequence: int) -> Window:
        """Return the dates of a period; it ends the day before the next one starts.

        Raises: SequenceOutOfRange.
        """
        return Window(sequence, self.start_of(sequence), self.start_of(sequence + 1) - timedelta(days=1))

    def sequence_on_or_after(self, day: date) -> int:
        """Return the first period that starts on `day` or later, without counting up to it.

        Raises: SequenceOutOfRange when that is beyond the year 9999.
        """
        if day <= self.anchor_on:
            return self.anchor_sequence
        if self.unit is Unit.WEEK:
            steps = (day - self.anchor_on).days // (7 * self.every)
        else:
            steps = (_month_number(day) - _month_number(self.anchor_on)) // self._months
        sequence = self.anchor_sequence + steps
        return sequence if self.start_of(sequence) >= day else sequence + 1

    def going_on(self, sequence: int, today: date) -> Self:
        """Let a period be the first that starts on a day or later; the rhythm stays what it was.

        Raises: SequenceOutOfRange when that is beyond the year 9999.
        """
        if self.start_of(sequence) >= today:
            return self
        first = self.start_of(self.sequence_on_or_after(today))
        return replace(self, anchor_on=first, anchor_sequence=sequence)

    def count_begun(self, sequence: int, today: date) -> int:
        """Count the periods from one on that have begun by the end of `today`.

        Raises: SequenceOutOfRange when they go on beyond the year 9999.
        """
        return max(0, self.sequence_on_or_after(today + timedelta(days=1)) - sequence)

    @property
    def _months(self) -> int:
        return self.every * 12 if self.unit is Unit.YEAR else self.every

    def _date_after(self, steps: int) -> date | None:
        if self.unit is Unit.WEEK:
            days = 7 * self.every * steps
            return self.anchor_on + timedelta(days=days) if days <= (date.max - self.anchor_on).days else None
        month = _month_number(self.anchor_on) + self._months * steps
        return _date_in_month(month, self.billing_day or self.anchor_on.day)


def check_zone(name: str) -> str:
    """Return the name of a time zone, stripped, when the IANA database has it.

    Raises: UnknownZone.
    """
    stripped = name.strip()
    if stripped not in _zones():
        raise UnknownZone(stripped)
    return stripped


def at_hour(day: date, hour: int, zone: str) -> datetime:
    """Return the instant, in UTC, at which it is `hour` o'clock on `day` in a zone.

    An hour that comes twice (clocks go back) is the first of the two. An hour that clocks skip is
    as long after the gap as it would have been into it, which is the reading of PEP 495 for fold 0;
    on a day that a zone skipped as a whole (Samoa, 30 December 2011) it falls on the next day.

    Raises: UnknownZone.
    """
    return _at_hour(day, hour, zone)


def local_date(instant: datetime, zone: str) -> date:
    """Return which date it is in a zone at an aware instant.

    Raises: UnknownZone; ValueError for an instant without a zone.
    """
    return _local(instant, zone).date()


def has_begun(day: date, now: datetime) -> bool:
    """Tell whether a day has begun anywhere on Earth: first where the clock is 14 hours ahead of UTC.

    On Kiritimati, by the time zone database; no zone in use is further ahead.
    """
    return day <= local_date(now, "Pacific/Kiritimati")


def local_hour(instant: datetime, zone: str) -> int:
    """Return which hour (0–23) the clocks of a zone show at an aware instant.

    Raises: UnknownZone; ValueError for an instant without a zone.
    """
    return _local(instant, zone).hour


def _check_rhythm(every: int, billing_day: int | None) -> None:
    if not 1 <= every <= MAX_EVERY:
        raise EveryOutOfRange(every)
    if billing_day is not None and not 1 <= billing_day <= 31:
        raise BillingDayOutOfRange(billing_day)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _date_in_month(month_number: int, billing_day: int) -> date | None:
    """Return the billing day in a month, or its last day; None beyond the year 9999."""
    year, month = divmod(month_number, 12)
    if year > date.max.year:
        return None
    return date(year, month + 1, min(billing_day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=4096)
def _at_hour(day: date, hour: int, zone: str) -> datetime:
    """Remember the answer: thousands of payments are asked for on the same day at the same hour."""
    return datetime.combine(day, time(hour), tzinfo=_zone(zone)).astimezone(UTC)


@lru_cache(maxsize=4096)
def _local(instant: datetime, zone: str) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return instant.astimezone(_zone(zone))


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(check_zone(name))


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """Read the names once; "Factory" is the database's word for an unset zone, and no place."""
    return frozenset(available_timezones() - {"Factory", "localtime"})
