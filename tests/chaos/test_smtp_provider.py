"""Whatever a mail server does, each mail comes to its right end: in a real dialogue, through the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from substrack.bootstrap import Runtime
from substrack.channels import email, smtp_errors
from substrack.domain.delivery import DeliveryFailed, Scope, Verdict, after_failure
from substrack.services import outcomes
from tests.chaos.figures import record
from tests.chaos.scale import sized
from tests.chaos.smtp_table import FAULTS, LANE, LATER, SENT, TWICE, Fault
from tests.chaos.smtp_trial import wrong_outcomes
from tests.support.databases import Kind
from tests.support.post import open_post

TIMES = sized(short=1, full=2, long=20)
SOME = {name: FAULTS[name] for place, name in enumerate(FAULTS) if place % 4 == 0 or "bytes" in name}
"""For the second database in every test run: what it stores differently, and a sample of the rest."""

PROMISE = "provider faults end right"


def test_every_fault_of_a_mail_server_ends_as_the_table_says(runtime: Runtime, database_kind: Kind) -> None:
    faults = FAULTS if database_kind == "sqlite" or TIMES > 1 else SOME

    wrong = wrong_outcomes(open_post(runtime), faults, times=TIMES)

    tried = len(faults) * TIMES
    figure = f"{tried - len(wrong)} of {tried} as the table says"
    record(PROMISE, f"SMTP, {len(faults)} faults × {TIMES}, {database_kind}", figure)
    assert wrong == []


def an_attempt_for_an_outage(failure: DeliveryFailed, **facts: Any) -> Verdict:
    """Let a fault of the lane cost an attempt."""
    verdict = after_failure(failure, **facts)
    return replace(verdict, attempts=facts["attempts"] + 1)


def later_is_never(error: Exception) -> DeliveryFailed | None:
    """Take a temporary refusal for a permanent one."""
    failure = smtp_errors.delivery_failure(error)
    if failure is not None and failure.scope is Scope.MESSAGE:
        failure.permanent = True
    return failure


PLANTED: list[tuple[object, str, Callable[..., object], Fault]] = [
    (outcomes, "after_failure", an_attempt_for_an_outage, FAULTS["421 at MAIL"]),
    (email, "delivery_failure", later_is_never, FAULTS["450 at RCPT"]),
    (outcomes, "pause_lane", lambda *_args, **_facts: False, FAULTS["421 at MAIL"]),
    (smtp_errors, "_scope_of_refusal", lambda *_args: Scope.ADDRESS, FAULTS["550, no relaying"]),
    (email, "quoted", str, FAULTS["odd bytes with the yes"]),
    (email, "_is_in_doubt", lambda *_args: False, FAULTS["kept, and cut before saying so"]),
]


@pytest.mark.only_sqlite
@pytest.mark.parametrize(("module", "name", "planted", "fault"), PLANTED, ids=[row[1] for row in PLANTED])
def test_a_planted_fault_is_found(
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    planted: Callable[..., object],
    fault: Fault,
) -> None:
    assert fault.outcome in (LANE, LATER, SENT, TWICE)
    monkeypatch.setattr(module, name, planted)

    assert wrong_outcomes(open_post(runtime), {name: fault}, times=1)
