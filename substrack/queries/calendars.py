"""The calendar of a group, from its row and its journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.calendars import Calendar
from substrack.domain.cycles import Cycle
from substrack.store import Event, Group

_GOING_ON: Final = ("resume", "restore", "end")
"""What lets a group go on after a rest, and may skip what lies behind it."""


def cycle_of(group: Group) -> Cycle:
    """Return the rhythm of a group as it stands."""
    return Cycle(group.unit, group.every, group.billing_day, group.anchor_on, group.anchor_sequence)


def load_calendar(session: Session, group: Group) -> Calendar:
    """Load where a group stands; one statement before its first period, none after."""
    cycle = cycle_of(group)
    if group.next_sequence > 1:
        begins_on = cycle.start_of(group.next_sequence)
    else:
        begins_on = _went_on_from(session, group) or group.starts_on
    return Calendar(cycle, group.next_sequence, group.starts_on, group.ends_on, begins_on)


def _went_on_from(session: Session, group: Group) -> date | None:
    """Find where a group of which nothing is open went on after its last rest; None if that skipped nothing.

    Its row can't tell: a rhythm that was changed since begins where another would have begun at the start.
    """
    acts = select(Event.verb, Event.before, Event.after).where(
        Event.group_id == group.id,
        Event.subject_kind == "group",
        Event.verb.in_(("create", "edit", *_GOING_ON)),
    )
    anchor = found = None
    for verb, before, after in session.execute(acts.order_by(Event.id)):
        moved = after.get("anchor_on", anchor)
        if "starts_on" in after:
            found = None
        elif moved != anchor and (verb in _GOING_ON or _was_over(before)):
            found = moved
        anchor = moved
    return date.fromisoformat(found) if found else None


def _was_over(before: Mapping[str, Any]) -> bool:
    """Tell whether an edit took an end back that nothing could have followed."""
    ends_on = before.get("ends_on")
    return ends_on is not None and ends_on < before["anchor_on"]
