"""A move takes everything to another database, or nothing, and only one of the two lives on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import HealthCheck, Phase
from hypothesis import settings as examples
from hypothesis.stateful import run_state_machine_as_test

from substrack.bootstrap import (
    DatabaseTrouble,
    MovedAway,
    NotMigrated,
    Runtime,
    make_runtime,
    migrate,
    schema_transaction,
)
from substrack.domain.delivery import MessageState
from substrack.queries.installation import load_installation
from substrack.services.receipts import record_receipt
from substrack.settings import Settings, WrongSetting
from substrack.store import Base, Event, Message
from substrack.upkeep import moving
from substrack.upkeep.backups import read_table
from substrack.upkeep.emptiness import NotEmpty
from substrack.upkeep.leaving import leave
from substrack.upkeep.loading import load_table
from substrack.upkeep.moving import CannotMove, move, take_back
from substrack.upkeep.places import spoken
from substrack.upkeep.shapes import Shape, load_shapes
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick
from tests.chaos.scale import mostly_on, sized
from tests.fakes.smtp import FakeRelay
from tests.services.test_ledger_machine import Ledger
from tests.support.cast import Cast, money
from tests.support.databases import Databases, Kind
from tests.support.post import through
from tests.upkeep.scenes import LATER, books_add_up, live_a_little, opened, rows_of

OTHER: dict[Kind, Kind] = {"sqlite": "postgresql", "postgresql": "sqlite"}
WRITES = (
    "INSERT INTO {0} SELECT * FROM {0}",
    "INSERT INTO {0} SELECT * FROM {0} WHERE true ON CONFLICT DO NOTHING",
    "UPDATE {0} SET {1} = {1}",
    "DELETE FROM {0}",
)
"""The ways the program writes."""

MOVED = LATER + timedelta(days=1)
LIVES = {"sqlite": sized(short=2, full=60), "postgresql": sized(short=1, full=30)}


@dataclass
class Removal:
    """Books, and an empty database of the other kind to move them to."""

    cast: Cast
    url: str
    data_dir: Path

    @property
    def settings(self) -> Settings:
        """Where the books are."""
        return self.cast.runtime.settings

    def move(self, **options: Any) -> moving.Move:
        """Move as the command does."""
        return move(self.settings, self.url, now=MOVED, **options)

    @contextmanager
    def there(self) -> Iterator[Runtime]:
        """Start a process on the new database, with the same key."""
        key = self.settings.data_dir / "secret-key"
        self.data_dir.mkdir(exist_ok=True)
        (self.data_dir / "secret-key").write_text(key.read_text())
        with opened(self.url, self.data_dir) as runtime:
            yield runtime


@pytest.fixture
def removal(cast: Cast, databases: Databases, database_kind: Kind, tmp_path: Path) -> Iterator[Removal]:
    with databases.lend(OTHER[database_kind], migrated=False) as url:
        yield Removal(cast, url, tmp_path / "new")


def everything(runtime: Runtime) -> dict[str, list[Any]]:
    """Read all rows as the program does, without the ways of a move."""
    with runtime.read_engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]
            for table in Base.metadata.sorted_tables
        }


def test_everything_is_there_to_the_letter_and_lives_on(removal: Removal) -> None:
    live_a_little(removal.cast)
    before = everything(removal.cast.runtime)

    removal.move()

    with removal.there() as runtime:
        assert everything(runtime) == before
        assert before["user_sessions"]
        assert before["attachments"]
        with runtime.reading() as session:
            assert load_installation(session).hold_reason is None
        assert tick(runtime, now=MOVED + timedelta(days=40)).periods_opened
        books_add_up(runtime)


@mostly_on("sqlite")
def test_the_database_of_a_first_start_is_empty_enough(removal: Removal) -> None:
    migrate(removal.url)
    with opened(removal.url, removal.data_dir):
        pass

    removal.move()

    with removal.there() as runtime:
        assert everything(runtime) == everything(removal.cast.runtime)


def test_random_books_go_there_and_back_whole(databases: Databases, database_kind: Kind) -> None:
    class Mover(Ledger):
        """Lives at random, and moves house twice at the end."""

        def teardown(self) -> None:
            with self.opened:
                there_and_back(databases, database_kind, self.runtime)

    run_state_machine_as_test(
        partial(Mover, databases, database_kind),  # type: ignore[arg-type]
        settings=examples(
            max_examples=LIVES[database_kind],
            stateful_step_count=12,
            phases=[Phase.explicit, Phase.generate],
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def there_and_back(databases: Databases, kind: Kind, runtime: Runtime) -> None:
    before, here = everything(runtime), runtime.settings
    with (
        databases.lend(OTHER[kind], migrated=False) as there,
        databases.lend(kind, migrated=False) as back,
    ):
        move(here, there, now=MOVED)
        move(evolve(here, database_url=there), back, now=MOVED)
        again = make_runtime(evolve(here, database_url=back))
        try:
            assert everything(again) == before
        finally:
            again.close()


@mostly_on("postgresql")
def test_each_message_goes_out_once_wherever_it_was_sent_from(removal: Removal) -> None:
    cast = removal.cast
    live_a_little(cast)
    cast.tick(MOVED)
    with FakeRelay() as relay:
        here = through(cast.runtime, relay.url, mail_from="post@example.com")
        deliver_due(here, now=MOVED)
        sent = len(relay.received)
        cast.tick(MOVED + timedelta(days=7))
        removal.move()
        with removal.there() as runtime:
            deliver_due(
                through(runtime, relay.url, mail_from="post@example.com"), now=MOVED + timedelta(days=7)
            )
            with runtime.reading() as session:
                waiting = session.scalars(
                    sa.select(Message).where(Message.state == MessageState.QUEUED)
                ).all()
        with pytest.raises(DatabaseTrouble):
            deliver_due(here, now=MOVED + timedelta(days=7))
    names = [mail.message["Message-ID"] for mail in relay.received]
    assert len(names) > sent
    assert len(set(names)) == len(names)
    assert [one for one in waiting if one.due_at <= MOVED] == []


class TestTheOldOne:
    """What was left can be read, and nothing else."""

    def test_nobody_writes_there_any_more_and_all_are_told_where_to_go(self, removal: Removal) -> None:
        live_a_little(removal.cast)
        filled = [name for name, rows in everything(removal.cast.runtime).items() if rows]
        removal.move()

        for name, column in [*((name, "id") for name in filled), ("alembic_version", "version_num")]:
            for write in WRITES:
                with told_where_to_go(), removal.cast.runtime.transaction() as session:
                    session.execute(sa.text(write.format(name, column)))
        assert removal.cast.payments()
        with pytest.raises(MovedAway, match="by `move-database` and live on there"):
            make_runtime(removal.settings)
        with pytest.raises(MovedAway):
            migrate(removal.settings.database_url)

    @pytest.mark.only_sqlite
    def test_it_does_not_move_on_to_a_third(self, removal: Removal, databases: Databases) -> None:
        removal.move()

        with databases.lend("sqlite", migrated=False) as third, pytest.raises(MovedAway):
            move(removal.settings, third, now=MOVED)

    def test_it_is_taken_back_as_it_was(self, removal: Removal) -> None:
        before, schema = everything(removal.cast.runtime), objects_of(removal.cast.runtime)
        removal.move()

        assert take_back(removal.settings)
        assert not take_back(removal.settings)
        assert everything(removal.cast.runtime) == before
        assert objects_of(removal.cast.runtime) == schema
        removal.cast.tick(MOVED)
        make_runtime(removal.settings).close()


def test_nothing_that_was_acknowledged_meanwhile_is_missing(removal: Removal) -> None:
    cast = removal.cast
    (member,) = (cast.join(cast.group("Choir", "99999.00"), name) for name in ["Ben"])
    acknowledged = 0
    began = threading.Event()

    def book() -> None:
        nonlocal acknowledged
        while True:
            try:
                pay(cast, member.contact_id)
            except DatabaseTrouble:
                return
            acknowledged += 1
            began.set()
            time.sleep(0.05)  # who moves the books has to find a moment in which nobody writes

    writer = threading.Thread(target=book)
    writer.start()
    began.wait(20)
    removal.move()
    writer.join(60)

    with removal.there() as runtime, runtime.reading() as session:
        booked = session.scalar(sa.select(sa.func.count()).where(Event.verb == "receive"))
        books_add_up(runtime)
    assert booked == acknowledged > 0


class TestRefusals:
    """A move that can't be made changes neither database."""

    @mostly_on("sqlite")
    def test_books_are_never_replaced(self, removal: Removal) -> None:
        removal.move()
        take_back(removal.settings)

        with pytest.raises(NotEmpty, match="Name an empty one"):
            removal.move()
        removal.cast.tick(MOVED)

    @pytest.mark.only_sqlite
    def test_nor_are_tables_of_another_program(self, removal: Removal) -> None:
        engine = sa.create_engine(removal.url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE recipes (id INTEGER)"))
        engine.dispose()

        with pytest.raises(NotEmpty):
            removal.move()

    def test_the_same_database_by_another_name(self, removal: Removal, tmp_path: Path) -> None:
        with pytest.raises(CannotMove, match="is the database the books are in"):
            move(removal.settings, by_another_name(removal.settings.database_url, tmp_path), now=MOVED)

    @mostly_on("sqlite")
    def test_tables_of_another_version(self, removal: Removal) -> None:
        with removal.cast.runtime.transaction() as session:
            session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))

        with pytest.raises(NotMigrated):
            removal.move()

    @mostly_on("sqlite")
    def test_messages_that_are_just_being_sent(self, removal: Removal) -> None:
        live_a_little(removal.cast)
        with removal.cast.runtime.transaction() as session:
            held = {"state": MessageState.SENDING, "lease_until": MOVED + timedelta(seconds=9)}
            session.execute(sa.update(Message).values(**held))

        with pytest.raises(CannotMove, match=r"just being sent.* try again in 9 seconds"):
            removal.move()
        with pytest.raises(CannotMove, match="try again in 61 minutes"):
            move(removal.settings, removal.url, now=MOVED - timedelta(hours=1))
        assert move(removal.settings, removal.url, now=MOVED + timedelta(seconds=10))

    @mostly_on("postgresql")
    def test_a_file_that_was_made_for_nothing(self, removal: Removal, tmp_path: Path) -> None:
        file, was_there = tmp_path / "new.db", tmp_path / "there.db"
        was_there.touch()
        with removal.cast.runtime.transaction() as session:
            session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))

        for each in (file, was_there):
            with pytest.raises(NotMigrated):
                move(removal.settings, f"sqlite:///{each}", now=MOVED)

        assert [path.name for path in tmp_path.glob("*.db*")] == [was_there.name]

    def test_somebody_who_keeps_writing(self, removal: Removal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(moving, "LOCK_SECONDS", 0.1)
        monkeypatch.setattr(moving, "TRIES", 2)
        with removal.cast.runtime.transaction() as session:
            session.execute(sa.text("UPDATE installation SET hold_reason = NULL"))
            with pytest.raises(CannotMove, match="Somebody is writing"):
                removal.move()

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("sqlite://", "names no file"),
            ("mysql://olga:hunter2@db/books", "is not a database URL|only sqlite and postgresql"),
            ("postgresql://olga:hunter2@127.0.0.1:notaport/books", "is not a database URL"),
            ("postgresql://olga:hunter2@127.0.0.1:1/books", "can't be used"),
            ("hunter2", "is not a database URL"),
        ],
    )
    def test_no_place_to_move_to_and_no_password_told(
        self, removal: Removal, url: str, sentence: str
    ) -> None:
        with pytest.raises(WrongSetting, match=sentence) as refused:
            move(removal.settings, url, now=MOVED)
        assert "hunter2" not in str(refused.value)

    @mostly_on("sqlite")
    def test_a_rehearsal_compares_everything_and_leaves_nothing(self, removal: Removal) -> None:
        live_a_little(removal.cast)
        before = rows_of(removal.cast.runtime)

        tried = removal.move(dry_run=True)

        assert tried.there == tried.here
        assert rows_of(removal.cast.runtime) == before
        assert tables_of(removal.url) == []
        removal.cast.tick(MOVED)

    @mostly_on("postgresql")
    def test_a_rehearsal_into_a_new_file_leaves_no_file(self, removal: Removal, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'new.db'}"

        move(removal.settings, url, dry_run=True, now=MOVED)
        assert list(tmp_path.glob("new.db*")) == []

        move(removal.settings, url, now=MOVED)
        assert tables_of(url)


