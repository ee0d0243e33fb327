"""Welcoming: the first letter to members of a group, when an admin presses “Tell them”.

Nobody is told by joining alone, and the payer never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.delivery import WAITING, MessageState
from substrack.domain.notices import Notice
from substrack.services.group_rows import hold_group, today_in
from substrack.services.journal import record_member
from substrack.services.outbox import Draft, queue, usable_addresses
from substrack.store import Group, Member, Message

A_PRESS: Final = timedelta(hours=1)
"""How long a second “Tell them” counts as the same press."""


@dataclass(frozen=True)
class Told:
    """Which members were written to, now or within the hour, and which have no usable address."""

    told: tuple[int, ...]
    unreachable: tuple[int, ...]


def tell_them(
    session: Session,
    group_id: int,
    member_ids: Sequence[int] | None = None,
    *,
    by: Actor,
    now: datetime,
) -> Told:
    """Send the welcome to members: to those named, or to everybody who has not had one. Never to the payer.

    A second press within the hour sends no second one, unless the first came to nothing.

    Raises:
        UnknownGroup.
    """
    group = hold_group(session, group_id, by)
    members = _to_be_told(session, group, member_ids, today_in(group, now))
    reachable = {
        contact_id
        for contact_id, addresses in usable_addresses(session, [one.contact_id for one in members]).items()
        if any(address.unsubscribed_at is None for address in addresses)
    }
    told = [member for member in members if member.contact_id in reachable]
    lately = _told_lately(session, told, now)
    fresh = [member for member in told if member.id not in lately]
    queue(session, [_welcome(group, member, now) for member in fresh], now=now)
    for member in fresh:
        member.told_at = now
        record_member(session, "tell", group, member, by=by, now=now)
    session.flush()
    unreachable = [member.id for member in members if member.contact_id not in reachable]
    return Told(tuple(member.id for member in told), tuple(unreachable))


def _to_be_told(
    session: Session, group: Group, member_ids: Sequence[int] | None, today: date
) -> list[Member]:
    query = select(Member).where(
        Member.group_id == group.id,
        Member.contact_id != group.payer_id,
        or_(Member.left_on.is_(None), Member.left_on > today),
    )
    chosen = Member.told_at.is_(None) if member_ids is None else Member.id.in_(member_ids)
    return list(session.scalars(query.where(chosen).order_by(Member.id)))


def _told_lately(session: Session, members: Sequence[Member], now: datetime) -> set[int]:
    """Find those whose welcome of the last hour is on its way or was sent."""
    welcomes = select(Message.payload).where(
        Message.contact_id.in_([member.contact_id for member in members]),
        Message.notice == Notice.WELCOME,
        Message.created_at > now - A_PRESS,
        Message.state.in_((*WAITING, MessageState.SENT)),
    )
    return {payload["member_id"] for payload in session.scalars(welcomes)}


def _welcome(group: Group, member: Member, now: datetime) -> Draft:
    # A second press within the same state of things is the same letter; a wish to tell again is another.
    time = member.told_at.isoformat() if member.told_at else "first"
    return Draft(
        workspace_id=group.workspace_id,
        contact_id=member.contact_id,
        notice=Notice.WELCOME,
        dedupe_key=f"welcome:{member.id}:{time}",
        due_at=now,
        payload={"member_id": member.id},
    )
