"""Claims about updates that are handled again, because telling failed or a worker died before it was marked.

What was done in the meantime is left alone: an update acts once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.bot.handling import handle
from substrack.domain.actors import Actor, Via
from substrack.domain.delivery import DeliveryFailed
from substrack.domain.notices import Channel
from substrack.domain.payments import Status
from substrack.services.chats import chat_code, issue_chat_code, unlink_chat
from substrack.services.inbound import store_updates
from substrack.store import Address
from tests.bot.house import Home
from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import BotApi


def cut_short(home: Home, api: BotApi) -> dict[str, Any]:
    """Have the bot act on what waits, and fail to say so; return the update, to be tried again."""
    house = home.house
    [body] = house.take_updates()
    with house.bot.runtime.transaction() as session:
        store_updates(session, house.bot.connection_id, [body], now=house.now)
    api.fail_next("answerCallbackQuery" if "callback_query" in body else "sendMessage", faults.BAD_GATEWAY)
    with pytest.raises(DeliveryFailed):
        house.run(handle(house.bot, body))
    house.deliver()
    house.edit()
    return body


def try_again(home: Home, body: dict[str, Any]) -> None:
    home.house.now += timedelta(seconds=30)
    home.house.handle(body)
    home.house.edit()


def test_what_was_withdrawn_meanwhile_is_not_claimed_again(home: Home, api: BotApi) -> None:
    home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    body = cut_short(home, api)
    home.house.press(home.ben_phone, "Oops, not yet")
    try_again(home, body)
    assert home.house.status(home.ben) is Status.PENDING


def test_what_was_rejected_meanwhile_is_not_claimed_again(home: Home, api: BotApi) -> None:
    home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    body = cut_short(home, api)
    home.house.press(home.olga_phone, "Reject")
    home.house.press(home.olga_phone, "Not received")
    try_again(home, body)
    assert home.house.status(home.ben) is Status.PENDING


def test_what_was_claimed_meanwhile_is_not_withdrawn_again(home: Home, api: BotApi) -> None:
    home.house.press(home.ben_phone, "I’ve paid")
    home.ben_phone.presses(home.ben_phone.last, "Oops, not yet")
    body = cut_short(home, api)
    home.house.press(home.ben_phone, "I’ve paid")
    try_again(home, body)
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED


def test_what_was_undone_meanwhile_is_not_confirmed_again(home: Home, api: BotApi) -> None:
    home.house.press(home.ben_phone, "I’ve paid")
    home.olga_phone.presses(home.olga_phone.last, "Confirm 6.00 €")
    body = cut_short(home, api)
    home.house.press(home.olga_phone, "Undo")
    try_again(home, body)
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED


def test_a_chat_that_was_linked_meanwhile_is_not_unlinked_again(home: Home, api: BotApi) -> None:
    home.ben_phone.says("/unlink")
    home.house.work()
    home.ben_phone.presses(home.ben_phone.last, "Yes, unlink")
    body = cut_short(home, api)
    link_again(home)
    try_again(home, body)
    assert chat_of_ben(home) == "1001"


def test_what_was_refused_stays_refused(home: Home, api: BotApi) -> None:
    house = home.house
    home.ben_phone.says("/unlink")
    house.work()
    home.ben_phone.presses(home.ben_phone.last, "Yes, unlink")
    by = Actor.contact(home.ben.contact_id, Via.LINK)
    house.cast.do(unlink_chat, home.ben.contact_id, by=by, now=house.now)
    body = cut_short(home, api)
    link_again(home)
    try_again(home, body)
    assert chat_of_ben(home) == "1001"


def link_again(home: Home) -> None:
    house = home.house
    with house.bot.runtime.transaction() as session:
        link = issue_chat_code(session, home.ben.contact_id, now=house.now)
        code = chat_code(house.bot.runtime.signer, link)
    home.ben_phone.says(f"/start {code}")
    house.work()


def chat_of_ben(home: Home) -> str | None:
    chat = select(Address.value).where(
        Address.contact_id == home.ben.contact_id, Address.channel == Channel.TELEGRAM
    )
    return home.house.cast.read(lambda session: session.scalar(chat))


def test_a_second_try_says_what_the_first_would_have_said(home: Home, api: BotApi) -> None:
    press = home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    body = cut_short(home, api)
    assert press.answers == []
    try_again(home, body)
    assert press.answers == ["Thanks! It’ll be checked."]
    assert home.ben_phone.last.labels[0] == ["Oops, not yet"]


def test_words_that_were_taken_are_taken_once(home: Home, api: BotApi) -> None:
    house = home.house
    house.press(home.ben_phone, "I’ve paid")
    house.press(home.olga_phone, "Reject")
    house.press(home.olga_phone, "Another reason")
    home.olga_phone.says("It bounced", reply_to=home.olga_phone.last)
    body = cut_short(home, api)
    house.pass_time(seconds=11)
    house.press(home.ben_phone, "I’ve paid")
    try_again(home, body)
    assert house.status(home.ben) is Status.MEMBER_CONFIRMED
    assert home.olga_phone.last.text == "Rejected; Ben will read why."
