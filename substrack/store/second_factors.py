"""What proves, beside a password, who signs in: a secret shared with an app, and codes on paper."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from substrack.store.base import Base


class SecondFactor(Base):
    """The app of a user: its secret, sealed, and the step of the last code, so that each works once."""

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    sealed_secret: Mapped[str] = mapped_column(String(300))
    turned_on_at: Mapped[datetime]
    last_step: Mapped[int]


class RecoveryCode(Base):
    """One code on paper, good once: the part it is found by, and the hash of the rest."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "selector"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    selector: Mapped[str] = mapped_column(String(2))
    code_hash: Mapped[str] = mapped_column(String(255))
    used_at: Mapped[datetime | None]


class Identity(Base):
    """Who a user is at an identity provider: its `iss` and `sub` (OpenID Connect Core, section 2)."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"), UniqueConstraint("user_id", "issuer"))

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    linked_at: Mapped[datetime]
