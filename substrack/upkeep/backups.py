"""Make a backup: everything a database holds at one instant, in one file that is whole or absent.

Read in one snapshot while others write: a read transaction on SQLite (WAL), REPEATABLE READ on PostgreSQL.
The secret keys are not in it; whoever has both can act for everybody.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import sqlalchemy as sa
from sqlalchemy.orm import Session

from substrack import __version__
from substrack.bootstrap import VERSION_TABLE
from substrack.domain.key_history import KeyHistory
from substrack.files import sync_directory
from substrack.settings import WrongSetting
from substrack.upkeep.archive import file_sha256, verify, write_manifest, write_table
from substrack.upkeep.erasures import keep_erasures
from substrack.upkeep.manifest import Manifest, NotABackup, TableEntry
from substrack.upkeep.shapes import Shape, convert, load_shapes
from substrack.upkeep.sums import ledger_sums

Stop = Callable[[], bool]


class BackupFailed(WrongSetting):
    """A backup could not be made; nothing of it is left behind. The text says why."""


class BackupStopped(Exception):
    """The process is to end, so the backup was given up."""


@dataclass(frozen=True)
class Backup:
    """A backup that was made and read back: where it lies, its size and checksum, and its manifest."""

    path: Path
    size: int
    sha256: str
    manifest: Manifest


def make_backup(
    engine: sa.Engine, directory: Path, *, reason: str, now: datetime, stop: Stop = lambda: False
) -> Backup:
    """Write everything the database holds into a new file of a directory, and read it back.

    The file is readable by its owner only. `stop` is asked now and then.

    Raises:
        BackupFailed: the directory can't be written, or is full.
        BackupStopped: `stop()` said so.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _draft(directory) as draft:
            with snapshot(engine) as connection:
                _write(connection, draft, reason, now, stop)
            _note_erasures(engine, directory)
            manifest = verify(draft, check=lambda: _check(stop))
            size, digest = draft.stat().st_size, file_sha256(draft)
            return Backup(_put_into_place(draft, _name(now, reason)), size, digest, manifest)
    except NotABackup as error:
        raise BackupFailed(f"The backup could not be read back: {error}") from error
    except OSError as error:
        raise BackupFailed(f"The backup can't be written into {directory}: {error.strerror}.") from error


def _note_erasures(engine: sa.Engine, directory: Path) -> None:
    """Note beside the backups who is erased by now; a database of a former version does not know of any."""
    if sa.inspect(engine).has_table("erasures"):
        with Session(engine) as session:
            try:
                keep_erasures(session, directory)
            except WrongSetting as error:
                raise BackupFailed(str(error)) from None


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection of a read engine, which sees one instant of the database, whatever others write.

    SQLite: a read transaction in WAL mode keeps the snapshot of its first read ("Isolation In SQLite").
    PostgreSQL: read engines are REPEATABLE READ (manual, 13.2.2). Not by an execution option: with that,
    SQLAlchemy gives the connection back to the pool at the server's own level.
    """
    with engine.connect() as connection, connection.begin():
        yield connection


def read_table(
    connection: sa.Connection, shape: Shape, stop: Stop = lambda: False
) -> Generator[Sequence[list[Any]], None, None]:
    """Read the rows of one table in batches, spelt as a backup holds them; close it when you stop early."""
    ways = shape.writers(connection.dialect.name)
    with connection.exec_driver_sql(
        shape.query(connection.dialect.name),
        execution_options={"stream_results": True, "yield_per": shape.at_once},
    ) as result:
        for rows in result.partitions(shape.at_once):
            _check(stop)
            yield [convert(list(row), ways) for row in rows]


def _write(connection: sa.Connection, draft: Path, reason: str, now: datetime, stop: Stop) -> None:
    with ZipFile(draft, "w", ZIP_DEFLATED) as archive:
        shapes = load_shapes(connection)
        tables = [_write_one(archive, connection, shape, stop) for shape in shapes]
        manifest = Manifest(
            version=__version__,
            revision=connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar_one(),  # noqa: S608
            made_at=now.astimezone(UTC),
            reason=reason,
            database=connection.dialect.name,
            key_fingerprint=_fingerprint(connection),
            tables=tuple(tables),
            ledger=ledger_sums(connection, shapes),
        )
        write_manifest(archive, manifest)


def _write_one(archive: ZipFile, connection: sa.Connection, shape: Shape, stop: Stop) -> TableEntry:
    with closing(read_table(connection, shape, stop)) as rows:
        return write_table(archive, shape, rows)


def _fingerprint(connection: sa.Connection) -> str | None:
    kept = connection.exec_driver_sql("SELECT secret_fingerprint FROM installation").scalar()
    return KeyHistory.read(kept).newest if kept else None


@contextmanager
def _draft(directory: Path) -> Iterator[Path]:
    """Make an empty file beside, for its owner only; it is gone afterwards unless it was put into place."""
    path = directory / f".substrack-{secrets.token_hex(8)}.part"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _name(now: datetime, reason: str) -> str:
    return f"substrack-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{reason}"


def _put_into_place(draft: Path, name: str) -> Path:
    """Give a file that is safe on the disk its name, a number behind it when another has that name.

    Renamed and not linked: a USB stick (FAT) knows no links.
    """
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    paths = (draft.with_name(f"{name}{number}.zip") for number in numbers)
    path = draft.rename(next(path for path in paths if not path.exists()))
    with suppress(OSError):  # shares that can't sync a directory
        sync_directory(path.parent)
    return path


def _check(stop: Stop) -> None:
    if stop():
        raise BackupStopped
