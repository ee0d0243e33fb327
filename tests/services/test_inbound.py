"""Updates are stored once, worked on once, in order and fairly, and put aside after five failures."""

from datetime import timedelta
from typing import Any

import pytest

from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.notices import Channel
from substrack.queries.inbound import HEAD_START, MOST_IN_HAND, has_waiting_updates
from substrack.services.connections import connection_for
from substrack.services.inbound import (
    KEPT_FOR,
    MAX_ATTEMPTS,
    RETRY_AFTER,
    ClaimedUpdate,
    chat_of,
    claim_updates,
    finish_update,
    retry_update,
    store_updates,
)
from tests.support.cast import Cast, at

NOW = at("2026-02-02")
LEASE = timedelta(seconds=60)
BEN, MIA = 1001, 1002
BUG = DeliveryFailed("planted", scope=Scope.MESSAGE)
OUTAGE = DeliveryFailed("Telegram can’t be reached", scope=Scope.LANE)


def press(number: int, query: str, chat: int = BEN) -> dict[str, Any]:
    message = {"message_id": 1, "chat": {"id": chat, "type": "private"}}
    return {"update_id": number, "callback_query": {"id": query, "data": "x", "message": message}}


def connection_of(cast: Cast) -> int:
    return cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM).id


def store(cast: Cast, *bodies: dict[str, Any]) -> int:
    return cast.do(store_updates, connection_of(cast), bodies, now=NOW)


def claim(cast: Cast, after: timedelta = timedelta(0), limit: int = 5) -> list[ClaimedUpdate]:
    return cast.do(claim_updates, limit=limit, lease=LEASE, now=NOW + after)


def queries(claimed: list[ClaimedUpdate]) -> list[str]:
    return [each.body["callback_query"]["id"] for each in claimed]


def waits(cast: Cast, after: timedelta) -> bool:
    return cast.read(lambda session: has_waiting_updates(session, lease=LEASE, now=NOW + after))


def test_same_press_is_stored_once_whatever_its_number(cast: Cast) -> None:
    first = store(cast, press(7, "q1"), press(8, "q2"), press(9, "q1"))
    again = store(cast, press(1, "q1"), press(2, "q2"))
    assert (first, again) == (2, 0)


def test_update_is_worked_on_by_one_worker_until_its_lease_runs_out(cast: Cast) -> None:
    store(cast, press(7, "q1"))
    [held] = claim(cast)
    assert claim(cast) == []
    [again] = claim(cast, LEASE)
    cast.do(finish_update, held, now=NOW + LEASE)
    assert waits(cast, 2 * LEASE)
    cast.do(finish_update, again, now=NOW + LEASE)
    assert not waits(cast, 2 * LEASE)


def test_update_that_fails_is_tried_again_and_then_put_aside(cast: Cast) -> None:
    store(cast, press(7, "q1"))
    passed = timedelta(0)
    for _ in range(MAX_ATTEMPTS):
        [held] = claim(cast, passed)
        cast.do(retry_update, held, BUG, now=NOW + passed)
        passed += timedelta(minutes=1)
    assert claim(cast, passed) == []


def test_update_outlives_an_outage_of_hours_but_not_of_a_day(cast: Cast) -> None:
    store(cast, press(7, "q1"))
    for hours in (0, 1, 2, 6, 12, 23):
        passed = timedelta(hours=hours)
        [held] = claim(cast, passed)
        cast.do(retry_update, held, OUTAGE, now=NOW + passed)
        assert waits(cast, passed + RETRY_AFTER)
    [held] = claim(cast, KEPT_FOR)
    cast.do(retry_update, held, OUTAGE, now=NOW + KEPT_FOR)
    assert not waits(cast, 2 * KEPT_FOR)


@pytest.mark.only_sqlite
def test_update_waits_as_long_as_telegram_wishes(cast: Cast) -> None:
    store(cast, press(7, "q1"))
    [held] = claim(cast)
    wish = timedelta(minutes=5)
    cast.do(retry_update, held, DeliveryFailed("429", scope=Scope.LANE, retry_after=wish), now=NOW)
    assert [waits(cast, after) for after in (wish - RETRY_AFTER, wish)] == [False, True]


def test_a_chat_with_five_hundred_updates_holds_no_other_up(cast: Cast) -> None:
    store(cast, *(press(number, f"b{number}") for number in range(500)), press(500, "m", MIA))
    assert queries(claim(cast)) == ["b0", "m"]


def test_updates_of_one_chat_are_taken_in_order_one_after_the_other(cast: Cast) -> None:
    store(cast, *(press(number, f"b{number}") for number in range(4)))
    taken = []
    while waits(cast, timedelta(0)):
        [held] = claim(cast)
        assert not waits(cast, timedelta(0))
        cast.do(finish_update, held, now=NOW)
        taken.append(held)
    assert queries(taken) == ["b0", "b1", "b2", "b3"]


def test_what_waits_to_speak_lets_the_next_of_its_chat_begin_but_only_a_few(cast: Cast) -> None:
    store(cast, *(press(number, f"b{number}") for number in range(9)))
    taken = []
    for step in range(9):
        taken += claim(cast, step * HEAD_START)
    assert queries(taken) == ["b0", "b1", "b2"]
    assert len(taken) == MOST_IN_HAND
    cast.do(finish_update, taken[1], now=NOW)
    assert queries(claim(cast, 10 * HEAD_START)) == ["b3"]


def test_what_is_to_be_tried_again_lets_its_chat_go_on(cast: Cast) -> None:
    store(cast, press(1, "b1"), press(2, "b2"))
    [held] = claim(cast)
    cast.do(retry_update, held, BUG, now=NOW)
    assert queries(claim(cast)) == ["b2"]


@pytest.mark.parametrize(
    ("body", "chat"),
    [
        (press(1, "q", MIA), MIA),
        ({"callback_query": {"id": "q", "from": {"id": BEN}, "inline_message_id": "x"}}, BEN),
        ({"message": {"message_id": 1, "chat": {"id": -5}}}, -5),
        ({"edited_message": {"message_id": 1, "chat": {"id": BEN}}}, BEN),
        ({"my_chat_member": {"chat": {"id": MIA}}}, MIA),
        ({"poll": {"id": "1"}}, None),
    ],
)
def test_chat_is_read_off_whatever_comes_from_one(body: dict[str, Any], chat: int | None) -> None:
    assert chat_of(body) == chat
