"""When the database itself is in the way: locked, full, away or broken, and not what was asked of it.

Engines raise `DatabaseTrouble` for that alone. A statement that is wrong, or breaks a rule of the tables, is
a bug and keeps its own error: waiting would not mend it.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError


class Trouble(StrEnum):
    """What is the matter with the database, for whoever has to wait or to mend it."""

    BUSY = "busy"
    FULL = "full"
    AWAY = "away"
    BROKEN = "broken"


class DatabaseTrouble(OperationalError):
    """The database can't be used now; nothing of the transaction is kept, and later it may work.

    `at_commit` when the transaction was just being committed.
    """

    at_commit = False

    def __init__(self, why: Trouble, cause: BaseException, statement: str | None = None) -> None:
        super().__init__(statement, None, cause, hide_parameters=True)
        self.why = why

    @property
    def is_uncertain(self) -> bool:
        """Tell whether the transaction may be kept after all: whole, as only a look can tell."""
        return self.at_commit and self.why in (Trouble.AWAY, Trouble.BROKEN)

    @property
    def is_read_only(self) -> bool:
        """Tell whether a write was turned away as such."""
        codes = (getattr(self.orig, "sqlstate", None), getattr(self.orig, "sqlite_errorname", None))
        return "25006" in codes or "SQLITE_READONLY" in codes

    @property
    def is_closed_to_us(self) -> bool:
        """Tell whether this user may not write SQLite's file or directory: nothing is broken then."""
        code = getattr(self.orig, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in CLOSED

    @property
    def advice(self) -> str:
        """Say in a sentence what helps, where SQLite's code tells; empty where it does not."""
        code = getattr(self.orig, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in DAMAGED:
            return (
                "Keep a copy of the file as it is, move it away with its -wal and -shm, and restore the last "
                "backup (`restore`)."
            )
        return "Only who may write the file and its directory can use it." if self.is_closed_to_us else ""

    def __reduce__(self) -> Any:
        return self.__class__, (self.why, self.orig, self.statement)


DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
CLOSED: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
"""With write-ahead logging, to read is to write the index of the log (sqlite.org/wal.html, section 2.4)."""

SQLITE_CODES: Final = {
    sqlite3.SQLITE_BUSY: Trouble.BUSY,
    sqlite3.SQLITE_LOCKED: Trouble.BUSY,
    sqlite3.SQLITE_PROTOCOL: Trouble.BUSY,
    sqlite3.SQLITE_INTERRUPT: Trouble.BUSY,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_IOERR: Trouble.BROKEN,
    sqlite3.SQLITE_READONLY: Trouble.BROKEN,
    sqlite3.SQLITE_PERM: Trouble.BROKEN,
    sqlite3.SQLITE_CANTOPEN: Trouble.BROKEN,
    sqlite3.SQLITE_CORRUPT: Trouble.BROKEN,
    sqlite3.SQLITE_NOTADB: Trouble.BROKEN,
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: Trouble.BROKEN,  # our only triggers: the books were moved away
}
"""Primary result codes, and one extended (sqlite.org/rescode.html)."""

POSTGRESQL_CODES: Final = {
    "08": Trouble.AWAY,  # connection exception
    "25006": Trouble.BROKEN,  # read only: a standby, or a host that is out of room
    "25P03": Trouble.AWAY,  # idle in transaction for too long
    "40": Trouble.BUSY,  # deadlock, serialization
    "53": Trouble.BUSY,  # too many connections, out of memory
    "53100": Trouble.FULL,
    "55P03": Trouble.BUSY,  # lock not available in time
    "57": Trouble.AWAY,  # shutting down, starting up
    "57014": Trouble.BUSY,  # a statement that took too long
    "58": Trouble.BROKEN,  # an error of the system below
    "XX001": Trouble.BROKEN,
    "XX002": Trouble.BROKEN,
}
"""SQLSTATE codes and their classes (PostgreSQL manual, appendix A)."""


def name_trouble(context: ExceptionContext) -> DatabaseTrouble | None:
    """Tell what is the matter when an error is the database's own; None for one of ours.

    Who is told to end in the midst of a statement loses a connection, and ends: that is no trouble.
    """
    error = context.original_exception
    if not isinstance(error, Exception):
        return None
    why = _in_sqlite(error) if context.dialect.name == "sqlite" else _in_postgresql(error, context)
    if why is None:
        return None
    trouble = DatabaseTrouble(why, error, context.statement)
    trouble.connection_invalidated = context.is_disconnect  # what the pool goes by
    return trouble


def _in_sqlite(error: BaseException) -> Trouble | None:
    """Look also behind a savepoint that is gone: SQLite takes the whole transaction back when it is full."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code == sqlite3.SQLITE_ERROR and isinstance(error.__context__, DatabaseTrouble):
        return error.__context__.why
    return SQLITE_CODES.get(code) or SQLITE_CODES.get(code & 0xFF)  # the rest says more exactly what


def _in_postgresql(error: BaseException, context: ExceptionContext) -> Trouble | None:
    code = getattr(error, "sqlstate", None)
    if code is not None:
        return POSTGRESQL_CODES.get(code) or POSTGRESQL_CODES.get(code[:2])
    is_lost = context.is_disconnect or isinstance(context.sqlalchemy_exception, OperationalError)
    return Trouble.AWAY if is_lost else None