def lose_a_row(rows: list[list[Any]], _shape: Shape) -> None:
    rows.pop()


def add_a_cent(rows: list[list[Any]], shape: Shape) -> None:
    rows[0][shape.place("amount_minor")] += 1


def change_a_letter(rows: list[list[Any]], shape: Shape) -> None:
    rows[0][shape.place("reference")] = "XXXXXX"


@mostly_on("sqlite")
@pytest.mark.parametrize(
    ("table", "fault", "sentence"),
    [
        ("events", lose_a_row, r"events has \d+ rows instead of \d+"),
        ("receipts", add_a_cent, r"receipts in EUR is [0-9.]+ instead of"),
        ("payments", change_a_letter, "payments reads otherwise"),
    ],
)
def test_a_copy_that_is_not_the_same_is_caught_and_nothing_moves(
    removal: Removal, monkeypatch: pytest.MonkeyPatch, table: str, fault: Callable[..., None], sentence: str
) -> None:
    live_a_little(removal.cast)

    def load_wrong(connection: sa.Connection, shape: Shape, rows: Iterator[list[Any]]) -> None:
        kept = list(rows)
        if shape.table == table:
            fault(kept, shape)
        load_table(connection, shape, kept)

    monkeypatch.setattr(moving, "load_table", load_wrong)
    with pytest.raises(WrongSetting, match=sentence):
        removal.move()

    assert tables_of(removal.url) == []
    removal.cast.tick(MOVED)


