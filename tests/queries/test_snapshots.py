"""Claims about the names of snapshots: never one name for two states, and one while nothing is committed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.queries.snapshots import Snapshot, snapshot_of

STEPS = 400


@pytest.fixture
def marked(runtime: Runtime) -> Runtime:
    """A database with one more table, of numbers."""
    with runtime.write_engine.begin() as connection:
        connection.execute(text("CREATE TABLE marks (number INTEGER)"))
    return runtime


def look(engine: Engine) -> tuple[Snapshot, int]:
    """Read in one transaction: the snapshot's name, and what is in the table."""
    with Session(engine) as session:
        name = snapshot_of(session)
        return name, session.execute(text("SELECT count(*) FROM marks")).scalar_one()


@dataclass
class Writers:
    """Transactions under way: on SQLite one at a time, on PostgreSQL several."""

    engine: Engine
    stack: ExitStack
    most: int
    open: list[Connection] = field(default_factory=list)

    def write(self, chance: Random) -> None:
        if len(self.open) < self.most:
            connection = self.stack.enter_context(self.engine.connect())
            self.open.append(connection)
        chance.choice(self.open).execute(text("INSERT INTO marks VALUES (1)"))

    def end(self, chance: Random) -> None:
        if self.open:
            connection = self.open.pop(chance.randrange(len(self.open)))
            (connection.commit if chance.random() < 0.7 else connection.rollback)()
            connection.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_name_never_stands_for_two_states(marked: Runtime, seed: int) -> None:
    chance, states = Random(seed), dict[Snapshot, set[int]]()
    most = 1 if marked.write_engine.dialect.name == "sqlite" else 3
    with ExitStack() as stack:
        writers = Writers(marked.write_engine, stack, most)
        readers = [stack.enter_context(Session(marked.read_engine)) for _ in range(3)]
        for _ in range(STEPS):
            match chance.choice(("write", "end", "look", "look", "begin anew")):
                case "write":
                    writers.write(chance)
                case "end":
                    writers.end(chance)
                case "look":
                    reader = chance.choice(readers)
                    count = text("SELECT count(*) FROM marks")
                    states.setdefault(snapshot_of(reader), set()).add(reader.scalar(count) or 0)
                case _:
                    chance.choice(readers).rollback()

    assert len(states) > STEPS / 20
    assert {name: seen for name, seen in states.items() if len(seen) > 1} == {}


def test_nothing_committed_leaves_the_name(marked: Runtime) -> None:
    assert len({look(marked.read_engine) for _ in range(3)}) == 1


def test_each_commit_gives_another_name(marked: Runtime) -> None:
    names = set[Snapshot]()
    for number in range(1, 6):
        with marked.write_engine.begin() as connection:
            connection.execute(text("INSERT INTO marks VALUES (1)"))
        name, seen = look(marked.read_engine)
        names.add(name)
        assert seen == number

    assert len(names) == 5


def test_somebody_who_reads_beside_leaves_the_name(marked: Runtime) -> None:
    with Session(marked.read_engine) as one, Session(marked.read_engine) as other:
        snapshot_of(one)
        snapshot_of(other)

    assert len({look(marked.read_engine)[0] for _ in range(3)}) == 1


@pytest.mark.only_sqlite
def test_another_connection_to_sqlite_has_names_of_its_own(marked: Runtime) -> None:
    first = look(marked.read_engine)
    marked.read_engine.dispose()

    assert look(marked.read_engine)[0] != first[0]
