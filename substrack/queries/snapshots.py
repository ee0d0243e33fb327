"""Which commits a reading session sees: the database knows, and tells without counting anything itself."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

Snapshot = Hashable

_NUMBERS: Final = count()


def snapshot_of(session: Session) -> Snapshot:
    """Name the snapshot that a session reads; two of the same name have the same rows in all tables.

    The session's connection must never write, and keep to one snapshot until it ends, as readers of ours do.

    SQLite: `data_version` changes for a connection whenever another has committed ("PRAGMA data_version"), so
    that the same rows have a name for each connection. PostgreSQL: the transactions that are visible
    (`pg_current_snapshot`, table 9.86), to which nothing commits without a number of its own; a server that
    began anew, perhaps from a backup, counts for itself.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return _number(connection), connection.exec_driver_sql("PRAGMA data_version").scalar()
    visible = "SELECT CAST(pg_current_snapshot() AS text), pg_postmaster_start_time()"
    return tuple(connection.exec_driver_sql(visible).one())


def _number(connection: Connection) -> int:
    """Number a connection of this process; its number lives as long as it."""
    found: int = connection.info.setdefault("substrack_number", next(_NUMBERS))
    return found
