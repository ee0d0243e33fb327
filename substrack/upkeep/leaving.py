"""Mark a database whose books were moved to another, and let nobody write into it any more.

The mark is a table with one row; what refuses is a trigger on each table, because that binds processes which
were started before, and older programs, as well: none of them can acknowledge a payment that the new database
does not know of, nor claim a message that is sent from there. Both go away when the books are taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from substrack.bootstrap import MOVED_TABLE
from substrack.upkeep.shapes import quoted

WRITES: Final = ("insert", "update", "delete")
BEFORE: Final = "these books were moved to "
AFTER: Final = ": start SubsTrack again with SUBSTRACK_DATABASE_URL set to it"


def leave(connection: sa.Connection, *, to: str, now: datetime) -> None:
    """Mark the books as moved to `to`, and refuse every write from the commit on."""
    moved_at = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    names = _names(connection)
    connection.exec_driver_sql(f"CREATE TABLE {MOVED_TABLE} (place TEXT NOT NULL, moved_at TEXT NOT NULL)")
    marks = "%s, %s" if connection.dialect.name == "postgresql" else "?, ?"
    connection.exec_driver_sql(f"INSERT INTO {MOVED_TABLE} VALUES ({marks})", (to, moved_at))  # noqa: S608
    for statement in _closing(connection.dialect.name, names, f"{to} on {moved_at}"):
        connection.exec_driver_sql(statement)


def come_back(connection: sa.Connection) -> None:
    """Take the mark off, and let everybody write again."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"DROP FUNCTION {MOVED_TABLE}() CASCADE")
    else:
        for name in _names(connection):
            for write in WRITES:
                connection.exec_driver_sql(f"DROP TRIGGER {_trigger(name, write)}")
    connection.exec_driver_sql(f"DROP TABLE {MOVED_TABLE}")


def _names(connection: sa.Connection) -> list[str]:
    """List all tables of ours, that of the revision too: no migration may begin."""
    return sorted(set(sa.inspect(connection).get_table_names()) - {MOVED_TABLE})


def _closing(dialect: str, names: Sequence[str], went: str) -> Iterator[str]:
    if dialect == "postgresql":
        yield _refusing_function()
        for name in names:
            yield (
                f"CREATE TRIGGER {MOVED_TABLE} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
                f"ON {quoted(name)} EXECUTE FUNCTION {MOVED_TABLE}()"
            )
    else:
        sentence = f"{BEFORE}{went}{AFTER}".replace("'", "''")
        for name in names:
            for write in WRITES:
                yield (
                    f"CREATE TRIGGER {_trigger(name, write)} BEFORE {write} ON {quoted(name)} "
                    f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
                )


def _refusing_function() -> str:
    """Refuse as a server does that is only to be read (SQLSTATE 25006)."""
    return f"""
        CREATE FUNCTION {MOVED_TABLE}() RETURNS trigger LANGUAGE plpgsql AS $refusing$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = '25006',
                MESSAGE = (SELECT '{BEFORE}' || place || ' on ' || moved_at || '{AFTER}' FROM {MOVED_TABLE});
        END
        $refusing$
    """  # noqa: S608


def _trigger(table: str, write: str) -> str:
    return quoted(f"{MOVED_TABLE}_{table}_{write}")
