"""The place of a period in its group's calendar: taken, to be opened again, or given back by a void."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from substrack.domain.cycles import at_hour, local_date
from substrack.queries.calendars import cycle_of
from substrack.store import Group, Period


@dataclass(frozen=True)
class Place:
    """What becomes of the days of a period.

    A void one may be `is_taken` by another, or be one that `opens_again`, on `opens_on` if that is by itself.
    The newest live one opens again if it is voided before `free_until`; None for the others.
    """

    is_taken: bool
    opens_again: bool
    opens_on: date | None
    free_until: datetime | None

    def is_free(self, now: datetime) -> bool:
        """Tell whether a void would let the period open again."""
        return self.free_until is not None and now < self.free_until


def opening_ahead(group: Group, period: Period) -> datetime:
    """Say when a period opens by itself: by its own terms or those of today, whichever is sooner."""
    by_today = period.starts_on - timedelta(days=group.collect_days_before)
    return at_hour(min(period.opens_on, by_today), group.hour, group.time_zone)


def is_taken() -> ColumnElement[bool]:
    """Tell whether another live period has the number of a period, or some of its days."""
    other = aliased(Period)
    return exists().where(
        other.group_id == Period.group_id,
        other.id != Period.id,
        other.member_id.is_(None),
        other.voided_at.is_(None),
        (other.sequence == Period.sequence)
        | ((other.starts_on <= Period.ends_on) & (other.ends_on >= Period.starts_on)),
    )


def load_place(session: Session, period_id: int) -> Place:
    """Load what becomes of the days of a period, in one statement."""
    query = select(Period, Group, is_taken()).join(Group, Group.id == Period.group_id)
    period, group, taken = session.execute(query.where(Period.id == period_id)).one()
    return place_of(period, group, is_taken=bool(taken))


def place_of(period: Period, group: Group, *, is_taken: bool) -> Place:
    """Say what becomes of the days of a period; `is_taken` comes from a column of that name."""
    if period.voided_at is None:
        is_newest = period.sequence == group.next_sequence - 1
        return Place(False, False, None, opening_ahead(group, period) if is_newest else None)
    opens_again = period.sequence >= group.next_sequence
    opens_on = _opens_on(group, period.sequence) if opens_again and group.next_open_at else None
    return Place(is_taken, opens_again, opens_on, None)


def _opens_on(group: Group, sequence: int) -> date:
    if sequence == group.next_sequence and group.next_open_at is not None:
        return local_date(group.next_open_at, group.time_zone)
    return cycle_of(group).start_of(sequence) - timedelta(days=group.collect_days_before)
