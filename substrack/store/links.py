"""Links: one-purpose, expiring, revocable capabilities. The token outside is a signature over `jti`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from substrack.store.base import Base, Choice, one_of


class LinkPurpose(StrEnum):
    """What a link is good for; a link of one purpose opens nothing else."""

    PAY = "pay"
    SETUP = "setup"
    RESET = "reset"
    INVITE = "invite"
    DECIDE = "decide"
    UNSUBSCRIBE = "unsubscribe"
    CALENDAR = "calendar"
    CHAT = "chat"
    ENTER = "enter"


_LIVE_PAY = text("purpose = 'pay' AND revoked_at IS NULL")

FADING: Final = text("purpose NOT IN ('pay', 'unsubscribe')")
"""Links whose rows go a while after their end; by those of members a fresh one is asked for years later."""


class Link(Base):
    """One row per link: 128 random bits, whose it is, until when, and whether it was used or revoked.

    `chat_id` is the chat that used an admin's code and waits for their yes, `chat_name` what it calls itself.
    """

    __tablename__ = "links"
    __table_args__ = (
        one_of("purpose", LinkPurpose),
        Index("uq_links_live_pay", "contact_id", unique=True, postgresql_where=_LIVE_PAY,
              sqlite_where=_LIVE_PAY),
        Index("ix_links_contact_purpose", "contact_id", "purpose"),
        Index("ix_links_expires_at", "expires_at", postgresql_where=FADING, sqlite_where=FADING),
    )  # fmt: skip

    jti: Mapped[str] = mapped_column(String(32), unique=True)
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspaces.id"))
    purpose: Mapped[LinkPurpose] = mapped_column(Choice(LinkPurpose))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempts.id"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    email: Mapped[str | None] = mapped_column(String(320))
    chat_id: Mapped[int | None]
    chat_name: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
