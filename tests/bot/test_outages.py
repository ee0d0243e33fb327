"""Claims about people whom the bot does not reach: what waits for them goes by mail."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.delivery import DeliveryFailed, MessageState, Scope
from substrack.domain.notices import Channel, ChannelChoice, Notice
from substrack.services.addresses import mark_refused
from substrack.services.chats import choose_channel
from substrack.services.delivery import build_message, claim_messages, clear_lane
from substrack.services.mailboxes import set_email
from substrack.services.outbox import Draft, queue
from substrack.services.outcomes import mark_failed
from substrack.store import Address, Member
from tests.bot.house import LEASE_SHORT, Home, House

DOWN = DeliveryFailed("Telegram can’t be reached", scope=Scope.LANE)


@pytest.fixture
def answered(home: Home) -> Home:
    """Ben has a mailbox and wants Telegram first; an answer waits for him, no longer to be undone."""
    house = home.house
    by, now = house.cast.olga, house.now
    house.cast.do(set_email, home.ben.contact_id, "ben@example.org", by=by, now=now)
    house.cast.do(choose_channel, home.ben.contact_id, ChannelChoice.TELEGRAM_FIRST, by=by, now=now)
    house.press(home.ben_phone, "I’ve paid")
    house.press(home.olga_phone, "Confirm 6.00 €")
    house.now += timedelta(seconds=20)
    return home


def fail_to_deliver(house: House) -> None:
    """Try to send as a worker would while Telegram is down."""
    for lane in house.lanes():
        with house.bot.runtime.transaction() as session:
            clear_lane(session, lane, now=house.now)
            claimed = claim_messages(session, lane, limit=500, lease=LEASE_SHORT, now=house.now)
        for one in claimed:
            with house.bot.runtime.transaction() as session:
                built = build_message(session, one, signer=house.bot.runtime.signer, now=house.now)
            if built is not None:
                with house.bot.runtime.transaction() as session:
                    mark_failed(session, one, DOWN, sent_to=built.to, now=house.now)


def ask_again(session: Session, home: Home, *, now: datetime) -> None:
    """Queue one more message for Ben."""
    workspace_id = home.house.cast.workspace_id
    queue(session, [Draft(workspace_id, home.ben.contact_id, Notice.TEST, "test", now)], now=now)


def answers(home: Home, member: Member | None = None) -> list[tuple[Channel, MessageState]]:
    """What a member, Ben unless said otherwise, was to be told of their money, and what became of it."""
    contact_id = (member or home.ben).contact_id
    told = home.house.cast.messages(contact_id=contact_id, notice=Notice.RECEIVED)
    return [(message.channel, message.state) for message in told]


def test_what_waits_when_the_bot_is_blocked_goes_by_mail(answered: Home) -> None:
    answered.ben_phone.blocks()
    [body] = answered.house.take_updates()
    answered.house.handle(body)
    assert answers(answered) == [
        (Channel.TELEGRAM, MessageState.DEAD),
        (Channel.EMAIL, MessageState.QUEUED),
    ]


def test_an_outage_of_an_hour_sends_by_mail_what_telegram_was_to_bring_first(answered: Home) -> None:
    house = answered.house
    fail_to_deliver(house)
    house.now += timedelta(minutes=58)
    fail_to_deliver(house)
    assert answers(answered) == [(Channel.TELEGRAM, MessageState.QUEUED)]
    house.now += timedelta(minutes=3)
    fail_to_deliver(house)
    assert answers(answered) == [
        (Channel.TELEGRAM, MessageState.CANCELLED),
        (Channel.EMAIL, MessageState.QUEUED),
    ]


def test_what_comes_after_an_outage_finds_out_that_it_is_over(answered: Home) -> None:
    house = answered.house
    fail_to_deliver(house)
    house.now += timedelta(hours=1)
    fail_to_deliver(house)
    house.now += timedelta(days=3)
    house.cast.do(ask_again, answered, now=house.now)
    house.deliver()
    assert house.cast.messages(notice=Notice.TEST)[-1].state is MessageState.SENT


def test_what_was_tried_once_in_an_outage_goes_by_mail(answered: Home) -> None:
    house = answered.house
    fail_to_deliver(house)
    house.now += timedelta(hours=2)
    house.cast.do(ask_again, answered, now=house.now)
    for _ in range(2):
        fail_to_deliver(house)
        house.now += timedelta(minutes=1)
    told = house.cast.messages(notice=Notice.TEST)
    assert [message.channel for message in told] == [Channel.TELEGRAM, Channel.EMAIL]


@pytest.mark.parametrize(
    ("choice", "has_mail"), [(ChannelChoice.TELEGRAM, True), (ChannelChoice.TELEGRAM_FIRST, False)]
)
def test_who_wants_or_has_no_mail_goes_on_waiting_for_telegram(
    home: Home, choice: ChannelChoice, has_mail: bool
) -> None:
    house = home.house
    house.cast.do(choose_channel, home.mia.contact_id, choice, by=house.cast.olga, now=house.now)
    if not has_mail:
        mailbox = select(Address.id).where(
            Address.contact_id == home.mia.contact_id, Address.channel == Channel.EMAIL
        )
        key = house.cast.read(lambda session: session.scalars(mailbox).one())
        house.cast.do(mark_refused, key, reason="550 no such user", now=house.now)
    house.press(home.mia_phone, "I’ve paid")
    house.press(home.olga_phone, "Confirm 6.00 €")
    house.now += timedelta(seconds=20)
    for _ in range(3):
        fail_to_deliver(house)
        house.now += timedelta(hours=1)
    assert answers(home, home.mia) == [(Channel.TELEGRAM, MessageState.QUEUED)]


def test_what_grew_stale_in_an_outage_goes_by_mail(answered: Home) -> None:
    house = answered.house
    by, choice = house.cast.olga, ChannelChoice.TELEGRAM
    house.cast.do(choose_channel, answered.ben.contact_id, choice, by=by, now=house.now)
    fail_to_deliver(house)
    house.now += timedelta(days=30)
    fail_to_deliver(house)
    assert answers(answered) == [
        (Channel.TELEGRAM, MessageState.CANCELLED),
        (Channel.EMAIL, MessageState.QUEUED),
    ]
