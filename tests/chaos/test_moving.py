"""Books move to another database whole, in minutes and little memory, also when the move is killed.

What is claimed of every move is in `tests/upkeep/test_moving.py`; here it is done at its real size and with
the real command, so short runs leave it out.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from attrs import evolve

from substrack.bootstrap import ROOT, MovedAway, NotMigrated, make_runtime
from substrack.settings import Settings
from substrack.upkeep.moving import take_back
from tests.chaos.figures import record
from tests.chaos.scale import scale, sized
from tests.support.cast import Cast
from tests.support.databases import Databases, Kind
from tests.upkeep.scenes import live_a_little
from tests.upkeep.test_moving import everything, tables_of
from tests.web.years import live_through

pytestmark = pytest.mark.skipif(scale() == "short", reason="moves at their real size; make chaos")

PROMISE = "books move whole"
GROUPS = sized(short=1, full=12, long=475)
KILLS = sized(short=1, full=12, long=200)
MINUTES = 10
MEGABYTES = 250
OTHER: dict[Kind, Kind] = {"sqlite": "postgresql", "postgresql": "sqlite"}


@pytest.mark.only_sqlite
def test_years_of_books_move_in_minutes_and_little_memory(
    cast: Cast, databases: Databases, tmp_path: Path
) -> None:
    live_through(cast, groups=GROUPS, people=6, periods=36)
    payments, before = len(cast.payments()), everything(cast.runtime)
    rows = sum(map(len, before.values()))
    here, data_dir = cast.runtime.settings.database_url, cast.runtime.settings.data_dir
    with (
        databases.lend("postgresql", migrated=False) as there,
        databases.lend("sqlite", migrated=False) as back,
    ):
        for way, source, target in (
            ("SQLite to PostgreSQL", here, there),
            ("PostgreSQL to SQLite", there, back),
        ):
            began = time.monotonic()
            moves = moving(source, target, data_dir)
            peak = peak_megabytes(moves)
            seconds = time.monotonic() - began
            record(
                PROMISE,
                f"{payments:,} payments ({rows:,} rows) from {way}, compared",
                f"{seconds:.0f} s, at most {peak} MB",
            )
            assert moves.returncode == 0
            assert seconds < MINUTES * 60
            assert peak < MEGABYTES
        runtime = make_runtime(Settings(database_url=back, data_dir=data_dir))
        assert everything(runtime) == before
        runtime.close()


def test_a_move_that_is_killed_leaves_one_place_to_go_on(
    cast: Cast, databases: Databases, database_kind: Kind
) -> None:
    live_a_little(cast)
    before, settings = everything(cast.runtime), cast.runtime.settings
    here, dice, ends = settings.database_url, random.Random(7), Counter[str]()
    whole = seconds_of_a_whole_one(databases, database_kind, settings)
    for _ in range(KILLS):
        with databases.lend(OTHER[database_kind], migrated=False) as there:
            killed = moving(here, there, settings.data_dir)
            time.sleep(whole * dice.uniform(0.3, 1.1))
            killed.kill()
            killed.wait()
            ends[what_lives(settings, there)] += 1
            if not tables_of(there):
                assert moving(here, there, settings.data_dir).wait() == 0
            runtime = make_runtime(evolve(settings, database_url=there))
            assert everything(runtime) == before
            runtime.close()
            take_back(settings)
    record(
        PROMISE,
        f"{KILLS} moves killed (kill -9) on their way from {database_kind} to {OTHER[database_kind]}",
        ", ".join(f"{end} lived on {count} times" for end, count in sorted(ends.items())),
    )
    assert "both" not in ends


def moving(source: str, target: str, data_dir: Path) -> subprocess.Popen[bytes]:
    """Begin a move by the command, as a process of its own."""
    env = os.environ | {"SUBSTRACK_DATABASE_URL": source, "SUBSTRACK_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "substrack", "move-database", target]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)


def peak_megabytes(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, and return the most memory it was seen to have held (proc(5), VmHWM)."""
    peak = 0
    while process.poll() is None:
        with suppress(FileNotFoundError, ProcessLookupError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            peak = max(peak, int(found[1]) // 1024 if found else 0)
        time.sleep(0.05)
    return peak


def seconds_of_a_whole_one(databases: Databases, kind: Kind, settings: Settings) -> float:
    """Measure how long a move takes that nobody kills, and take it back."""
    with databases.lend(OTHER[kind], migrated=False) as there:
        began = time.monotonic()
        assert moving(settings.database_url, there, settings.data_dir).wait() == 0
        seconds = time.monotonic() - began
    take_back(settings)
    return seconds


def what_lives(settings: Settings, there: str) -> str:
    """Say in which of the two databases books can be gone on with."""
    alive = []
    for name, url in (("the old", settings.database_url), ("the new", there)):
        try:
            make_runtime(evolve(settings, database_url=url)).close()
        except (MovedAway, NotMigrated):
            continue
        alive.append(name)
    return "both" if len(alive) == 2 else (*alive, "neither")[0]
