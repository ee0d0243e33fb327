"""The `Runtime` of one process, and putting it together; the clock is read here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from shutil import disk_usage
from typing import Final, Self

from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from substrack.bootstrap.databases import DATABASE_URL, open_engines, open_for_looking
from substrack.bootstrap.keys import check_fingerprint, prepare_data_dir, secret_keys, use_newest_key
from substrack.bootstrap.tables import check_schema
from substrack.services.links import LinkSigner
from substrack.services.sealing import Sealer
from substrack.services.suppression import SEALER
from substrack.settings import KEY_FILE, Settings, WrongSetting
from substrack.store.engines import LOCK_SECONDS, WITHOUT_WAITING
from substrack.store.sessions import DirectSession
from substrack.store.trouble import DatabaseTrouble, Trouble

Clock = Callable[[], datetime]

LOW_ROOM_BYTES: Final = 100_000_000
"""Below this people are warned: room for some ten proofs, or for months of everything else."""

PAGE_LOCK_SECONDS: Final = 10.0
"""How long a page waits for a lock: about as long as a person looks at one that does not come."""

EMPTYING_LOG_SECONDS: Final = 0.2
"""How long emptying SQLite's log waits for those who read; nobody can write meanwhile."""


@dataclass(frozen=True)
class Runtime:
    """What one process works with: settings, engines, clock, signer of links and sealer of secrets.

    With `is_rehearsal` nothing in the database stays, so that nothing may be done beside it either.
    """

    settings: Settings
    write_engine: Engine
    read_engine: Engine
    clock: Clock
    signer: LinkSigner
    sealer: Sealer
    is_rehearsal: bool = False

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open the one transaction of a use case: commits at the end, rolls back on any error.

        Raises:
            DatabaseTrouble: the database can't be used now.
        """
        is_done = False
        try:
            with self._writing() as session, session.begin():
                yield session
                session.flush()
                is_done = True
        except DatabaseTrouble as trouble:
            trouble.at_commit = is_done
            raise
        except PoolTimeout as error:
            raise DatabaseTrouble(Trouble.BUSY, error) from error

    def _writing(self) -> Session:
        return DirectSession(self.write_engine, expire_on_commit=False, info={SEALER: self.sealer})

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that can only read.

        Raises:
            DatabaseTrouble: the database can't be used now.
        """
        try:
            with DirectSession(self.read_engine, expire_on_commit=False) as session:
                yield session
        except PoolTimeout as error:
            raise DatabaseTrouble(Trouble.BUSY, error) from error

    def now(self) -> datetime:
        """Read the clock: an aware UTC instant."""
        return self.clock()

    @cached_property
    def mail_dir(self) -> Path:
        """Where mail is kept while no relay is set."""
        return self.settings.data_dir / "mail"

    @property
    def room_bytes(self) -> int:
        """Measure the room that is left on the disk where our files are."""
        return disk_usage(self.settings.data_dir).free

    def for_pages(self) -> Runtime:
        """Give the same with engines of its own, which wait less: somebody looks at the page."""
        writing, reading = open_engines(self.settings.database_url, PAGE_LOCK_SECONDS)
        return replace(self, write_engine=writing, read_engine=reading)

    def without_waiting(self) -> Self:
        """Give the same, whose transactions are given up at once where another is in their way."""
        return replace(self, write_engine=self.write_engine.execution_options(**WITHOUT_WAITING))

    def empty_log(self) -> None:
        """Empty SQLite's log, which holds what was changed or deleted until it is written over.

        Left for another time while somebody reads or writes: nobody can write while this waits (SQLite,
        "PRAGMA wal_checkpoint", TRUNCATE), so it waits but a moment. PostgreSQL keeps its own log.
        """
        if self.write_engine.dialect.name != "sqlite":
            return
        connection = self.write_engine.raw_connection()
        cursor = connection.cursor()
        try:
            patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout={EMPTYING_LOG_SECONDS * 1000:.0f}")
            try:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                cursor.execute(f"PRAGMA busy_timeout={patience}")
        finally:
            connection.close()

    def close(self) -> None:
        """Give all connections back."""
        self.write_engine.dispose()
        self.read_engine.dispose()


def make_runtime(settings: Settings, *, now: datetime | None = None, as_it_is: bool = False) -> Runtime:
    """Put a process together; `now` (or SUBSTRACK_NOW) stops its clock at an instant.

    With `as_it_is` nothing is made or sealed anew for it: a key or database that is missing is refused.

    Raises:
        WrongSetting: the data directory, the database or the keys cannot be used; the text says why.
        NotMigrated: the tables are not those of this version.
        MovedAway: the books live in another database now.
    """
    if as_it_is:
        _check_all_is_there(settings)
    else:
        prepare_data_dir(settings.data_dir)
    keys = secret_keys(settings)
    writing, reading = open_engines(settings.database_url)
    try:
        check_schema(reading)
        if as_it_is:
            check_fingerprint(reading, keys)
        else:
            use_newest_key(writing, keys, today=wall_clock().date())
    except WrongSetting:
        writing.dispose()
        reading.dispose()
        raise
    fixed = now or settings.now
    return Runtime(
        settings=settings,
        write_engine=writing,
        read_engine=reading,
        clock=(lambda: fixed.astimezone(UTC)) if fixed else wall_clock,
        signer=LinkSigner(keys, settings.base_url),
        sealer=Sealer(keys),
    )


def wall_clock() -> datetime:
    """Read the real clock, also in a process whose own clock is stopped: for pacing what leaves the house."""
    return datetime.now(UTC)


def _check_all_is_there(settings: Settings) -> None:
    """Refuse what a start would make: a key, and by connecting an empty SQLite file."""
    key = settings.data_dir / KEY_FILE
    if not settings.secret_keys and not key.exists():
        raise WrongSetting(f"{key} is missing, and none is made for a look: put your copy of it back.")
    engine = open_for_looking(settings.database_url, LOCK_SECONDS)
    path = engine.url.database if engine.dialect.name == "sqlite" else None
    engine.dispose()
    if path and not Path(path).exists():
        raise WrongSetting(
            f"{path} is not there. Run `python -m substrack migrate`, or check {DATABASE_URL}."
        )