@mostly_on("postgresql")
def test_a_row_that_was_never_read_is_caught(removal: Removal, monkeypatch: pytest.MonkeyPatch) -> None:
    live_a_little(removal.cast)

    def read_too_little(connection: sa.Connection, shape: Shape) -> Iterator[Any]:
        for rows in read_table(connection, shape):
            yield rows[:-1] if shape.table == "events" else rows

    monkeypatch.setattr(moving, "read_table", read_too_little)
    with pytest.raises(CannotMove, match="events has"):
        removal.move()


class NoRoom(Exception):
    """Takes a transaction back in the moment of its commit."""


@mostly_on("postgresql")
def test_one_that_breaks_off_at_the_very_end_is_made_again(
    removal: Removal, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_a_little(removal.cast)
    before = everything(removal.cast.runtime)

    @contextmanager
    def full_at_the_end(url: str, **options: Any) -> Iterator[sa.Connection]:
        with suppress(NoRoom), schema_transaction(url, **options) as connection:
            yield connection
            raise NoRoom
        raise WrongSetting("The database can't be used: disk full.")

    monkeypatch.setattr(moving, "schema_transaction", full_at_the_end)
    with pytest.raises(CannotMove, match="Give the same command again"):
        removal.move()
    with pytest.raises(MovedAway):
        make_runtime(removal.settings)

    monkeypatch.setattr(moving, "schema_transaction", schema_transaction)
    removal.move()
    with removal.there() as runtime:
        assert everything(runtime) == before
    with pytest.raises(NotEmpty, match="were moved there on 2026-03-03"):
        removal.move()


@pytest.mark.only_sqlite
def test_places_are_named_without_secrets() -> None:
    assert spoken("postgresql://olga:hunter2@db:5433/books?sslpassword=x&host=/run/pg") == (
        "postgresql://db:5433/books?host=%2Frun%2Fpg"
    )


@pytest.mark.only_sqlite
def test_pictures_are_held_a_few_at_a_time(cast: Cast) -> None:
    with cast.runtime.read_engine.connect() as connection:
        at_once = {shape.table: shape.at_once for shape in load_shapes(connection)}
    assert (at_once["attachments"], at_once["payments"]) == (10, 1000)


@pytest.mark.only_postgresql
def test_odd_names_are_told_as_they_are(cast: Cast) -> None:
    with cast.runtime.write_engine.begin() as connection:
        leave(connection, to="postgresql://db/o'100%s", now=MOVED)
    with pytest.raises(DatabaseTrouble, match="o'100%s on 2026-03-03"):
        cast.do(record_receipt, cast.workspace_id, **paying(cast, cast.olga_contact))


def paying(cast: Cast, contact_id: int) -> dict[str, Any]:
    """What a receipt of a cent needs."""
    by = {"by": cast.olga, "now": LATER}
    return {"contact_id": contact_id, "payer_id": cast.olga_contact, "amount": money("0.01"), **by}


def pay(cast: Cast, contact_id: int) -> None:
    """Book a cent that somebody paid."""
    cast.do(record_receipt, cast.workspace_id, **paying(cast, contact_id))


def told_where_to_go() -> Any:
    """Expect what a process hears that goes on with books which were moved."""
    return pytest.raises(DatabaseTrouble, match="start SubsTrack again with SUBSTRACK_DATABASE_URL")


def objects_of(runtime: Runtime) -> list[Any]:
    """List tables, indexes and triggers of a database."""
    queries = {
        "sqlite": "SELECT type, name FROM sqlite_master ORDER BY name",
        "postgresql": "SELECT relkind, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "UNION ALL SELECT 't', tgname FROM pg_trigger WHERE NOT tgisinternal "
        "UNION ALL SELECT 'f', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 2",
    }
    with runtime.read_engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(queries[connection.dialect.name]))]


def by_another_name(url: str, directory: Path) -> str:
    """Name a database otherwise: by a symbolic link, or by another way of writing its URL."""
    if url.startswith("sqlite"):
        link = directory / "link.db"
        link.symlink_to(url.removeprefix("sqlite:///"))
        return f"sqlite:///{link}"
    return url.replace("postgresql://", "postgresql+psycopg://").replace("?", "?application_name=mover&")


def tables_of(url: str) -> list[str]:
    """List the tables of a database."""
    engine = sa.create_engine(url)
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    return names
