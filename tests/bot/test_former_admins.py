"""Claims about who administered once: they are told nothing any more, and what they were told is closed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel, Notice
from substrack.domain.payments import Status
from substrack.services.roles import remove_admin
from substrack.store import User
from tests.bot.house import Home

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def claimed(home: Home) -> Home:
    """Ben says that he paid; Olga and Ada are told."""
    home.house.press(home.ben_phone, "I’ve paid")
    return home


def dismiss_ada(home: Home) -> None:
    cast = home.house.cast
    ada = cast.read(lambda session: session.scalars(select(User.public_id).where(User.name == "Ada")).one())
    cast.do(remove_admin, cast.workspace_id, ada, by=cast.olga, now=home.house.now)


def test_what_waits_for_a_former_admin_is_not_sent(home: Home) -> None:
    house = home.house
    home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    for body in house.take_updates():
        house.handle(body)
    dismiss_ada(home)
    before = len(home.ada_phone.inbox)
    house.deliver()
    assert len(home.ada_phone.inbox) == before
    assert home.olga_phone.last.text.startswith("Ben paid")
    told = house.cast.messages(notice=Notice.CLAIM_RECEIVED, channel=Channel.TELEGRAM)
    assert sorted(message.state for message in told) == [MessageState.CANCELLED, MessageState.SENT]


def test_a_former_admin_sees_nothing_of_what_others_decide(claimed: Home) -> None:
    shown = claimed.ada_phone.last
    words = shown.text
    dismiss_ada(claimed)
    claimed.house.press(claimed.olga_phone, "Confirm 6.00 €")
    assert (shown.text, shown.labels) == (words, [])
    claimed.house.press(claimed.olga_phone, "Undo")
    assert (shown.text, shown.labels) == (words, [])


def test_a_former_admins_press_takes_the_buttons_away(claimed: Home) -> None:
    shown = claimed.ada_phone.last
    dismiss_ada(claimed)
    claimed.house.press(claimed.ada_phone, "Confirm 6.00 €", on=shown)
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED
    assert shown.labels == []
