"""Withholding: why a message that was claimed is not sent after all, or not at this hour.

A message is written when its cause happens and sent later; by then its address may have changed hands, or it
is night. This looks once more, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.domain.asking import AT_ANY_HOUR
from substrack.domain.cycles import local_date
from substrack.domain.delivery import MessageState
from substrack.domain.notices import (
    OPENS_AN_ACCOUNT,
    REQUESTS,
    TO_ADMINS,
    TO_THE_FORMER,
    Notice,
    rules_of,
)
from substrack.domain.requests import may_ask_at, next_hours_at
from substrack.queries.chats import administers
from substrack.queries.leaving import gone_on
from substrack.queries.letter_totals import may_be_asked
from substrack.queries.prepared import prepared
from substrack.services.schedule import rules_of_group
from substrack.store import Address, Group, Link, Member, Message, MessageItem, Payment, User


@dataclass(frozen=True)
class Objection:
    """Why a message is not sent: nobody wants it any more, or (dead) it can be sent again by hand."""

    why: str
    state: MessageState = MessageState.CANCELLED


GONE = Objection("the address is gone")


def find_objection(session: Session, message: Message, address: Address | None) -> Objection | None:
    """Say what speaks against sending a message to its address as both are now; None when nothing does.

    What goes to the place an address led to before is sent whatever became of the address.
    """
    if address is not None and message.notice in TO_THE_FORMER:
        return None if message.payload.get("former") else GONE
    if address is None or not address.value:
        return GONE
    if message.notice in TO_ADMINS and not administers(session, address.contact_id, message.workspace_id):
        return Objection("no longer an admin")
    if address.refused_since is not None:
        return Objection("the address refuses mail", MessageState.DEAD)
    if address.unsubscribed_at is not None and rules_of(message.notice).is_asking:
        return Objection("unsubscribed")
    if message.notice in OPENS_AN_ACCOUNT and address.value_key != _meant_for(session, message):
        return Objection("the address was changed since")
    return None


def rests_until(session: Session, message: Message, *, now: datetime) -> datetime | None:
    """Say when a request may go out that must not now; None when it may, and for every other notice."""
    return resting(session, [message.id], now=now).get(message.id)


def resting(session: Session, message_ids: Collection[int], *, now: datetime) -> dict[int, datetime]:
    """Say which of some messages are requests that must not go out now, and when they may.

    The hours are those of the group whose payment, of those still asked for, has been due the longest; an
    admin can overrule them.
    """
    rows = session.execute(*_named_by(list(message_ids)))
    hours = {
        key: group
        for key, payload, group, payment, gone_from in rows
        if AT_ANY_HOUR not in payload and may_be_asked(payment, gone_from, local_date(now, group.time_zone))
    }
    rules = {key: rules_of_group(group) for key, group in hours.items()}
    return {key: next_hours_at(now, one) for key, one in rules.items() if not may_ask_at(now, one)}


@prepared
def _named_by(message_ids: list[int]) -> Select[int, dict[str, Any], Group, Payment, date | None]:
    return (
        select(Message.id, Message.payload, Group, Payment, gone_on())
        .join(MessageItem, MessageItem.message_id == Message.id)
        .join(Payment, Payment.id == MessageItem.payment_id)
        .join(Group, Group.id == Payment.group_id)
        .join(Member, Member.id == Payment.member_id)
        .where(Message.id.in_(message_ids), Message.notice.in_(REQUESTS))
        .order_by(Payment.due_on.desc(), Payment.id.desc())
    )


def _meant_for(session: Session, message: Message) -> str | None:
    """Find the mailbox that may open an account: where the user signs in, or where the invitation was for."""
    link = session.get(Link, message.payload.get("link_id"))
    if link is None:
        return None
    if message.notice is Notice.INVITE:
        return (link.email or "").casefold()
    return session.scalar(select(User.email_key).where(User.id == link.user_id))
