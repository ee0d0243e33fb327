"""Claims about a worker that lives on: it delivers by itself, drains when told to, and minds the clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from attrs import evolve
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.domain.delivery import MessageState
from substrack.queries.installation import load_installation
from substrack.services.correlation import told_ids
from substrack.settings import Settings
from substrack.store import Event, Lane
from substrack.store.trouble import DatabaseTrouble, Trouble
from substrack.worker import clock_watch
from substrack.worker.clock_watch import ClockWatch
from substrack.worker.running import Worker
from tests.fakes.smtp import SILENCE, FakeRelay
from tests.support.cast import at, make_cast
from tests.support.post import NOW, Post
from tests.worker.processes import Arrivals, eventually


class Clocks:
    """A wall clock and the seconds since boot, which a test moves."""

    def __init__(self) -> None:
        self.wall, self.boot = NOW, 1000.0

    def pass_by(self, time: timedelta) -> None:
        """Let time go by, as it does."""
        self.wall += time
        self.boot += time.total_seconds()

    def set_ahead(self, jump: timedelta) -> None:
        """Set the wall clock, as no time does."""
        self.wall += jump

    def read(self) -> datetime:
        return self.wall


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without daily backups: one under way would outlive a worker that is given little time to end."""
    return evolve(settings, backups=False)


@contextmanager
def at_work(worker: Worker) -> Iterator[None]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(timeout=30)
        assert not thread.is_alive()


def ticking(post: Post, clocks: Clocks) -> Runtime:
    return replace(post.runtime, clock=clocks.read)


def test_a_worker_delivers_what_is_queued_while_it_runs(post: Post, relay: FakeRelay) -> None:
    runtime = ticking(post, Clocks())
    ben = post.person("Ben")
    with at_work(Worker(runtime)):
        post.write("one", to=ben)
        assert eventually(lambda: len(relay.received) == 1)
        assert eventually(lambda: post.states() == [MessageState.SENT])


def test_a_worker_that_stops_finishes_what_is_under_way_and_claims_no_more(
    post: Post, relay: FakeRelay
) -> None:
    ben = post.person("Ben")
    for number in range(12):
        post.write(str(number), to=ben)
    one_by_one = evolve(post.runtime.settings, smtp_connections=1)
    worker = Worker(replace(ticking(post, Clocks()), settings=one_by_one))
    relay.received = Arrivals(worker.stop)

    assert worker.run()

    assert post.states().count(MessageState.SENT) == 1
    assert post.states().count(MessageState.QUEUED) == 11
    assert len(relay.received) == 1


def test_a_worker_waits_only_so_long_for_a_server_that_is_silent(post: Post, relay: FakeRelay) -> None:
    key = post.write("one", to=post.person("Ben"))
    relay.fail_next("RCPT", SILENCE)
    worker = Worker(ticking(post, Clocks()), drain_seconds=0.1)
    outcomes: list[bool] = []
    thread = threading.Thread(target=lambda: outcomes.append(worker.run()))
    thread.start()
    assert eventually(lambda: "RCPT" in relay.dialogue)

    worker.stop()
    thread.join(timeout=10)

    assert outcomes == [False]
    assert post.message(key).state is MessageState.SENDING  # until its lease runs out


def test_a_worker_told_to_stop_before_it_began_ends_at_once(post: Post) -> None:
    worker = Worker(post.runtime)
    worker.stop()

    assert worker.run()


def test_a_worker_survives_an_error_and_says_so_once(
    post: Post, caplog: pytest.LogCaptureFixture, relay: FakeRelay
) -> None:
    clocks = Clocks()
    runtime = ticking(post, clocks)
    worker = Worker(runtime, watch=Breaking(runtime))
    caplog.set_level(logging.INFO)
    ben = post.person("Ben")
    post.write("one", to=ben)

    with at_work(worker):
        assert eventually(lambda: len(relay.received) == 1)

    complaints = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(complaints) == len(set(complaints))
    assert any("works again" in record.getMessage() for record in caplog.records)


def test_a_worker_writes_how_long_its_longest_tick_took_with_its_beat(post: Post) -> None:
    clocks, told = Clocks(), []
    worker = Worker(ticking(post, clocks), watch=Dawdling(ticking(post, clocks)))
    for _minute in range(12):
        worker._tick_as_cause()
        clocks.pass_by(timedelta(minutes=1))
        with post.runtime.reading() as session:
            told.append(load_installation(session).tick_ms)

    assert told[:5] == [None] * 5
    assert set(told[5:10]) == {told[5]}
    assert (told[5] or 0) >= 300
    assert (told[10] or 0) < (told[5] or 0)  # what was told is not told again


class Dawdling(ClockWatch):
    """A watch that takes its time at the third look."""

    looks = 0

    def believed_now(self) -> datetime | None:
        self.looks += 1
        if self.looks == 3:
            time.sleep(0.3)
        return super().believed_now()


class Breaking(ClockWatch):
    """A watch that fails the first few times."""

    failures = 3

    def believed_now(self) -> datetime | None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("broken for a test")
        return super().believed_now()


def test_a_clock_that_was_set_holds_sending(post: Post) -> None:
    clocks = Clocks()
    watch = ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot)
    clocks.pass_by(timedelta(minutes=1))
    assert watch.may_act()

    clocks.set_ahead(timedelta(days=400))

    assert watch.has_jumped()
    assert not watch.may_act()
    assert not watch.may_act()
    assert hold_of(post) == "the clock of this machine jumped ahead by 400 days"


