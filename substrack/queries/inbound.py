"""Reads about inbound updates: which wait, and who may ask for more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from substrack.store import Connection, Inbound, Message

HEAD_START: Final = timedelta(seconds=0.2)
"""How long an update has its chat to itself: time to act and to answer, not to wait for its turn to speak."""

MOST_IN_HAND: Final = 3


def next_updates(*, lease: timedelta, now: datetime) -> Select[int]:
    """Choose the updates a worker may take: the first that waits of each chat, oldest first.

    So a chat's updates begin in order, and one that sends a lot has only a few in hand. One that failed and
    waits to be tried again lets later ones pass. `lease` is that of the claims.
    """
    source = (Inbound.connection_id, func.coalesce(Inbound.chat_id, 0))
    held = (
        select(*source)
        .where(Inbound.processed_at.is_(None), Inbound.lease_token.is_not(None), Inbound.lease_until > now)
        .group_by(*source)
        .having(
            or_(
                func.count() >= MOST_IN_HAND,
                func.max(Inbound.lease_until) > now + lease - HEAD_START,
            )
        )
    )
    place = func.row_number().over(partition_by=source, order_by=Inbound.id).label("place")
    queues = select(Inbound.id, place).where(_is_waiting(now), tuple_(*source).not_in(held)).subquery()
    first = select(queues.c.id).where(queues.c.place == 1)
    # Asked again outside: a row that was locked is looked at once more, and only here (PostgreSQL).
    return (
        select(Inbound.id)
        .where(Inbound.id.in_(first), _is_waiting(now))
        .order_by(Inbound.received_at, Inbound.id)
    )


def has_waiting_updates(session: Session, *, lease: timedelta, now: datetime) -> bool:
    """Tell whether a worker may take an update."""
    return session.scalar(next_updates(lease=lease, now=now).limit(1)) is not None


def may_receive(token: str, now: datetime) -> ColumnElement[bool]:
    """Tell whether a worker may ask for a connection's updates: nobody else does, or no longer."""
    return or_(
        Connection.receiver_token.is_(None),
        Connection.receiver_token == token,
        Connection.receiver_until <= now,
    )


def can_receive(session: Session, connection_id: int, *, token: str, now: datetime) -> bool:
    """Look whether a worker may ask for a connection's updates."""
    free = exists().where(Connection.id == connection_id, may_receive(token, now))
    return bool(session.scalar(select(free)))


def has_due_edits(session: Session, *, now: datetime) -> bool:
    """Tell whether a chat message is to be brought up to date."""
    return bool(
        session.scalar(select(exists().where(Message.edit_at <= now, Message.provider_id.is_not(None))))
    )


def _is_waiting(now: datetime) -> ColumnElement[bool]:
    return and_(
        Inbound.processed_at.is_(None), or_(Inbound.lease_until.is_(None), Inbound.lease_until <= now)
    )
