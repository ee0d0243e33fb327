"""Who a person has their first letter from us to thank for, so that it can say so."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, exists, or_, select

from substrack.domain.actors import ActorKind
from substrack.domain.letters import Introduction
from substrack.domain.notices import OPENS_AN_ACCOUNT, TO_ADMINS, TO_THE_FORMER, Channel, Notice
from substrack.queries.letter_facts import Reading
from substrack.store import Event, Member, Message, RoleGrant, User

EXPECTED: Final = frozenset(
    {*OPENS_AN_ACCOUNT, *TO_ADMINS, *TO_THE_FORMER, Notice.TEST, Notice.CHAT_LINKED, Notice.FRESH_LINK}
)
"""What only reaches somebody who knows of us already."""


def find_introduction(reading: Reading) -> Introduction | None:
    """Say who added the reader of a mail, if it is the first they ever get; None for admins.

    Whoever was added on the command line is not told a name.
    """
    message = reading.message
    if message.notice in EXPECTED or message.channel is not Channel.EMAIL or message.contact_id is None:
        return None
    is_known = or_(
        exists().where(Message.contact_id == message.contact_id, Message.sent_at.is_not(None)),
        exists().where(
            RoleGrant.contact_id == message.contact_id,
            User.id == RoleGrant.user_id,
            User.deactivated_at.is_(None),
        ),
    )
    if reading.session.scalar(select(is_known)):
        return None
    return Introduction(_who_added(reading, message.contact_id), reading.workspace.name)


def _who_added(reading: Reading, contact_id: int) -> str | None:
    """Find the line that their joining left in the journal, by the index of groups and times."""
    joined = and_(
        Event.group_id == Member.group_id,
        Event.at == Member.created_at,
        Event.subject_kind == "member",
        Event.verb == "join",
        Event.subject_id == Member.id,
        Event.actor_kind == ActorKind.USER,
    )
    query = (
        select(User.name)
        .select_from(Member)
        .join(Event, joined)
        .join(User, User.id == Event.actor_id)
        .where(Member.contact_id == contact_id)
        .order_by(Member.id)
        .limit(1)
    )
    return reading.session.scalar(query)
