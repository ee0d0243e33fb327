"""The outbox: messages, the payments they name, and the lanes they travel in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from substrack.domain.delivery import Fate, MessageState
from substrack.domain.notices import Channel, Notice
from substrack.store.base import Base, Choice, PublicId, one_of

_TO_EDIT = text("edit_at IS NOT NULL")
_WAITING = text("state IN ('queued', 'sending')")
_DEAD = text("state = 'dead'")
_HAS_TEXT = text("emptied_at IS NULL")


class Message(Base):
    """One notice to one address. Written in the transaction of its cause, sent by a worker that leases it.

    `rendered` is the exact text, stored before the first send so that a repeat after a crash is the same
    mail.
    `attempt_id` is the claim it tells an admin of. `edit_at` is when the words shown in a chat are to be
    brought up to date; only what was sent to a chat has it. `emptied_at` is when its text was
    deleted.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index(
            "ix_messages_waiting", "lane", "due_at", "id", postgresql_where=_WAITING, sqlite_where=_WAITING
        ),
        Index("ix_messages_workspace_created_at", "workspace_id", "created_at"),
        Index("ix_messages_contact_created_at", "contact_id", "created_at"),
        Index("ix_messages_correlation_id", "correlation_id"),
        Index("ix_messages_attempt_id", "attempt_id"),
        Index("ix_messages_dead", "workspace_id", postgresql_where=_DEAD, sqlite_where=_DEAD),
        Index("ix_messages_edit_at", "edit_at", postgresql_where=_TO_EDIT, sqlite_where=_TO_EDIT),
        Index("ix_messages_texts", "created_at", postgresql_where=_HAS_TEXT, sqlite_where=_HAS_TEXT),
        one_of("state", MessageState),
        one_of("notice", Notice),
        one_of("channel", Channel),
    )

    public_id: Mapped[PublicId]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    channel: Mapped[Channel] = mapped_column(Choice(Channel))
    lane: Mapped[str] = mapped_column(String(64))
    notice: Mapped[Notice] = mapped_column(Choice(Notice))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    correlation_id: Mapped[str | None] = mapped_column(String(12))
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    state: Mapped[MessageState] = mapped_column(Choice(MessageState), default=MessageState.QUEUED)
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(12))
    lease_until: Mapped[datetime | None]
    rendered: Mapped[dict[str, Any] | None]
    provider_id: Mapped[str | None] = mapped_column(String(200))
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempts.id"))
    edits: Mapped[int] = mapped_column(default=0)
    edit_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    emptied_at: Mapped[datetime | None]


class MessageItem(Base):
    """One payment a message names; `step` counts the requests for that payment, so no slot is asked twice.

    A request that went stale gave its step back and has a number below zero.
    """

    __tablename__ = "message_items"
    __table_args__ = (
        UniqueConstraint("payment_id", "step", "channel"),
        Index("ix_message_items_message_id", "message_id"),
        one_of("channel", Channel),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    step: Mapped[int]
    channel: Mapped[Channel] = mapped_column(Choice(Channel))


class Lane(Base):
    """One way out (a relay, a bot): paused when it fails for everybody, probed until it works again."""

    __tablename__ = "lanes"

    name: Mapped[str] = mapped_column(String(64), unique=True)
    paused_until: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


class MessageCount(Base):
    """How many messages of a channel came to an end in one way; the sum over all shards counts.

    Counted in the transaction that writes the end. Workers count in different shards, mostly, so that they
    seldom wait for each other.
    """

    __tablename__ = "message_counts"
    __table_args__ = (
        UniqueConstraint("channel", "fate", "shard"),
        one_of("channel", Channel),
        CheckConstraint("fate IN ('sent', 'kept', 'dead')", name="fate_legal"),
    )

    channel: Mapped[Channel] = mapped_column(Choice(Channel))
    fate: Mapped[Fate] = mapped_column(Choice(Fate))
    shard: Mapped[int]
    count: Mapped[int]
