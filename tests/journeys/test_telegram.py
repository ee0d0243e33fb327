"""Journeys through Telegram: real workers, the real client, a stand-in of the Bot API, people with phones."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from PIL import Image

from substrack.domain.notices import Channel, ChannelChoice, Notice
from substrack.domain.payments import Status
from substrack.services.chats import choose_channel
from tests.fakes.bot_api import Person
from tests.fakes.telegram_faults import BAD_GATEWAY
from tests.journeys.town import PATIENCE, Street, Town, by, february_comes, move_in, says, shows
from tests.support.books import check_books

SURE = timedelta(seconds=11)
"""A decision can be undone for ten seconds; then the member hears of it."""


def from_invitation_to_receipt(town: Town) -> None:
    """Ben has nothing but Telegram: invited, asked, paid, confirmed, told."""
    with town.at_work():
        street = move_in(town)
    february_comes(town)
    with town.at_work():
        pay(town, street)
        street.olga_phone.presses(street.olga_phone.waits_for(shows("Confirm"), PATIENCE), "Confirm 9.00 €")
        street.olga_phone.waits_for(shows("Undo"), PATIENCE)
        town.clock.turn(SURE)
        told = street.ben_phone.waits_for(says("eceived"), PATIENCE)
    assert town.payment(street.ben).status is Status.CONFIRMED
    assert [each.text for each in street.ben_phone.inbox].count(told.text) == 1
    assert not town.mail_to("ben")
    town.cast.read(check_books)


def pay(town: Town, street: Street) -> None:
    """Let Ben be asked and say that he paid."""
    asked = street.ben_phone.waits_for(shows("I’ve paid"), PATIENCE)
    press = street.ben_phone.presses(asked, "I’ve paid")
    street.ben_phone.waits_for_answer(press, PATIENCE)


@pytest.mark.only_sqlite
def test_a_member_with_only_telegram_gets_by_without_a_browser_on_polling(town: Town) -> None:
    from_invitation_to_receipt(town)
    assert town.api.calls("getUpdates")


with_webhook = pytest.mark.parametrize("has_webhook", [True], ids=["webhook"])


@pytest.mark.only_postgresql
@with_webhook
def test_a_member_with_only_telegram_gets_by_without_a_browser_on_a_webhook(town: Town) -> None:
    with town.pages():
        from_invitation_to_receipt(town)
    assert not town.api.calls("getUpdates")


@pytest.mark.only_sqlite
def test_who_is_rejected_reads_why_and_claims_again_with_a_photo(town: Town) -> None:
    with town.at_work():
        street = move_in(town)
    olga, ben = street.olga_phone, street.ben_phone
    february_comes(town)
    with town.at_work():
        pay(town, street)
        claim = olga.waits_for(shows("Reject"), PATIENCE)
        olga.presses(claim, "Reject")
        town.waits_until(lambda: shows("Another reason")(claim))
        olga.presses(claim, "Another reason")
        olga.says("Nothing on my account", reply_to=olga.waits_for(shows("Never mind"), PATIENCE))
        town.waits_until(lambda: town.payment(street.ben).status is Status.PENDING)
        town.clock.turn(SURE)
        rejected = ben.waits_for(says("Nothing on my account"), PATIENCE)
        assert shows("I’ve paid")(rejected)

        ben.sends_photo(photo(), "Here it is", reply_to=rejected)
        again = olga.waits_for(shows("See the proof"), PATIENCE)
        assert "Here it is" in again.text
        olga.presses(again, "See the proof")
        olga.waits_for(lambda shown: shown.file is not None, PATIENCE)
        olga.presses(again, "Confirm 9.00 €")
        town.waits_until(lambda: town.payment(street.ben).status is Status.CONFIRMED)
        town.clock.turn(SURE)
        ben.waits_for(says("eceived"), PATIENCE)
        town.waits_until(lambda: not (claim.labels or again.labels or rejected.labels))
    town.cast.read(check_books)


@pytest.mark.only_postgresql
@with_webhook
def test_of_two_admins_at_once_one_decides_and_both_see_what(town: Town) -> None:
    with town.pages():
        with town.at_work():
            street = move_in(town)
            ada_id = town.cast.second_admin()
            ada = town.invite_admin(ada_id, town.contact_of("Ada"), "Ada", 2002)
            mia = town.cast.join(street.group, "Mia", email=None)
            mia_phone = town.invite(mia.contact_id, "Mia", 1002)
        february_comes(town)
        phones = (street.olga_phone, ada)
        with town.at_work(workers=2):
            for phone in (street.ben_phone, mia_phone):
                phone.presses(phone.waits_for(shows("I’ve paid"), PATIENCE), "I’ve paid")
            for name in ("Ben", "Mia"):
                decide_at_once(town, phones, name)
    for member in (street.ben, mia):
        assert town.payment(member).version == 3  # asked, claimed, decided once
    town.cast.read(check_books)


def decide_at_once(town: Town, phones: tuple[Person, Person], who: str) -> None:
    """Press Confirm on one phone and Reject on the other; both must end up showing the same."""
    claims = [phone.waits_for(says(f"{who} paid"), PATIENCE) for phone in phones]
    olga, ada = phones
    town.waits_until(lambda: all(shows("Confirm")(claim) for claim in claims))
    ada.presses(claims[1], "Reject")
    town.waits_until(lambda: shows("Not received")(claims[1]))
    with town.api.world.changed:  # nobody hears of the one before the other
        olga.presses(claims[0], "Confirm 6.00 €")
        ada.presses(claims[1], "Not received")
    town.waits_until(lambda: any("this at" in claim.text for claim in claims))
    town.clock.turn(SURE)
    town.waits_until(lambda: not any(claim.labels for claim in claims))
    outcomes = {claim.text.rpartition("\n\n")[2] for claim in claims}
    assert len(outcomes) == 1  # above it, only one of the two is sent to an account of their own


@pytest.mark.only_sqlite
@pytest.mark.parametrize("how", ["blocks", "leaves_telegram"])
def test_who_can_no_longer_be_reached_in_telegram_gets_mail_and_the_admin_hears_once(
    town: Town, how: str
) -> None:
    group = town.cast.group()
    ben = town.cast.join(group, "Ben")
    with town.at_work():
        olga = town.invite_admin(town.cast.olga, town.cast.olga_contact, "Olga", 2001)
        phone = town.invite(ben.contact_id, "Ben", 1001)
        first, me = ChannelChoice.TELEGRAM_FIRST, by(ben.contact_id)
        town.cast.do(choose_channel, ben.contact_id, first, by=me, now=town.clock())
    getattr(phone, how)()
    february_comes(town)
    with town.at_work():
        town.waits_until(lambda: any("9.00" in mail for mail in town.mail_to("ben")))
        told = olga.waits_for(says("Ben"), PATIENCE)
        for day in range(3):
            town.clock.turn(timedelta(days=day))
            town.cast.tick(town.clock())
            town.waits_until(lambda: not town.due())
    assert not any(shows("I’ve paid")(each) for each in phone.inbox)
    assert town.count_messages(Notice.ADDRESS_REFUSED, Channel.TELEGRAM) == 1
    assert [each.text for each in olga.inbox].count(told.text) == 1
    assert len(town.subjects_to("ben")) == len(set(town.subjects_to("ben")))


@pytest.mark.only_sqlite
def test_while_telegram_is_down_mail_flows_and_then_chats_catch_up_without_anything_twice(
    town: Town,
) -> None:
    with town.at_work():
        street = move_in(town)
    mia = town.cast.join(street.group, "Mia", now=town.clock())
    february_comes(town)
    town.api.down = BAD_GATEWAY
    with town.at_work():
        town.waits_until(lambda: town.mail_to("mia"))
        street.ben_phone.says("/status")
        for _hour in range(6):
            town.clock.turn(timedelta(hours=1))
            town.waits_until(lambda: not town.due(Channel.EMAIL))
        assert len(street.ben_phone.inbox) == 1
        town.api.down = None
        town.clock.turn(timedelta(minutes=2))
        asked = street.ben_phone.waits_for(shows("I’ve paid"), PATIENCE)
        street.ben_phone.presses(asked, "I’ve paid")
        street.olga_phone.waits_for(shows("Confirm"), PATIENCE)
        town.waits_until(lambda: not town.due())
    assert town.payment(mia).status is Status.PENDING
    for phone in (street.ben_phone, street.olga_phone):
        texts = [each.text for each in phone.inbox]
        assert len(texts) == len(set(texts)), texts
    assert len(town.subjects_to("mia")) == len(set(town.subjects_to("mia")))


def photo() -> bytes:
    """Take a small picture."""
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(file, "JPEG")
    return file.getvalue()
