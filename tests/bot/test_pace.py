"""Claims about how fast the bot speaks: edits count, and all workspaces of one bot share one pace."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from substrack.bootstrap import wall_clock
from substrack.bot import refreshing
from substrack.bot.reactions import Screen
from substrack.bot.sending import say, show, show_keys
from substrack.channels.mailbox import MailboxChannel
from substrack.domain.delivery import DeliveryFailed, MessageState
from substrack.domain.notices import Channel, Notice
from substrack.services import pacing
from substrack.services.pacing import Seat, pace_of_bot, reserve_send, use_slot
from substrack.services.shown import claim_edits
from substrack.store import Lane, Message
from substrack.worker.outbox import Outbox
from substrack.worker.telegram_life import BotLife
from substrack.worker.telegram_working import BotHands
from tests.bot.house import LEASE_SHORT, Home, House
from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import BotApi
from tests.support.cast import make_stranger

SPEAKING = {"sendMessage", "editMessageText", "editMessageReplyMarkup"}


def spoken_at(house: House) -> list[float]:
    """Say when the bot spoke, or edited, in its own time."""
    return [request.at for request in house.api.requests if request.method in SPEAKING]


def paces(house: House) -> dict[str, datetime | None]:
    """Read the rows that are reserved in."""
    query = select(Lane.name, Lane.next_at).where(Lane.next_at.is_not(None))
    return house.cast.read(lambda session: {row.name: row.next_at for row in session.execute(query)})


def test_edits_in_one_chat_are_a_second_apart(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    house, number = home.house, home.ben_phone.last.id
    monkeypatch.setattr(pacing, "CHAT_GAP", timedelta(seconds=0.3))
    house.api.requests.clear()

    async def speak() -> None:
        await show(house.bot, 1001, number, Screen("one"))
        await show_keys(house.bot, 1001, number, Screen(""))
        await say(house.bot, 1001, Screen("two"), reply_to=number)
        await show(house.bot, 1001, number, Screen("three"))

    house.run(speak())
    times = spoken_at(house)
    assert len(times) == 4
    assert all(later - earlier >= 0.29 for earlier, later in pairwise(times))


def test_an_edit_by_the_worker_waits_for_the_chat_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    house = home.house
    monkeypatch.setattr(pacing, "CHAT_GAP", timedelta(seconds=0.5))
    message = next(each for each in house.cast.messages() if each.provider_id == str(home.ben_phone.last.id))
    house.api.requests.clear()

    async def speak() -> None:
        await say(house.bot, 1001, Screen("hello"), reply_to=1)
        await refreshing.refresh(house.bot, message.id)

    house.run(speak())
    said, edited = spoken_at(house)
    assert edited - said >= 0.49


def test_answering_a_press_takes_no_turn(home: Home, api: BotApi) -> None:
    zed = api.person("Zed", 9001, has_started=True)
    press = zed.presses(home.ben_phone.last, data="nonsense")
    for body in home.house.take_updates():
        home.house.handle(body)
    assert press.answers
    assert f"{pace_of_bot(home.house.bot.channel.account.bot_id)}:9001" not in paces(home.house)


def test_all_workspaces_of_a_bot_and_its_answers_share_one_pace(home: Home) -> None:
    """Zed's workspace has a connection, and so a lane, of its own; the bot is the same."""
    house = home.house
    zed = make_stranger(house.cast.runtime)
    house.link(zed.olga_contact, "Zed", 9001)
    lanes = {message.lane for message in house.cast.messages() if message.channel.value == "telegram"}
    assert len(lanes) == 2

    house.run(empty_outbox(house))
    home.ben_phone.says("/help")
    house.work()
    name = pace_of_bot(house.bot.channel.account.bot_id)
    assert {key for key in paces(house) if key.count(":") == 1} == {name}
    assert {f"{name}:1001", f"{name}:9001"} <= set(paces(house))


async def empty_outbox(house: House) -> None:
    """Deliver as a worker does, pacing and all."""
    runtime = house.bot.runtime
    with ThreadPoolExecutor(1) as database:
        mail, chats = MailboxChannel(runtime.mail_dir), house.bot.channel
        await Outbox(runtime, mail, database, clock=runtime.clock, chats=chats).deliver()


def test_a_pause_that_the_bot_was_asked_for_holds_everywhere(home: Home) -> None:
    house = home.house
    house.api.fail_next("sendMessage", faults.too_many(1))
    house.api.requests.clear()

    async def speak() -> None:
        with pytest.raises(DeliveryFailed):
            await say(house.bot, 1001, Screen("too much"), reply_to=1)
        await say(house.bot, 1002, Screen("hello"), reply_to=1)

    house.run(speak())
    refused, said = spoken_at(house)
    assert said - refused >= 0.9


@pytest.mark.parametrize("who", ["bot", "outbox"])
def test_a_long_pause_is_not_waited_for_by_anybody(home: Home, who: str) -> None:
    """What waits is laid down and taken up later: leases are shorter than such a pause."""
    house = home.house
    home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    for body in house.take_updates():
        house.handle(body)
    house.api.fail_next("sendMessage", faults.too_many(60))
    with pytest.raises(DeliveryFailed) if who == "bot" else nullcontext():
        house.run(say(house.bot, 1001, Screen("hi"), reply_to=1) if who == "bot" else empty_outbox(house))
    house.api.requests.clear()

    with pytest.raises(DeliveryFailed) as paused:
        house.run(show(house.bot, 1002, 1, Screen("hi")))
    house.run(empty_outbox(house))

    assert spoken_at(house) == []
    assert paused.value.retry_after is not None
    assert paused.value.retry_after > timedelta(seconds=50)
    waiting = house.cast.messages(notice=Notice.CLAIM_RECEIVED, channel=Channel.TELEGRAM)
    assert MessageState.QUEUED in {message.state for message in waiting}
    assert {message.attempts for message in waiting} == {0}


def flag_all(house: House) -> None:
    """Have every message that phones show edited."""
    flag = update(Message).where(Message.provider_id.is_not(None)).values(edit_at=house.now)
    house.cast.do(lambda session: session.execute(flag))


def test_a_chat_with_edits_to_come_holds_no_other_up(home: Home) -> None:
    house, pace = home.house, pace_of_bot(home.house.bot.channel.account.bot_id)
    slot = house.cast.do(reserve_send, pace, "1001", now=wall_clock())
    assert isinstance(house.cast.do(use_slot, pace, "1001", slot, now=wall_clock()), Seat)
    flag_all(house)
    house.api.requests.clear()

    async def edit() -> None:
        life = BotLife(house.bot.runtime)
        editing = asyncio.create_task(BotHands(life, house.bot).edit())
        await asyncio.sleep(2)
        life.end()
        await editing
        life.close()

    house.run(edit())
    edited = {request.chat_id for request in house.api.calls("editMessageText")}
    assert edited == {1002, 2001, 2002}


def test_of_several_edits_the_latest_message_comes_first(home: Home) -> None:
    """Edits of one chat are a second apart; the latest message is the one somebody looks at."""
    house = home.house
    flag_all(house)
    due = house.cast.do(claim_edits, limit=3, lease=LEASE_SHORT, now=house.now)
    shown = [message.id for message in house.cast.messages() if message.provider_id]
    assert [one.message_id for one in due] == shown[:-4:-1]
