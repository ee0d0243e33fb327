"""The composition root: engines, transactions, the clock, keys and links of one process.

Edges get a `Runtime` and open transactions on it. Nothing below the edges knows that it exists, and the clock
is read here and nowhere else.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from shutil import disk_usage
from typing import Final, Self

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from substrack.files import make_private_dir, sync_directory
from substrack.services.links import LinkSigner
from substrack.services.sealing import Sealer
from substrack.services.second_factor import reseal_secrets
from substrack.services.suppression import SEALER
from substrack.settings import KEY_FILE, Settings, WrongSetting
from substrack.store import Base, Installation
from substrack.store.engines import LOCK_SECONDS, WITHOUT_WAITING, read_engine, write_engine
from substrack.store.schema import (
    MOVED_TABLE,
    ROOT,
    VERSION_TABLE,
    Gone,
    allow_rebuilding,
    check_references,
    find_move,
    find_revision,
    known_revisions,
    newest_revision,
    upgrade_schema,
)
from substrack.store.sessions import DirectSession, Reads
from substrack.store.trouble import DatabaseTrouble, Trouble

__all__ = [
    "DATABASE_URL",
    "LOW_ROOM_BYTES",
    "MOVED_TABLE",
    "ROOT",
    "VERSION_TABLE",
    "Base",
    "Clock",
    "DatabaseTrouble",
    "Gone",
    "MovedAway",
    "NotMigrated",
    "Reads",
    "Runtime",
    "Trouble",
    "check_references",
    "find_move",
    "find_revision",
    "known_revisions",
    "make_runtime",
    "migrate",
    "newest_revision",
    "upgrade_schema",
    "wall_clock",
]

Clock = Callable[[], datetime]
BeforeUpgrade = Callable[[str], None]

DATABASE_URL: Final = "SUBSTRACK_DATABASE_URL"

LOW_ROOM_BYTES: Final = 100_000_000
"""Below this people are warned: room for some ten proofs, or for months of everything else."""

PAGE_LOCK_SECONDS: Final = 10.0
"""How long a page waits for a lock: about as long as a person looks at one that does not come."""

MIGRATION_LOCK_SECONDS: Final = 600.0
"""How long a process that starts waits for another that brings the tables up to date."""


class NotMigrated(WrongSetting):
    """The database's tables are missing or not those of this version."""


class MovedAway(WrongSetting):
    """The books were moved to another database, and what is left here may not live on beside them."""

    def __init__(self, gone: Gone) -> None:
        super().__init__(
            f"These books were moved to {gone} by `move-database` and live on there: set "
            "SUBSTRACK_DATABASE_URL to it. To go on with what is here all the same, which does not know of "
            "anything since: `move-database --take-back`."
        )


@dataclass(frozen=True)
class Runtime:
    """What one process works with: settings, engines, clock, signer of links and sealer of secrets."""

    settings: Settings
    write_engine: Engine
    read_engine: Engine
    clock: Clock
    signer: LinkSigner
    sealer: Sealer

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

    def forget_what_was_written(self) -> None:
        """Empty SQLite's log, which holds what was changed or deleted until it is written over.

        Whoever reads just now keeps it for another time; PostgreSQL keeps its own log.
        """
        if self.write_engine.dialect.name == "sqlite":
            connection = self.write_engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
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
        _check_schema(reading)
        if as_it_is:
            _check_fingerprint(reading, keys)
        else:
            _use_newest_key(writing, keys)
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


def migrate(database_url: str, *, before: BeforeUpgrade | None = None) -> None:
    """Bring the tables to this version; idempotent, and safe when two processes start at once.

    All of it happens or nothing does. `before` is called once nobody else migrates and something is to be
    done, with the revision that was found; what it raises ends everything.

    Raises:
        WrongSetting: the database cannot be reached, or was made by a newer version.
        MovedAway: the books live in another database now.
    """
    with schema_transaction(database_url) as connection:
        check_still_here(connection)
        found = find_revision(connection)
        if found == newest_revision():
            return
        _check_known(found)
        if before is not None and found is not None:
            before(found)
        upgrade_schema(connection)


@contextmanager
def schema_transaction(database_url: str, *, named: str = DATABASE_URL) -> Iterator[Connection]:
    """Open the one transaction in which tables are made or changed; one process at a time.

    `named` is what people gave the URL by.

    Raises:
        WrongSetting: the database cannot be reached, or not be changed like that.
    """
    engine, _reading = open_engines(database_url, MIGRATION_LOCK_SECONDS, named=named)
    try:
        with engine.connect() as connection:
            allow_rebuilding(connection)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(7253001)"))
                    # A backup before the upgrade may take longer than a writer may else be idle.
                    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                yield connection
                check_references(connection)
    except DatabaseError as error:
        raise WrongSetting(_unreachable(error, named)) from None
    finally:
        engine.dispose()


def check_still_here(connection: Connection) -> None:
    """Refuse a database whose books were moved away.

    Raises:
        MovedAway.
    """
    gone = find_move(connection)
    if gone is not None:
        raise MovedAway(gone)


