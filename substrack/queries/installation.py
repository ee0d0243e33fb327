"""Reads about the installation itself: the worker's heartbeat and the hold on sending."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from substrack.store import Installation
from substrack.store.sessions import planned


@dataclass(frozen=True)
class InstallationRow:
    """When the worker last ticked, and why sending is on hold, if it is.

    `tick_ms` is how long the longest tick took that a worker made before its last heartbeat. `steady_since`
    is set while the hold comes from a clock that jumped, and ends by itself. While sending waits after a
    restore, `restored_at` is when that was, `restored_from` when the backup was made, and `restored_upto` the
    last message in it. `backup_error` is why the last backup by a worker failed.
    """

    last_tick_at: datetime | None = None
    hold_reason: str | None = None
    held_since: datetime | None = None
    steady_since: datetime | None = None
    restored_at: datetime | None = None
    restored_from: datetime | None = None
    restored_upto: int | None = None
    backup_at: datetime | None = None
    backup_error: str | None = None
    tick_ms: int | None = None


_INSTALLATION: Final = planned(
    select(*(getattr(Installation, field.name) for field in fields(InstallationRow)))
)


def load_installation(session: Session) -> InstallationRow:
    """Load the one row; before the first start all is empty."""
    row = session.execute(_INSTALLATION).first()
    return InstallationRow(*row) if row else InstallationRow()


def find_revision(session: Session) -> str | None:
    """Find which migration the tables are at (Alembic's own table)."""
    return session.scalar(select(column("version_num")).select_from(table("alembic_version")))


def settings_that_lose(session: Session) -> list[str]:
    """Name what is off in the database server and may lose in a power cut what was acknowledged.

    SQLite has no server; we ask its files for what we need. PostgreSQL can't be asked for these by a session.
    """
    if session.get_bind().dialect.name != "postgresql":
        return []
    settings = table("pg_settings", column("name"), column("setting"))
    is_off = (settings.c.name.in_(("fsync", "full_page_writes")), settings.c.setting == "off")
    return list(session.scalars(select(settings.c.name).where(*is_off).order_by(settings.c.name)))
