"""Diverting: what waits for a bot that nobody reaches goes by mail instead.

A short outage is waited out, so that nobody is told twice. Who chose Telegram alone, or gets mail anyway, is
left where they are until what waits for them is stale.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from substrack.domain.delivery import LANE_REST, MessageState
from substrack.domain.notices import CHAT_ONLY, Channel, ChannelChoice
from substrack.queries.delivery import is_claimable
from substrack.services.locks import lock_contacts
from substrack.services.outbox import fall_back_to_mail, key_by_mail
from substrack.store import Contact, Lane, Message


def divert_waiting(session: Session, lane: str, *, now: datetime) -> None:
    """Once a lane has failed for an hour, send by mail what waits on it for people who want that.

    What others are just working on is left for the next time, and so is the latest of those that were never
    tried: were there nothing to probe the lane with, nobody would find out that it works again.
    """
    if not session.scalar(select(_is_failing(lane, since=now - LANE_REST))):
        return
    waiting = (
        select(Message)
        .join(Contact, Contact.id == Message.contact_id)
        .where(
            Message.lane == lane,
            Message.channel == Channel.TELEGRAM,
            Message.notice.not_in(CHAT_ONLY),
            Contact.channel_choice == ChannelChoice.TELEGRAM_FIRST,
            is_claimable(now),
        )
    )
    waiting = waiting.where(Message.id.not_in(_untried(waiting)))
    owners = session.scalars(waiting.with_only_columns(Message.contact_id).distinct()).all()
    if owners:
        locked = lock_contacts(session, [owner for owner in owners if owner is not None], skip_locked=True)
        mine = waiting.where(Message.contact_id.in_(locked)).order_by(Message.id)
        _divert(session, session.scalars(mine.with_for_update(skip_locked=True, of=Message)).all(), now)


def _untried(waiting: Select[Message]) -> Select[int]:
    untried = waiting.where(Message.last_error.is_(None)).with_only_columns(Message.id)
    return untried.order_by(Message.id.desc()).limit(1)


def divert_stale(session: Session, message_ids: Collection[int], *, now: datetime) -> None:
    """Send by mail what was cancelled because its bot could not be reached while it was of use."""
    lost = select(Message).where(
        Message.id.in_(message_ids), Message.channel == Channel.TELEGRAM, _is_failing(Message.lane, since=now)
    )
    fall_back_to_mail(session, session.scalars(lost.order_by(Message.id)).all(), now=now)


def _divert(session: Session, messages: Collection[Message], now: datetime) -> None:
    """Queue the letters, and cancel what has one; who has no mailbox goes on waiting."""
    fall_back_to_mail(session, list(messages), now=now)
    keys = {key_by_mail(message): message.id for message in messages}
    written = session.scalars(select(Message.dedupe_key).where(Message.dedupe_key.in_(keys)))
    session.execute(
        update(Message)
        .where(Message.id.in_([keys[key] for key in written]))
        .values(
            state=MessageState.CANCELLED,
            last_error="sent by mail instead",
            lease_token=None,
            lease_until=None,
        )
    )


def _is_failing(lane: str | InstrumentedAttribute[str], *, since: datetime) -> ColumnElement[bool]:
    return exists().where(Lane.name == lane, Lane.failing_since <= since)
