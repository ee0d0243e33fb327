"""Inbound: what outside services told us, stored before it is answered and worked on by any worker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from substrack.store.base import Base

_WAITING = text("processed_at IS NULL")


class Inbound(Base):
    """One thing that came in, once: `dedupe_key` names the press or message, whose update may come again.

    `chat_id` is where it comes from; what one chat sends is worked on in order. `outcome` is what an act led
    to, from its own transaction on: an update that is worked on again acts no second time.
    """

    __tablename__ = "inbound"
    __table_args__ = (
        UniqueConstraint("connection_id", "dedupe_key"),
        Index("ix_inbound_waiting", "received_at", postgresql_where=_WAITING, sqlite_where=_WAITING),
        Index("ix_inbound_received_at", "received_at"),
    )

    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id"))
    dedupe_key: Mapped[str] = mapped_column(String(120))
    chat_id: Mapped[int | None]
    body: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(12))
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[dict[str, Any] | None]
