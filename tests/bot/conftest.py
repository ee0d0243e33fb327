"""The stand-in of the Bot API, and houses with the bot at work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from substrack.bot import pressing
from substrack.services import pacing
from tests.bot.house import Home, House, move_in, open_house
from tests.fakes.bot_api import BotApi
from tests.support.cast import Cast


@pytest.fixture(autouse=True)
def _unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """How fast the bot may speak, and answers on a slow machine, are claimed elsewhere."""
    monkeypatch.setattr(pressing, "PATIENCE_SECONDS", 30)
    monkeypatch.setattr(pacing, "CHAT_GAP", timedelta(0))
    monkeypatch.setattr(pacing, "BOT_GAP", timedelta(0))
    monkeypatch.setattr(pacing, "SEAT_REST", timedelta(0))


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
def house(api: BotApi, cast: Cast) -> Iterator[House]:
    with asyncio.Runner() as runner:
        house = open_house(api, cast, runner)
        yield house
        runner.run(house.bot.channel.close())


@pytest.fixture
def home(house: House) -> Home:
    return move_in(house)
