"""Reads for the worker: what it may claim, and which lanes have something to send.

This is what an idle worker asks all day, so it is one indexed read.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel
from substrack.store import Lane, Message


def is_claimable(now: datetime) -> ColumnElement[bool]:
    """Say which messages a worker may take: queued and due, or held by a worker whose lease has run out."""
    return or_(
        and_(Message.state == MessageState.QUEUED, Message.due_at <= now),
        and_(Message.state == MessageState.SENDING, Message.lease_until <= now),
    )


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
