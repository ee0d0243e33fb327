"""The stand-in of the Bot API, and somebody who wrote to the bot before."""

from collections.abc import Iterator

import pytest

from tests.fakes.bot_api import BotApi, Person


@pytest.fixture(autouse=True)
def _timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the library warns at every 429."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
def ben(api: BotApi) -> Person:
    return api.person("Ben", 1001, has_started=True)
