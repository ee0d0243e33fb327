"""Reads about inbound updates: whether any waits, and when the last one came."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from substrack.store import Inbound, Message


def has_waiting_updates(session: Session, *, now: datetime) -> bool:
    """Tell whether an update waits for a worker."""
    waiting = exists().where(
        Inbound.processed_at.is_(None), or_(Inbound.lease_until.is_(None), Inbound.lease_until <= now)
    )
    return bool(session.scalar(select(waiting)))


def has_due_edits(session: Session, *, now: datetime) -> bool:
    """Tell whether a chat message is to be brought up to date."""
    return bool(session.scalar(select(exists().where(Message.edit_at <= now))))


def last_update_at(session: Session, connection_id: int) -> datetime | None:
    """Say when the last update of a connection came in."""
    return session.scalar(select(func.max(Inbound.received_at)).where(Inbound.connection_id == connection_id))
