"""Claims about the bot as a whole: in time, once, by the library's own reading of updates, and its menu."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from substrack.bot import pressing
from substrack.bot.commands import COMMANDS
from substrack.bot.handling import handle
from substrack.bot.updates import Pressed, read_update
from substrack.channels.telegram_account import TelegramAccount
from substrack.channels.telegram_updates import TelegramUpdates
from substrack.domain.bills import HowToPay, Way
from substrack.domain.chat_buttons import Do, data
from substrack.domain.delivery import DeliveryFailed
from substrack.domain.payments import Status
from substrack.services.inbound import claim_updates, finish_update, store_updates
from substrack.store import AttemptItem, Event
from substrack.texts.scan_codes import scan_codes
from tests.bot.house import IBAN, Home, House, move_in
from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import BotApi, Shown
from tests.fakes.telegram_chats import message_json
from tests.support.books import check_books
from tests.support.cast import money

UPDATES: Final = int(os.environ.get("TELEGRAM_UPDATES", "250"))

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


def count_claims(house: House) -> int:
    return house.cast.read(lambda session: session.scalar(select(func.count()).select_from(AttemptItem)) or 0)


def test_two_phones_at_once_claim_once(home: Home) -> None:
    for _ in range(4):
        home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    bodies = home.house.take_updates()

    async def at_once() -> None:
        await asyncio.gather(*(handle(home.house.bot, body) for body in bodies for _ in range(3)))

    home.house.run(at_once())
    assert count_claims(home.house) == 1
    assert home.payment(home.ben).version == 2
    home.house.cast.read(check_books)


@pytest.mark.only_sqlite
def test_updates_delivered_five_times_have_one_effect_each(house: House) -> None:
    """Presses alternate between two languages, so each has an effect if it is acted on once."""
    home = move_in(house)
    texts = [data(Do.LANGUAGE, "en_GB"), data(Do.LANGUAGE, "en_US")]
    before = _events(house, "edit")
    deliver(house, [_press(number, home.ben_phone.last, texts[number % 2]) for number in range(UPDATES)])
    assert _events(house, "edit") - before == UPDATES


def test_claims_delivered_five_times_have_one_effect_each(house: House) -> None:
    """Presses alternate between "I’ve paid" and "Oops, not yet", so a late repetition would show."""
    home = move_in(house)
    request = home.ben_phone.last
    [message] = [each for each in house.cast.messages() if each.provider_id == str(request.id)]
    texts = [data(Do.PAID, home.payment(home.ben).public_id), data(Do.WITHDRAW, f"m{message.public_id}")]
    deliver(house, [_press(number, request, texts[number % 2]) for number in range(40)], hours=9)
    assert _events(house, "claim") == _events(house, "withdraw") == 20
    house.cast.read(check_books)


def deliver(house: House, bodies: list[dict[str, Any]], *, hours: int = 0) -> None:
    """Deliver each update five times, and work on what was stored as a worker would."""
    with house.bot.runtime.transaction() as session:
        for _ in range(5):
            store_updates(session, house.bot.connection_id, bodies, now=house.now)
    while claimed := house.cast.do(claim_updates, limit=100, lease=timedelta(days=9), now=house.now):
        for one in claimed:
            pressed = read_update(one.body)
            assert isinstance(pressed, Pressed)
            pressing.decide(house.bot, pressed)
            house.now += timedelta(hours=hours)
        with house.bot.runtime.transaction() as session:
            for one in claimed:
                finish_update(session, one, now=house.now)


def _events(house: House, verb: str) -> int:
    query = select(func.count()).select_from(Event).where(Event.verb == verb)
    return house.cast.read(lambda session: session.scalar(query) or 0)


def _press(number: int, message: Shown, text: str) -> dict[str, Any]:
    query = {
        "id": f"q{number}",
        "from": {"id": 1001, "is_bot": False, "first_name": "Ben"},
        "message": message_json(message),
        "data": text,
    }
    return {"update_id": number, "callback_query": query}


def test_a_slow_act_is_answered_within_a_second(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressing, "PATIENCE_SECONDS", 0.1)
    decide = pressing.decide

    def slowly(*given: object) -> object:
        time.sleep(0.6)
        return decide(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(pressing, "decide", slowly)
    press = home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    for body in home.house.take_updates():
        home.house.handle(body)
    assert press.answers == [""]
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED
    assert home.ben_phone.last.labels == [["Oops, not yet"]]


def test_an_act_stands_when_telegram_fails_in_the_middle_and_is_shown_later(home: Home, api: BotApi) -> None:
    api.fail_next("editMessageText", faults.SERVER_ERROR)
    home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    [body] = home.house.take_updates()
    with pytest.raises(DeliveryFailed):
        home.house.handle(body)
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED
    home.house.handle(body)
    assert home.payment(home.ben).version == 2
    assert home.ben_phone.last.labels == [["Oops, not yet"]]


def test_updates_as_the_library_reads_them_are_understood(home: Home, api: BotApi) -> None:
    request = home.ben_phone.last

    async def fetch() -> list[dict[str, object]]:
        updates = TelegramUpdates(TelegramAccount.from_settings(api.token, api.url), poll_seconds=0)
        try:
            return await updates.fetch(None)
        finally:
            await updates.close()

    home.ben_phone.presses(request, "Something’s off")
    for body in home.house.run(fetch()):
        home.house.handle(body)
    api.updates.drop()
    home.ben_phone.says("wrong month", reply_to=home.ben_phone.last)
    home.ben_phone.presses(request, "I’ve paid", is_old=True)
    for body in home.house.run(fetch()):
        home.house.handle(body)
    assert home.payment(home.ben).snoozed_until is not None
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED


def test_edits_and_unknown_updates_are_passed_over(home: Home) -> None:
    said = home.ben_phone.says("/help")
    home.house.work()
    count = len(home.ben_phone.inbox)
    home.ben_phone.edits(said, "/unlink")
    home.house.work()
    for body in (
        {"update_id": 1},
        {"update_id": 2, "poll": {}},
        {"update_id": 3, "callback_query": {"id": "1"}},
    ):
        home.house.handle(body)
    assert len(home.ben_phone.inbox) == count


def test_the_menu_names_every_command_in_each_language() -> None:
    assert set(COMMANDS) == {"", "en", "de", "ru"}
    for listed in COMMANDS.values():
        assert [name for name, _what in listed] == ["start", "status", "language", "unlink", "help"]
        assert all(1 <= len(what) <= 256 for _name, what in listed)


def test_only_private_chats_show_the_menu(house: House, api: BotApi) -> None:
    async def register() -> None:
        updates = TelegramUpdates(TelegramAccount.from_settings(api.token, api.url), poll_seconds=0)
        try:
            await updates.set_commands(COMMANDS)
        finally:
            await updates.close()

    house.run(register())
    assert set(api.commands) == {("all_private_chats", language) for language in COMMANDS}


@pytest.mark.parametrize(
    ("currency", "kind", "codes"), [("EUR", "iban", 1), ("CHF", "iban", 0), ("EUR", "text", 0)]
)
def test_only_transfers_in_euro_are_to_be_scanned(currency: str, kind: str, codes: int) -> None:
    way = Way(kind, IBAN, holder="Olga O.")
    how = HowToPay("Olga", ("YouTube",), money("6.00", currency), ("K7M2PQ",), (way,))
    assert len(scan_codes([how])) == codes
