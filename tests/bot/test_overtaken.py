"""Claims about messages that are put into words before a decision and arrive after it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from substrack.bot.reactions import Screen
from substrack.bot.sending import show_fresh
from substrack.domain.actors import Actor, Via
from substrack.domain.delivery import LEASE
from substrack.domain.notices import Channel, Notice
from substrack.services.claim_decisions import confirm_claim
from substrack.services.claims import claim_payments
from substrack.services.delivery import build_message, claim_messages
from substrack.services.outcomes import Accepted, mark_sent
from substrack.store import Message
from substrack.worker.senders import outgoing_chat
from tests.bot.house import Home

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


def test_what_changed_while_an_edit_was_on_its_way_is_shown(home: Home) -> None:
    house, shown = home.house, home.ben_phone.last
    now_so = [Screen("one"), Screen("two"), Screen("two")]
    house.run(show_fresh(house.bot, 1001, shown.id, lambda: now_so.pop(0)))
    assert (shown.text, shown.edits) == ("two", 2)


def test_what_did_not_change_on_its_way_is_sent_once(home: Home) -> None:
    house, shown = home.house, home.ben_phone.last
    house.run(show_fresh(house.bot, 1001, shown.id, lambda: Screen("one")))
    assert len(house.api.calls("editMessageText")) == 1
    assert shown.text == "one"


def test_a_message_that_a_decision_overtakes_loses_its_buttons(home: Home) -> None:
    house, cast = home.house, home.house.cast
    ben, owed = home.ben.contact_id, [home.payment(home.ben).id]
    [attempt] = cast.do(claim_payments, ben, owed, by=Actor.contact(ben, Via.LINK), now=house.now)
    told = select(Message.lane).where(
        Message.notice == Notice.CLAIM_RECEIVED, Message.channel == Channel.TELEGRAM
    )
    lane = cast.read(lambda session: session.scalars(told.limit(1)).one())
    runtime = house.bot.runtime
    with runtime.transaction() as session:
        held = claim_messages(session, lane, limit=500, lease=LEASE, now=house.now)
    with runtime.transaction() as session:
        built = [build_message(session, one, signer=runtime.signer, now=house.now) for one in held]
    cast.do(confirm_claim, attempt.id, by=cast.olga, now=house.now)

    for one, words in zip(held, built, strict=True):
        assert words is not None
        number = house.run(house.bot.channel.send(outgoing_chat(words)))
        with runtime.transaction() as session:
            mark_sent(session, [Accepted(one, number)], now=house.now)
    assert "Confirm 6.00 €" in str(home.ada_phone.last.labels)
    house.edit()

    assert home.ada_phone.last.labels == []
    assert "Olga confirmed this" in home.ada_phone.last.text
