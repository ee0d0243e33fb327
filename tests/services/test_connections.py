"""What is known of a bot is lost by nobody, and its refused token is told once an outage."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.delivery import LEASE, DeliveryFailed, MessageState, Scope
from substrack.domain.notices import Channel, ChannelChoice
from substrack.services.chat_rows import write_chat
from substrack.services.chats import choose_channel, send_chat_test
from substrack.services.connections import (
    connection_for,
    mark_bot_accepted,
    mark_bot_refused,
    note_connection,
)
from substrack.services.delivery import claim_messages
from substrack.services.lanes import resume_lane
from substrack.services.outcomes import mark_failed
from substrack.store import Address, Connection, Contact
from tests.support.cast import Cast, at

NOW = at("2026-02-02")
HOUR = timedelta(hours=1)
REFUSED = DeliveryFailed("Telegram refused the token", scope=Scope.LANE, permanent=True)


@pytest.fixture
def bot(cast: Cast) -> int:
    return cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM).id


def put_olga_into_chat(cast: Cast) -> None:
    with cast.runtime.transaction() as session:
        olga = session.get_one(Contact, cast.olga_contact)
        write_chat(session, olga, None, "2001", key="test", by=cast.olga, now=NOW)


def known(cast: Cast, bot: int) -> Connection:
    return cast.read(lambda session: session.get_one(Connection, bot))


def refuse(cast: Cast, bot: int, after: timedelta = timedelta(0)) -> bool:
    return cast.do(mark_bot_refused, bot, now=NOW + after)


def test_facts_noted_at_once_are_all_kept(cast: Cast, bot: int) -> None:
    def note(name: str) -> None:
        for number in range(20):
            cast.do(note_connection, bot, {name: number})

    threads = [threading.Thread(target=note, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert known(cast, bot).settings == dict.fromkeys("abcd", 19)


def test_each_admin_is_told_by_mail_once_however_they_are_reached(cast: Cast, bot: int) -> None:
    cast.second_admin()
    put_olga_into_chat(cast)
    choice = ChannelChoice.TELEGRAM
    cast.do(choose_channel, cast.olga_contact, choice, by=cast.olga, now=NOW)
    assert [refuse(cast, bot, step * HOUR) for step in range(3)] == [True, False, False]
    told = cast.messages(notice="bot_refused")
    assert [each.channel for each in told] == [Channel.EMAIL] * 2
    assert len({each.contact_id for each in told}) == 2
    assert "@BotFather" in cast.text_of(told[0])


def test_after_it_worked_again_the_next_outage_is_told_again(cast: Cast, bot: int) -> None:
    for step in range(2):
        assert refuse(cast, bot, step * HOUR)
        cast.do(mark_bot_accepted, bot)
        assert known(cast, bot).refused_since is None
    assert len(cast.messages(notice="bot_refused")) == 2


def test_two_processes_with_different_tokens_do_not_write_every_minute(cast: Cast, bot: int) -> None:
    for minute in range(60):
        refuse(cast, bot, timedelta(minutes=minute))
        cast.do(mark_bot_accepted, bot)
    assert len(cast.messages(notice="bot_refused")) == 1


def test_what_is_over_is_not_told_any_more(cast: Cast, bot: int) -> None:
    refuse(cast, bot)
    cast.do(mark_bot_accepted, bot)
    [message] = cast.messages(notice="bot_refused")
    assert cast.text_of(message) == ""


def test_a_message_that_meets_a_refused_token_waits_and_disables_nobody(cast: Cast, bot: int) -> None:
    put_olga_into_chat(cast)
    cast.do(send_chat_test, cast.olga_contact, by=cast.olga, now=NOW)
    lane = f"telegram:{bot}"
    held: list[Any] = cast.do(claim_messages, lane, limit=1, lease=LEASE, now=NOW)
    cast.do(mark_failed, held[0], REFUSED, sent_to="2001", now=NOW)

    assert known(cast, bot).refused_since == NOW
    assert cast.notices_to(cast.olga_contact).count("bot_refused") == 1
    refused = select(Address).where(Address.refused_since.is_not(None))
    assert not cast.read(lambda session: session.scalars(refused).all())
    assert {each.state for each in cast.messages(channel=Channel.TELEGRAM)} == {MessageState.QUEUED}

    cast.do(resume_lane, lane)
    assert known(cast, bot).refused_since is None
