"""One period per cycle, and nobody asked twice within the repeat: whatever schedulers and clocks do."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from attrs import evolve
from sqlalchemy import text

from substrack.settings import Settings
from tests.chaos.board import Board
from tests.chaos.crews import Crew, Fault, Place, Processes, Threads, Work
from tests.chaos.era import BEGIN, Era, found_groups
from tests.chaos.era_verdict import Verdict, count_acts_at_other_times, judge
from tests.chaos.figures import record
from tests.chaos.planted import messages_have_no_key, nothing_is_locked
from tests.chaos.scale import mostly_on, scale, sized
from tests.chaos.schedulers import tick_by_given_time, tick_by_watched_clock
from tests.support.books import check_books
from tests.support.cast import Cast, at
from tests.support.databases import fastest_place

PROMISE: Final = "one period per cycle"
NEAREST: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Size:
    """How much happens."""

    years: float
    restarts: int
    jumps: int
    moves: int
    step_hours: float
    furthest_days: int = 400
    hands: int = 4


SIZE: Final = sized(
    short=Size(0.2, 3, 5, 3, 150, furthest_days=40, hands=2),
    full=Size(10, 200, 100, 40, 96),
    long=Size(10, 200, 100, 40, 4),
)
LAPSES: Final = sized(short=2, full=6, long=100)
STEPS_BETWEEN_LAPSES: Final = sized(short=7, full=15, long=36)
STEP_DAYS: Final = sized(short=3.0, full=2.0, long=1.0)


@pytest.fixture
def settings(settings: Settings) -> Iterator[Settings]:
    """Keep mail where writing it costs nothing: ten years bring a lot."""
    with TemporaryDirectory(dir=fastest_place()) as directory:
        yield evolve(settings, data_dir=Path(directory))


PATIENT_ROUNDS: Final = 24
"""Until a planted fault must have shown."""

Begin = Callable[..., Era]


@pytest.fixture
def begin(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Begin an era, with faults planted where its hands are: here when they are threads, else in each."""
    begun: list[Era] = []

    def begin(*faults: Fault, work: Work = tick_by_given_time) -> Era:
        found_groups(cast)
        settings = cast.runtime.settings
        board = Board.make(settings.data_dir / "board", BEGIN)
        if scale() == "short":
            for plant in faults:
                plant(monkeypatch)
            crew: Crew = Threads(Place(settings, board.path))
        else:
            crew = Processes(Place(settings, board.path, faults))
        begun.append(Era(cast, board, crew, work, SIZE.hands))
        begun[0].begin()
        return begun[0]

    yield begin
    for era in begun:
        era.end()


def test_ten_years_of_jumps_and_kills_open_each_period_once(begin: Begin, database_kind: str) -> None:
    era = begin()
    verdict = live(era, SIZE)
    record(
        PROMISE,
        f"{database_kind}: {SIZE.hands} schedulers, {SIZE.years:g} simulated years, "
        f"{SIZE.restarts} × kill -9, "
        f"{SIZE.jumps} jumps of the clock by 1 s to {SIZE.furthest_days} days, {SIZE.moves} changes of zone",
        str(verdict),
    )
    assert verdict.is_clean, verdict
    assert era.crew.failures == 0
    era.cast.read(check_books)


def live(era: Era, size: Size) -> Verdict:
    """Let time pass with all that happens in it, and judge what came of it."""
    for acts in plan(era, size):
        number = era.pass_by(timedelta(hours=era.dice.uniform(0.2, 1.8) * size.step_hours))
        for act in acts:
            act()
        if era.dice.random() < 0.3:
            era.pay()
        era.wait_for(number)
    era.jump(
        max(era.highest, BEGIN + size.years * timedelta(days=365.25)) + timedelta(days=1) - era.board.wall()
    )
    era.come_to_rest()
    return era.cast.read(lambda session: judge(session, now=era.board.wall()))


@mostly_on("sqlite")
def test_a_clock_that_is_wrong_for_a_while_opens_and_asks_nothing(begin: Begin, database_kind: str) -> None:
    """A worker that lives on notices; half an hour after the clock was put right everything goes on."""
    era = begin(work=tick_by_watched_clock)
    true_instants = live_with_lapses(era, LAPSES)
    era.come_to_rest()
    verdict, wrong = era.cast.read(
        lambda session: (
            judge(session, now=era.board.wall()),
            count_acts_at_other_times(session, true_instants),
        )
    )
    record(
        PROMISE,
        f"{database_kind}: {SIZE.hands} workers that watch the clock, which is wrong {LAPSES} times for 25 "
        f"minutes by 61 s to {SIZE.furthest_days} days while workers are killed",
        f"{wrong} periods or requests while it was wrong; {verdict}",
    )
    assert wrong == 0
    assert verdict.is_clean, verdict
    assert verdict.latest < timedelta(days=1.8 * STEP_DAYS, hours=1), "nothing keeps workers from going on"
    assert era.crew.failures == 0


