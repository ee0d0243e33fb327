"""Move the books from one database to another that is empty: all of them or nothing, and then only there.

Nobody writes meanwhile: SQLite's one write lock, or a lock on every table of PostgreSQL, is held from before
the first read until the old database is marked as left (`leaving`). The mark is committed before the copy is:
if the power fails in between, both stand still and the move is made again, rather than both live on.
Nothing is put on hold and nobody signed out, for nothing can have happened since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import sqlalchemy as sa
from sqlalchemy.orm import Session

from substrack.bootstrap import (
    DATABASE_URL,
    DatabaseTrouble,
    Gone,
    MovedAway,
    NotMigrated,
    Rehearsed,
    Trouble,
    check_references,
    find_move,
    find_revision,
    newest_revision,
    open_engines,
    schema_transaction,
    upgrade_schema,
)
from substrack.queries.delivery import load_under_way
from substrack.settings import Settings, WrongSetting
from substrack.upkeep.backups import read_table, snapshot
from substrack.upkeep.comparing import Side, differences, look
from substrack.upkeep.emptiness import make_empty
from substrack.upkeep.leaving import come_back, leave
from substrack.upkeep.loading import load_table
from substrack.upkeep.places import is_same, new_file_removed, spoken
from substrack.upkeep.shapes import Shape, load_shapes, quoted
from substrack.upkeep.tally import Tally

TARGET = "The URL to move to"
BOTH = f"{DATABASE_URL} and the URL to move to"
LOCK_SECONDS = 1.0
TRIES = 20
BETWEEN_TRIES_SECONDS = 0.1
INSTEAD = "Name an empty one to move to."
BROKEN_OFF = (
    "It broke off at the very end, and neither database may be used now. Give the same command again, or go "
    "back to the old one by `move-database --take-back`."
)


class CannotMove(WrongSetting):
    """The books can't be moved there, or not now; the text says why. Nothing was changed."""


@dataclass(frozen=True)
class Move:
    """Where the books went, and what both databases say of themselves; when rehearsed, nothing stays."""

    went_to: str
    here: Side
    there: Side


def move(settings: Settings, url: str, *, dry_run: bool = False, now: datetime) -> Move:
    """Copy everything into an empty database, read it back, compare, and leave the old one for good.

    With `dry_run` all of it is done and taken back, from a snapshot, so that nobody has to wait.

    Raises:
        CannotMove: it is the same database, messages are under way, or the copy is not what is here.
        NotEmpty: there are books in the other database.
        NotMigrated: the tables here are not those of this version.
        WrongSetting: a database can't be used.
    """
    with new_file_removed(url) as keep_file:
        if is_same(settings.database_url, url, named=TARGET):
            raise CannotMove("That is the database the books are in already. Name another, empty one.")
        return _move(settings, url, dry_run=dry_run, now=now, keep_file=keep_file)


def _move(
    settings: Settings, url: str, *, dry_run: bool, now: datetime, keep_file: Callable[[], object]
) -> Move:
    place, done = spoken(url), list[Move]()
    try:
        with schema_transaction(url, named=BOTH) as there, _source(settings, locks=not dry_run) as here:
            gone = _check_source(here, place, now)
            make_empty(there, otherwise=_instead(gone, find_move(there)))
            upgrade_schema(there)
            done.append(Move(place, *_copy(here, there)))
            if dry_run:
                raise Rehearsed
            keep_file()
            if gone is None:
                leave(here, to=place, now=now)
    except Rehearsed:
        pass
    except WrongSetting as error:
        if done and not dry_run and _has_left(settings):
            raise CannotMove(f"{error} {BROKEN_OFF}") from error
        raise
    return done[0]


def take_back(settings: Settings) -> bool:
    """Let the books that were moved away live on in the database they left; False when they were not.

    Raises:
        WrongSetting: the database can't be used.
    """
    with schema_transaction(settings.database_url) as connection:
        if find_move(connection) is None:
            return False
        come_back(connection)
    return True


def find_gone(settings: Settings) -> Gone | None:
    """Say where to and when the books were moved away from here; None when they were not.

    Raises:
        WrongSetting: the database can't be used.
    """
    with _source(settings, locks=False) as here:
        return find_move(here)


