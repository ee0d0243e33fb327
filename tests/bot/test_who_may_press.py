"""Claims about who may press: the chat at this moment decides, never the data; a refusal tells nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select, update

from substrack.domain.chat_buttons import Do, data
from substrack.domain.payments import Status
from substrack.services.chats import unlink_chat
from substrack.services.voiding import void_period
from substrack.store import Attempt, Contact, Event, User
from tests.bot.house import Home
from tests.fakes.bot_api import BotApi, Person
from tests.support.cast import make_stranger

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

REFUSAL = "This isn’t yours to press, or it no longer does anything."
LEAKS = re.compile(r"\d+[.,]\d\d|Ben|Mia|Olga|YouTube|DE89|€")


@pytest.fixture
def claimed(home: Home) -> Home:
    home.house.press(home.ben_phone, "I’ve paid")
    return home


def every_data(home: Home) -> list[str]:
    """Name everything that buttons can say about Ben's payment, claim and messages."""
    cast = home.house.cast
    attempt = cast.read(lambda session: session.scalars(select(Attempt)).first())
    decision = cast.read(lambda session: session.scalars(select(Event.correlation_id)).first())
    assert attempt is not None
    assert decision is not None
    shown = home.olga_phone.last.button("Confirm 6.00 €").data
    assert shown is not None
    seen = shown.split(":")[2]
    payment = home.payment(home.ben)
    admin = cast.read(lambda session: session.get_one(Contact, cast.olga_contact))
    requests = [m for m in cast.messages(contact_id=home.ben.contact_id) if m.provider_id]
    subjects = [f"m{message.public_id}" for message in requests]
    about_subjects = [
        data(do, subject)
        for subject in subjects
        for do in (Do.PAID_ALL, Do.LATER, Do.HOW_TO_PAY, Do.OBJECT, Do.WITHDRAW)
    ]
    return [
        data(Do.PAID, payment.public_id),
        *about_subjects,
        data(Do.LATER_UNTIL, subjects[-1], "week"),
        data(Do.CONFIRM, attempt.public_id, seen),
        data(Do.CONFIRM_ONE, payment.public_id, payment.version),
        data(Do.REJECT, attempt.public_id, seen),
        data(Do.REJECT_FOR, attempt.public_id, seen, "none"),
        data(Do.REJECT_OTHER, attempt.public_id, seen),
        data(Do.UNDO, decision),
        data(Do.PROOF, attempt.public_id),
        data(Do.PROVES, payment.public_id),
        data(Do.NOT_ME, 1),
        data(Do.TOO_LITTLE, attempt.public_id, seen),
        data(Do.PENDING, admin.public_id, 1),
        data(Do.CONFIRM_PAGE, admin.public_id, 1),
        data(Do.CONFIRM_PAGE_NOW, admin.public_id, 1, seen),
        data(Do.UNDO_PAGE, decision, 1),
        data(Do.NEW_CODE, admin.public_id),
        data(Do.ANSWER, payment.public_id),
        data(Do.NO_ANSWER, payment.public_id),
    ]


ABOUT_THEMSELVES = {Do.BACK, Do.LANGUAGE, Do.UNLINK, Do.NEVER_MIND}
"""Buttons about nothing but the chat they are pressed in."""


def test_every_kind_of_button_is_tried(claimed: Home) -> None:
    tried = {Do(text.split(":")[0]) for text in every_data(claimed)}
    assert tried | ABOUT_THEMSELVES == set(Do)


def is_unchanged(home: Home) -> bool:
    payment = home.payment(home.ben)
    return (payment.status, payment.version, payment.snoozed_until) == (Status.MEMBER_CONFIRMED, 2, None)


def check_refused(home: Home, phone: Person, message: Any, texts: list[str]) -> None:
    words_before, inbox_before = message.text, len(phone.inbox)
    for text in texts:
        press = phone.presses(message, data=text)
        for body in home.house.take_updates():
            home.house.handle(body, 2)
        assert press.answers, text
        assert not LEAKS.search(" ".join(press.answers)), (text, press.answers)
        assert is_unchanged(home), text
    assert message.text == words_before
    assert len(phone.inbox) == inbox_before


def test_a_stranger_is_refused_everywhere(claimed: Home, api: BotApi) -> None:
    zed = api.person("Zed", 9001, has_started=True)
    for message in (claimed.ben_phone.last, claimed.olga_phone.last):
        check_refused(claimed, zed, message, every_data(claimed))


def test_the_owner_of_another_workspace_is_a_stranger(claimed: Home, api: BotApi) -> None:
    stranger = make_stranger(claimed.house.cast.runtime)
    zed = claimed.house.link(stranger.olga_contact, "Zed", 9001)
    claimed.house.deliver()
    check_refused(claimed, zed, zed.last, every_data(claimed))


def test_another_member_is_refused(claimed: Home) -> None:
    check_refused(claimed, claimed.mia_phone, claimed.mia_phone.last, every_data(claimed))


