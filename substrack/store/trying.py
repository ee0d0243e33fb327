"""How often something was tried lately, so that nobody can guess for long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from substrack.store.base import Base


class Tries(Base):
    """The recent tries at one thing: milliseconds since 1970, oldest first.

    `subject` blinds what was tried or who tried, so that the row tells neither.
    """

    __tablename__ = "tries"

    subject: Mapped[str] = mapped_column(String(64), unique=True)
    tried_at: Mapped[list[Any]]
    last_at: Mapped[datetime] = mapped_column(index=True)
