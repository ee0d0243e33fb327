"""The schema: which revision the tables are at, which this version knows, and the way from one to another."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, column, inspect, select, table, text

from substrack.settings import WrongSetting

ROOT: Final = Path(__file__).resolve().parents[2]
VERSION_TABLE: Final = "alembic_version"
MOVED_TABLE: Final = "moved_away"
"""Stands in a database whose books were moved to another, and nowhere else (see `upkeep.leaving`)."""


class Gone(NamedTuple):
    """Where books were moved to, named without secrets, and when (UTC, in words)."""

    place: str
    moved_at: str

    def __str__(self) -> str:
        return f"{self.place} on {self.moved_at}"


def newest_revision() -> str:
    """Name the newest migration."""
    return known_revisions()[-1]


def known_revisions() -> list[str]:
    """Name all migrations of this version, the oldest first; their files' names start with them."""
    names = (path.name for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py"))
    return sorted(name.partition("_")[0] for name in names)


def find_revision(connection: Connection) -> str | None:
    """Say which migration the tables are at; None when there are no tables of ours."""
    if VERSION_TABLE not in inspect(connection).get_table_names():
        return None
    found = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return None if found is None else str(found)


def find_move(connection: Connection) -> Gone | None:
    """Say where to and when the books in here were moved (`upkeep.leaving`); None where they live."""
    if MOVED_TABLE not in inspect(connection).get_table_names():
        return None
    place, moved_at = connection.execute(text(f"SELECT place, moved_at FROM {MOVED_TABLE}")).one()  # noqa: S608
    return Gone(place, moved_at)


def upgrade_schema(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to a revision, inside the transaction of the caller.

    Raises:
        WrongSetting: there is no way from the revision they are at.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise WrongSetting(f"The database can't be brought to this version: {error}") from None


def allow_rebuilding(connection: Connection) -> None:
    """Let migrations replace tables that others refer to: SQLite changes most of a table only by a copy.

    Foreign keys can't be switched inside a transaction (SQLite, PRAGMA foreign_keys).
    """
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")


def check_references(connection: Connection) -> None:
    """Give a migration up that would leave rows pointing nowhere."""
    if connection.dialect.name == "sqlite":
        lost = connection.execute(text("PRAGMA foreign_key_check")).all()
        if lost:
            raise RuntimeError(f"the migration would leave {len(lost)} rows that refer to nothing")
