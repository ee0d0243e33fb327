"""Counts how messages end, for who watches: counters that are right whoever sends and whoever asks."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from substrack.domain.delivery import Fate
from substrack.domain.notices import Channel
from substrack.store import MessageCount

SHARDS: Final = 8
COUNTED: Final = frozenset({Fate.SENT, Fate.KEPT, Fate.DEAD})


def count_end(session: Session, channel: Channel, fate: Fate, *, token: str) -> None:
    """Count one message that came to this end; the token of its lease chooses the shard.

    On PostgreSQL the row stays locked until the end of the transaction. All count right after they have
    marked the message, so locks are taken in one order.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"channel": channel, "fate": fate, "shard": crc32(token.encode()) % SHARDS, "count": 1}
    session.execute(
        dialect.insert(MessageCount.__table__)
        .values(row)
        .on_conflict_do_update(
            index_elements=["channel", "fate", "shard"], set_={"count": MessageCount.count + 1}
        )
    )
