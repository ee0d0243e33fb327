"""Claims about the bot as a worker runs it: what it registers at Telegram when it starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from attrs import evolve

from substrack.setting_values import SecretStr
from substrack.store import Connection
from substrack.worker.telegram import BotRunner
from substrack.worker.telegram_life import BotLife
from tests.bot.house import House
from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import BotApi
from tests.worker.processes import eventually

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


def run_until(house: House, is_so: Callable[[], bool], **settings: Any) -> None:
    """Run the bot with these settings until something is so."""
    changed = evolve(house.bot.runtime.settings, **settings)
    runner = BotRunner(replace(house.bot.runtime, settings=changed), house.bot.channel)

    async def run() -> None:
        running = asyncio.create_task(runner.run())
        try:
            assert await asyncio.to_thread(eventually, is_so)
        finally:
            runner.stop()
            await running

    house.run(run())


def run_with_webhook(house: House, key: str) -> str:
    """Run the bot with a webhook and a secret key; return the secret that is expected of Telegram then."""
    before = known_secret(house)
    called = len(house.api.calls("getWebhookInfo"))
    run_until(
        house,
        lambda: len(house.api.calls("getWebhookInfo")) > called,
        telegram_webhook=True,
        secret_keys=(SecretStr(key),),
    )
    assert known_secret(house) != before
    return known_secret(house)


def known_secret(house: House) -> str:
    found = house.cast.read(lambda session: session.get_one(Connection, house.bot.connection_id))
    return str(found.settings.get("webhook_secret", ""))


def test_a_new_key_makes_the_webhook_known_anew(house: House, api: BotApi) -> None:
    for number in ("one", "two"):
        secret = run_with_webhook(house, f"{number}-" + "k3yW1thAllKindsOfLetters" * 2)
        assert api.calls("setWebhook")[-1].values["secret_token"] == secret
    assert len(api.calls("setWebhook")) == 2


@pytest.mark.only_sqlite
def test_a_secret_is_not_expected_before_telegram_has_it(house: House, api: BotApi) -> None:
    api.fail_next("setWebhook", faults.BAD_GATEWAY)
    run_until(house, lambda: bool(api.calls("setWebhook")), telegram_webhook=True)
    assert known_secret(house) == ""


@pytest.mark.only_sqlite
def test_refused_commands_make_no_bot_deaf(house: House, api: BotApi) -> None:
    api.fail_next("setMyCommands", faults.refused(400, "Bad Request: bad commands"), times=99)
    run_until(house, lambda: bool(api.calls("getUpdates")))


@pytest.mark.only_sqlite
def test_what_pages_stored_is_found_within_a_fifth_of_a_second(house: House) -> None:
    """A press that comes by webhook is to be answered within a second, and acting takes time as well."""
    settings = evolve(house.bot.runtime.settings, telegram_webhook=True)

    async def wait() -> float:
        life = BotLife(replace(house.bot.runtime, settings=settings))
        began = time.monotonic()
        await life.until_ring()
        life.close()
        return time.monotonic() - began

    assert house.run(wait()) < 0.5
