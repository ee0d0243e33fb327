"""The append-only journal: ids, amounts and statuses, no names or addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from substrack.domain.actors import ActorKind, Via
from substrack.store.base import Base, Choice, one_of

_FADING = text("subject_kind IN ('connection', 'contact', 'message', 'user')")
"""The literals of `domain.keeping.FADING_SUBJECTS`, as SQLite compares them."""

_NOT_OPENED = text("verb = 'opening_refused'")
_NOTED = text("verb = 'object'")


class Event(Base):
    """One line: who did what to what, which way, when and why; one decision shares a correlation id."""

    __tablename__ = "events"
    __table_args__ = (
        one_of("actor_kind", ActorKind),
        one_of("via", Via),
        Index("ix_events_payment_id", "payment_id"),
        Index("ix_events_group_at", "group_id", "at"),
        Index("ix_events_workspace_at", "workspace_id", "at"),
        Index("ix_events_correlation_id", "correlation_id"),
        Index(
            "ix_events_refused_openings",
            "workspace_id",
            "at",
            postgresql_where=_NOT_OPENED,
            sqlite_where=_NOT_OPENED,
        ),
        Index("ix_events_notes", "workspace_id", "id", postgresql_where=_NOTED, sqlite_where=_NOTED),
        Index("ix_events_fading", "at", postgresql_where=_FADING, sqlite_where=_FADING),
    )

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[int]
    verb: Mapped[str] = mapped_column(String(32))
    actor_kind: Mapped[ActorKind] = mapped_column(Choice(ActorKind))
    actor_id: Mapped[int | None]
    via: Mapped[Via] = mapped_column(Choice(Via))
    at: Mapped[datetime]
    reason: Mapped[str | None] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    correlation_id: Mapped[str] = mapped_column(String(12))
