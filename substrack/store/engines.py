"""Engines: one that writes and one that only reads, on SQLite and on PostgreSQL.

SQLite: WAL, `synchronous=FULL` (NORMAL loses acknowledged commits in a power cut), foreign keys, and write
transactions that start with `BEGIN IMMEDIATE`, so that a writer waits for its turn instead of failing
half-way with "database is locked". Readers never block writers and cannot write.

Errors name statements, never their parameters: those are people's names, addresses and links.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

BUSY_TIMEOUT_SECONDS = 30


def write_engine(url: str) -> Engine:
    """Make the engine that all transactions of services run on."""
    return _engine(make_url(url), begin="BEGIN IMMEDIATE", read_only=False)


def read_engine(url: str) -> Engine:
    """Make the engine for pages and lists; the database itself refuses writes on it."""
    return _engine(make_url(url), begin="BEGIN", read_only=True)


def _engine(url: URL, *, begin: str, read_only: bool) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, begin=begin, read_only=read_only)
    return _postgresql_engine(url, read_only=read_only)


def _sqlite_engine(url: URL, *, begin: str, read_only: bool) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})

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
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: URL, *, read_only: bool) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.read_only = read_only

    return engine
