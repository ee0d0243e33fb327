"""Places in a group's calendar: given back when a period is void before its time, taken by a restore.

The next period is the one of the lowest place from which on nothing live is open. Callers hold the group.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.cycles import Cycle
from substrack.queries.calendars import cycle_of
from substrack.queries.period_places import opening_ahead
from substrack.services.announcing import announce_ahead, call_off_heads_ups
from substrack.services.group_rows import next_start, today_in
from substrack.services.schedule import reschedule_group
from substrack.store import Group, Period


def give_back_places(session: Session, group: Group, *, now: datetime) -> bool:
    """Let the newest periods of a group open again in their time if they are void before it; tell if any is.

    One below a live period keeps its place: the calendar only goes forward from the last that is open.
    """
    session.flush()
    opened = select(Period).where(
        Period.group_id == group.id,
        Period.member_id.is_(None),
        Period.sequence < group.next_sequence,
        Period.opens_on >= today_in(group, now),
    )
    in_order = session.scalars(opened.order_by(Period.sequence.desc(), Period.id.desc()))
    was = group.next_sequence
    for sequence, periods in groupby(in_order, key=lambda period: period.sequence):
        tries = list(periods)
        is_free = all(one.voided_at is not None and opening_ahead(group, one) > now for one in tries)
        if sequence != group.next_sequence - 1 or not is_free:
            break
        _go_on(group, sequence, tries[0].starts_on)
    if group.next_sequence == was:
        return False
    reschedule_group(session, group)
    call_off_heads_ups(session, group)
    announce_ahead(session, group, now=now)
    return True


def take_place(session: Session, group: Group, period: Period, *, now: datetime) -> None:
    """Let a group go on after a period that was put back, where it would have opened its days again."""
    after = period.ends_on + timedelta(days=1)
    if group.next_sequence > period.sequence and next_start(group) >= after:
        return
    _go_on(group, max(group.next_sequence, period.sequence + 1), after)
    reschedule_group(session, group)
    announce_ahead(session, group, now=now)


def _go_on(group: Group, sequence: int, starts_on: date) -> None:
    """Let the next period be one that starts on a day; a rhythm that was changed since begins there."""
    if sequence < group.anchor_sequence or cycle_of(group).start_of(sequence) != starts_on:
        cycle = Cycle.begin(group.unit, group.every, group.billing_day, starts_on, sequence)
        group.anchor_on, group.anchor_sequence = cycle.anchor_on, sequence
    group.next_sequence = sequence
