"""Writers of one process go in the order they came, hear in time if it takes too long, and leave the line."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from substrack.store.engines import WITHOUT_WAITING, write_engine
from substrack.store.trouble import DatabaseTrouble, Trouble
from substrack.store.turns import Line, line_before

pytestmark = pytest.mark.only_sqlite  # PostgreSQL has lines of its own

LONG, SHORT = 30.0, 0.3


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with one number."""
    path = tmp_path / "books.db"
    with engine(path).begin() as connection:
        connection.execute(text("CREATE TABLE numbers (n INTEGER)"))
        connection.execute(text("INSERT INTO numbers VALUES (0)"))
    return path


def engine(path: Path, *, lock_seconds: float = LONG) -> Engine:
    return write_engine(f"sqlite:///{path}", lock_seconds=lock_seconds)


def add_one(writers: Engine) -> None:
    with writers.begin() as connection:
        connection.execute(text("UPDATE numbers SET n = n + 1"))


def number(path: Path) -> int:
    with engine(path).connect() as connection:
        return int(connection.execute(text("SELECT n FROM numbers")).scalar_one())


@contextmanager
def stranger(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold the lock as another process does, which stands in no line of ours."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_who_came_first_goes_first() -> None:
    line, gone = Line(), list[int]()
    assert line.enter(0)

    def go(each: int) -> None:
        assert line.enter(LONG)
        gone.append(each)
        line.leave()

    entering = [threading.Thread(target=go, args=(each,)) for each in range(20)]
    for each, thread in enumerate(entering):
        thread.start()
        while len(line._waiting) <= each:
            time.sleep(0.001)
    line.leave()
    for thread in entering:
        thread.join()
    assert gone == list(range(20))
    assert line.enter(0)


def test_who_waits_in_vain_leaves_the_line_to_others() -> None:
    line = Line()
    assert line.enter(0)
    assert not line.enter(0.01)
    line.leave()
    assert line.enter(0)


def test_two_engines_of_a_process_stand_in_one_line_and_lose_nothing(file: Path) -> None:
    pages, worker = engine(file, lock_seconds=10), engine(file)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(add_one, (pages, worker)[each % 2]) for each in range(200)]:
            done.result()
    assert number(file) == 200


def test_a_writer_behind_another_of_its_process_hears_in_time_that_it_is_busy(file: Path) -> None:
    holding, waiting = engine(file), engine(file, lock_seconds=SHORT)
    with holding.begin():
        began = time.monotonic()
        with pytest.raises(DatabaseTrouble) as refused:
            add_one(waiting)
        assert refused.value.why is Trouble.BUSY
        assert SHORT <= time.monotonic() - began < LONG
    add_one(waiting)
    assert number(file) == 1


def test_a_writer_behind_a_stranger_hears_in_time_and_gives_its_turn_back(file: Path) -> None:
    writers = engine(file, lock_seconds=SHORT)
    with stranger(file):
        for _again in range(2):
            with pytest.raises(DatabaseTrouble) as refused:
                add_one(writers)
            assert refused.value.why is Trouble.BUSY
            assert not line_before(str(file))._is_taken
    add_one(writers)
    assert number(file) == 1


def test_a_writer_goes_on_soon_after_a_stranger_let_go(file: Path) -> None:
    with stranger(file) as other, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(add_one, engine(file)) for _each in range(4)]
        time.sleep(0.05)
        other.rollback()
        for one in waiting:
            one.result(timeout=LONG)
    assert number(file) == 4


def test_who_waits_for_nobody_neither_waits_nor_keeps_a_turn(file: Path) -> None:
    writers = engine(file)
    hasty = writers.execution_options(**WITHOUT_WAITING)
    with writers.begin():
        began = time.monotonic()
        with pytest.raises(DatabaseTrouble):
            add_one(hasty)
        assert time.monotonic() - began < LONG / 2
    assert not line_before(str(file))._is_taken
    add_one(hasty)
    add_one(writers)
    assert number(file) == 2


@pytest.mark.parametrize("ends", ["rollback", "close"])
def test_a_transaction_that_is_given_up_gives_its_turn_back(file: Path, ends: str) -> None:
    writers = engine(file, lock_seconds=SHORT)
    connection = writers.connect()
    connection.execute(text("UPDATE numbers SET n = 7"))
    getattr(connection, ends)()
    assert not line_before(str(file))._is_taken
    add_one(writers)
    connection.close()
    assert number(file) == 1


def test_a_database_that_can_not_be_written_says_so_at_once_and_blocks_nobody(file: Path) -> None:
    writers = write_engine(f"sqlite:///file:{file}?mode=ro&uri=true")
    for _again in range(2):
        began = time.monotonic()
        with pytest.raises(DatabaseTrouble) as refused:
            add_one(writers)
        assert refused.value.is_read_only
        assert not line_before(f"file:{file}")._is_taken
        assert time.monotonic() - began < LONG / 2
