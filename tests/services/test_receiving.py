"""Of several workers one asks a bot for updates, and nobody's offset goes back; on both databases."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.notices import Channel
from substrack.services.connections import connection_for
from substrack.services.receiving import Receiver, release_receiver, store_received, take_receiver
from substrack.store import Connection, Inbound
from tests.support.cast import Cast, at

NOW = at("2026-02-02")
LEASE = timedelta(seconds=60)


def update(number: int) -> dict[str, Any]:
    return {"update_id": number, "message": {"message_id": number, "chat": {"id": 1001}}}


@pytest.fixture
def bot(cast: Cast) -> int:
    return cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM).id


@pytest.fixture
def take(cast: Cast, bot: int) -> Callable[..., Receiver | None]:
    def take(token: str, after: timedelta = timedelta(0)) -> Receiver | None:
        return cast.do(take_receiver, bot, token=token, lease=LEASE, now=NOW + after)

    return take


def next_id(cast: Cast, bot: int) -> int | None:
    return cast.read(lambda session: session.get_one(Connection, bot).next_update_id)


def count_stored(cast: Cast) -> int:
    return cast.read(lambda session: len(session.scalars(select(Inbound)).all()))


def held(receiver: Receiver | None) -> Receiver:
    assert receiver is not None
    return receiver


def test_one_worker_asks_until_its_lease_runs_out_and_may_renew_it(take: Callable[..., Any]) -> None:
    assert take("one")
    assert take("two", LEASE / 2) is None
    assert take("one", LEASE / 2)
    assert take("two", LEASE) is None
    assert take("two", LEASE * 3 / 2)
    assert take("one", LEASE * 3 / 2) is None


def test_of_workers_that_begin_together_one_asks(cast: Cast, bot: int, take: Callable[..., Any]) -> None:
    taken: list[Receiver | None] = []
    threads = [
        threading.Thread(target=lambda token=token: taken.append(take(token)))
        for token in ("a", "b", "c", "d", "e", "f")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in taken) == 1


def test_who_stops_lets_the_next_ask_at_once(cast: Cast, bot: int, take: Callable[..., Any]) -> None:
    take("one")
    cast.do(release_receiver, bot, token="one")
    assert take("two")
    cast.do(release_receiver, bot, token="one")
    assert take("three") is None


def test_the_next_receiver_goes_on_where_the_last_one_was(
    cast: Cast, bot: int, take: Callable[..., Any]
) -> None:
    cast.do(store_received, held(take("one")), [update(7), update(8)], now=NOW)
    assert held(take("two", LEASE)).next_update_id == 9


def test_a_former_receiver_stores_nothing_and_moves_nothing(
    cast: Cast, bot: int, take: Callable[..., Any]
) -> None:
    former, present = held(take("one")), held(take("two", LEASE))
    cast.do(store_received, present, [update(20)], now=NOW + LEASE)
    assert not cast.do(store_received, former, [update(7)], now=NOW + LEASE)
    assert not cast.do(store_received, Receiver(bot, "one", 5), [], now=NOW + LEASE)
    assert (next_id(cast, bot), count_stored(cast)) == (21, 1)


def test_after_an_empty_answer_numbers_may_start_anew(cast: Cast, bot: int, take: Callable[..., Any]) -> None:
    cast.do(store_received, held(take("one")), [update(900)], now=NOW)
    cast.do(store_received, held(take("one")), [], now=NOW)
    again = held(take("one"))
    assert again.next_update_id is None
    cast.do(store_received, again, [update(3)], now=NOW)
    assert (next_id(cast, bot), count_stored(cast)) == (4, 2)
