"""Openings that are not where the calendar has them: a period would come too late, too early or never."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.queries.calendars import cycle_of
from substrack.queries.faults import Fault, FaultKind, Window
from substrack.services.schedule import next_opening
from substrack.store import Event, Group, Member

REFUSED_FOR = timedelta(days=1)
"""How long a period that can't be opened as its terms stand is put off (`periods.postpone_opening`)."""


def opening_faults(session: Session, window: Window) -> Iterator[Fault]:
    """Find groups whose next opening is not when it should be (3 statements for a window)."""
    stays, refused = _stays(session, window), _refused(session, window)
    for group in session.scalars(select(Group).where(window.holds(Group.id)).order_by(Group.id)):
        wanted = _wanted(group, stays.get(group.id))
        is_put_off = group.next_open_at is not None and group.next_open_at == refused.get(group.id)
        if group.next_open_at != wanted and not is_put_off:
            facts = {"opens_at": _plain(group.next_open_at), "should_open_at": _plain(wanted)}
            yield Fault(FaultKind.OPENING_WRONG, "group", group.id, group.public_id, None, facts)


def _wanted(group: Group, stays_until: date | None) -> datetime | None:
    """Say when the next period should open: never while nobody but the payer is in it."""
    if stays_until is None or stays_until <= cycle_of(group).start_of(group.next_sequence):
        return None
    return next_opening(group)


def _stays(session: Session, window: Window) -> dict[int, date]:
    """Say for each group with others than the payer until when the last of them stays."""
    until = func.max(func.coalesce(Member.left_on, date.max))
    query = (
        select(Member.group_id, until)
        .join(Group, Group.id == Member.group_id)
        .where(window.holds(Member.group_id), Member.contact_id != Group.payer_id)
        .group_by(Member.group_id)
    )
    return {group_id: day for group_id, day in session.execute(query) if day}


def _refused(session: Session, window: Window) -> dict[int, datetime]:
    """Say until when a refused opening was put off last."""
    query = (
        select(Event.group_id, func.max(Event.at))
        .where(Event.subject_kind == "group", Event.verb == "opening_refused", window.holds(Event.group_id))
        .group_by(Event.group_id)
    )
    return {group_id: at + REFUSED_FOR for group_id, at in session.execute(query) if group_id and at}


def _plain(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
