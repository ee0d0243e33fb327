"""Claims about what `/readyz` tells who supervises: what waits, the last backup, and at which cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from attrs import evolve

from substrack.bootstrap import Runtime
from substrack.domain.notices import Notice
from substrack.services.backup_turns import note_backup, note_failed_backup
from substrack.services.founding import Founded
from substrack.services.outbox import Draft, queue
from substrack.upkeep.leaving import leave
from substrack.web.app import create_app
from tests.web.admin import cast_of
from tests.web.forms import counted
from tests.web.support import NOW, Browser, TurnableClock, browser


def test_what_waits_too_long_is_told_in_a_constant_number_of_statements(
    runtime: Runtime, zed: Browser, home: Founded, clock: TurnableClock
) -> None:
    def told() -> tuple[object, object, int]:
        with counted(runtime) as statements:
            health = zed.get("/readyz").json or {}
        reads = [one for one in statements if one.startswith("SELECT")]
        return health["outbox"], health["oldest_due_seconds"], len(reads)

    asked = [told()]
    cast = cast_of(runtime, home)
    for number in range(20):
        due_at = runtime.now() - timedelta(minutes=number - 10)
        draft = Draft(cast.workspace_id, cast.olga_contact, Notice.FRESH_LINK, f"one:{number}", due_at)
        cast.do(queue, [draft], now=runtime.now())
    for minutes in (0, 51, 1):
        clock.turn(timedelta(minutes=minutes))
        asked.append(told())
    cast.send(runtime.now())
    asked.append(told())
    assert asked == [("ok", None, 4), ("ok", 540, 4), ("ok", 3600, 4), ("stuck", 3660, 4), ("ok", None, 4)]


def test_a_process_whose_books_were_moved_away_is_not_ready(runtime: Runtime, zed: Browser) -> None:
    with runtime.write_engine.begin() as connection:
        leave(connection, to="postgresql://db/books", now=NOW)
    answer = zed.get("/readyz")
    assert (answer.status_code, (answer.json or {})["database"]) == (503, "moved away")


@pytest.mark.only_sqlite
def test_how_the_backup_went_is_told(runtime: Runtime, zed: Browser, clock: TurnableClock) -> None:
    def told(who: Browser = zed) -> tuple[object, object]:
        health = who.get("/readyz").json or {}
        return health["backup"], health["backup_age_seconds"]

    asked = [told()]
    for note in (partial(note_backup, now=NOW), partial(note_failed_backup, reason="x", now=NOW)):
        with runtime.transaction() as session:
            note(session)
        clock.turn(timedelta(hours=1))
        asked.append(told())
    without = replace(runtime, settings=evolve(runtime.settings, backups=False))
    asked.append(told(browser(create_app(without), without)))
    assert asked == [("none", None), ("ok", 3600), ("failed", 7200), ("off", 7200)]
