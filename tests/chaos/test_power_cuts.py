"""Acknowledged means durable, on SQLite: after a power cut, all that was acknowledged is there."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from substrack.bootstrap import make_runtime
from substrack.settings import Settings
from tests.chaos.figures import record
from tests.chaos.household import Household, found
from tests.chaos.power import cut_power
from tests.chaos.scale import sized
from tests.support.databases import Databases

PROMISE = "acknowledged means durable"
CUTS = sized(short=8, full=400, long=2000)
FEW = sized(short=6, full=40)


@pytest.fixture(scope="module")
def household(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    """Give the household that all lives begin with."""
    with databases.lend("sqlite") as url:
        data_dir = tmp_path_factory.mktemp("household")
        runtime = make_runtime(
            Settings(database_url=url, data_dir=data_dir, base_url="http://127.0.0.1:8000")
        )
        yield found(runtime, Random(1))
        runtime.close()


def test_no_power_cut_loses_what_was_acknowledged_or_keeps_half_of_anything(household: Household) -> None:
    losses = cut_power(household, CUTS, seed=20260301)
    record(PROMISE, f"SQLite: {CUTS:,} power cuts, unsynced sectors kept or lost at random", str(losses))
    assert losses.cuts == losses.right == CUTS, str(losses)


@pytest.mark.parametrize("level", sized(short=["NORMAL"], full=["NORMAL", "OFF"]))
def test_power_cuts_show_that_the_log_is_not_synced_at_each_commit(household: Household, level: str) -> None:
    def sync_less(engine: Engine) -> None:
        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: object) -> None:
            connection.execute(f"PRAGMA synchronous={level}")
            connection.execute("PRAGMA wal_autocheckpoint=1000")  # which would sync as well

    losses = cut_power(household, FEW, seed=2, prepare=sync_less)
    record(PROMISE, f"planted: synchronous={level}", str(losses))
    assert losses.after["without an acknowledged commit"], str(losses)


def test_power_cuts_show_that_statements_are_committed_one_by_one(household: Household) -> None:
    def never_begin(engine: Engine) -> None:
        @event.listens_for(engine, "begin")
        def end_at_once(connection: Connection) -> None:
            connection.exec_driver_sql("COMMIT")

    losses = cut_power(household, FEW, seed=3, prepare=never_begin)
    record(PROMISE, "planted: each statement is a transaction", str(losses))
    assert losses.after["with half a transaction"], str(losses)
