"""Who was erased, so that a restore can do it again, and which addresses are not to be written to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from substrack.store.base import Base


class Erasure(Base):
    """One erasure: the public id of a person, of whom nothing else is left to tell."""

    __tablename__ = "erasures"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    contact_public_id: Mapped[str] = mapped_column(String(12), unique=True)
    erased_at: Mapped[datetime]


class Suppression(Base):
    """An address nobody is to be added at by accident, as a keyed hash."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("workspace_id", "digest"),)

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    digest: Mapped[str] = mapped_column(String(64))
    suppressed_at: Mapped[datetime]