def test_a_member_can_not_decide_about_their_own_claim(claimed: Home) -> None:
    texts = [text for text in every_data(claimed) if text.split(":")[0] in ("c", "co", "r", "rf", "ro", "u")]
    for text in texts:
        press = claimed.ben_phone.presses(claimed.ben_phone.last, data=text)
        claimed.house.work()
        assert press.answers == [REFUSAL]
    assert is_unchanged(claimed)


def test_an_admin_can_not_claim_for_a_member_by_their_button(claimed: Home) -> None:
    press = claimed.olga_phone.presses(
        claimed.olga_phone.last, data=data(Do.PAID, claimed.payment(claimed.mia).public_id)
    )
    claimed.house.work()
    assert press.answers == [REFUSAL]
    assert claimed.house.status(claimed.mia) is Status.PENDING


def test_a_former_admin_is_refused(claimed: Home) -> None:
    cast, now = claimed.house.cast, claimed.house.now
    cast.do(
        lambda session: session.execute(update(User).where(User.name == "Ada").values(deactivated_at=now))
    )
    decisions = [text for text in every_data(claimed) if text[0] in "cru"]
    press = claimed.ada_phone.presses(claimed.ada_phone.last, data=decisions[0])
    claimed.house.work()
    assert press.answers == [REFUSAL]
    assert is_unchanged(claimed)


def test_an_unlinked_chat_is_a_stranger(claimed: Home) -> None:
    house = claimed.house
    house.cast.do(unlink_chat, claimed.ben.contact_id, by=house.cast.olga, now=house.now)
    press = claimed.ben_phone.presses(claimed.ben_phone.last, "Oops, not yet")
    house.work()
    assert press.answers == [REFUSAL]
    assert is_unchanged(claimed)


def test_a_voided_payment_is_no_longer_to_be_paid(home: Home) -> None:
    house, payment = home.house, home.payment(home.ben)
    pressed = home.ben_phone.last.button("I’ve paid").data
    house.cast.do(void_period, payment.period_id, reason="twice", by=house.cast.olga, now=house.now)
    press = home.ben_phone.presses(home.ben_phone.last, data=pressed)
    house.work()
    assert press.answers == [REFUSAL]
    assert "This is no longer asked for." in home.ben_phone.last.text
    assert home.ben_phone.last.labels == []


def test_a_forwarded_message_has_no_buttons_and_its_data_does_nothing_for_others(
    claimed: Home, api: BotApi
) -> None:
    group = api.group("Family", -500)
    forwarded = claimed.ben_phone.forwards(claimed.ben_phone.last, to=group.chat)
    assert forwarded.labels == []
    press = claimed.mia_phone.presses(forwarded, data=every_data(claimed)[0])
    claimed.house.work()
    assert press.answers == [REFUSAL]
    assert is_unchanged(claimed)


def test_even_its_owner_can_not_press_in_a_group(claimed: Home, api: BotApi) -> None:
    group = api.group("Family", -500)
    forwarded = claimed.ben_phone.forwards(claimed.ben_phone.last, to=group.chat)
    press = claimed.ben_phone.presses(forwarded, data=data(Do.WITHDRAW, _subject(claimed)))
    claimed.house.work()
    assert press.answers == [REFUSAL]
    assert is_unchanged(claimed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p",
        "p:",
        "nonsense",
        "p:" + "x" * 60,
        "c:a:b:c:d",
        "lu:mxx:never",
        "q:zz:1",
        "nm:" + "9" * 30,
        "nm:-1",
    ],
)
def test_forged_data_is_refused_calmly(home: Home, text: str) -> None:
    press = home.ben_phone.presses(home.ben_phone.last, data=text or " ")
    home.house.work()
    assert press.answers == [REFUSAL]


@pytest.mark.parametrize("number", ["9" * 10, "9" * 30, "-1", "1_0"])
def test_no_number_on_a_button_is_too_large_to_be_refused(home: Home, number: str) -> None:
    payment = home.payment(home.ben).public_id
    admin = home.house.cast.read(lambda s: s.get_one(Contact, home.house.cast.olga_contact).public_id)
    for forged in (data(Do.CONFIRM_ONE, payment, number), data(Do.PENDING, admin, number)):
        press = home.olga_phone.presses(home.olga_phone.last, data=forged)
        home.house.work()
        assert press.answers == [REFUSAL]


def test_an_old_message_of_which_only_the_number_is_told_still_works(home: Home) -> None:
    home.ben_phone.presses(home.ben_phone.last, "I’ve paid", is_old=True)
    home.house.work()
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED


def test_nothing_is_written_for_a_stranger(claimed: Home, api: BotApi) -> None:
    count = lambda session: session.scalar(select(func.count()).select_from(Event))  # noqa: E731
    before = claimed.house.cast.read(count)
    zed = api.person("Zed", 9001, has_started=True)
    check_refused(claimed, zed, claimed.ben_phone.last, every_data(claimed))
    assert claimed.house.cast.read(count) == before


def _subject(home: Home) -> str:
    found = [m for m in home.house.cast.messages(contact_id=home.ben.contact_id) if m.provider_id]
    return f"m{found[-1].public_id}"
