"""What all services about a group start from: its row, held until the transaction ends, and the next period.

Two admins who change one group at the same moment wait for each other here.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.calendars import Calendar
from substrack.domain.cycles import Cycle, local_date
from substrack.domain.errors import NotFound
from substrack.queries.calendars import cycle_of
from substrack.queries.groups import UnknownGroup
from substrack.services.access import check_admin
from substrack.store import Group

ASKING_RULES: Final = (
    "grace_days",
    "repeat_every_days",
    "max_requests",
    "overdue_after_days",
    "hour",
    "time_zone",
)
"""The columns from which open payments' next requests are worked out."""

PLAIN_COLUMNS: Final = (
    *ASKING_RULES,
    "kind",
    "split",
    "collect_days_before",
    "due_days",
    "part_period",
    "tolerance_minor",
    "heads_up_days",
    "tells_opened",
)
TEXTS: Final = ("name", "description")


def hold_group(session: Session, group_id: int, by: Actor) -> Group:
    """Load a group as it is now, for an admin of its workspace, and keep others from changing it.

    Raises:
        UnknownGroup: not there, or not this actor's to change.
    """
    query = select(Group).where(Group.id == group_id).with_for_update(key_share=True)
    group = session.scalar(query.execution_options(populate_existing=True))
    if group is None or not is_admin(session, by, group.workspace_id):
        raise UnknownGroup
    return group


def is_admin(session: Session, by: Actor, workspace_id: int) -> bool:
    """Tell whether an actor may change what a workspace shares."""
    try:
        check_admin(session, by, workspace_id)
    except NotFound:
        return False
    return by.decides


def next_start(group: Group) -> date:
    """Say on which day the next unopened period starts."""
    return cycle_of(group).start_of(group.next_sequence)


def has_opened(group: Group) -> bool:
    """Tell whether any period is behind the group: opened, and not given back before its time."""
    return group.next_sequence > 1


def today_in(group: Group, now: datetime) -> date:
    """Say which local date it is for the group."""
    return local_date(now, group.time_zone)


def joining_day(group: Group, now: datetime) -> date:
    """Say from when somebody added now is there: from the start while nothing is opened, else from today."""
    today = today_in(group, now)
    return today if has_opened(group) else min(today, next_start(group))


def skip_the_past(group: Group, today: date) -> date | None:
    """Let the next period be the first that starts on a day or later; the rhythm stays what it was.

    Returns its first day; None if that skips nothing.
    """
    former = next_start(group)
    _write_cycle(group, cycle_of(group).going_on(group.next_sequence, today))
    return group.anchor_on if next_start(group) != former else None


def write_calendar(group: Group, calendar: Calendar) -> None:
    """Give a group a rhythm, a start and an end."""
    group.starts_on, group.ends_on = calendar.starts_on, calendar.ends_on
    _write_cycle(group, calendar.cycle)


def _write_cycle(group: Group, cycle: Cycle) -> None:
    group.unit, group.every, group.billing_day = cycle.unit, cycle.every, cycle.billing_day
    group.anchor_on, group.anchor_sequence = cycle.anchor_on, cycle.anchor_sequence


def facts_of(group: Group) -> dict[str, Any]:
    """Write down a group's rules for the journal: numbers, dates and ids, no names."""
    names = (
        *PLAIN_COLUMNS,
        "ends_on",
        "payer_id",
        "payer_included",
        "currency",
        "unit",
        "every",
        "billing_day",
    )
    dates = ("starts_on", "anchor_on", "next_sequence")
    return {name: _plain(getattr(group, name)) for name in (*names, *dates)}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value
