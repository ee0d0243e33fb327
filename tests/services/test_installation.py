"""Claims about the hold on sending and the worker's heartbeat, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.queries.installation import InstallationRow, load_installation
from substrack.services.installation import (
    beat,
    hold_for_jump,
    hold_sending,
    release_hold,
    release_steady_hold,
)

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def status(runtime: Runtime) -> InstallationRow:
    with runtime.reading() as session:
        return load_installation(session)


def test_a_worker_that_idles_beats_every_five_minutes(runtime: Runtime) -> None:
    beaten = []
    for minute in range(11):
        with runtime.transaction() as session:
            if beat(session, now=NOW + minute * MINUTE):
                beaten.append(minute)

    assert beaten == [0, 5, 10]
    assert status(runtime).last_tick_at == NOW + 10 * MINUTE


def test_a_beat_from_the_future_is_replaced(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        beat(session, now=NOW + timedelta(days=365))
        assert beat(session, now=NOW)

    assert status(runtime).last_tick_at == NOW


def test_a_hold_by_a_jump_ends_for_who_has_waited_with_it(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        hold_for_jump(session, timedelta(hours=2), now=NOW)
        assert status_reason(session) == "the clock of this machine jumped ahead by 2 hours"
        assert release_steady_hold(session, NOW)

    assert status(runtime).hold_reason is None


def test_another_jump_renews_the_hold_and_keeps_its_beginning(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        hold_for_jump(session, timedelta(hours=2), now=NOW)
        hold_for_jump(session, timedelta(days=-1), now=NOW + 20 * MINUTE)
        assert not release_steady_hold(session, NOW)

    assert status(runtime).held_since == NOW
    assert status(runtime).hold_reason == "the clock of this machine jumped back by 1 day"


def test_a_hold_set_by_a_person_does_not_end_by_itself(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        hold_sending(session, "moving house", now=NOW)
        assert not release_steady_hold(session, NOW)

    assert status(runtime).hold_reason == "moving house"


def test_releasing_tells_whether_there_was_a_hold(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        hold_sending(session, "moving house", now=NOW)

        assert release_hold(session)
        assert not release_hold(session)

    assert status(runtime) == InstallationRow()


def status_reason(session: Session) -> str | None:
    return load_installation(session).hold_reason
