"""What is looked at: the settings, a database that may or may not be there, and the world outside."""

from __future__ import annotations

import ctypes
import os
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from substrack.bootstrap import find_revision, newest_revision, open_for_looking
from substrack.channels.dns import TextRecords
from substrack.settings import Settings, WrongSetting

QUERY_SECONDS: Final = 5.0
"""How long one statement on PostgreSQL, or one check of SQLite, may take."""

STEPS: Final = 10_000
"""Instructions of SQLite between two looks at the watch: some tenths of a millisecond."""

UNSYNCHRONISED: Final = 5
"""TIME_ERROR, what adjtimex(2) returns while the kernel knows of nobody who keeps the clock right."""


def clock_is_kept() -> bool | None:
    """Ask the kernel whether something (NTP) keeps its clock right; None where it can't be asked."""
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024))  # modes = 0: reads only
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else answer != UNSYNCHRONISED


def can_write(path: Path) -> bool:
    """Ask whether this user may write a file, or into a directory."""
    return os.access(path, os.W_OK | os.X_OK if path.is_dir() else os.W_OK)


@dataclass(frozen=True)
class Outside:
    """The world outside; tests put their own in its place.

    `seconds` is how long any other machine is waited for, and `lock_seconds` the database. `tls_context`
    replaces the system's authorities when the mail server is asked.
    """

    texts: TextRecords = field(default_factory=TextRecords)
    clock_is_kept: Callable[[], bool | None] = clock_is_kept
    can_write: Callable[[Path], bool] = can_write
    tls_context: ssl.SSLContext | None = None
    seconds: float = 5.0
    lock_seconds: float = 3.0


@dataclass(frozen=True)
class Patient:
    """One installation; `engine` only reads. `dkim_selector` is the name of a key in the DNS, if known."""

    settings: Settings
    engine: Engine
    now: datetime
    outside: Outside
    dkim_selector: str | None = None

    @property
    def database_file(self) -> Path | None:
        """Where SQLite's file is, or is to be; None on PostgreSQL."""
        return _file_of(self.settings.database_url)

    @property
    def is_missing(self) -> bool:
        """Tell whether SQLite's file is not there; connecting would make an empty one."""
        path = self.database_file
        return path is not None and not path.exists()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that only reads, and no longer than `QUERY_SECONDS` at a time."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def is_at_head(self) -> bool:
        """Tell whether the tables are those of this version."""
        with self.engine.connect() as connection:
            return find_revision(connection) == newest_revision()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def looking_engine(settings: Settings, lock_seconds: float) -> Engine:
    """Make an engine that reads, waits for little, and gives statements up that take too long.

    Raises:
        WrongSetting: the URL names no database that SubsTrack knows.
    """
    engine = open_for_looking(_impatient(settings.database_url, lock_seconds), lock_seconds)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _bound_postgresql)
    else:
        event.listen(engine, "begin", _bound_sqlite)
    return engine


def _bound_postgresql(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{QUERY_SECONDS:.0f}s'")


def _bound_sqlite(connection: Connection) -> None:
    """Interrupt what runs on for too long; the watch is wound up again with every transaction."""
    until = time.monotonic() + QUERY_SECONDS
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: int(time.monotonic() > until), STEPS)


def _impatient(url: str, seconds: float) -> str:
    """Let a PostgreSQL server be waited for no longer than the doctor has time, unless the URL says so."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return url
    if parsed.get_backend_name() != "postgresql" or "connect_timeout" in parsed.query:
        return url
    with_wait = parsed.update_query_dict({"connect_timeout": str(max(2, round(seconds)))})
    return with_wait.render_as_string(hide_password=False)


def _file_of(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise WrongSetting("SUBSTRACK_DATABASE_URL is no URL.") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)