def _check_known(revision: str | None) -> None:
    """Refuse to go back: older code can neither read newer tables nor undo what made them."""
    if revision is not None and revision not in known_revisions():
        raise NotMigrated(
            f"The database was made by a newer SubsTrack (revision {revision}; this one knows "
            f"{newest_revision()}). Start the newer one, or restore the backup made before the upgrade."
        )


def prepare_data_dir(path: Path) -> None:
    """Make the data directory, private to its user.

    Raises:
        WrongSetting: it can't be made or written.
    """
    try:
        make_private_dir(path)
        probe = path / f".probe-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WrongSetting(
            f"SUBSTRACK_DATA_DIR: {path} can't be written ({error.strerror}). Name one this user owns."
        ) from None


def secret_keys(settings: Settings) -> list[str]:
    """Return the keys that sign links, newest first; without a setting, one is made (mode 0600)."""
    if settings.secret_keys:
        return [key.get_secret_value() for key in settings.secret_keys]
    path = settings.data_dir / KEY_FILE
    if not path.exists():
        _make_key(path)
    return [_stored_key(path)]


def _make_key(path: Path) -> None:
    """Write a key aside and link it into place whole: processes that start together share the first."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
        sync_directory(path.parent)


def _stored_key(path: Path) -> str:
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if len(key) < 32:
        raise WrongSetting(
            f"{path} holds no usable key. Restore it from a backup, or remove it to make a new one."
        )
    return key


def open_for_looking(url: str, wait_seconds: float) -> Engine:
    """Make an engine that only reads, for a database that may be of another version, away or broken.

    The caller sees to it that a SQLite file is there: connecting would make one.

    Raises:
        WrongSetting: the URL names no database that SubsTrack knows.
    """
    return _known_database(lambda: read_engine(url, lock_seconds=wait_seconds), DATABASE_URL)


def open_engines(
    url: str, lock_seconds: float = LOCK_SECONDS, *, named: str = DATABASE_URL
) -> tuple[Engine, Engine]:
    """Make the engine that writes and the one that reads; both are to be disposed of.

    `named` is what people gave the URL by.

    Raises:
        WrongSetting: the URL names no database that SubsTrack knows.
    """
    return (
        _known_database(lambda: write_engine(url, lock_seconds=lock_seconds), named),
        _known_database(lambda: read_engine(url, lock_seconds=lock_seconds), named),
    )


def _known_database(make: Callable[[], Engine], named: str) -> Engine:
    try:
        engine = make()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError):
        raise WrongSetting(
            f"{named} is not a database URL that SubsTrack knows. "
            "Use sqlite:////path/to/substrack.db or postgresql://user@host/name."
        ) from None
    if engine.dialect.name not in ("sqlite", "postgresql"):
        raise WrongSetting(f"{named}: only sqlite and postgresql are supported.")
    return engine


def _check_schema(engine: Engine) -> None:
    try:
        with engine.connect() as connection:
            found = find_revision(connection)
            check_still_here(connection)
    except DatabaseError as error:
        raise WrongSetting(_unreachable(error)) from None
    if found is None:
        raise NotMigrated("The database has no tables yet. Run `python -m substrack migrate` first.")
    _check_known(found)
    if found != newest_revision():
        raise NotMigrated("The tables are of another version. Run `python -m substrack migrate` first.")


def fingerprint_of(key: str) -> str:
    """Tell a key by a few characters that give nothing of it away."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


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


def _check_fingerprint(engine: Engine, keys: list[str]) -> None:
    """Refuse keys that did not sign the links already sent: cron and server must share them."""
    try:
        with Session(engine) as session:
            _check_signed(session.scalar(select(Installation.secret_fingerprint)), keys)
    except SQLAlchemyError as error:
        raise WrongSetting(_unreachable(error)) from None


def _use_newest_key(engine: Engine, keys: list[str]) -> None:
    """Note which key signs from now on; what an older one has sealed is sealed anew."""
    newest = fingerprint_of(keys[0])
    try:
        with Session(engine) as session, session.begin():
            row = _installation(session)
            _check_signed(row.secret_fingerprint, keys)
            if row.secret_fingerprint != newest:
                row.secret_fingerprint = newest
                reseal_secrets(session, Sealer(keys))
    except SQLAlchemyError as error:
        raise WrongSetting(_unreachable(error)) from None


def _check_signed(kept: str | None, keys: list[str]) -> None:
    if kept not in (None, *(fingerprint_of(key) for key in keys)):
        raise WrongSetting(
            "SUBSTRACK_SECRET_KEYS: these are not the keys that signed the links already sent. "
            "Put the old key behind the new one (new,old)."
        )


def _installation(session: Session) -> Installation:
    """Return the one row, written by whoever starts first."""
    found = session.scalar(select(Installation))
    if found is None:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(Installation.__table__).values(id=1).on_conflict_do_nothing())
        found = session.scalars(select(Installation)).one()
    return found


def _unreachable(error: SQLAlchemyError, named: str = DATABASE_URL) -> str:
    cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
    advice = error.advice if isinstance(error, DatabaseTrouble) else ""
    return f"The database can't be used: {cause}. {advice or f'Check {named}.'}"
