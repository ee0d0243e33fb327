"""Engines: one that writes and one that only reads, on SQLite and on PostgreSQL.

SQLite: WAL, `synchronous=FULL` (NORMAL loses acknowledged commits in a power cut), foreign keys, and write
transactions that start with `BEGIN IMMEDIATE`, so that a writer waits for its turn (`store/turns`) instead of
failing half-way with "database is locked". Readers never block writers and cannot write.

PostgreSQL: readers see the books of one moment, as on SQLite; a commit waits until it is on the disk,
whatever the server's own settings say; nobody waits for a lock for ever, and a process that froze in the
middle of a transaction does not keep its locks.

Errors name statements, never their parameters: those are people's names, addresses and links.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url

from substrack.store.trouble import DatabaseTrouble, name_trouble
from substrack.store.turns import Line, line_before, writer_of

LOCK_SECONDS: Final = 30.0
"""How long a worker or a command waits for a lock."""

IDLE_SECONDS: Final = 60
"""How long PostgreSQL bears a writer that has begun and asks nothing more: no step of ours takes a second."""

PREPARE_POSTGRESQL: Final = """
SELECT set_config('lock_timeout', %(lock)s, false),
       set_config('idle_in_transaction_session_timeout', %(idle)s, false),
       set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false)
"""

ONE_MOMENT: Final = 3
"""REPEATABLE READ (psycopg's IsolationLevel): all statements of a page see the books as the first one did, as
on SQLite. What only reads is never refused for it (PostgreSQL, 13.2.2)."""

WITHOUT_WAITING: Final = {"waits_for_nobody": True}
"""Execution options of a transaction that is given up at once when another has what it needs."""

REACHING_POSTGRESQL: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""How soon a server that says nothing counts as gone, unless the URL says otherwise (libpq, 34.1.2)."""


def write_engine(url: str, *, lock_seconds: float = LOCK_SECONDS) -> Engine:
    """Make the engine that all transactions of services run on; they wait so long for each other."""
    return _engine(make_url(url), lock_seconds, read_only=False)


def read_engine(url: str, *, lock_seconds: float = LOCK_SECONDS) -> Engine:
    """Make the engine for pages and lists; the database itself refuses writes on it."""
    return _engine(make_url(url), lock_seconds, read_only=True)


def _engine(url: URL, lock_seconds: float, *, read_only: bool) -> Engine:
    make = _sqlite_engine if url.get_backend_name() == "sqlite" else _postgresql_engine
    engine = make(url, lock_seconds, read_only=read_only)

    @event.listens_for(engine, "handle_error")
    def tell(context: ExceptionContext) -> DatabaseTrouble | None:
        trouble = name_trouble(context)
        is_ours = read_only and trouble is not None and trouble.is_read_only  # a write where none may be
        return None if is_ours else trouble

    return engine


def _line_of(url: URL) -> Line:
    """Find the line before a database; one in memory is a connection's own."""
    path = url.database or ":memory:"
    if path == ":memory:":
        return Line()
    return line_before(path if path.startswith("file:") else os.path.realpath(path))


def _keep_private(path: str | None) -> None:
    """Make the file of a new database readable by its owner alone; SQLite gives its log the same mode."""
    if path and not path.startswith(("file:", ":")):
        with suppress(OSError):  # SQLite says it better
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _sqlite_engine(url: URL, lock_seconds: float, *, read_only: bool) -> Engine:
    if not read_only:
        _keep_private(url.database)
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": lock_seconds}
        | ({} if read_only else {"factory": writer_of(_line_of(url), lock_seconds)}),
        poolclass=QueuePool,
        pool_use_lifo=True,  # the connection that was used last knows most of the file
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        if read_only:
            connection.exec_driver_sql("BEGIN")
            return
        writer: Any = connection.connection.dbapi_connection
        with writer.beginning(waits=not _waits_for_nobody(connection)) as has_begun:
            if not has_begun:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # says what is the matter

    return engine


def _postgresql_engine(url: URL, lock_seconds: float, *, read_only: bool) -> Engine:
    reaching = {name: value for name, value in REACHING_POSTGRESQL.items() if name not in url.query}
    engine = create_engine(
        url, hide_parameters=True, pool_pre_ping=True, pool_timeout=lock_seconds, connect_args=reaching
    )
    wishes = {
        "lock": f"{lock_seconds * 1000:.0f}",
        "idle": "0" if read_only else f"{IDLE_SECONDS}s",
    }

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.autocommit = True
        connection.execute(PREPARE_POSTGRESQL, wishes)
        connection.autocommit = False
        connection.read_only = read_only
        if read_only:
            connection.isolation_level = ONE_MOMENT

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        if _waits_for_nobody(connection):
            connection.exec_driver_sql("SET LOCAL lock_timeout = '1ms'")  # 0 would be for ever

    return engine


def _waits_for_nobody(connection: Connection) -> bool:
    return WITHOUT_WAITING.items() <= connection.get_execution_options().items()
