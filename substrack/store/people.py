"""Contacts and where they are reached."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from substrack.domain.notices import Channel, ChannelChoice
from substrack.store.base import Base, Choice, PublicId, one_of


class Contact(Base):
    """A person a workspace knows; one person in three groups is one contact.

    `requested_on` is the local day (workspace zone) this person was last asked for money, whatever for.
    `fresh_link_at` is when they last had a fresh link sent (a limit, not a log). `collection_day` is the one
    day of the month on which everything is first asked for, over the workspace's. `note` is the admins' own.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        one_of("channel_choice", ChannelChoice),
        CheckConstraint(
            "collection_day IS NULL OR collection_day BETWEEN 1 AND 31", name="collection_day_legal"
        ),
    )

    public_id: Mapped[PublicId]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str | None] = mapped_column(String(16))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    channel_choice: Mapped[ChannelChoice] = mapped_column(Choice(ChannelChoice), default=ChannelChoice.BOTH)
    requested_on: Mapped[date | None]
    fresh_link_at: Mapped[datetime | None]
    collection_day: Mapped[int | None]
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class Connection(Base):
    """One outside account of a workspace: a mail relay, a bot. The environment names the first ones.

    Of the workers, one at a time asks a bot for updates: who holds `receiver_token` until `receiver_until`;
    `next_update_id` is the first update not stored yet. `refused_since` is when the account was turned down.
    """

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("workspace_id", "channel", "name"), one_of("channel", Channel))

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    channel: Mapped[Channel] = mapped_column(Choice(Channel))
    name: Mapped[str] = mapped_column(String(64))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(32), default="from_environment")
    receiver_token: Mapped[str | None] = mapped_column(String(12))
    receiver_until: Mapped[datetime | None]
    next_update_id: Mapped[int | None]
    refused_since: Mapped[datetime | None]


def _since(name: str, column: str) -> Index:
    """Find the few addresses of a connection that take nothing, since the longest."""
    where = text(f"{column} IS NOT NULL")
    return Index(name, "connection_id", column, postgresql_where=where, sqlite_where=where)


class Address(Base):
    """Where a contact is reached, through which connection; refused or unsubscribed since when."""

    __tablename__ = "addresses"
    __table_args__ = (
        Index("uq_addresses_contact_connection", "contact_id", "connection_id", unique=True),
        Index("ix_addresses_connection_value_key", "connection_id", "value_key"),
        _since("ix_addresses_refused", "refused_since"),
        _since("ix_addresses_unsubscribed", "unsubscribed_at"),
        one_of("channel", Channel),
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id"))
    channel: Mapped[Channel] = mapped_column(Choice(Channel))
    value: Mapped[str] = mapped_column(String(320))
    value_key: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime]
    unsubscribed_at: Mapped[datetime | None]
    refused_since: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(500))
