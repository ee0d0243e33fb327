"""All workers together keep the pace Telegram wants: 30 a second, one a second in a chat, and its pauses."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from substrack.bootstrap import make_runtime
from substrack.bot.turns import Turns
from substrack.setting_values import SecretStr
from substrack.settings import Settings
from tests.chaos.burst import Grumbler, Verdict, count_waiting, fill_outbox, judge, note_pauses
from tests.chaos.crews import Fault
from tests.chaos.figures import record
from tests.chaos.live import Clock, Company, look_often, wait_until
from tests.chaos.scale import mostly_on, sized
from tests.fakes.bot_api import BotApi
from tests.support.cast import START, make_cast

PROMISE: Final = "Telegram’s pace is kept"
WORKERS: Final = 4
WAIT_SECONDS: Final = sized(short=60.0, full=300.0, long=900.0)


@dataclass(frozen=True)
class Size:
    """How much is sent, into how many chats, how many people write meanwhile, after how many it grumbles."""

    messages: int
    chats: int
    writers: int
    grumbles_at: tuple[int, ...]
    wishes: tuple[int, ...] = (1, 3)


SIZE: Final = sized(
    short=Size(60, 30, 3, (25,), (1,)),
    full=Size(400, 150, 20, (80, 160, 240, 320)),
    long=Size(3_000, 600, 300, tuple(range(200, 3_000, 200))),
)
FAULTY: Final = Size(40, 8, 0, ())
"""So few chats that each worker has something for each: a slow machine sends no 30 a second."""

Burst = Callable[..., Verdict]


@pytest.fixture
def burst(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Burst:
    """Send so much at once, with faults planted where the workers are."""

    def burst(size: Size, *faults: Fault) -> Verdict:
        with BotApi() as api:
            settings = Settings(
                database_url=database_url,
                data_dir=tmp_path,
                base_url="http://127.0.0.1:8000",
                telegram_token=SecretStr(api.token),
                telegram_api_url=api.url,
                now=START,  # the clock runs by itself, so nobody watches it
            )
            clock = Clock.make(tmp_path / "board", START)
            cast = make_cast(replace(make_runtime(settings), clock=clock))
            grumbler = Grumbler(api, size.grumbles_at, size.wishes)
            try:
                people = fill_outbox(cast, api, size.messages, size.chats)
                noting = partial(note_pauses, tmp_path / "pauses")
                company = Company.of(settings, clock, (look_often, noting, *faults), monkeypatch)
                with company.at_work(workers=WORKERS):
                    for person in people[: size.writers]:
                        person.says("/help")
                    wait_until(lambda: grumbler.looks() and not cast.read(count_waiting), WAIT_SECONDS)
                assert company.crew.failures == 0
                return judge(api, tmp_path / "pauses")
            finally:
                cast.runtime.close()

    return burst


@mostly_on("sqlite")
def test_four_workers_together_keep_the_pace(burst: Burst, database_kind: str) -> None:
    verdict = burst(SIZE)
    record(
        PROMISE,
        f"{database_kind}: {WORKERS} workers, {SIZE.messages:,} messages into {SIZE.chats} chats at once, "
        f"{SIZE.writers} people who write meanwhile",
        str(verdict),
    )
    assert len(verdict.pauses) == len(SIZE.grumbles_at)
    assert verdict.is_within_limits, verdict


@mostly_on("sqlite")
def test_workers_that_pace_each_for_itself_are_found_out(burst: Burst) -> None:
    assert not burst(FAULTY, each_paces_for_itself).is_within_limits


def each_paces_for_itself(patch: pytest.MonkeyPatch) -> None:
    """Give the turns of each worker a row of their own."""
    begin = Turns.__init__

    def begin_alone(turns: Turns, runtime: Any, bot_id: int, **terms: Any) -> None:
        begin(turns, runtime, bot_id, **terms)
        turns._pace += f":{os.getpid()}{id(runtime.write_engine)}"

    patch.setattr(Turns, "__init__", begin_alone)
