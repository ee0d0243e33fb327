"""Counts how messages end, for who watches: counters that are right whoever sends and whoever asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Final
from zlib import crc32

from sqlalchemy import Executable
from sqlalchemy.orm import Session

from substrack.domain.delivery import Fate
from substrack.domain.notices import Channel
from substrack.store import MessageCount
from substrack.store.upserts import insert_for

SHARDS: Final = 8
COUNTED: Final = frozenset({Fate.SENT, Fate.KEPT, Fate.DEAD})


End = tuple[Channel, Fate, str]
"""How a message left the queue: by which channel, in which way, and the token of its lease."""


def count_ends(session: Session, ends: Iterable[End]) -> None:
    """Count messages that came to an end, those of them that count; the token chooses the shard.

    On PostgreSQL the rows stay locked until the end of the transaction. All count right after they have
    marked their messages, in order, so locks are taken in one order.
    """
    found = Counter((channel, fate, _shard_of(token)) for channel, fate, token in ends if fate in COUNTED)
    for (channel, fate, shard), count in sorted(found.items()):
        row = {"channel": channel, "fate": fate, "shard": shard, "count": count}
        session.execute(_more(session.get_bind().dialect.name), row)


def _shard_of(token: str) -> int:
    return crc32(token.encode()) % SHARDS


@cache
def _more(dialect: str) -> Executable:
    """Make the statement once: each message that ends is counted."""
    key = ["channel", "fate", "shard"]
    new = insert_for(dialect, MessageCount)
    more = {"count": MessageCount.__table__.c.count + new.excluded.count}
    return new.on_conflict_do_update(index_elements=key, set_=more)
