"""Updates are stored once, worked on once, and put aside after five failures; on both databases."""

from datetime import timedelta
from typing import Any

from substrack.domain.notices import Channel
from substrack.queries.inbound import has_waiting_updates
from substrack.services.inbound import (
    MAX_ATTEMPTS,
    claim_updates,
    finish_update,
    retry_update,
    store_updates,
)
from substrack.services.mailboxes import connection_for
from tests.support.cast import Cast, at

NOW = at("2026-02-02")
LEASE = timedelta(seconds=60)


def press(number: int, query: str) -> dict[str, Any]:
    return {"update_id": number, "callback_query": {"id": query, "data": "x"}}


def connection_of(cast: Cast) -> int:
    return cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM).id


def test_same_press_is_stored_once_whatever_its_number(cast: Cast) -> None:
    connection_id = connection_of(cast)
    first = cast.do(store_updates, connection_id, [press(7, "q1"), press(8, "q2"), press(9, "q1")], now=NOW)
    again = cast.do(store_updates, connection_id, [press(1, "q1"), press(2, "q2")], now=NOW)
    assert (first, again) == (2, 0)


def test_update_is_worked_on_by_one_worker_until_its_lease_runs_out(cast: Cast) -> None:
    cast.do(store_updates, connection_of(cast), [press(7, "q1")], now=NOW)
    [held] = cast.do(claim_updates, limit=5, lease=LEASE, now=NOW)
    assert cast.do(claim_updates, limit=5, lease=LEASE, now=NOW) == []
    [again] = cast.do(claim_updates, limit=5, lease=LEASE, now=NOW + LEASE)
    cast.do(finish_update, held, now=NOW + LEASE)
    assert cast.read(lambda session: has_waiting_updates(session, now=NOW + 2 * LEASE))
    cast.do(finish_update, again, now=NOW + LEASE)
    assert not cast.read(lambda session: has_waiting_updates(session, now=NOW + 2 * LEASE))


def test_update_that_fails_is_tried_again_and_then_put_aside(cast: Cast) -> None:
    cast.do(store_updates, connection_of(cast), [press(7, "q1")], now=NOW)
    now = NOW
    for _ in range(MAX_ATTEMPTS):
        [held] = cast.do(claim_updates, limit=5, lease=LEASE, now=now)
        cast.do(retry_update, held, reason="planted", now=now)
        now += timedelta(minutes=1)
    assert cast.do(claim_updates, limit=5, lease=LEASE, now=now) == []
