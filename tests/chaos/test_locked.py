"""A locked database half-writes nothing, hangs nobody, and everything goes on when it is let go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from sqlalchemy import create_engine, func, make_url, select, text

from substrack.bootstrap import PAGE_LOCK_SECONDS, Runtime, make_runtime
from substrack.settings import Settings
from substrack.store import UserSession
from substrack.store.engines import read_engine, write_engine
from substrack.web.app import create_app
from substrack.worker import running
from tests.chaos.doors import Doors
from tests.chaos.figures import record
from tests.chaos.locked import Findings, held, hold_and_press
from tests.chaos.scale import sized
from tests.support.databases import KINDS, Databases
from tests.web.support import TurnableClock

PROMISE = "a locked or full database half-writes nothing"
HOLD_SECONDS = sized(short=1.5, full=30.0)
PATIENCE_SECONDS = sized(short=0.2, full=PAGE_LOCK_SECONDS)
SLACK_SECONDS = sized(short=4.0, full=5.0)
"""What a slow machine may add to the time an answer takes."""


@dataclass
class Opener:
    """Opens homes whose pages have some patience."""

    databases: Databases
    data_dir: Path
    stack: ExitStack

    def open(self, kind: str, patience: float) -> Doors:
        """Open one."""
        url = self.stack.enter_context(self.databases.lend("sqlite" if kind == "sqlite" else "postgresql"))
        return self.open_at(url, patience)

    def open_at(self, url: str, patience: float) -> Doors:
        """Open one on a database."""
        settings = Settings(
            database_url=url,
            data_dir=self.data_dir,
            base_url="http://127.0.0.1:8000",
            telegram_webhook=True,
        )
        clock = TurnableClock()
        settings = evolve(settings, now=clock())  # it is turned on purpose
        plain = make_runtime(settings)
        plain.close()
        return Doors(self.keep(with_patience(replace(plain, clock=clock), patience)), clock)

    def keep(self, runtime: Runtime) -> Runtime:
        self.stack.callback(runtime.close)
        return runtime


def with_patience(runtime: Runtime, seconds: float) -> Runtime:
    """Give the same with engines of its own, which wait so long for a lock."""
    url = runtime.settings.database_url
    writing, reading = write_engine(url, lock_seconds=seconds), read_engine(url, lock_seconds=seconds)
    return replace(runtime, write_engine=writing, read_engine=reading)


@pytest.fixture
def opener(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    monkeypatch.setattr(running, "TICK_SECONDS", 0.3)
    monkeypatch.setattr(running, "DELIVER_SECONDS", 0.3)
    with ExitStack() as stack:
        yield Opener(databases, tmp_path, stack)


def press_while_locked(opener: Opener, kind: str, *, patience: float) -> Findings:
    doors = opener.open(kind, patience)
    holder = opener.keep(with_patience(doors.runtime, 60))
    worker = opener.keep(with_patience(doors.runtime, sized(short=0.5, full=30.0)))
    within = PATIENCE_SECONDS + SLACK_SECONDS
    return hold_and_press(doors, holder, worker, HOLD_SECONDS, within=within)


@pytest.mark.parametrize("kind", sized(short=["sqlite"], full=list(KINDS)))
def test_presses_while_another_writes_are_answered_in_time_and_count_later(opener: Opener, kind: str) -> None:
    findings = press_while_locked(opener, kind, patience=PATIENCE_SECONDS)
    record(PROMISE, f"{kind}: all writers locked out for {HOLD_SECONDS:.0f} s", str(findings))
    assert not findings.wrong, "\n".join(findings.wrong)


def test_a_lock_shows_that_pages_wait_too_long(opener: Opener) -> None:
    within = sized(short=0.1, full=2.0)
    doors = opener.open("sqlite", 4 * within)
    holder = opener.keep(with_patience(doors.runtime, 60))
    findings = hold_and_press(doors, holder, holder, 0.5, within=within)
    record(PROMISE, f"planted: pages may wait {4 * within:.0f} s where {within} s are allowed", str(findings))
    assert any("answered after" in each for each in findings.wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_does_not_wait_to_note_that_somebody_looks_at_it(opener: Opener, kind: str) -> None:
    doors = opener.open(kind, 20.0)
    doors.clock.now += timedelta(hours=2)
    with held(opener.keep(with_patience(doors.runtime, 60)), 0):
        began, before = time.monotonic(), last_seen(doors)
        assert doors.olga.get("/settings").status_code == 200
        assert time.monotonic() - began < SLACK_SECONDS
        assert last_seen(doors) == before
    doors.olga.get("/settings")
    assert last_seen(doors) == doors.clock.now


def last_seen(doors: Doors) -> datetime:
    with doors.runtime.reading() as session:
        return session.scalars(select(func.max(UserSession.seen_at))).one()


class TestPostgresql:
    def test_pages_that_may_not_even_read_say_so_and_are_there_afterwards(self, opener: Opener) -> None:
        doors = opener.open("postgresql", 0.2)
        with held(opener.keep(with_patience(doors.runtime, 60)), 0, "users IN ACCESS EXCLUSIVE MODE"):
            assert doors.olga.get("/settings").status_code == 503
        assert doors.can_read()

    def test_a_server_with_too_many_connections_is_answered_503_until_there_is_one(
        self, opener: Opener
    ) -> None:
        doors = opener.open("postgresql", 0.2)
        url = make_url(doors.runtime.settings.database_url)
        with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
            for step in VISITOR:
                connection.execute(text(step.format(database=url.database)))
        connection.engine.dispose()
        doors.runtime.close()
        visitor = url.set(username="visitor").render_as_string(hide_password=False)
        settings = evolve(doors.runtime.settings, database_url=visitor)
        pages = create_app(
            opener.keep(with_patience(replace(doors.runtime, settings=settings), 0.2))
        ).test_client()
        with create_engine(visitor).connect() as only:
            assert only.scalar(text("SELECT current_user")) == "visitor"
            assert pages.get("/sign-in").status_code == 503
        only.engine.dispose()
        assert pages.get("/sign-in").status_code == 200


VISITOR = (
    "DROP ROLE IF EXISTS visitor",
    "CREATE ROLE visitor LOGIN",
    "GRANT ALL ON ALL TABLES IN SCHEMA public TO visitor",
    "ALTER DATABASE {database} CONNECTION LIMIT 1",
)
