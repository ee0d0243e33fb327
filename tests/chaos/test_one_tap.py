"""One tap, one effect: however many tap at once, in browsers and in chats, each step happens once.

The clock is turned by an hour between rounds of ten claims: of more within an hour, admins get a summary.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime, make_runtime
from substrack.setting_values import SecretStr
from substrack.settings import Settings
from substrack.store import Connection, Inbound
from tests.chaos.club import found_club
from tests.chaos.crews import Fault
from tests.chaos.figures import record
from tests.chaos.live import Clock, Company, comes_true, look_often, speak_freely, wait_until
from tests.chaos.planted import nobody_looks_again
from tests.chaos.scale import mostly_on, sized
from tests.chaos.taps import Crowd, Tapping
from tests.chaos.taps_verdict import Verdict, judge
from tests.fakes.bot_api import BotApi
from tests.fakes.smtp import free_port
from tests.support.books import check_books
from tests.support.cast import START, make_cast

PROMISE: Final = "one tap, one effect"
PAYMENTS: Final = sized(short=1, full=20, long=1_000)
DECIDED_A_ROUND: Final = sized(short=10, full=10, long=1)
"""Of the claims of a round; a thousand are enough to show that each step happens once."""

CROWD: Final = sized(short=Crowd(5, 3), full=Crowd(18, 12), long=Crowd(80, 20))
PAGES: Final = sized(short=1, full=2)
WORKERS: Final = sized(short=1, full=2)
ROUND: Final = 10
COPIES: Final = 2
PATIENCE_SECONDS: Final = 90.0
"""Until presses are answered and their messages redrawn; what is left then is an error."""

FAULTY_PATIENCE_SECONDS: Final = 5.0
"""The same where faults are planted, and errors are what is looked for."""

Tap = Callable[..., Verdict]


@pytest.fixture
def tap(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tap:
    """Let everybody tap in a club of so many, with faults planted where pages and workers are."""

    def tap(payments: int, *faults: Fault) -> Verdict:
        with BotApi() as api:
            api.updates.pushers, api.updates.copies = 8, COPIES
            ports = [free_port() for _ in range(PAGES)]
            patience = FAULTY_PATIENCE_SECONDS if faults else PATIENCE_SECONDS
            settings = Settings(
                database_url=database_url,
                data_dir=tmp_path,
                base_url=f"http://127.0.0.1:{ports[0]}",
                telegram_token=SecretStr(api.token),
                telegram_api_url=api.url,
                telegram_webhook=True,
                now=START,  # the clock is turned on purpose, so nobody watches it
            )
            clock = Clock.make(tmp_path / "board", START)
            runtime = replace(make_runtime(settings), clock=clock)
            try:
                club = found_club(make_cast(runtime), api, clock, payments)
                company = Company.of(settings, clock, (look_often, speak_freely, *faults), monkeypatch)
                with company.at_work(workers=WORKERS, ports=ports):
                    wait_until(lambda: _has_webhook(runtime))
                    verdict = _go_round(Tapping(club, api, CROWD, ports, patience))
                if not faults:
                    assert company.crew.failures == 0
                    club.cast.read(check_books)
                return verdict
            finally:
                runtime.close()

    return tap


def _has_webhook(runtime: Runtime) -> bool:
    with runtime.reading() as session:
        return any("webhook_secret" in one.settings for one in session.scalars(select(Connection)))


def _go_round(tapping: Tapping) -> Verdict:
    """Let ten claims be tapped for in each hour, and decisions on some of them."""
    club, seconds = tapping.club, 0.0
    with tapping.ready():
        for first in range(0, len(club.debtors), ROUND):
            some = club.debtors[first : first + ROUND]
            began = time.monotonic()
            tapping.claim(some)
            tapping.decide(some[:DECIDED_A_ROUND])
            seconds += time.monotonic() - began
            comes_true(lambda: not club.cast.read(_has_updates), tapping.patience_seconds)
            club.clock.turn_to(club.clock() + timedelta(minutes=61))
    return judge(tapping, seconds)


def _has_updates(session: Session) -> bool:
    return bool(session.scalar(select(exists().where(Inbound.processed_at.is_(None)))))


@mostly_on("postgresql")
def test_taps_at_once_have_one_effect(tap: Tap, database_kind: str) -> None:
    verdict = tap(PAYMENTS)
    record(
        PROMISE,
        f"{database_kind}: {CROWD.taps} taps at once ({CROWD.in_browsers} in browsers, {CROWD.in_chats} in "
        f"chats, each pushed {COPIES} times) × {verdict.claims:,} claims and {verdict.decisions:,} "
        f"decisions, {PAGES} web processes, {WORKERS} workers",
        str(verdict),
    )
    assert verdict.is_clean, verdict


@mostly_on("sqlite")
def test_taps_that_nobody_looks_at_again_are_found_out(tap: Tap) -> None:
    """Steps happen twice, or the last guard, a unique key, ends them in an error."""
    verdict = tap(3, nobody_looks_again)
    assert not verdict.is_clean, verdict
