"""Experiments with backups: taken while others write, restored elsewhere, and then nothing is said twice."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select

from substrack.bootstrap import Runtime, make_runtime, schema_transaction, upgrade_schema
from substrack.domain.actors import OPERATOR
from substrack.domain.delivery import MessageState
from substrack.services.installation import Waiting, release_hold
from substrack.services.receipts import record_receipt
from substrack.settings import Settings
from substrack.store import Event, Member, Message
from substrack.upkeep import backups
from substrack.upkeep.archive import reading
from substrack.upkeep.backups import Backup, BackupFailed, Stop, make_backup
from substrack.upkeep.loading import load_rows
from substrack.upkeep.restoring import restore
from substrack.upkeep.shapes import Shape
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick
from tests.fakes.smtp import FakeRelay
from tests.support.books import check_books
from tests.support.cast import Cast, at, money
from tests.support.databases import Databases, Kind
from tests.support.post import through

Copy = Callable[[Runtime, Path, str], None]
"""Copy everything a runtime's database holds into an empty one, by way of a directory."""

OPENED, ASKED = at("2026-02-01"), at("2026-02-04")
DAY = timedelta(days=1)
LOST = ASKED + DAY + timedelta(hours=6)


def by_backup(runtime: Runtime, directory: Path, url: str) -> None:
    """Copy by a backup, as the worker makes it, and load it as a restore does."""
    made = make_backup(runtime.read_engine, directory, reason="daily", now=runtime.now())
    with reading(made.path) as (archive, manifest), schema_transaction(url) as connection:
        upgrade_schema(connection, manifest.revision)
        load_rows(connection, archive, manifest)


def by_cp(runtime: Runtime, _directory: Path, url: str) -> None:
    """Copy the file of a SQLite database as somebody in a hurry would, while it is written."""
    shutil.copyfile(path_of(runtime.settings.database_url), path_of(url))


def path_of(url: str) -> Path:
    """Name the file of a SQLite database."""
    return Path(url.removeprefix("sqlite:///"))


@contextmanager
def table_by_table() -> Iterator[None]:
    """Plant a fault: each table is read at an instant of its own, as without a snapshot."""
    read_table = backups.read_table

    def read_and_let_go(
        connection: sa.Connection, shape: Shape, stop: Stop = lambda: False
    ) -> Generator[Any, None, None]:
        yield from read_table(connection, shape, stop)
        for statement in ("COMMIT", "BEGIN"):
            connection.exec_driver_sql(statement)
        time.sleep(0.02)

    backups.read_table = read_and_let_go
    try:
        yield
    finally:
        backups.read_table = read_table


def copies_while_written(
    cast: Cast,
    databases: Databases,
    kind: Kind,
    directory: Path,
    *,
    copy: Copy,
    copies: int,
    writers: int,
    until_wrong: bool = False,
) -> list[str]:
    """Copy again and again while writers book money; say what was wrong with the copies.

    `until_wrong` ends with the first that is: a planted fault need not show every time.
    """
    members = _choir(cast)
    wrong = []
    with _booking(cast, members, writers) as booked:
        for number in range(copies):
            acknowledged = sum(booked.values())
            with databases.lend(kind, migrated=False) as url:
                try:
                    copy(cast.runtime, directory / str(number), url)
                except BackupFailed as failure:
                    wrong.append(str(failure))
                else:
                    wrong += _faults_of(url, directory, acknowledged)
            if wrong and until_wrong:
                break
    assert sum(booked.values()), "nobody wrote meanwhile"
    return wrong


def _choir(cast: Cast) -> list[Member]:
    """Let four people owe so much that cents never pay it."""
    group = cast.group("Choir", "99999.00")
    members = [cast.join(group, name) for name in ("Ben", "Mia", "Tom", "Ida")]
    cast.tick(OPENED)
    return members


