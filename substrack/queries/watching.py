"""Reads for who watches: what waits, how messages ended, claims that wait. Sums only, nobody's.

None reads a message that is done with, however many there were: what waits has an index of its own, and ends
are counted as they come (`services.counting`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, String, case, func, literal_column, select, type_coerce
from sqlalchemy.orm import Session

from substrack.domain.delivery import Fate, channel_of
from substrack.domain.notices import Channel
from substrack.queries.delivery import is_waiting
from substrack.store import Attempt, AttemptState, Message, MessageCount


@dataclass(frozen=True)
class QueueRow:
    """What waits in one channel: due by now, due later, and since when the oldest is due."""

    due: int = 0
    later: int = 0
    oldest_due_at: datetime | None = None


def load_queues(session: Session, *, now: datetime) -> dict[Channel, QueueRow]:
    """Load what waits in each channel, in one statement over the index of what waits."""
    is_due = case((Message.due_at <= now, 1), else_=0)
    query = (
        select(
            Message.lane,
            func.count().label("waiting"),
            func.sum(is_due).label("due"),
            func.min(Message.due_at).label("first_due_at"),
        )
        .where(is_waiting())
        .group_by(Message.lane)
    )
    lanes: dict[Channel, list[Row[Any]]] = {channel: [] for channel in Channel}
    for row in session.execute(query):
        lanes[channel_of(row.lane)].append(row)
    return {channel: _queue(rows, now) for channel, rows in lanes.items()}


def oldest_due_at(queues: Iterable[QueueRow]) -> datetime | None:
    """Say since when the oldest of all that is due has been so; None when nothing is."""
    return min((queue.oldest_due_at for queue in queues if queue.oldest_due_at), default=None)


def load_message_counts(session: Session) -> dict[tuple[Channel, Fate], int]:
    """Load how many messages of each channel were sent, kept or given up, ever."""
    query = select(MessageCount.channel, MessageCount.fate, func.sum(MessageCount.count)).group_by(
        MessageCount.channel, MessageCount.fate
    )
    return {(channel, fate): int(total) for channel, fate, total in session.execute(query)}


def count_open_claims(session: Session) -> int:
    """Count the claims of all workspaces that nobody has decided, by their index (see `is_waiting`)."""
    is_open = type_coerce(Attempt.state, String) == literal_column(f"'{AttemptState.OPEN.value}'")
    return session.scalar(select(func.count()).select_from(Attempt).where(is_open)) or 0


def _queue(rows: list[Row[Any]], now: datetime) -> QueueRow:
    waiting, due = sum(int(row.waiting) for row in rows), sum(int(row.due) for row in rows)
    oldest = min((row.first_due_at for row in rows), default=None)
    return QueueRow(due, waiting - due, oldest if oldest is not None and oldest <= now else None)
