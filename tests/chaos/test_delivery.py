"""No accepted message is lost, whatever becomes of those who deliver it; and orphans are soon resumed."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.notices import Channel
from substrack.queries.delivery import due_lanes
from substrack.services.delivery import claim_messages
from substrack.settings import Settings
from tests.chaos.crew import POINTS, Orders
from tests.chaos.delivery import Disaster, Run, ask_to_stop, failpoint, freeze, kill
from tests.chaos.figures import record
from tests.chaos.fleet import End, Fate, Fleet
from tests.chaos.journals import Journal, Pen
from tests.chaos.outcome import Fault, Outcome, read_outcome
from tests.chaos.post_office import open_post_office
from tests.chaos.relay import Accepted, Relay
from tests.chaos.scale import mostly_on, sized
from tests.chaos.tampering import (
    claim_without_lease,
    forget_the_text,
    mark_before_sending,
    mark_without_token,
)
from tests.support.databases import Databases

PROMISE = "no accepted message is lost"
LEASE_SECONDS = sized(short=2, full=3)
RING_SECONDS = sized(short=1, full=2)
"""How often an idle worker looks."""

WAIT_SECONDS = sized(short=math.inf, full=2.0 * LEASE_SECONDS)
"""Within two leases; but what `make test` runs beside is no machine to measure on."""

CHANCES = 8
"""How often a planted fault may hide before the experiment is called blind."""

SLOW = (0.1, 0.3)
"""Seconds that the server spends on one mail, so that a disaster finds some on their way."""

LIVES = sized(short=1, full=4, long=50)


@dataclass(frozen=True)
class Trial:
    """What is done to four workers, and to how many messages at least."""

    name: str
    disasters: Sequence[Disaster]
    pieces: int
    connections: int = 10
    gap: tuple[float, float] = (0.1, 0.4)
    dialogue: tuple[float, float] = (0.01, 0.03)
    patience: float = 0.0
    meets_all: bool = False

    def __str__(self) -> str:
        return self.name


EVERYTHING_ONCE = Trial(
    "everything once",
    [*[failpoint] * len(POINTS), freeze, kill, ask_to_stop],
    pieces=0,
    connections=4,
    gap=(0.0, 0.1),
)
TRIALS = sized(
    short=[EVERYTHING_ONCE],
    full=[
        Trial(
            f"{kills} × kill -9, {connections} connection{'s'[: connections - 1]}",
            [kill] * kills,
            pieces,
            connections,
            meets_all=True,
        )
        for kills, pieces in [(sized(short=0, full=16, long=200), sized(short=0, full=600, long=10_000))]
        for connections in (1, 10)
    ]
    + [
        Trial(f"os._exit at {len(POINTS)} steps × {LIVES}", [failpoint] * len(POINTS) * LIVES, 0),
        Trial(
            f"SIGTERM × {sized(short=1, full=12, long=100)}",
            [ask_to_stop] * sized(short=1, full=12, long=100),
            0,
        ),
        Trial(
            f"SIGSTOP past the lease, SIGCONT × {sized(short=1, full=5, long=100)}",
            [freeze] * sized(short=1, full=5, long=100),
            0,
            gap=(1.0, 3.0),
        ),
    ],
)


@mostly_on("postgresql")
@pytest.mark.parametrize("trial", TRIALS, ids=str)
def test_whatever_becomes_of_workers_each_message_comes(
    trial: Trial, database_kind: str, database_url: str, tmp_path: Path
) -> None:
    with trying(trial, database_url, tmp_path) as run:
        outcome = run.through(trial.disasters, pieces=trial.pieces)
    tell(trial, outcome, database_kind)
    assert outcome.faults(in_flight=trial.connections, wait_seconds=WAIT_SECONDS) == set()


PLANTED = [
    (mark_before_sending, Fault.LOST, kill),
    (claim_without_lease, Fault.LOST, kill),
    (forget_the_text, Fault.CHANGED, kill),
]
PLANTED += sized(short=[], full=[(mark_without_token, Fault.LATE_MARK, freeze)])
"""The last takes half a minute; that a late mark changes nothing is tried by itself in `make test`."""


@pytest.mark.parametrize(("tamper", "fault", "disaster"), PLANTED)
def test_the_experiment_notices(
    tamper: Callable[[], None], fault: Fault, disaster: Disaster, databases: Databases, tmp_path: Path
) -> None:
    """A disaster may befall a worker between two steps that show the fault; within a few it does not."""
    patience = SLOW[1] if disaster is kill else 0.0
    trial = replace(EVERYTHING_ONCE, disasters=[disaster] * 2, dialogue=SLOW, patience=patience)
    found: set[Fault] = set()
    for number in range(CHANCES):
        place = tmp_path / str(number)
        place.mkdir()
        with databases.lend("sqlite") as url, trying(trial, url, place, tamper=tamper) as run:
            outcome = run.through(trial.disasters, pieces=trial.pieces)
        found |= outcome.faults(in_flight=trial.connections, wait_seconds=WAIT_SECONDS)
        if fault in found:
            return
    pytest.fail(f"{fault} was not noticed, only {found}")


@pytest.mark.only_sqlite
def test_a_claim_counts_whose_worker_died_before_it_could_note_it(runtime: Runtime, tmp_path: Path) -> None:
    office, pen = open_post_office(runtime, people=1), Pen(tmp_path / "journal")
    office.write(1)
    with runtime.transaction() as session:
        (lane,) = due_lanes(session, [Channel.EMAIL], now=runtime.now())
        (claimed,) = claim_messages(session, lane, limit=9, lease=timedelta(seconds=3), now=runtime.now())

    office.note_claims(pen)
    office.note_claims(pen)

    assert [line["token"] for line in Journal(tmp_path / "journal").new()] == [claimed.token]


def test_an_orphan_is_late_when_its_lane_is_open_and_newer_ones_are_taken_up(tmp_path: Path) -> None:
    """And a mail that came twice after a try without an answer is nobody's fault but the machine's."""
    story: list[tuple[float, dict[str, object]]] = [
        (0, {"what": "claiming", "pid": 1, "message": "m", "token": "first"}),
        (1, {"what": "paused"}),
        (5, {"what": "unheard", "message": "m"}),
        (6, {"what": "opened"}),
        (8, {"what": "claiming", "pid": 2, "message": "newer", "token": "second"}),
        (11, {"what": "claiming", "pid": 2, "message": "m", "token": "second"}),
        (12, {"what": "claimed", "token": "first"}),
        (12, {"what": "claimed", "token": "second"}),
    ]
    lines = [json.dumps({"at": at, **facts}) + "\n" for at, facts in story]
    (tmp_path / "journal").write_text("".join(lines))
    twice = {"m": [Accepted(0, "m", "ben@example.org", "same")] * 2, "newer": [Accepted(9, "newer", "", "")]}
    mails = [mail for each in twice.values() for mail in each]
    ends = [End(1, Fate.KILLED, 1)]
    outcome = read_outcome(dict.fromkeys(twice, "sent"), mails, tmp_path / "journal", ends, 12)

    assert outcome.waits == [5.0]
    assert outcome.faults(in_flight=0, wait_seconds=5) == set()
    assert outcome.faults(in_flight=0, wait_seconds=1) == {Fault.TOO_LATE}
    assert replace(outcome, fresh=[0.0]).faults(in_flight=0, wait_seconds=1) == set()
    assert replace(outcome, unheard=0).faults(in_flight=0, wait_seconds=5) == {Fault.TOO_MANY}


@contextmanager
def trying(
    trial: Trial, database_url: str, tmp_path: Path, *, tamper: Callable[[], None] | None = None
) -> Iterator[Run]:
    """Open the post office, start relay and workers; where a trial asks for it, each dies at another step."""
    steps = iter(random.sample(POINTS * LIVES, len(POINTS) * LIVES) if failpoint in trial.disasters else ())

    def given(orders: Orders) -> Orders:
        return replace(
            orders, dies_at=next(steps, None), dies_after=random.randint(1, sized(short=3, full=12))
        )

    with Relay(tmp_path, trial.dialogue) as relay:
        settings = Settings(
            database_url=database_url,
            data_dir=tmp_path,
            base_url="http://127.0.0.1:8000",
            smtp_url=relay.url,
            smtp_connections=trial.connections,
            lease_seconds=LEASE_SECONDS,
        )
        runtime = make_runtime(settings)
        orders = Orders(settings, tmp_path / "journal", tmp_path / "log", RING_SECONDS, tamper=tamper)
        try:
            office = open_post_office(runtime)
            with Fleet(orders, 4, given) as fleet:
                yield Run(office, relay, fleet, LEASE_SECONDS, trial.gap, trial.patience, trial.meets_all)
        finally:
            runtime.close()


def tell(trial: Trial, outcome: Outcome, kind: str) -> None:
    """Keep the figures."""
    waits = sorted(outcome.waits)
    sent = f"{len(outcome.lost)} lost of {len(outcome.states)} in {outcome.seconds:.0f} s"
    changed = f"{len(outcome.changed)} of them changed"
    excused = f"{outcome.overtaken} claims overtaken alive, {outcome.unheard} tries without an answer in time"
    twice = f"{outcome.doubles} twice ({excused}), {changed}"
    late = f"{len(outcome.late_marks)} late marks changed {sum(outcome.late_marks)} rows"
    left = f"{outcome.left_behind} left by workers asked to stop"
    facts = [sent, twice, late, left]
    if waits:
        resumed = f"{waits[len(waits) // 2]:.1f} s, the last after {waits[-1]:.1f} s"
        overdue, unfair = sum(wait > WAIT_SECONDS for wait in waits), outcome.passed_over(WAIT_SECONDS)
        behind = f"{overdue} later than two leases, {unfair} of them behind newer ones"
        facts.append(f"{len(waits)} orphans resumed after {resumed} ({behind})")
    if outcome.pauses:
        rested = sum(one.until - one.since for one in outcome.pauses)
        facts.append(f"the lane paused {len(outcome.pauses)} times, {rested:.0f} s in all")
    record(PROMISE, f"{kind}: {trial.name}", "; ".join(facts))
