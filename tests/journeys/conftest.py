"""A house with a mail server beside it, and a town that lives in Telegram, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask

from substrack.worker import running, telegram_asking, telegram_life, telegram_receiving
from tests.fakes.bot_api import BotApi
from tests.fakes.smtp import FakeRelay
from tests.journeys.house import House, berlin
from tests.journeys.town import Town, open_town


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay() as relay:
        yield relay


@pytest.fixture
def house(database_url: str, tmp_path: Path, relay: FakeRelay) -> House:
    """Give Olga's house on a Saturday in January; nothing is shared yet."""
    house = House(database_url, tmp_path, relay, berlin("2026-01-10", "09:00"))
    house.add_olga()
    return house


@pytest.fixture
def app(house: House) -> Iterator[Flask]:
    """Give the pages of the house."""
    app = house.app()
    yield app
    app.extensions["journey_runtime"].close()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[BotApi]:
    """Give a Bot API, with workers that look round more often than they would, and try again sooner."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    monkeypatch.setattr(running, "DELIVER_SECONDS", 0.5)
    monkeypatch.setattr(telegram_life, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(telegram_life, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(telegram_asking, "MAX_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(telegram_receiving, "LOOK_SECONDS", 0.2)
    with BotApi() as api:
        yield api


@pytest.fixture
def has_webhook() -> bool:
    """Have the bot asked for updates; a test may choose otherwise."""
    return False


@pytest.fixture
def town(database_url: str, tmp_path: Path, api: BotApi, has_webhook: bool) -> Iterator[Town]:
    """Give Olga's workspace with a bot."""
    with ExitStack() as stack:
        yield open_town(database_url, tmp_path, api, stack, telegram_webhook=has_webhook)
