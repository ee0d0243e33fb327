"""What came from a chat lately, as it was stored: to understand words that reply to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.store import Inbound

MOST_LOOKED_AT: Final = 2_000
"""Updates of all chats that are looked through, the latest first: there is no index by chat."""


def said_before(
    session: Session, chat_id: int, connection_id: int, *, dedupe_key: str, within: timedelta, now: datetime
) -> Iterator[dict[str, Any]]:
    """Read what came from a chat before the update with this key, the latest first."""
    newest = select(func.max(Inbound.id) - MOST_LOOKED_AT).scalar_subquery()
    here = (
        select(Inbound.body)
        .where(Inbound.id > newest, Inbound.chat_id == chat_id, Inbound.connection_id == connection_id)
        .order_by(Inbound.id.desc())
    )
    itself = select(Inbound.id).where(
        Inbound.connection_id == connection_id, Inbound.dedupe_key == dedupe_key
    )
    before = here.where(Inbound.id < itself.scalar_subquery(), Inbound.received_at > now - within)
    yield from session.scalars(before)