def test_a_jump_that_could_not_be_written_down_is_met_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the database starts anew in the minute in which the clock is set."""
    clocks = Clocks()
    watch = ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot)
    clocks.set_ahead(timedelta(days=400))
    with monkeypatch.context() as patch:
        patch.setattr(clock_watch, "hold_for_jump", broken)
        with pytest.raises(DatabaseTrouble):
            watch.may_act()

    assert watch.has_jumped()
    clocks.pass_by(timedelta(minutes=1))

    assert not watch.may_act()
    assert hold_of(post) == "the clock of this machine jumped ahead by 400 days"


def broken(*_args: object, **_terms: object) -> str:
    """Be a database that can't be written to."""
    raise DatabaseTrouble(Trouble.BUSY, RuntimeError("broken for a test"))


@pytest.mark.parametrize(("pause", "lasts"), [(timedelta(hours=6), True), (timedelta(hours=30), False)])
def test_a_long_pause_that_telegram_asked_for_outlasts_a_start(
    post: Post, pause: timedelta, lasts: bool
) -> None:
    clocks = Clocks()
    with post.runtime.transaction() as session:
        lane = Lane(name="telegram:1", paused_until=NOW + pause)
        session.add(lane)

    assert ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot).may_act()

    with post.runtime.reading() as session:
        left = session.scalars(select(Lane.paused_until).where(Lane.name == "telegram:1")).one()
    assert left == (NOW + pause if lasts else NOW)


def test_what_lies_ahead_at_the_start_is_brought_back(post: Post) -> None:
    """As when every worker died before the clock was put right."""
    clocks = Clocks()
    key = post.write("answer", to=post.person("Ben"), due_at=NOW + timedelta(days=40))

    assert ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot).may_act()

    assert post.message(key).due_at == NOW


def test_sleep_is_no_jump(post: Post) -> None:
    clocks = Clocks()
    watch = ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot)

    clocks.pass_by(timedelta(days=3))

    assert watch.may_act()
    assert hold_of(post) is None


def test_a_clock_hold_ends_after_thirty_steady_minutes(post: Post) -> None:
    clocks = Clocks()
    watch = ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot)
    clocks.set_ahead(timedelta(days=1))
    watch.may_act()

    clocks.pass_by(timedelta(minutes=29))
    assert not watch.may_act()
    clocks.pass_by(timedelta(minutes=1))
    assert watch.may_act()
    assert hold_of(post) is None


@pytest.mark.parametrize("days", [400, -400])
def test_who_looked_just_before_the_clock_was_set_does_not_end_the_hold_of_who_looked_after(
    post: Post, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks()
    early, seeing = (ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot) for _one in range(2))
    assert early.may_act()
    assert seeing.may_act()
    earlier = early._look()
    clocks.set_ahead(timedelta(days=days))
    assert not seeing.may_act()
    with monkeypatch.context() as patch:
        patch.setattr(early, "_look", lambda: earlier)
        assert not early.may_act()

    clocks.pass_by(timedelta(minutes=5))

    assert not seeing.may_act()
    assert not ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot).may_act()
    assert hold_of(post) is not None


def test_who_begins_while_the_hold_lasts_waits_for_itself(post: Post) -> None:
    clocks = Clocks()
    seeing = ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot)
    clocks.set_ahead(timedelta(days=18))
    assert not seeing.may_act()
    clocks.set_ahead(timedelta(days=-18))  # put right while nobody lived to see it

    begun = ClockWatch(ticking(post, clocks), boot=lambda: clocks.boot)

    assert not begun.may_act()
    clocks.pass_by(timedelta(minutes=29))
    assert not begun.may_act()
    clocks.pass_by(timedelta(minutes=1))
    assert begun.may_act()


def test_a_clock_that_stands_still_on_purpose_is_believed(post: Post) -> None:
    clocks = Clocks()
    fixed = evolve(post.runtime.settings, now=NOW)
    watch = ClockWatch(replace(ticking(post, clocks), settings=fixed), boot=lambda: clocks.boot)

    clocks.boot += 3600

    assert watch.may_act()


def test_a_worker_whose_clock_was_set_sends_nothing_that_only_now_seems_due(
    post: Post, relay: FakeRelay
) -> None:
    clocks = Clocks()
    runtime = ticking(post, clocks)
    watch = ClockWatch(runtime, boot=lambda: clocks.boot)
    post.write("tomorrow", to=post.person("Ben"), due_at=NOW + timedelta(days=1))
    clocks.set_ahead(timedelta(days=1, minutes=5))

    with at_work(Worker(runtime, watch=watch)):
        assert eventually(lambda: hold_of(post) is not None)

    assert relay.received == []
    assert post.states() == [MessageState.QUEUED]


def hold_of(post: Post) -> str | None:
    with post.runtime.reading() as session:
        return load_installation(session).hold_reason


@pytest.mark.only_sqlite
def test_what_a_tick_leads_to_has_the_id_of_its_line_in_the_log(runtime: Runtime) -> None:
    cast = make_cast(runtime)
    for name in ("One", "Two"):
        cast.join(cast.group(name), "Ben")
    told, handler = list[str](), logging.Handler()
    handler.emit = lambda record: told.append(told_ids()["correlation_id"])  # type: ignore[method-assign]
    log = logging.getLogger("substrack.worker.running")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        for now in (at("2026-02-10"), at("2026-02-14")):
            Worker(replace(runtime, clock=partial(max, now, now)))._tick_as_cause()
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)

    openings = {event.correlation_id for event in cast.read(opened)}
    (request,) = cast.messages(notice="request")
    assert len(openings) == 2
    assert {one[:8] for one in openings} == {told[0][:8]}
    assert request.correlation_id == told[1]


def opened(session: Session) -> list[Event]:
    """List the openings of periods."""
    return list(session.scalars(select(Event).where(Event.subject_kind == "period")))
