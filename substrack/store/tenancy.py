"""Workspaces, those who sign in, their sessions, and the one row about the installation itself."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from substrack.store.base import Base, Choice, PublicId, one_of


class Role(StrEnum):
    """What a user is in a workspace."""

    OWNER = "owner"
    ADMIN = "admin"


class Workspace(Base):
    """The tenant. Every row knows its workspace, directly or through its group.

    `collection_day` is the one day of the month on which everything is first asked for; None leaves that to
    each group. `group_defaults` are the terms a new group begins with, by their names in `GroupTerms`.
    """

    __tablename__ = "workspaces"
    __table_args__ = (
        CheckConstraint(
            "collection_day IS NULL OR collection_day BETWEEN 1 AND 31", name="collection_day_legal"
        ),
    )

    public_id: Mapped[PublicId]
    name: Mapped[str] = mapped_column(String(120))
    time_zone: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(16), default="en")
    collection_day: Mapped[int | None]
    group_defaults: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


class Installation(Base):
    """One row: the worker's heartbeat, the hold on sending, which keys sign links, backups.

    `tick_ms` is how long the longest tick took that the worker had made since its heartbeat before.
    While sending waits after a restore, `restored_at` is when that was, `restored_from` when the backup was
    made, and `restored_upto` the last message in it. `backup_until` is how long a worker that makes a backup
    may take, or when the next try is due after a failure.
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    last_tick_at: Mapped[datetime | None]
    tick_ms: Mapped[int | None]
    hold_reason: Mapped[str | None] = mapped_column(String(500))
    held_since: Mapped[datetime | None]
    steady_since: Mapped[datetime | None]
    secret_fingerprint: Mapped[str | None] = mapped_column(String(200))
    restored_at: Mapped[datetime | None]
    restored_from: Mapped[datetime | None]
    restored_upto: Mapped[int | None]
    backup_at: Mapped[datetime | None]
    backup_until: Mapped[datetime | None]
    backup_error: Mapped[str | None] = mapped_column(String(500))


class User(Base):
    """Someone who signs in; deactivated rather than deleted, because the journal names them."""

    __tablename__ = "users"

    public_id: Mapped[PublicId]
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    password_changed_at: Mapped[datetime | None]
    language: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]


class RoleGrant(Base):
    """A user's role in a workspace, and the contact through which they get their notices."""

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("workspace_id", "user_id"),
        UniqueConstraint("workspace_id", "contact_id"),
        one_of("role", Role),
    )

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[Role] = mapped_column(Choice(Role))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))


class UserSession(Base):
    """One signed-in browser. Only the hash of its token is kept.

    `confirmed_at` is when its user last gave their password again; the session began with it.
    `wrong_passwords` are tries at that since the last right one.
    """

    __tablename__ = "user_sessions"

    public_id: Mapped[PublicId]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    confirmed_at: Mapped[datetime | None]
    wrong_passwords: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    agent: Mapped[str | None] = mapped_column(String(200))
