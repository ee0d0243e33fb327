"""Many updates, many chats, several workers: each update once, limits kept, and nobody kept waiting."""

from __future__ import annotations

import logging
import os
import threading
from datetime import timedelta
from typing import Any

import pytest

from substrack.bootstrap import DatabaseTrouble, Trouble
from substrack.domain.notices import Channel, Notice
from substrack.domain.payments import Status
from substrack.services import pacing
from substrack.services.chats import send_chat_test
from substrack.services.inbound import finish_update
from substrack.store import Attempt, Connection, Inbound, Member
from substrack.worker import telegram_working
from substrack.worker.running import Worker
from tests.fakes.bot_api import Person, Shown
from tests.fakes.telegram_faults import UNAUTHORIZED
from tests.journeys.town import PATIENCE, Town, february_comes, move_in, says, shows
from tests.support.books import check_books

COPIES = 5
ROUNDS = ("I’ve paid", "Oops, not yet") * 2
UPDATES = int(os.environ.get("TELEGRAM_UPDATES", "60"))
"""How many presses are repeated; `make test-telegram-load` takes 1,000."""


@pytest.mark.only_postgresql
def test_three_workers_together_keep_the_pace_of_bot_and_chat(town: Town) -> None:
    chats = range(5001, 5061)
    for chat in chats:
        contact_id = town.add_person(f"P{chat}")
        town.put_into_chat(contact_id, chat)
        town.cast.do(send_chat_test, contact_id, by=town.cast.olga, now=town.clock())
    with town.at_work(workers=3):
        town.waits_until(lambda: not town.due(), seconds=40)
    assert len(town.api.calls("sendMessage")) == 120
    assert town.api.busiest_second() <= 30
    # Counted from when a message really went out, however late its turn came.
    assert min(pause_in(town, chat) for chat in chats) > 1


def pause_in(town: Town, chat: int) -> float:
    """Measure the seconds between the two messages of a chat."""
    first, second = [each.at for each in town.api.calls("sendMessage") if each.chat_id == chat]
    return second - first


@pytest.mark.only_postgresql
def test_presses_that_come_five_times_each_have_one_effect(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody says "I've paid", takes it back, and both again."""
    monkeypatch.setattr(pacing, "CHAT_GAP", timedelta(0))
    monkeypatch.setattr(pacing, "BOT_GAP", timedelta(0))
    monkeypatch.setattr(pacing, "SEAT_REST", timedelta(0))
    crowd = gather(town, UPDATES // len(ROUNDS))
    february_comes(town)
    with town.at_work(workers=3):
        town.waits_until(lambda: all(shown_to(phone, ROUNDS[0]) for phone in crowd.values()), seconds=120)
        town.api.updates.copies = COPIES
        for label in ROUNDS:
            town.waits_until(lambda: all(shown_to(phone, label) for phone in crowd.values()), seconds=120)  # noqa: B023
            for phone in crowd.values():
                phone.presses(shown_to(phone, label)[0], label)
        town.waits_until(lambda: all(shown_to(phone, ROUNDS[0]) for phone in crowd.values()), seconds=120)
        town.waits_until(lambda: not town.count_open_updates() and not town.api.updates.pending, seconds=60)
    presses = len(crowd) * len(ROUNDS)
    assert town.count(Inbound) == presses
    assert len(town.api.calls("answerCallbackQuery")) == presses
    assert town.count(Attempt) == presses / 2
    assert {town.payment(member).version for member in crowd} == {1 + len(ROUNDS)}
    town.cast.read(check_books)


def gather(town: Town, size: int) -> dict[Member, Person]:
    """Let people share a group and have nothing but Telegram."""
    group = town.cast.group(price="1000.00")
    members = [town.cast.join(group, f"P{number}", email=None) for number in range(size)]
    return {each: town.put_into_chat(each.contact_id, 5001 + at) for at, each in enumerate(members)}


def shown_to(phone: Person, label: str) -> list[Shown]:
    """Find the messages with a button."""
    return [each for each in phone.inbox if shows(label)(each)]


def test_of_three_workers_one_asks_and_the_next_takes_over_at_once(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "substrack")
    crew = [Worker(town.runtime()) for _number in range(3)]
    threads = {worker: threading.Thread(target=worker.run) for worker in crew}
    for thread in threads.values():
        thread.start()
    zed = town.api.person("Zed", 9001)
    try:
        for worker in crew:
            zed.says("/help")
            town.waits_until(lambda: not town.api.updates.pending and asks_again(town))
            worker.stop()
            threads[worker].join(timeout=30)
    finally:
        for worker in crew:
            worker.stop()
        for thread in threads.values():
            thread.join(timeout=30)
    assert town.count(Inbound) == len(crew)
    assert town.count(Connection, receiver_token=None) == town.count(Connection)
    assert not [each.getMessage() for each in caplog.records if "receive" in each.getMessage()]


def asks_again(town: Town) -> bool:
    return bool(town.count(Connection, next_update_id=town.api.updates.next_id))


@pytest.mark.only_sqlite
def test_a_refused_token_is_told_once_by_mail_and_then_everything_goes_on(town: Town) -> None:
    with town.at_work():
        street = move_in(town)
    town.api.down = UNAUTHORIZED
    town.cast.do(send_chat_test, street.ben.contact_id, by=town.cast.olga, now=town.clock())
    with town.at_work(workers=2):
        town.waits_until(lambda: town.subjects_to("olga"))
        town.clock.turn(timedelta(minutes=2))
        town.waits_until(lambda: len(town.api.calls("getMe")) > 6)
        assert len(street.ben_phone.inbox) == 1
        town.api.down = None
        town.clock.turn(timedelta(minutes=2))
        street.ben_phone.waits_for(says("test"), PATIENCE)
        town.waits_until(lambda: town.count(Connection, refused_since=None) == town.count(Connection))
    assert town.subjects_to("olga") == ["Subject: Telegram refuses your =?utf-8?q?bot=E2=80=99s?= token"]
    assert not town.count_messages(Notice.ADDRESS_REFUSED, Channel.EMAIL)


@pytest.mark.only_sqlite
def test_a_stranger_who_writes_a_lot_keeps_nobody_waiting_for_an_answer(town: Town) -> None:
    with town.at_work():
        street = move_in(town)
    february_comes(town)
    with town.at_work():
        asked = street.ben_phone.waits_for(shows("I’ve paid"), PATIENCE)
        zed = town.api.person("Zed", 9001)
        for _number in range(200):  # each answer waits a second for the one before
            zed.says("/help")
        town.waits_until(lambda: zed.inbox)
        press = street.ben_phone.presses(asked, "I’ve paid")
        street.ben_phone.waits_for_answer(press, PATIENCE)
        assert len(zed.inbox) < 8
    assert town.payment(street.ben).status is Status.MEMBER_CONFIRMED


@pytest.mark.only_sqlite
def test_a_bot_whose_database_fails_for_a_moment_hears_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_working, "LEASE", timedelta(seconds=5))  # three answers take three
    failures = iter(range(2))

    def finish(*args: Any, **named: Any) -> None:
        if next(failures, None) is not None:
            raise DatabaseTrouble(Trouble.AWAY, Exception("the database restarts"))
        finish_update(*args, **named)

    monkeypatch.setattr(telegram_working, "finish_update", finish)
    with town.at_work():
        zed = town.api.person("Zed", 9001)
        for _number in range(3):
            zed.says("/help")
            zed.waits_for(lambda shown: bool(shown.text), PATIENCE)
        town.waits_until(lambda: town.count_open_updates() == 0 and town.count(Inbound) == 3)
