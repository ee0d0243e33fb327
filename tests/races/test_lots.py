"""Whoever changes several messages at once takes them in the order of their keys."""

from __future__ import annotations

from threading import Thread

import pytest
from sqlalchemy import select, update

from substrack.services.leases import lock_messages
from substrack.store import Message
from tests.races.conftest import Race


@pytest.mark.only_postgresql
def test_messages_are_locked_in_one_order_wherever_they_lie(race: Race) -> None:
    cast = race.cast
    race.claim()
    first, second, *_ = cast.read(
        lambda session: list(session.scalars(select(Message.id).order_by(Message.id)))
    )
    with cast.runtime.transaction() as session:
        moved = update(Message).where(Message.id == first).values(last_error="lies behind the second now")
        session.execute(moved)

    def lock_both() -> None:
        with cast.runtime.transaction() as other:
            lock_messages(other, Message.due_at.is_not(None))

    both = Thread(target=lock_both)
    with cast.runtime.transaction() as session:
        session.execute(select(Message.id).where(Message.id == first).with_for_update())
        both.start()
        both.join(1)
        assert both.is_alive(), "it waits for the first"
        session.execute(select(Message.id).where(Message.id == second).with_for_update(nowait=True))
    both.join(60)
    assert not both.is_alive()
