"""The payer's seat: the member row of a payer who shares.

Its amount is what the others leave, so it has neither a fixed amount nor requests.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from substrack.store import Group, Member


def seat_payer(session: Session, group: Group, begins: date, now: datetime) -> None:
    """Let the payer share from a day on; somebody who is a member already stays the same member."""
    member = _seat(session, group, begins)
    if member is None:
        member = Member(
            group_id=group.id, contact_id=group.payer_id, joined_on=begins, weight=1, created_at=now
        )
        session.add(member)
    member.left_on = member.fixed_minor = None
    session.flush()


def unseat_payer(session: Session, group: Group, ends: date) -> None:
    """Let the payer share no longer; `ends` is the first day they do not."""
    member = _seat(session, group, ends)
    if member is not None:
        member.left_on = max(ends, member.joined_on)
        session.flush()


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
