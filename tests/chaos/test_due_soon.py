"""What is due is sent soon, also when all is due at once, and after an outage nothing stale or twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from substrack.bootstrap import wall_clock
from substrack.services import lanes
from substrack.worker.outbox import Outbox
from substrack.worker.running import Worker
from tests.chaos.board import Board
from tests.chaos.crews import Fault as Planted
from tests.chaos.crews import Place, Processes
from tests.chaos.debtors import ask_everybody
from tests.chaos.figures import record
from tests.chaos.planted import what_is_paid_stays_listed
from tests.chaos.relay import Relay
from tests.chaos.rush import OUTAGE, WORKERS, Rush
from tests.chaos.rush_verdict import Fault, Found
from tests.chaos.scale import mostly_on, sized
from tests.support.cast import Cast
from tests.support.post import through

PROMISE = "due means sent soon"
DIALOGUE = (0.05, 0.05)
RING_SECONDS = sized(short=0.3, full=2.0)
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Size:
    """How much is due in a rush, within what time, and how much in an outage."""

    rush: int
    outage: int
    spread: timedelta


SIZE: Final = sized(
    short=Size(40, 20, timedelta(seconds=1)),
    full=Size(400, 200, timedelta(seconds=4)),
    long=Size(10_000, 2_000, timedelta(minutes=1)),
)
FAULTY: Final = Size(12, 10, timedelta(seconds=1))

Try = Callable[..., Found]


@pytest.fixture
def try_(cast: Cast, tmp_path: Path) -> Try:
    """Let a rush and an outage come, with faults planted where the workers are."""

    def try_(size: Size, *faults: Planted, patience_seconds: float = PATIENCE_SECONDS) -> Found:
        ask_everybody(cast, size.rush + size.outage)
        board = Board.make(tmp_path / "board", wall_clock())
        with Relay(tmp_path, DIALOGUE) as relay:
            settings = through(cast.runtime, relay.url, mail_from="post@example.com").settings
            crew = Processes(Place(settings, board.path, faults))
            rush = Rush(cast, relay, board, crew, size.spread, RING_SECONDS, patience_seconds)
            try:
                found = rush.run(size.rush)
            finally:
                board.end()
                crew.join()
            assert crew.failures == 0
            return found

    return try_


@mostly_on("postgresql")
def test_what_is_due_at_once_is_sent_soon_and_nothing_stale_after_an_outage(
    try_: Try, database_kind: str
) -> None:
    found = try_(SIZE)
    hours = OUTAGE.total_seconds() / 3600
    experiment = f"{SIZE.rush:,} in {SIZE.spread.total_seconds():.0f} s, {WORKERS} workers, 50 ms server; "
    record(PROMISE, f"{database_kind}: {experiment}{hours:.0f} h without it", str(found))
    assert len(found.due) == SIZE.rush
    assert len(found.settled) == SIZE.outage * 4 // 5, "too little was overtaken"
    assert found.faults() == set(), str(found)


def an_hour_after_each_fault(patch: pytest.MonkeyPatch) -> None:
    """Leave a lane that failed alone for an hour."""
    patch.setattr(lanes, "LANE_PROBE", timedelta(hours=1))


def sleeping(patch: pytest.MonkeyPatch) -> None:
    """Let workers deliver nothing."""

    async def sleep(_worker: Worker, _outbox: Outbox) -> None:
        return

    patch.setattr(Worker, "_deliver", sleep)


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("planted", "fault", "patience_seconds"),
    [
        (an_hour_after_each_fault, Fault.SLOW, PATIENCE_SECONDS),
        (sleeping, Fault.LATE, 5.0),
        (what_is_paid_stays_listed, Fault.STALE, PATIENCE_SECONDS),
    ],
)
def test_the_experiment_notices(try_: Try, planted: Planted, fault: Fault, patience_seconds: float) -> None:
    assert fault in try_(FAULTY, planted, patience_seconds=patience_seconds).faults()
