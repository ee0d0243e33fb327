"""Whatever Telegram does, each message comes to its right end: in real requests, through the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from telegram.request import HTTPXRequest

from substrack.bootstrap import Runtime
from substrack.channels import telegram, telegram_answers, telegram_errors
from substrack.domain.delivery import DeliveryFailed, Verdict, after_failure
from substrack.services import lanes, outcomes
from tests.chaos.figures import record
from tests.chaos.scale import mostly_on, sized
from tests.chaos.telegram_table import FAULTS
from tests.chaos.telegram_trial import wrong_outcomes
from tests.support.databases import Kind
from tests.support.post import open_post

TIMES = sized(short=1, full=2, long=20)
PROMISE = "provider faults end right"


@mostly_on("sqlite")
def test_every_fault_of_telegram_ends_as_the_table_says(runtime: Runtime, database_kind: Kind) -> None:
    wrong = wrong_outcomes(open_post(runtime), FAULTS, times=TIMES)

    tried = len(FAULTS) * TIMES
    figure = f"{tried - len(wrong)} of {tried} as the table says"
    record(PROMISE, f"Telegram, {len(FAULTS)} faults × {TIMES}, {database_kind}", figure)
    assert not wrong, "\n".join(wrong)


def an_attempt_for_an_outage(failure: DeliveryFailed, **facts: Any) -> Verdict:
    """Let a fault of the lane cost an attempt."""
    verdict = after_failure(failure, **facts)
    return replace(verdict, attempts=facts["attempts"] + 1)


def a_move_for_nothing(failure: DeliveryFailed, **facts: Any) -> Verdict:
    """Follow a chat that moves on and on, without counting."""
    verdict = after_failure(failure, **facts)
    return replace(verdict, attempts=0)


def never_is_later(error: Exception) -> DeliveryFailed | None:
    """Take a chat that turns us away for one that is busy."""
    failure = telegram_errors.delivery_failure(error)
    if failure is not None:
        failure.permanent = False
    return failure


PLANTED: list[tuple[object, str, object, str]] = [
    (outcomes, "after_failure", an_attempt_for_an_outage, "500"),
    (outcomes, "after_failure", a_move_for_nothing, "the group moved"),
    (telegram, "delivery_failure", never_is_later, "blocked by the user"),
    (telegram, "delivery_failure", never_is_later, "401, token refused"),
    (outcomes, "pause_lane", lambda *_args, **_facts: False, "502 in HTML"),
    (lanes, "LANE_REST", timedelta(days=1), "429, three hours"),
    (telegram_answers, "TelegramRequest", HTTPXRequest, "yes, and a bare number"),
    (telegram_answers, "TelegramRequest", HTTPXRequest, "429, soon"),
]


@pytest.mark.only_sqlite
@pytest.mark.parametrize(("module", "name", "planted", "fault"), PLANTED, ids=[row[3] for row in PLANTED])
def test_a_planted_fault_is_found(
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    planted: Callable[..., object],
    fault: str,
) -> None:
    monkeypatch.setattr(module, name, planted)

    assert wrong_outcomes(open_post(runtime), {fault: FAULTS[fault]}, times=1)
