"""The whole holds: people at all doors, every trouble, and a checker that knows what everybody did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.figures import record
from tests.chaos.scale import mostly_on, sized
from tests.chaos.whole.experiment import Findings, Size, trying
from tests.chaos.whole.planted import forget_commits, garble_the_journal
from tests.chaos.whole.villain import Pace
from tests.support.databases import Databases

PROMISE = "the whole holds"

LITTLE = Size(
    seconds=4.0,
    settle_seconds=0.0,
    members=12,
    weeks=3,
    phones=5,
    desks=3,
    webs=1,
    workers=2,
    patience_seconds=4.0,
    pace=Pace(gap=(0.4, 0.8), short=(0.1, 0.4), long=(0.4, 0.8), seldom=4),
    kinds=("kill -9", "SIGTERM", "SIGSTOP", "lock", "database"),
)
MUCH = Size(
    seconds=50.0,
    settle_seconds=30.0,
    members=56,
    weeks=4,
    phones=13,
    desks=6,
    webs=2,
    workers=2,
    patience_seconds=15.0,
    pace=Pace(gap=(1.0, 4.0), short=(0.2, 3.0), long=(11.0, 13.0), seldom=12),
    kinds=("kill -9", "SIGTERM", "SIGSTOP", "lock", "database", "relay", "Telegram", "clock"),
    chats=6,
)
ALL = replace(
    MUCH,
    seconds=1800.0,
    settle_seconds=180.0,
    members=280,
    weeks=6,
    pace=Pace(gap=(3.0, 20.0), short=(0.2, 4.0), long=(11.0, 20.0), seldom=8),
    operations=100_000,
)
SIZE = sized(short=LITTLE, full=MUCH, long=ALL)
QUIET = replace(LITTLE, seconds=1.5, workers=0, pace=None)
CHANCES = 12
"""How often a planted fault may hide before the experiment is called blind."""


@mostly_on("postgresql")
def test_whatever_happens_each_acknowledged_act_is_there_once_and_no_other(
    databases: Databases, database_kind: str, database_url: str, tmp_path: Path
) -> None:
    cluster = databases.postgresql if database_kind == "postgresql" else None
    with trying(SIZE, database_url, tmp_path, cluster=cluster) as experiment:
        findings = experiment.run()
    clients = SIZE.phones + SIZE.desks + bool(SIZE.chats)
    name = f"{database_kind}: {clients} clients, {SIZE.webs} × `web`, {SIZE.workers} × `worker`"
    record(PROMISE, f"{name}, {SIZE.seconds:.0f} s", str(findings))
    assert not findings.wrong, report(findings)
    assert findings.operations >= SIZE.operations, f"too few to tell: {findings}"


@pytest.mark.parametrize(
    ("tamper", "faults"),
    [
        (forget_commits, {"acknowledged, and"}),
        (garble_the_journal, {"acknowledged, and", "written twice"}),
    ],
)
def test_the_checker_notices(
    tamper: Callable[[], None], faults: set[str], databases: Databases, tmp_path: Path
) -> None:
    missing = faults
    for number in range(CHANCES):
        place = tmp_path / str(number)
        place.mkdir()
        with databases.lend("sqlite") as url, trying(QUIET, url, place, tamper=tamper) as experiment:
            findings = experiment.run()
        missing = {fault for fault in missing if not any(fault in each for each in findings.wrong)}
        if not missing:
            return
    pytest.fail(f"not noticed: {missing}, only {report(findings)}")


def report(findings: Findings) -> str:
    """Name the first of what is wrong."""
    return "\n".join([str(findings), *findings.wrong[:20]])
