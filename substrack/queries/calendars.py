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

WENT_ON_FROM: Final = "went_on_from"
"""The fact of a journal line that holds the first day after a rest; None where that skipped nothing."""

_GOING_ON: Final = ("resume", "restore", "end")
"""What lets a group go on after a rest, and may skip what lies behind it."""

_MOVING_PLACES: Final = ("void_period", "restore_period", "repair")
"""What may move the first day of a group without a word of it in the journal."""

_RHYTHM: Final = frozenset({"unit", "every", "billing_day"})


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
    acts = select(Event.verb, Event.after).where(
        Event.group_id == group.id,
        Event.subject_kind.in_(("group", "period")),
        Event.verb.in_(("create", "edit", "pause", "archive", *_GOING_ON, *_MOVING_PLACES)),
    )
    anchor = found = None
    for verb, facts in session.execute(acts.order_by(Event.id)):
        after = facts or {}
        found = None if "starts_on" in after else _skipped_to(verb, after, anchor) or found
        anchor = after.get("anchor_on", anchor if verb == "edit" else None)
    return date.fromisoformat(found) if found else None


def _skipped_to(verb: str, after: Mapping[str, Any], anchor: str | None) -> str | None:
    """Find where an act let a group go on if it skipped anything.

    Older lines don't say so. There it is where they moved the group's first day, if nothing else can have:
    `anchor` is where it was before, None where a place that was given back or taken may have moved it.
    """
    moved: str | None = after.get("anchor_on")
    if WENT_ON_FROM in after:
        skipped_to: str | None = after[WENT_ON_FROM]
        return skipped_to
    if verb == "edit":
        return None if _RHYTHM & after.keys() else moved
    return moved if verb in _GOING_ON and anchor not in (None, moved) else None
