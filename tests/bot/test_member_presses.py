"""Claims about what a member's presses do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from substrack.domain.actors import Actor, Via
from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.services.people import edit_contact
from substrack.services.putting_off import object_to_payments, snooze_payments
from substrack.texts import chat_letters
from tests.bot.house import Home, House, move_in
from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import BotApi
from tests.support.cast import START


def test_a_request_offers_what_a_member_can_do(home: Home) -> None:
    assert home.ben_phone.last.labels == [
        ["I’ve paid"],
        ["Remind me later", "How to pay"],
        ["Something’s off"],
    ]


@pytest.mark.parametrize("times", [1, 2, 5])
def test_saying_paid_claims_once_however_often_it_arrives(home: Home, times: int) -> None:
    home.house.press(home.ben_phone, "I’ve paid", times=times)
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED
    assert home.payment(home.ben).version == 2
    asked = home.ben_phone.inbox[-1]
    assert "You said you’ve paid; Olga will check." in asked.text
    assert asked.labels == [["Oops, not yet"]]
    to_admins = home.house.cast.messages(notice=Notice.CLAIM_RECEIVED)
    assert len({message.contact_id for message in to_admins}) == 2


def test_a_press_is_answered_in_words(home: Home) -> None:
    press = home.house.press(home.ben_phone, "I’ve paid")
    assert press.answers == ["Thanks! It’ll be checked."]


def test_a_press_of_a_button_that_is_gone_gets_a_calm_answer(home: Home) -> None:
    request = home.ben_phone.last
    data = request.button("I’ve paid").data
    home.house.press(home.ben_phone, "I’ve paid")
    again = home.ben_phone.presses(request, data=data)
    home.house.work()
    assert again.answers == ["You said so already; it’ll be checked."]
    assert home.payment(home.ben).version == 2


def test_taking_it_back_asks_again(home: Home) -> None:
    home.house.press(home.ben_phone, "I’ve paid")
    press = home.house.press(home.ben_phone, "Oops, not yet", times=5)
    assert press.answers[0] == "All right, taken back."
    assert home.house.status(home.ben) is Status.PENDING
    assert home.ben_phone.last.labels[0] == ["I’ve paid"]
    admins = home.olga_phone.last
    assert "took this back" in admins.text
    assert admins.labels == []


@pytest.mark.parametrize(
    ("label", "until"),
    [
        ("In 3 days", date(2026, 2, 7)),
        ("Next week", date(2026, 2, 9)),
        ("On the 1st", date(2026, 3, 1)),
    ],
)
def test_later_is_stored_and_said_back(home: Home, label: str, until: date) -> None:
    home.house.press(home.ben_phone, "Remind me later")
    assert home.ben_phone.last.labels == [["In 3 days", "Next week", "On the 1st"], ["Back"]]
    press = home.house.press(home.ben_phone, label, times=2)
    assert home.payment(home.ben).snoozed_until == until
    said = f"{until.day} {until:%B} {until.year}"
    assert press.answers[0] == f"All right, I’ll ask again on {said}."
    assert f"You’ll be asked again on {said}." in home.ben_phone.last.text
    assert home.ben_phone.last.labels[0] == ["I’ve paid"]


def test_the_1st_may_be_chosen_on_the_1st_wherever_one_lives(home: Home) -> None:
    """For Ben it is the 1st of March already, for the group still the last of February."""
    home.house.cast.do(
        edit_contact, home.ben.contact_id, time_zone="Pacific/Auckland", by=home.house.cast.olga, now=START
    )
    home.house.now = datetime(2026, 2, 28, 20, 0, tzinfo=UTC)
    home.house.press(home.ben_phone, "Remind me later")
    press = home.house.press(home.ben_phone, "On the 1st")
    assert press.answers == ["All right, I’ll ask again on 31 March 2026."]
    assert home.payment(home.ben).snoozed_until == date(2026, 3, 31)


def test_back_shows_the_first_buttons_again(home: Home) -> None:
    before = home.ben_phone.last.labels
    home.house.press(home.ben_phone, "Remind me later")
    home.house.press(home.ben_phone, "Back")
    assert home.ben_phone.last.labels == before


def test_how_to_pay_is_copied_by_a_tap_and_scanned(home: Home) -> None:
    home.house.press(home.ben_phone, "How to pay")
    shown = home.ben_phone.last
    reference = home.payment(home.ben).reference
    assert {"DE89 3704 0044 0532 0130 00", "Olga O.", reference} <= set(shown.codes)
    assert shown.file is not None
    assert shown.file.data.startswith(b"\x89PNG")


def test_a_picture_that_is_refused_leaves_its_words(home: Home, api: BotApi) -> None:
    api.fail_next("sendPhoto", faults.refused(400, "Bad Request: IMAGE_PROCESS_FAILED"))
    home.house.press(home.ben_phone, "How to pay")
    assert home.ben_phone.last.file is None
    assert home.payment(home.ben).reference in home.ben_phone.last.codes


def test_an_objection_is_a_reply_and_is_passed_on_once(home: Home) -> None:
    home.house.press(home.ben_phone, "Something’s off")
    question = home.ben_phone.last
    assert question.labels == [["Never mind"]]
    home.ben_phone.says("I left in January", reply_to=question)
    home.house.work(times=5)
    assert home.ben_phone.last.text.startswith("Passed on.")
    notes = [m for m in home.house.cast.messages(notice=Notice.OBJECTION) if m.channel.value == "telegram"]
    assert len(notes) == 2
    assert "I left in January" in home.olga_phone.last.text
    assert question.labels == []


def test_a_question_that_is_dropped_changes_nothing(home: Home) -> None:
    home.house.press(home.ben_phone, "Something’s off")
    home.house.press(home.ben_phone, "Never mind")
    assert home.ben_phone.last.text == "Fine, I dropped the question."
    assert home.payment(home.ben).version == 1


def test_several_months_get_a_button_each_and_one_for_all(house: House) -> None:
    home = move_in(house, periods=2)
    labels = [label for row in home.ben_phone.last.labels for label in row]
    assert labels[:3] == [
        "Paid: YouTube Premium, February 2026 · 6.00 €",
        "Paid: YouTube Premium, March 2026 · 6.00 €",
        "Paid all: 12.00 €",
    ]


def test_one_of_several_is_claimed_alone(house: House) -> None:
    home = move_in(house, periods=2)
    home.house.press(home.ben_phone, "Paid: YouTube Premium, March 2026 · 6.00 €")
    assert house.status(home.ben, 1) is not Status.MEMBER_CONFIRMED
    assert house.status(home.ben, 2) is Status.MEMBER_CONFIRMED
    assert [row[0] for row in home.ben_phone.last.labels] == [
        "Paid: YouTube Premium, February 2026 · 6.00 €",
        "Remind me later",
        "Something’s off",
        "Oops, not yet",
    ]


def test_all_of_several_is_one_claim(house: House) -> None:
    home = move_in(house, periods=2)
    house.press(home.ben_phone, "Paid all: 12.00 €", times=2)
    assert {house.status(home.ben, 1), house.status(home.ben, 2)} == {Status.MEMBER_CONFIRMED}
    assert home.olga_phone.last.labels == [
        ["Confirm all: 12.00 €", "Reject"],
        ["Confirm: YouTube Premium, February 2026 · 6.00 €"],
        ["Confirm: YouTube Premium, March 2026 · 6.00 €"],
    ]


def test_a_press_within_a_minute_is_not_taken_for_a_scanner(house: House) -> None:
    home = move_in(house)
    house.now -= timedelta(minutes=5)
    house.press(home.ben_phone, "I’ve paid")
    assert "checks links" not in home.olga_phone.last.text


def test_what_was_put_off_on_the_page_is_shown_in_the_chat(home: Home) -> None:
    house, by = home.house, Actor.contact(home.ben.contact_id, Via.LINK)
    keys = [home.payment(home.ben).id]
    house.cast.do(snooze_payments, home.ben.contact_id, keys, until=date(2026, 2, 9), by=by, now=house.now)
    house.pass_time(minutes=1)
    assert "You’ll be asked again on 9 February 2026." in home.ben_phone.last.text


def test_what_is_off_by_the_page_is_shown_in_the_chat(home: Home) -> None:
    house, by = home.house, Actor.contact(home.ben.contact_id, Via.LINK)
    keys = [home.payment(home.ben).id]
    house.cast.do(object_to_payments, home.ben.contact_id, keys, text="wrong month", by=by, now=house.now)
    house.pass_time(minutes=1)
    assert "You’ll be asked again on 18 February 2026." in home.ben_phone.last.text


def test_a_shortened_request_keeps_the_way_to_the_rest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_letters, "MAX_MESSAGE", 150)
    home = move_in(house)
    assert home.ben_phone.last.text.endswith("SubsTrack has the rest.")
    assert home.ben_phone.last.labels[-1] == ["See the rest"]
    house.press(home.ben_phone, "I’ve paid")
    assert home.ben_phone.last.labels == [["Oops, not yet"], ["See the rest"]]
    assert "/pay/" in (home.ben_phone.last.button("See the rest").url or "")


def test_a_whole_request_has_no_second_way(home: Home) -> None:
    assert not [key for row in home.ben_phone.last.buttons for key in row if key.url]
