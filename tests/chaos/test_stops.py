"""Acknowledged means durable, on PostgreSQL: the server is stopped at once, again and again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from substrack.bootstrap import make_runtime
from substrack.settings import Settings
from tests.chaos.figures import record
from tests.chaos.household import Household, found
from tests.chaos.scale import scale, sized
from tests.chaos.stops import stop_often
from tests.support.databases import Databases, PostgresqlCluster, fastest_place

PROMISE = "acknowledged means durable"
STOPS = sized(short=1, full=25, long=100)

CAREFUL = """
fsync = on
synchronous_commit = off
wal_writer_delay = 10s
max_connections = 50
"""
"""A server that by itself would lose the last seconds; what waits for its commits has to ask for that."""


@pytest.fixture(scope="module")
def cluster(databases: Databases) -> Iterator[PostgresqlCluster]:
    """Give a server to stop; in short runs that of all tests, which has to be started for them anyway."""
    if scale() == "short":
        yield databases.postgresql
        return
    with tempfile.TemporaryDirectory(prefix="stops-", dir=fastest_place()) as place:
        cluster = PostgresqlCluster(Path(place) / "postgresql", CAREFUL)
        yield cluster
        cluster.stop()


@pytest.fixture
def household(cluster: PostgresqlCluster, tmp_path: Path) -> Iterator[Household]:
    url = cluster.create(migrated=True)
    runtime = make_runtime(Settings(database_url=url, data_dir=tmp_path, base_url="http://127.0.0.1:8000"))
    yield found(runtime, Random(1))
    runtime.close()
    cluster.drop(url)


def test_no_immediate_stop_loses_what_was_acknowledged(
    cluster: PostgresqlCluster, household: Household
) -> None:
    done = stop_often(cluster, household, STOPS, seed=5)
    record(PROMISE, f"PostgreSQL: {STOPS} immediate stops, nothing of ours started anew", str(done))
    assert done.acknowledged > STOPS
    assert done.lost == 0, str(done)


def test_immediate_stops_show_that_a_commit_does_not_wait_for_the_log(
    cluster: PostgresqlCluster, household: Household
) -> None:
    @event.listens_for(household.runtime.write_engine, "connect")
    def wait_for_nothing(connection: Any, _record: object) -> None:
        connection.execute("SET synchronous_commit TO off")
        connection.commit()

    household.runtime.close()
    done = stop_often(cluster, household, sized(short=1, full=5), seed=6)
    record(PROMISE, "planted: synchronous_commit=off", str(done))
    assert done.lost, str(done)
