"""Immediate stops of PostgreSQL: a household, a worker and a page live on it, and the server is gone mid-way.

A transaction is acknowledged when `transaction()` has returned. Each leaves a mark of its own in a table
beside ours, and once the server has recovered, the marks say what it has kept (numbers of transactions would
not: those of lost ones are given out again). Nothing of ours is started anew in the meantime.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from random import Random
from secrets import token_hex
from typing import Any

from attrs import evolve
from sqlalchemy import text
from sqlalchemy.orm import Session

from substrack.bootstrap import DatabaseTrouble, Runtime
from substrack.web.app import create_app
from substrack.worker.running import Worker
from tests.chaos.household import Household
from tests.support.books import check_books
from tests.support.databases import PostgresqlCluster

LONGEST_WAIT_SECONDS = 60
MAKE_MARKS = text("CREATE TABLE IF NOT EXISTS marks (mark text PRIMARY KEY)")
MARK = text("INSERT INTO marks VALUES (:mark)")


@dataclass
class Stops:
    """What became of what was acknowledged, over all stops."""

    stops: int = 0
    acknowledged: int = 0
    lost: int = 0
    cut_off: int = 0
    slowest_return_seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.stops} stops: {self.lost} of {self.acknowledged} acknowledged commits lost, "
            f"{self.cut_off} acts cut off; at work again {self.slowest_return_seconds:.1f} s after the server"
        )


@dataclass(frozen=True)
class Marking(Runtime):
    """A runtime that marks each transaction, and notes the mark once it is acknowledged."""

    acknowledged: list[str] = field(default_factory=list)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        mark = token_hex(8)
        with super().transaction() as session:
            yield session
            session.execute(MARK, {"mark": mark})
        self.acknowledged.append(mark)


def stop_often(cluster: PostgresqlCluster, household: Household, stops: int, *, seed: int) -> Stops:
    """Stop the server so often while a household, a worker and a page are at it; then look through all."""
    done, random, runtime = Stops(), Random(seed), household.runtime
    given: dict[str, Any] = {one.name: getattr(runtime, one.name) for one in fields(runtime)}
    # The clock goes as the household says; what was sent is marked for no longer than a second.
    fixed = evolve(runtime.settings, now=household.now, lease_seconds=1)
    marking = Marking(**given | {"clock": lambda: household.now, "settings": fixed})
    household = household.moved_to(marking, random)
    with runtime.transaction() as session:
        session.execute(text("SET LOCAL synchronous_commit TO on"))
        session.execute(MAKE_MARKS)
    pages = create_app(marking).test_client()
    with _working(marking):
        for _ in range(stops):
            _stop_once(cluster, household, marking, random)
            done.cut_off += 1
            answer = pages.get("/sign-in")
            assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
            cluster.start_again()
            done.slowest_return_seconds = max(done.slowest_return_seconds, _return_to_work(household))
            assert pages.get("/sign-in").status_code == 200
            done.stops += 1
    _count(marking, done)
    return done


def _count(runtime: Marking, done: Stops) -> None:
    """Count which of the acknowledged transactions are there, and look through the books."""
    with runtime.reading() as session:
        kept = set(session.scalars(text("SELECT mark FROM marks")))
        check_books(session)
    done.acknowledged = len(runtime.acknowledged)
    done.lost = len(set(runtime.acknowledged) - kept)


def _stop_once(cluster: PostgresqlCluster, household: Household, runtime: Marking, random: Random) -> None:
    """Let acts happen, one after the other, until the server is gone under one of them."""
    commits = len(runtime.acknowledged) + random.randint(3, 12)
    moment = random.uniform(0, 0.05)

    def stop_when_it_is_time() -> None:
        while len(runtime.acknowledged) < commits:
            time.sleep(0.001)
        time.sleep(moment)
        cluster.stop_at_once()

    stopping = threading.Thread(target=stop_when_it_is_time)
    stopping.start()
    with suppress(DatabaseTrouble):
        while True:
            household.live()
    stopping.join()


def _return_to_work(household: Household) -> float:
    """Act again, without having started anything anew; return how long that took."""
    began = time.monotonic()
    while True:
        try:
            household.sign_in()
        except DatabaseTrouble:
            if time.monotonic() - began > LONGEST_WAIT_SECONDS:
                raise
            time.sleep(0.05)
        else:
            return time.monotonic() - began


@contextmanager
def _working(runtime: Runtime) -> Iterator[None]:
    worker = Worker(runtime)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
        assert thread.is_alive(), "the worker did not survive"
    finally:
        worker.stop()
        thread.join(LONGEST_WAIT_SECONDS)
