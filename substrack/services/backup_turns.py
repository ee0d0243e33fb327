"""Whose turn it is to make the daily backup, and what came of the last one.

One row decides, so that of many workers one makes it. Whoever dies over it leaves a turn that runs out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from substrack.store import Installation, Workspace

TURN: Final = timedelta(hours=1)
"""How long a backup may take, and how long after a failure the next is tried."""


def backup_is_due(session: Session, *, now: datetime) -> bool:
    """Tell whether there is something to back up that was not on this UTC day; reads only."""
    return session.scalar(select(Installation.id).where(*_is_due(now))) is not None


def take_backup_turn(session: Session, *, now: datetime) -> bool:
    """Take the turn of this UTC day; False when it is another worker's, or has been."""
    taken = update(Installation).where(*_is_due(now)).values(backup_until=now + TURN)
    return session.execute(taken.returning(Installation.id)).first() is not None


def note_backup(session: Session, *, now: datetime) -> None:
    """Note that a backup was made."""
    session.execute(update(Installation).values(backup_at=now, backup_until=None, backup_error=None))


def note_failed_backup(session: Session, reason: str, *, now: datetime) -> None:
    """Note why a backup failed; the next is tried in an hour."""
    session.execute(update(Installation).values(backup_until=now + TURN, backup_error=reason[:500]))


def give_backup_turn_back(session: Session) -> None:
    """Let another worker make it at once: this one is to end."""
    session.execute(update(Installation).values(backup_until=None))


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """A day is a UTC day. What a wrong clock has written into the future does not count."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    last, until = Installation.backup_at, Installation.backup_until
    return (
        or_(last.is_(None), last < today, last > now),
        or_(until.is_(None), until <= now, until > now + TURN),
        exists(select(Workspace.id)),
    )