@contextmanager
def _booking(cast: Cast, members: list[Member], writers: int) -> Iterator[Counter[int]]:
    """Book cent after cent, each writer for everybody; count what was acknowledged."""
    booked: Counter[int] = Counter()
    stop = threading.Event()

    def book(number: int) -> None:
        while not stop.is_set():
            for member in members:
                cast.do(
                    record_receipt,
                    cast.workspace_id,
                    contact_id=member.contact_id,
                    payer_id=cast.olga_contact,
                    amount=money("0.01"),
                    by=cast.olga,
                    now=ASKED,
                )
                booked[number] += 1

    threads = [threading.Thread(target=book, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield booked
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=60)


def _faults_of(url: str, data_dir: Path, acknowledged: int) -> list[str]:
    """Say what is wrong with a copy: books that don't add up, or acknowledged money that is not there."""
    try:
        runtime = make_runtime(Settings(database_url=url, data_dir=data_dir))
    except Exception as error:
        return [f"it can't be opened: {error}"]
    try:
        with runtime.reading() as session:
            found = session.scalar(select(func.count()).where(Event.verb == "receive")) or 0
            missing = (
                [f"{acknowledged} receipts, and {found} of them are there"] if found < acknowledged else []
            )
            check_books(session)
    except (AssertionError, KeyError) as error:
        return [*missing, f"the books do not add up: {error!r}"]
    finally:
        runtime.close()
    return missing


@dataclass(frozen=True)
class Said:
    """What people's mailboxes hold after a move: how many letters, and what was said twice."""

    letters: int
    twice: list[str]
    on_hold: int


def move_house(cast: Cast, url: str, directory: Path, *, people: int) -> Said:
    """Ask many people, lose the machine a day after its backup, and go on elsewhere for another day.

    A third of the requests left before the backup, a third waited when it was made and left then, and a third
    was only made since.
    """
    for name, starts_on in (("Marathon", 1), ("Relay race", 2)):
        count = people * 2 // 3 if starts_on == 1 else people // 3
        group = cast.group(name, f"{(count + 1) * 5}.00", starts_on=date(2026, 2, starts_on))
        for number in range(count):
            cast.join(group, f"{name[:5]}{number}")
    for day in (OPENED, OPENED + DAY, ASKED):
        cast.tick(day)
    with FakeRelay() as relay:
        here = through(cast.runtime, relay.url, mail_from="post@example.com")
        _send_some(here, people // 3)
        made = make_backup(here.read_engine, directory, reason="daily", now=ASKED)
        deliver_due(here, now=ASKED)
        cast.tick(ASKED + DAY)
        deliver_due(here, now=ASKED + DAY)
        key = cast.runtime.settings.data_dir / "secret-key"
        on_hold = _go_on_elsewhere(url, directory / "new", made, key, relay)
        return Said(len(relay.received), _twice(relay), on_hold)


def _send_some(runtime: Runtime, count: int) -> None:
    """Send as many of the waiting requests as there is time for before the backup."""
    with runtime.transaction() as session:
        waiting = session.scalars(
            select(Message.id).where(Message.state == MessageState.QUEUED).order_by(Message.id).offset(count)
        ).all()
        put_off = sa.update(Message).where(Message.id.in_(waiting)).values(due_at=LOST + timedelta(days=99))
        session.execute(put_off)
    deliver_due(runtime, now=ASKED)
    with runtime.transaction() as session:
        session.execute(sa.update(Message).where(Message.id.in_(waiting)).values(due_at=ASKED))


def _go_on_elsewhere(url: str, data_dir: Path, made: Backup, key_file: Path, relay: FakeRelay) -> int:
    """Restore, work for a while on hold, release without what may have gone out, and work for a day."""
    settings = Settings(database_url=url, data_dir=data_dir, smtp_url=relay.url, mail_from="post@example.com")
    restore(settings, made.path, key_file=key_file, by=OPERATOR, now=LOST)
    runtime = make_runtime(settings)
    try:
        before = len(relay.received)
        _work(runtime, LOST, LOST + timedelta(hours=1))
        on_hold = len(relay.received) - before
        with runtime.transaction() as session:
            release_hold(session, waiting=Waiting.CANCEL)
        _work(runtime, *(LOST + timedelta(hours=hour) for hour in (2, 12, 18, 22, 26)))
        with runtime.reading() as session:
            check_books(session)
        return on_hold
    finally:
        runtime.close()


def _work(runtime: Runtime, *instants: datetime) -> None:
    for now in instants:
        tick(runtime, now=now)
        deliver_due(runtime, now=now)


def _twice(relay: FakeRelay) -> list[str]:
    """Name whom requests reached twice within three days: each of them was to get one."""
    letters = Counter(mail.to for mail in relay.received)
    return sorted(str(to) for to, count in letters.items() if count > 1)
