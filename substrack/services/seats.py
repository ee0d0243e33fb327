"""The payer's seat: the member row of a payer who shares.

Its amount is what the others leave, so a fixed amount from before counts for nothing until another pays, and
it has no requests. A payer who shares can't leave: the day they were to waits as well, in the journal.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.services.journal import record_member
from substrack.services.member_terms import facts_of_member
from substrack.services.schedule import reschedule_stays
from substrack.store import Event, Group, Member

SEAT: Final = "seat"
"""The verb of the journal by which somebody who was to leave stays, because they pay for the group now."""


def seat_payer(session: Session, group: Group, begins: date, *, by: Actor, now: datetime) -> None:
    """Let the payer share from a day on; somebody who is a member already stays the same member."""
    member = _seat(session, group, begins)
    if member is None:
        member = Member(
            group_id=group.id, contact_id=group.payer_id, joined_on=begins, weight=1, created_at=now
        )
        session.add(member)
    elif member.left_on is not None:
        _change_end(session, SEAT, group, member, None, by=by, now=now)
    reschedule_stays(session, group.id, group.payer_id, now=now)


def unseat_payer(session: Session, group: Group, ends: date, *, now: datetime) -> None:
    """Let the payer share no longer; `ends` is the first day they do not."""
    member = _seat(session, group, ends)
    if member is not None:
        member.left_on = max(ends, member.joined_on)
        reschedule_stays(session, group.id, group.payer_id, now=now)


def release_payer(session: Session, group: Group, begins: date, *, by: Actor, now: datetime) -> None:
    """Let a payer in whose place another pays from a day on leave when they were to, if that is to come."""
    member = _seat(session, group, begins)
    if member is None or member.left_on is not None:
        return
    day = _was_to_leave_on(session, member)
    if day is not None and day >= begins:
        _change_end(session, "leave", group, member, day, by=by, now=now)
        reschedule_stays(session, group.id, member.contact_id, now=now)


def _seat(session: Session, group: Group, day: date) -> Member | None:
    """Find the stay of the payer that goes on until `day` or later."""
    return session.scalar(
        select(Member)
        .where(
            Member.group_id == group.id,
            Member.contact_id == group.payer_id,
            or_(Member.left_on.is_(None), Member.left_on >= day),
        )
        .order_by(Member.joined_on.desc())
        .limit(1)
    )


def _was_to_leave_on(session: Session, member: Member) -> date | None:
    """Look up the day that was taken back when they became the payer."""
    changes = select(Event).where(
        Event.group_id == member.group_id,
        Event.subject_kind == "member",
        Event.subject_id == member.id,
        Event.verb.in_(("leave", SEAT)),
    )
    last = session.scalar(changes.order_by(Event.id.desc()).limit(1))
    if last is None or last.verb != SEAT or not last.before:
        return None
    return date.fromisoformat(last.before["left_on"])


def _change_end(
    session: Session, verb: str, group: Group, member: Member, day: date | None, *, by: Actor, now: datetime
) -> None:
    before = facts_of_member(member)
    member.left_on = day
    record_member(session, verb, group, member, by=by, now=now, before=before, after=facts_of_member(member))
