"""Reads for the worker: what it may claim, and which lanes have something to send.

This is what an idle worker asks all day, so it is one indexed read.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BindParameter, ColumnElement, String, and_, bindparam, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel
from substrack.store import Lane, Message


def is_waiting() -> ColumnElement[bool]:
    """Say which messages are not done with, in the very words of the index of waiting messages.

    SQLite uses a partial index only where a query repeats its condition literally (Partial Indexes, section
    3); with a parameter it would read every message there ever was.
    """
    states: BindParameter[list[str]] = bindparam(
        "waiting", ["queued", "sending"], expanding=True, literal_execute=True
    )
    return type_coerce(Message.state, String).in_(states)


def is_claimable(now: datetime) -> ColumnElement[bool]:
    """Say which messages a worker may take: due, and queued or held by a worker whose lease has run out."""
    is_free = or_(Message.state == MessageState.QUEUED, Message.lease_until <= now)
    return and_(is_waiting(), Message.due_at <= now, is_free)


def due_lanes(session: Session, channels: Collection[Channel], *, now: datetime) -> list[str]:
    """List the lanes of these channels that have something to send and are not paused."""
    query = (
        select(Message.lane)
        .distinct()
        .outerjoin(Lane, Lane.name == Message.lane)
        .where(
            Message.channel.in_(channels),
            is_claimable(now),
            or_(Lane.paused_until.is_(None), Lane.paused_until <= now),
        )
    )
    return sorted(session.scalars(query))


class UnderWay(NamedTuple):
    """How many messages workers hold, and until when they hold the last of them; None when none is held."""

    messages: int
    until: datetime | None


def load_under_way(session: Session, *, now: datetime) -> UnderWay:
    """Count messages that a worker holds and may be handing over at this moment."""
    held = select(func.count(), func.max(Message.lease_until))
    count, until = session.execute(held.where(is_waiting(), Message.lease_until > now)).one()
    return UnderWay(count, until)
