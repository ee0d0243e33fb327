"""Claims about the night: what can wait arrives without a sound, by the clock of who reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from substrack.services.chats import chat_code, issue_chat_code
from substrack.services.people import edit_contact
from tests.bot.house import Home

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


def open_old_code(home: Home, hour: int) -> None:
    """Somebody comes with an invitation of Eva's that no longer works."""
    house = home.house
    eva = house.cast.join(home.group, "Eva").contact_id
    house.now = datetime(2026, 2, 6, hour, 0, tzinfo=UTC)
    old = house.cast.do(issue_chat_code, eva, now=house.now)
    house.cast.do(issue_chat_code, eva, now=house.now)
    house.api.person("Eva", 1003).starts(chat_code(house.bot.runtime.signer, old))
    house.work()


@pytest.mark.parametrize(("hour", "is_silent"), [(12, False), (23, True)])
def test_an_old_code_wakes_no_admin(home: Home, hour: int, is_silent: bool) -> None:
    open_old_code(home, hour)
    assert home.olga_phone.last.is_silent is is_silent


def test_it_is_night_where_the_reader_lives(home: Home) -> None:
    contact_id, by = home.house.cast.olga_contact, home.house.cast.olga
    home.house.cast.do(edit_contact, contact_id, time_zone="Asia/Tokyo", by=by, now=home.house.now)
    open_old_code(home, 15)
    assert home.olga_phone.last.is_silent
    assert not home.ada_phone.last.is_silent