@contextmanager
def _source(settings: Settings, *, locks: bool) -> Iterator[sa.Connection]:
    """Open the database the books are in: locked against writers, or one instant of it."""
    writing, reading = open_engines(settings.database_url, LOCK_SECONDS)
    try:
        with _locked(writing) if locks else snapshot(reading) as connection:
            yield connection
    finally:
        writing.dispose()
        reading.dispose()


@contextmanager
def _locked(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        for tries_left in reversed(range(TRIES)):
            try:
                _lock(connection)
                break
            except DatabaseTrouble as trouble:
                connection.rollback()
                if trouble.why is not Trouble.BUSY:
                    raise
                if not tries_left:
                    raise CannotMove("Somebody is writing to the database. Stop SubsTrack first.") from None
                time.sleep(BETWEEN_TRIES_SECONDS)
        yield connection
        connection.commit()


def _lock(connection: sa.Connection) -> None:
    """Begin a transaction in which others may read and nobody writes.

    On SQLite to begin is to lock (BEGIN IMMEDIATE). PostgreSQL locks table by table: who waited for one while
    holding others would be in a writer's way who does the same, so it is all at once or later (13.3.1).
    """
    connection.begin()
    if connection.dialect.name == "postgresql":
        names = ", ".join(quoted(name) for name in sorted(sa.inspect(connection).get_table_names()))
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        if names:
            connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE NOWAIT")


def _check_source(here: sa.Connection, place: str, now: datetime) -> Gone | None:
    """Refuse what can't be moved now; return the mark of a move to the same place that broke off."""
    if find_revision(here) != newest_revision():
        raise NotMigrated("The tables are of another version. Run `python -m substrack migrate` first.")
    gone = find_move(here)
    if gone is not None and gone.place != place:
        raise MovedAway(gone)
    with Session(here) as session:
        count, until = load_under_way(session, now=now)
    if until is not None:
        raise CannotMove(
            f"Messages are just being sent ({count}) and would be sent twice. Stop SubsTrack; if it was cut "
            f"off, try again in {_long(until - now)}."
        )
    return gone


def _long(wait: timedelta) -> str:
    """Say how long to wait: in seconds up to two minutes, then in minutes, rounded up."""
    seconds = ceil(wait.total_seconds())
    if seconds == 1:
        return "a second"
    return f"{seconds} seconds" if seconds < 120 else f"{ceil(seconds / 60)} minutes"


def _instead(gone: Gone | None, old: Gone | None) -> str:
    """Say what to do where there are books already: those of this very move, or old ones that were left."""
    if gone is not None:
        return f"The books were moved there on {gone.moved_at}."
    if old is not None:
        return (
            f"It is an old one, which its books left on {old.moved_at} for {old.place}: rename it (SQLite's "
            "file, with -wal and -shm), or name an empty one."
        )
    return INSTEAD


def _has_left(settings: Settings) -> bool:
    return find_gone(settings) is not None


def _copy(here: sa.Connection, there: sa.Connection) -> tuple[Side, Side]:
    """Copy all tables, read the copy back, and return what both databases say.

    Raises:
        CannotMove: that is not the same.
    """
    shapes = load_shapes(there)
    read = {shape.table: _copy_table(here, there, shape) for shape in shapes}
    back = {shape.table: _read_back(there, shape) for shape in shapes}
    sides = look(here, load_shapes(here), read), look(there, shapes, back)
    found = differences(*sides)
    if found:
        raise CannotMove(f"Nothing was moved, because the copy is not the same: {'; '.join(found)}.")
    check_references(there)
    return sides


def _copy_table(here: sa.Connection, there: sa.Connection, shape: Shape) -> Tally:
    tally = Tally()
    with closing(read_table(here, shape)) as batches:
        load_table(there, shape, tally.passing(batches))
    return tally


def _read_back(there: sa.Connection, shape: Shape) -> Tally:
    tally = Tally()
    with closing(read_table(there, shape)) as batches:
        for rows in batches:
            tally.count(rows)
    return tally
