"""A backup restores: whole although others write, on either database, and nothing is said twice."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.actors import OPERATOR
from substrack.services import restoring as services_restoring
from substrack.services.restoring import Settled
from substrack.settings import Settings
from substrack.upkeep import restoring
from substrack.upkeep.backups import make_backup
from substrack.upkeep.manifest import Manifest
from substrack.upkeep.restoring import restore
from tests.chaos.backing_up import by_backup, by_cp, copies_while_written, move_house, table_by_table
from tests.chaos.figures import record
from tests.chaos.scale import mostly_on, sized
from tests.support.cast import Cast
from tests.support.databases import Databases, Kind
from tests.web.years import live_through

PROMISE = "a backup restores"
COPIES = sized(short=1, full=4, long=100)
PEOPLE = sized(short=6, full=90, long=1500)
GROUPS = sized(short=1, full=25, long=475)
PERIODS = sized(short=4, full=36)
MINUTES = 15
OTHER: dict[Kind, Kind] = {"sqlite": "postgresql", "postgresql": "sqlite"}


@mostly_on("sqlite")
def test_a_backup_is_whole_although_others_write(
    cast: Cast, databases: Databases, database_kind: Kind, tmp_path: Path
) -> None:
    wrong = copies_while_written(
        cast, databases, database_kind, tmp_path, copy=by_backup, copies=COPIES, writers=3
    )

    record(PROMISE, f"{COPIES} backups of {database_kind} while 3 write", f"{len(wrong)} do not add up")
    assert wrong == []


@mostly_on("postgresql")
def test_a_backup_without_a_snapshot_is_caught(
    cast: Cast, databases: Databases, database_kind: Kind, tmp_path: Path
) -> None:
    with table_by_table():
        wrong = copies_while_written(
            cast, databases, database_kind, tmp_path, copy=by_backup, copies=20, writers=2, until_wrong=True
        )

    assert wrong != []


@pytest.mark.only_sqlite
def test_a_copied_file_is_caught(
    cast: Cast, databases: Databases, database_kind: Kind, tmp_path: Path
) -> None:
    wrong = copies_while_written(
        cast, databases, database_kind, tmp_path, copy=by_cp, copies=200, writers=2, until_wrong=True
    )

    assert wrong != []


@mostly_on("sqlite")
def test_nothing_is_said_twice_after_a_restore(
    cast: Cast, databases: Databases, database_kind: Kind, tmp_path: Path
) -> None:
    with databases.lend(OTHER[database_kind], migrated=False) as url:
        said = move_house(cast, url, tmp_path, people=PEOPLE)

    record(
        PROMISE,
        f"{said.letters} requests, a third after the backup; {database_kind} lost, restored elsewhere",
        f"{len(said.twice)} sent again, {said.on_hold} sent on hold",
    )
    assert (said.letters, said.twice, said.on_hold) == (PEOPLE, [], 0)


@pytest.mark.parametrize("forgotten", sized(short=["the hold"], full=["the hold", "the rest"]))
@pytest.mark.only_sqlite
def test_a_restore_that_forgets_is_caught(
    cast: Cast, databases: Databases, tmp_path: Path, forgotten: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if forgotten == "the hold":
        monkeypatch.setattr(restoring, "settle_restored", lambda *_, **__: Settled("", 0, 0, 0, 0))
    else:
        monkeypatch.setattr(services_restoring, "_let_rest", lambda *_: 0)
    with databases.lend("sqlite", migrated=False) as url:
        said = move_house(cast, url, tmp_path, people=6)

    assert said.twice != []


@pytest.mark.only_sqlite
def test_years_of_books_move_in_minutes(cast: Cast, databases: Databases, tmp_path: Path) -> None:
    years = live_through(cast, groups=GROUPS, people=6, periods=PERIODS)
    with (
        databases.lend("postgresql", migrated=False) as there,
        databases.lend("sqlite", migrated=False) as back,
    ):
        first = moved(cast.runtime, there, tmp_path / "1", years.now)
        runtime = make_runtime(Settings(database_url=there, data_dir=tmp_path / "1"))
        again = moved(runtime, back, tmp_path / "2", years.now)
        runtime.close()

    for move, kinds in ((first, "SQLite to PostgreSQL"), (again, "PostgreSQL to SQLite")):
        record(
            PROMISE,
            f"{move.manifest.rows['payments']:,} payments from {kinds}",
            f"{move.backing_up:.0f} s to back up, {move.restoring:.0f} s to restore",
        )
        assert move.backing_up + move.restoring < MINUTES * 60
    assert again.manifest.ledger == first.manifest.ledger
    assert again.manifest.rows == first.manifest.rows | {"events": first.manifest.rows["events"] + 1}


@dataclass(frozen=True)
class Move:
    """A backup and its restore elsewhere, and how many seconds each took."""

    manifest: Manifest
    backing_up: float
    restoring: float


def moved(runtime: Runtime, url: str, data_dir: Path, now: datetime) -> Move:
    began = time.monotonic()
    made = make_backup(runtime.read_engine, data_dir, reason="daily", now=now)
    backed_up = time.monotonic()
    settings = Settings(database_url=url, data_dir=data_dir)
    key = runtime.settings.data_dir / "secret-key"
    restore(settings, made.path, key_file=key, by=OPERATOR, now=now)
    return Move(made.manifest, backed_up - began, time.monotonic() - backed_up)
