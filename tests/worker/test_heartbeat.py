"""Claims about the dead man's switch: called while all is well, silent when it is not, in nobody's way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from attrs import evolve
from sqlalchemy import text

from substrack.bootstrap import Runtime
from substrack.domain.delivery import MessageState
from substrack.services.installation import beat, hold_sending, release_hold
from substrack.setting_values import SecretStr
from substrack.worker.heartbeat import Heartbeat
from substrack.worker.running import Worker
from tests.fakes.smtp import FakeRelay
from tests.fakes.watchman import Watchman
from tests.support.post import NOW, Post
from tests.worker.processes import eventually

pytestmark = pytest.mark.only_sqlite


@pytest.fixture
def watchman() -> Iterator[Watchman]:
    with Watchman() as watchman:
        yield watchman


@pytest.fixture
def runtime(runtime: Runtime) -> Runtime:
    return replace(runtime, clock=lambda: NOW)


@pytest.fixture
def heart(runtime: Runtime, watchman: Watchman) -> Heartbeat:
    """A heart that has ticked, of a worker that has written that it lives."""
    with runtime.transaction() as session:
        beat(session, now=NOW)
    heart = Heartbeat(runtime, watchman.url, trouble=lambda: None)
    heart.note_tick()
    return heart


def beats(heart: Heartbeat, watchman: Watchman) -> bool:
    """Let the heart beat if it will; tell whether it called."""
    before = len(watchman.asked)
    asyncio.run(heart.beat())
    return len(watchman.asked) > before


def test_it_calls_every_fifth_minute(
    heart: Heartbeat, watchman: Watchman, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, called = time.monotonic(), []
    for minute in range(11):
        monkeypatch.setattr(time, "monotonic", lambda minute=minute: began + 60 * minute)
        heart.note_tick()
        if beats(heart, watchman):
            called.append(minute)

    assert called == [0, 5, 10]


def test_a_worker_that_has_not_ticked_yet_says_nothing(
    runtime: Runtime, watchman: Watchman, caplog: pytest.LogCaptureFixture
) -> None:
    assert not beats(Heartbeat(runtime, watchman.url, trouble=lambda: None), watchman)
    assert caplog.text == ""


def test_a_hold_is_silence(heart: Heartbeat, watchman: Watchman, runtime: Runtime) -> None:
    with runtime.transaction() as session:
        hold_sending(session, "restored", now=NOW)
    assert not beats(heart, watchman)
    with runtime.transaction() as session:
        release_hold(session)
    assert beats(heart, watchman)


def test_a_database_that_nobody_writes_any_more_is_silence(
    heart: Heartbeat, watchman: Watchman, runtime: Runtime
) -> None:
    with runtime.transaction() as session:
        session.execute(text("UPDATE installation SET last_tick_at = '2026-03-01 08:49:00.000000'"))
    assert not beats(heart, watchman)


def test_a_tick_that_does_not_come_is_silence(
    heart: Heartbeat, watchman: Watchman, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.monotonic() + 181
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not beats(heart, watchman)


@pytest.mark.parametrize(("waited", "calls"), [(60, True), (61, False)])
def test_a_message_that_waits_for_long_is_silence(
    heart: Heartbeat, watchman: Watchman, post: Post, waited: int, calls: bool
) -> None:
    post.write("one", to=post.person("Ben"), due_at=NOW - timedelta(minutes=waited))
    assert beats(heart, watchman) is calls


def test_a_chore_that_fails_is_silence(runtime: Runtime, heart: Heartbeat, watchman: Watchman) -> None:
    troubled = Heartbeat(runtime, watchman.url, trouble=lambda: "the delivery fails")
    troubled.note_tick()
    assert not beats(troubled, watchman)
    assert beats(heart, watchman)


async def broken() -> None:
    raise RuntimeError("broken")


@pytest.mark.parametrize(("chore", "trouble"), [("backup", None), ("delivery", "the delivery fails")])
def test_a_failing_backup_is_the_one_trouble_that_is_no_silence(
    runtime: Runtime, chore: str, trouble: str | None
) -> None:
    worker = Worker(runtime)
    asyncio.run(worker._try(chore, broken))
    assert worker._trouble() == trouble


def test_what_is_wrong_is_logged_once_and_that_it_is_over(
    heart: Heartbeat, watchman: Watchman, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "substrack")
    watchman.status = 500
    for _ in range(3):
        asyncio.run(heart.beat())
    watchman.status = 200
    asyncio.run(heart.beat())

    assert len(watchman.asked) == 4  # a failed call is tried again with the next tick
    assert [one.getMessage() for one in caplog.records] == [
        "no heartbeat: its address can't be reached: it answered 500",
        "the heartbeat goes on",
    ]
    assert watchman.secret not in caplog.text


def test_a_worker_calls_and_a_silent_service_delays_neither_mail_nor_its_end(
    post: Post, relay: FakeRelay
) -> None:
    with Watchman(is_silent=True) as watchman:
        key = SecretStr(watchman.url)
        settings = evolve(post.runtime.settings, heartbeat_url=key)
        worker = Worker(replace(post.runtime, settings=settings, clock=lambda: NOW))
        with at_work(worker) as has_ended_whole:
            assert eventually(lambda: len(watchman.asked) == 1)
            post.write("one", to=post.person("Ben"))
            assert eventually(lambda: post.states() == [MessageState.SENT])

    assert has_ended_whole()
    assert len(relay.received) == 1


@contextmanager
def at_work(worker: Worker) -> Iterator[Callable[[], bool]]:
    """Run a worker; tell afterwards whether it ended by itself and nothing had to be cut off."""
    ended = list[bool]()
    thread = Thread(target=lambda: ended.append(worker.run()))
    thread.start()
    yield lambda: ended == [True]
    worker.stop()
    thread.join(timeout=60)


def test_a_worker_whose_clock_stands_still_on_purpose_calls_nobody(runtime: Runtime) -> None:
    fixed = evolve(runtime.settings, heartbeat_url=SecretStr("http://127.0.0.1:1/x"), now=NOW)
    worker = Worker(replace(runtime, settings=fixed))
    assert worker._heartbeat is None
