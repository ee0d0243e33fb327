"""Counts how messages end, for who watches: counters that are right whoever sends and whoever asks."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from sqlalchemy import Executable
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
    row = {"channel": channel, "fate": fate, "shard": crc32(token.encode()) % SHARDS, "count": 1}
    session.execute(_COUNT[session.get_bind().dialect.name], row)


def _one_more(dialect_insert: type[postgresql.Insert | sqlite.Insert]) -> Executable:
    key = ["channel", "fate", "shard"]
    more = {"count": MessageCount.count + 1}
    return dialect_insert(MessageCount).on_conflict_do_update(index_elements=key, set_=more)


_COUNT: Final = {"postgresql": _one_more(postgresql.Insert), "sqlite": _one_more(sqlite.Insert)}
"""Made once: each message that ends is counted."""
