"""Receiving: of all workers, one asks a bot for its updates, by a lease in the connection's row.

Telegram answers 409 to who asks while another does (Bot API, getUpdates). Up to where updates were stored
stands in the same row and moves only with the lease, so whoever takes over goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from substrack.queries.inbound import may_receive
from substrack.services.inbound import store_updates
from substrack.store import Connection, new_public_id


@dataclass(frozen=True)
class Receiver:
    """The right to ask for a bot's updates, beginning with `next_update_id` (None: whatever there is)."""

    connection_id: int
    token: str
    next_update_id: int | None


def make_token() -> str:
    """Name one worker, for as long as it runs."""
    return new_public_id()


def take_receiver(
    session: Session, connection_id: int, *, token: str, lease: timedelta, now: datetime
) -> Receiver | None:
    """Take or renew the right to ask for a while; None while it is another worker's."""
    taken = session.execute(
        update(Connection)
        .where(Connection.id == connection_id, may_receive(token, now))
        .values(receiver_token=token, receiver_until=now + lease)
        .returning(Connection.next_update_id)
        .execution_options(synchronize_session=False)
    ).first()
    return None if taken is None else Receiver(connection_id, token, taken.next_update_id)


def store_received(
    session: Session, receiver: Receiver, updates: Sequence[Mapping[str, Any]], *, now: datetime
) -> bool:
    """Store what Telegram answered and note from where to ask on; False, and nothing, from a former receiver.

    An empty answer confirms that all was stored. The number is forgotten then, because after a quiet week
    numbers start anew (Bot API, Update) and an old, higher one would confirm what nobody has read.
    """
    if not updates and receiver.next_update_id is None:
        return True
    next_id = max(each["update_id"] for each in updates) + 1 if updates else None
    moved = session.execute(
        update(Connection)
        .where(Connection.id == receiver.connection_id, Connection.receiver_token == receiver.token)
        .values(next_update_id=next_id)
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        return False
    store_updates(session, receiver.connection_id, updates, now=now)
    return True


def release_receiver(session: Session, connection_id: int, *, token: str) -> None:
    """Let another worker ask at once. Idempotent; changes nothing once another does."""
    session.execute(
        update(Connection)
        .where(Connection.id == connection_id, Connection.receiver_token == token)
        .values(receiver_token=None, receiver_until=None)
        .execution_options(synchronize_session=False)
    )
