"""A house with a mail server beside it, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.fakes.smtp import FakeRelay
from tests.journeys.house import House, berlin


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
