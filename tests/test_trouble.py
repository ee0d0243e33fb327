"""Claims about errors of the database: its own troubles are told apart from what we asked wrongly."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from substrack.bootstrap import DatabaseTrouble, Runtime, Trouble
from substrack.queries.installation import settings_that_lose
from substrack.store.engines import read_engine, write_engine

SHORT = 0.2
TOUCH = text("UPDATE installation SET hold_reason = hold_reason")


@pytest.fixture
def hasty(runtime: Runtime, database_url: str) -> Iterator[Runtime]:
    """The runtime with engines that wait for nobody."""
    writing = write_engine(database_url, lock_seconds=SHORT)
    reading = read_engine(database_url, lock_seconds=SHORT)
    hasty = replace(runtime, write_engine=writing, read_engine=reading)
    yield hasty
    hasty.close()


def pid_of(session: Session) -> int:
    """Name the process of the server that serves a session."""
    return int(session.scalar(text("SELECT pg_backend_pid()")) or 0)


def end_connection(database_url: str, pid: int) -> None:
    """Have the server end a connection, and wait until it has."""
    other = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()


@contextmanager
def lost(runtime: Runtime, database_url: str) -> Iterator[Session]:
    """Open a transaction that has written, and whose connection the server has ended since."""
    with runtime.transaction() as session:
        session.execute(TOUCH)
        end_connection(database_url, pid_of(session))
        yield session


def test_a_lock_that_another_holds_is_trouble_of_a_busy_database(runtime: Runtime, hasty: Runtime) -> None:
    with runtime.transaction() as first:
        first.execute(TOUCH)
        with pytest.raises(DatabaseTrouble) as caught, hasty.transaction() as second:
            second.execute(TOUCH)
    assert caught.value.why is Trouble.BUSY
    assert not caught.value.is_uncertain
    with hasty.transaction() as later:
        later.execute(TOUCH)


@pytest.mark.only_sqlite
@pytest.mark.parametrize("in_savepoint", [False, True])
def test_a_full_database_is_trouble_wherever_it_shows(runtime: Runtime, in_savepoint: bool) -> None:
    with runtime.transaction() as session:
        session.execute(text(f"PRAGMA max_page_count = {session.scalar(text('PRAGMA page_count'))}"))
    with pytest.raises(DatabaseTrouble) as caught, runtime.transaction() as session:
        fill(session, in_savepoint=in_savepoint)
    assert caught.value.why is Trouble.FULL
    with runtime.transaction() as session:
        session.execute(TOUCH)


def fill(session: Session, *, in_savepoint: bool) -> None:
    """Ask for more room than there is."""
    with session.begin_nested() if in_savepoint else session.no_autoflush:
        session.execute(text("CREATE TABLE large AS SELECT zeroblob(1000000) AS content"))


def test_a_statement_that_is_wrong_is_no_trouble(runtime: Runtime) -> None:
    with pytest.raises(DBAPIError) as caught, runtime.transaction() as session:
        session.execute(text("UPDATE installation SET nothing = 1"))
    assert not isinstance(caught.value, DatabaseTrouble)


def test_a_write_where_none_may_be_is_no_trouble(runtime: Runtime) -> None:
    with pytest.raises(DBAPIError) as caught, runtime.reading() as session:
        session.execute(TOUCH)
    assert not isinstance(caught.value, DatabaseTrouble)


@pytest.mark.only_postgresql
@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit])
def test_who_is_told_to_end_within_a_statement_ends(runtime: Runtime, ends: type[BaseException]) -> None:
    def leave(_number: int, _frame: object) -> None:
        raise ends

    former = signal.signal(signal.SIGALRM, leave)
    signal.setitimer(signal.ITIMER_REAL, SHORT)
    try:
        with pytest.raises(ends), runtime.transaction() as session:
            session.execute(text("SELECT pg_sleep(10)"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_trouble_crosses_processes_and_names_no_parameters(runtime: Runtime, hasty: Runtime) -> None:
    said = text("UPDATE installation SET hold_reason = :why")
    with runtime.transaction() as first:
        first.execute(TOUCH)
        with pytest.raises(DatabaseTrouble) as caught, hasty.transaction() as second:
            second.execute(said, {"why": "Ben owes"})
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.why is Trouble.BUSY
    assert "Ben" not in f"{caught.value}{again}"


@pytest.mark.only_postgresql
class TestPostgresql:
    def test_a_lost_connection_is_trouble_and_the_next_one_works(
        self, runtime: Runtime, database_url: str
    ) -> None:
        with pytest.raises(DatabaseTrouble) as caught, lost(runtime, database_url) as session:
            session.execute(TOUCH)
        assert caught.value.why is Trouble.AWAY
        assert not caught.value.is_uncertain
        with runtime.transaction() as session:
            session.execute(TOUCH)

    def test_a_connection_lost_at_the_commit_leaves_it_uncertain(
        self, runtime: Runtime, database_url: str
    ) -> None:
        with pytest.raises(DatabaseTrouble) as caught, lost(runtime, database_url) as session:
            session.expire_all()  # asks nothing
        assert caught.value.is_uncertain

    def test_connections_that_the_server_ended_in_the_pool_are_replaced(
        self, runtime: Runtime, database_url: str
    ) -> None:
        for begin in (runtime.transaction, runtime.reading):
            with begin() as session:
                pid = pid_of(session)
            end_connection(database_url, pid)
            with begin() as session:
                assert pid_of(session) != pid

    def test_a_crowd_that_takes_all_connections_is_trouble_of_a_busy_database(
        self, runtime: Runtime, hasty: Runtime
    ) -> None:
        with pytest.raises(DatabaseTrouble) as caught:
            _crowd(hasty, 20)
        assert caught.value.why is Trouble.BUSY

    def test_a_commit_waits_for_the_disk_although_the_server_would_not(self, runtime: Runtime) -> None:
        with runtime.reading() as session:
            default = session.scalar(
                text("SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'")
            )
            assert default == "off"
        with runtime.transaction() as session:
            assert session.scalar(text("SHOW synchronous_commit")) == "on"

    def test_a_server_that_forgets_in_a_power_cut_is_named(self, runtime: Runtime) -> None:
        with runtime.reading() as session:
            assert settings_that_lose(session) == ["fsync", "full_page_writes"]

    def test_a_writer_that_froze_does_not_keep_its_locks_for_ever(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"


def _crowd(runtime: Runtime, left: int) -> None:
    with runtime.reading() as session:
        session.scalar(text("SELECT 1"))
        if left:
            _crowd(runtime, left - 1)


def test_a_page_sees_one_moment_however_many_statements_it_takes(runtime: Runtime) -> None:
    look = text("SELECT hold_reason FROM installation")
    with runtime.reading() as page:
        before = page.scalar(look)
        with runtime.transaction() as session:
            session.execute(text("UPDATE installation SET hold_reason = 'restored'"))
        assert page.scalar(look) == before
    with runtime.reading() as next_page:
        assert next_page.scalar(look) == "restored"