@mostly_on("sqlite")
def test_periods_without_a_unique_key_that_nobody_locks_are_found_out(cast: Cast, begin: Begin) -> None:
    with cast.runtime.write_engine.begin() as connection:
        for key in ("uq_periods_group_sequence", "uq_periods_group_starts_on"):
            connection.execute(text(f"DROP INDEX {key}"))
    era = begin(nothing_is_locked)
    assert goes_wrong(era, timedelta(days=28), lambda verdict: verdict.doubled)


@mostly_on("postgresql")
def test_requests_without_a_key_that_nobody_locks_are_found_out(begin: Begin) -> None:
    era = begin(nothing_is_locked, messages_have_no_key)
    pass_together(era, at("2026-02-03", hour=16) - BEGIN)
    assert goes_wrong(era, timedelta(days=3), lambda verdict: verdict.asked_twice)


def goes_wrong(era: Era, step: timedelta, wrong: Callable[[Verdict], int]) -> bool:
    """Let nothing happen but time, until it shows: who meets whom is a matter of luck."""
    for _round in range(PATIENT_ROUNDS):
        pass_together(era, step)
        verdict = era.cast.read(lambda session: judge(session, now=era.board.wall()))
        if wrong(verdict):
            return True
    return False


@pytest.mark.only_sqlite
def test_a_worker_that_does_not_watch_the_clock_is_found_out(begin: Begin) -> None:
    era = begin()
    true_instants = live_with_lapses(era, 2)
    era.come_to_rest()
    assert era.cast.read(lambda session: count_acts_at_other_times(session, true_instants))


def live_with_lapses(era: Era, count: int) -> set[datetime]:
    """Let days pass, the clock be wrong for a while, and so on; return all instants at which it was right."""
    right = {era.board.wall()}
    for number in range(count):
        for _step in range(STEPS_BETWEEN_LAPSES):
            right.add(pass_together(era, timedelta(days=STEP_DAYS * era.dice.uniform(0.2, 1.8))))
        right.add(era.board.wall())
        be_wrong(era, wrong_by(era, number), ends_unseen=number % 4 < 2)
        right.add(era.board.wall())
        right |= {pass_together(era, timedelta(minutes=10)) for _step in range(4)}
    return right


def be_wrong(era: Era, by: timedelta, *, ends_unseen: bool) -> None:
    """Set the clock in the middle of a round, let hands die, and put it right in front of them, or unseen."""
    jump_in_a_round(era, by)
    for _step in range(2):
        pass_together(era, timedelta(minutes=5))
        era.restart()
    pass_together(era, timedelta(minutes=5))
    if ends_unseen:
        era.restart_all(between=lambda: era.jump(-by))
    else:
        jump_in_a_round(era, -by)


def jump_in_a_round(era: Era, by: timedelta) -> None:
    number = era.board.begin_round()
    time.sleep(era.dice.random() * 0.01)
    era.jump(by)
    era.wait_for(number, everybody=True)
    pass_together(era, timedelta(minutes=5))


def pass_together(era: Era, passed: timedelta) -> datetime:
    """Let both clocks run on while everybody rests, and everybody do what there is then."""
    number = era.pass_by(passed)
    era.wait_for(number, everybody=True)
    return era.board.wall()


def wrong_by(era: Era, number: int) -> timedelta:
    least, most = timedelta(seconds=61), timedelta(days=SIZE.furthest_days)
    length = most if number < 2 else least * (most / least) ** era.dice.random()
    return -length if number % 2 else length


Act = Callable[[], None]


def plan(era: Era, size: Size) -> list[list[Act]]:
    """Spread everything that happens over the steps."""
    steps: list[list[Act]] = [[] for _ in range(round(size.years * 365.25 * 24 / size.step_hours))]
    acts: list[Act] = [era.restart] * size.restarts + [era.move_house] * size.moves
    acts += [partial(era.jump, by) for by in jumps(size, era.dice)]
    for act in acts:
        era.dice.choice(steps).append(act)
    return steps


def jumps(size: Size, dice: random.Random) -> Iterator[timedelta]:
    """Choose by how much the clock is set, ahead or back: as often by seconds as by months."""
    furthest = timedelta(days=size.furthest_days)
    for number in range(size.jumps):
        length = furthest if number < 2 else NEAREST * (furthest / NEAREST) ** dice.random()
        yield length if number % 2 else -length
