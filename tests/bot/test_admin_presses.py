"""Claims about what an admin's presses do, and what every admin sees of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.bot import admin_acts, fading, views
from substrack.bot.handling import handle
from substrack.domain.actors import Actor, Via
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.queries.chat_subjects import show_claim
from substrack.services.claim_decisions import confirm_claim
from substrack.services.claims import claim_payments
from substrack.services.payments import adjust_payment, confirm_payment
from substrack.store import AttemptItem, AttemptState
from tests.bot.house import Home, House, move_in
from tests.fakes.bot_api import Person
from tests.support.books import check_books
from tests.support.cast import money


@pytest.fixture
def claimed(home: Home) -> Home:
    """Ben says that he paid."""
    home.house.press(home.ben_phone, "I’ve paid")
    return home


def labels(phone: Person) -> list[str]:
    return [label for row in phone.last.labels for label in row]


def test_every_admin_gets_each_claim_with_buttons(claimed: Home) -> None:
    for phone in (claimed.olga_phone, claimed.ada_phone):
        assert phone.last.text.startswith("Ben paid 6.00 €? Please check")
        assert phone.last.labels == [["Confirm 6.00 €", "Reject"]]


@pytest.mark.parametrize("times", [1, 5])
def test_confirming_books_once_and_tells_every_admin_who_did(claimed: Home, times: int) -> None:
    press = claimed.house.press(claimed.olga_phone, "Confirm 6.00 €", times=times)
    assert press.answers[0] == "Confirmed: 6.00\xa0€ from Ben."
    assert claimed.house.status(claimed.ben) is Status.CONFIRMED
    assert claimed.payment(claimed.ben).version == 3
    claimed.house.cast.read(check_books)
    assert "Olga confirmed this at" in claimed.ada_phone.last.text
    assert labels(claimed.ada_phone) == []
    assert labels(claimed.olga_phone) == ["Undo"]


def test_undo_goes_after_ten_seconds(claimed: Home) -> None:
    claimed.house.press(claimed.olga_phone, "Confirm 6.00 €")
    data = claimed.olga_phone.last.button("Undo").data
    claimed.house.pass_time(seconds=11)
    assert labels(claimed.olga_phone) == []
    late = claimed.olga_phone.presses(claimed.olga_phone.last, data=data)
    claimed.house.work()
    assert late.answers[0].startswith("Too late to undo")
    assert claimed.house.status(claimed.ben) is Status.CONFIRMED


def test_undo_puts_the_claim_back_for_every_admin(claimed: Home) -> None:
    claimed.house.press(claimed.olga_phone, "Confirm 6.00 €")
    claimed.house.press(claimed.olga_phone, "Undo", times=5)
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED
    for phone in (claimed.olga_phone, claimed.ada_phone):
        assert labels(phone) == ["Confirm 6.00 €", "Reject"]
    claimed.house.cast.read(check_books)


def test_the_member_hears_once_it_is_sure(claimed: Home) -> None:
    claimed.house.press(claimed.olga_phone, "Confirm 6.00 €")
    request = claimed.ben_phone.inbox[-1]
    assert "You said you’ve paid" in request.text
    claimed.house.pass_time(seconds=11)
    assert "Olga confirmed this at" in request.text
    assert request.labels == []
    assert claimed.ben_phone.last.text.startswith("Received:") or "eceived" in claimed.ben_phone.last.text


def test_rejecting_needs_a_reason_that_the_member_reads(claimed: Home) -> None:
    claimed.house.press(claimed.olga_phone, "Reject")
    assert labels(claimed.olga_phone) == ["Not received", "Too little", "Another reason", "Back"]
    claimed.house.press(claimed.olga_phone, "Not received", times=2)
    assert claimed.house.status(claimed.ben) is Status.PENDING
    reason = "The money has not arrived."
    assert f"Reason: {reason}" in claimed.ada_phone.last.text
    claimed.house.pass_time(seconds=11)
    assert reason in claimed.ben_phone.last.text
    assert labels(claimed.ben_phone)[0] == "I’ve paid"


def test_a_picked_reason_is_kept_as_a_term_and_a_typed_one_as_typed(claimed: Home) -> None:
    """Who reads it may read another language than who picked it."""
    house = claimed.house
    house.press(claimed.olga_phone, "Reject")
    house.press(claimed.olga_phone, "Not received")
    assert kept_reasons(house) == ["not-received"]
    house.pass_time(seconds=11)
    house.press(claimed.ben_phone, "I’ve paid")
    house.press(claimed.olga_phone, "Reject")
    house.press(claimed.olga_phone, "Another reason")
    claimed.olga_phone.says("It bounced", reply_to=claimed.olga_phone.last)
    house.work()
    assert kept_reasons(house) == ["not-received", "It bounced"]


def kept_reasons(house: House) -> list[str | None]:
    query = select(AttemptItem.reason).where(AttemptItem.state == AttemptState.REJECTED)
    return house.cast.read(lambda session: list(session.scalars(query.order_by(AttemptItem.id))))


def test_another_reason_is_written_as_a_reply(claimed: Home) -> None:
    claimed.house.press(claimed.olga_phone, "Reject")
    claimed.house.press(claimed.olga_phone, "Another reason")
    question = claimed.olga_phone.last
    claimed.olga_phone.says("It bounced", reply_to=question)
    claimed.house.work(times=5)
    assert claimed.house.status(claimed.ben) is Status.PENDING
    claimed.house.pass_time(seconds=11)
    assert "It bounced" in claimed.ben_phone.last.text
    rejected = [
        m for m in claimed.house.cast.messages(notice=Notice.REJECTED) if m.channel.value == "telegram"
    ]
    assert len(rejected) == 1


def test_words_that_reply_to_no_question_decide_nothing(claimed: Home) -> None:
    claimed.olga_phone.says("No!", reply_to=claimed.olga_phone.last)
    claimed.house.work()
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED


def test_two_admins_at_once_leave_one_decision_that_both_see(claimed: Home) -> None:
    house = claimed.house
    house.press(claimed.ada_phone, "Reject")
    claimed.olga_phone.presses(claimed.olga_phone.last, "Confirm 6.00 €")
    claimed.ada_phone.presses(claimed.ada_phone.last, "Not received")
    bodies = house.take_updates()

    async def both() -> None:
        await asyncio.gather(*(handle(house.bot, body) for body in bodies for _ in range(2)))

    house.run(both())
    house.edit()
    house.pass_time(seconds=11)
    assert house.status(claimed.ben) in (Status.CONFIRMED, Status.PENDING)
    assert claimed.payment(claimed.ben).version == 3
    house.cast.read(check_books)
    endings = {phone.last.text.rpartition("\n\n")[2] for phone in (claimed.olga_phone, claimed.ada_phone)}
    assert len(endings) == 1
    assert labels(claimed.olga_phone) == labels(claimed.ada_phone) == []


@pytest.mark.only_postgresql  # where one statement may see what the one before could not
def test_who_comes_too_late_by_a_moment_hears_who_decided_as_well(
    claimed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def show_late(session: Session, attempt_id: int, **terms: Any) -> Any:
        claimed.house.cast.do(confirm_claim, attempt_id, by=claimed.house.cast.olga, now=claimed.house.now)
        monkeypatch.setattr(admin_acts, "show_claim", show_claim)
        return show_claim(session, attempt_id, **terms)

    monkeypatch.setattr(admin_acts, "show_claim", show_late)
    press = claimed.house.press(claimed.ada_phone, "Confirm 6.00 €")
    assert press.answers[0].startswith("Olga confirmed this at")
    assert not press.is_alert


def test_what_the_web_decided_is_shown_and_takes_the_buttons_away(claimed: Home) -> None:
    attempt = claimed.house.cast.messages(notice=Notice.CLAIM_RECEIVED)[0].attempt_id
    data = claimed.ada_phone.last.button("Confirm 6.00 €").data
    by = claimed.house.cast.olga
    claimed.house.cast.do(confirm_claim, attempt, by=by, now=claimed.house.now)
    late = claimed.ada_phone.presses(claimed.ada_phone.last, data=data)
    claimed.house.work()
    assert late.answers[0].startswith("Olga confirmed this at")
    assert labels(claimed.ada_phone) == []
    claimed.house.pass_time(seconds=11)
    assert claimed.ben_phone.inbox[-2].labels == []


def test_a_button_that_shows_what_has_changed_decides_nothing(claimed: Home) -> None:
    house, payment = claimed.house, claimed.payment(claimed.ben)
    shown = claimed.ada_phone.last.button("Confirm 6.00 €").data
    house.cast.do(
        adjust_payment, payment.id, amount=money("3.00"), reason="half", by=house.cast.olga, now=house.now
    )
    press = claimed.ada_phone.presses(claimed.ada_phone.last, data=shown)
    house.work()
    assert press.answers[0].startswith("Something changed")
    assert house.status(claimed.ben) is Status.MEMBER_CONFIRMED


def test_one_payment_of_a_claim_can_be_confirmed_alone(house: House) -> None:
    home = move_in(house, periods=2)
    house.press(home.ben_phone, "Paid all: 12.00 €")
    house.press(home.olga_phone, "Confirm: YouTube Premium, March 2026 · 6.00 €", times=2)
    assert house.status(home.ben, 2) is Status.CONFIRMED
    assert house.status(home.ben, 1) is Status.MEMBER_CONFIRMED
    assert labels(home.ada_phone) == ["Confirm 6.00 €", "Reject"]
    assert "YouTube Premium, March 2026: Olga confirmed this" in home.ada_phone.last.text
    house.cast.read(check_books)


@pytest.mark.parametrize("button", ["Settle with earlier money", "Settle 1 with earlier money"])
def test_what_is_left_of_an_overpaid_claim_is_settled_with_earlier_money(house: House, button: str) -> None:
    home = move_in(house, periods=2)
    house.press(home.ben_phone, "Paid all: 12.00 €")
    by, payment = house.cast.olga, home.payment(home.ben)
    house.cast.do(confirm_payment, payment.id, amount=money("12.00"), by=by, now=house.now)
    house.work()
    assert labels(home.ada_phone) == ["Settle with earlier money", "Reject"]
    home.olga_phone.says("/pending")
    house.work()
    assert "0.00" not in home.olga_phone.last.text
    press = house.press(home.ada_phone if button.startswith("Settle with") else home.olga_phone, button)
    assert press.answers[0] == "Confirmed. No more money was booked."
    assert house.status(home.ben, 2) is Status.CONFIRMED
    house.cast.read(check_books)


def test_pending_lists_what_waits_and_confirms_all_behind_a_second_tap(claimed: Home) -> None:
    house = claimed.house
    house.press(claimed.mia_phone, "I’ve paid")
    claimed.olga_phone.says("/pending")
    house.work()
    assert "2 payments to check" in claimed.olga_phone.last.text
    assert labels(claimed.olga_phone) == [
        "Confirm 1: 6.00 €", "Reject 1", "Confirm 2: 6.00 €", "Reject 2", "Confirm all 2",
    ]  # fmt: skip
    house.press(claimed.olga_phone, "Confirm all 2")
    assert house.status(claimed.ben) is Status.MEMBER_CONFIRMED
    assert claimed.olga_phone.last.text == "Confirm these 2 payments?\n\nBen: 6.00 €\nMia: 6.00 €"
    press = house.press(claimed.olga_phone, "Yes, confirm all 2", times=5)
    assert press.answers[0] == "Confirmed 2 payments."
    assert {house.status(claimed.ben), house.status(claimed.mia)} == {Status.CONFIRMED}
    assert claimed.olga_phone.last.text == "Nothing waits for your check."
    house.cast.read(check_books)


@pytest.fixture
def both_confirmed(claimed: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Olga has just confirmed Ben's and Mia's claims with one press on her list."""
    monkeypatch.setattr(fading, "AFTER_SECONDS", 600)
    confirm_both(claimed)
    return claimed


def confirm_both(home: Home) -> None:
    home.house.press(home.mia_phone, "I’ve paid")
    home.olga_phone.says("/pending")
    home.house.work()
    home.house.press(home.olga_phone, "Confirm all 2")
    home.house.press(home.olga_phone, "Yes, confirm all 2")


def test_all_that_was_confirmed_together_is_undone_together(both_confirmed: Home) -> None:
    home, house = both_confirmed, both_confirmed.house
    assert labels(home.olga_phone) == ["Undo"]
    press = house.press(home.olga_phone, "Undo", times=3)
    assert press.answers[0] == "Undone; they wait as before."
    assert {house.status(home.ben), house.status(home.mia)} == {Status.MEMBER_CONFIRMED}
    assert "2 payments to check" in home.olga_phone.last.text
    assert "Undo" not in labels(home.olga_phone)
    house.pass_time(seconds=11)
    assert not house.cast.messages(notice=Notice.RECEIVED, state=MessageState.SENT)
    house.cast.read(check_books)


def test_undoing_all_is_over_when_one_answer_is_out(both_confirmed: Home) -> None:
    home, house = both_confirmed, both_confirmed.house
    house.now += timedelta(seconds=11)
    house.deliver()
    press = house.press(home.olga_phone, "Undo")
    assert press.answers[0].startswith("Too late to undo")
    assert {house.status(home.ben), house.status(home.mia)} == {Status.CONFIRMED}
    assert labels(home.olga_phone) == []


def test_another_admin_can_not_undo_all(both_confirmed: Home) -> None:
    home, house = both_confirmed, both_confirmed.house
    undo = home.olga_phone.last.button("Undo").data
    for phone in (home.ada_phone, home.ben_phone):
        phone.presses(phone.last, data=undo)
    house.work()
    assert {house.status(home.ben), house.status(home.mia)} == {Status.CONFIRMED}


def test_undo_all_goes_by_itself(claimed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fading, "AFTER_SECONDS", 0.2)
    confirm_both(claimed)
    claimed.house.run(asyncio.sleep(0.6))
    assert labels(claimed.olga_phone) == []
    assert claimed.olga_phone.last.text == "Nothing waits for your check."


def test_who_presses_in_time_is_not_interrupted(claimed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the button away would take away what was opened since, too."""
    monkeypatch.setattr(fading, "AFTER_SECONDS", 2)
    confirm_both(claimed)
    claimed.house.press(claimed.olga_phone, "Undo")
    claimed.house.press(claimed.olga_phone, "Confirm all 2")
    claimed.house.run(asyncio.sleep(2.5))
    assert claimed.olga_phone.last.text.startswith("Confirm these 2 payments?")


def test_confirm_all_confirms_only_what_it_named(claimed: Home) -> None:
    house = claimed.house
    house.press(claimed.mia_phone, "I’ve paid")
    claimed.olga_phone.says("/pending")
    house.work()
    house.press(claimed.olga_phone, "Confirm all 2")
    page = claimed.olga_phone.last
    house.press(claimed.mia_phone, "Oops, not yet")
    press = house.press(claimed.olga_phone, "Yes, confirm all 2", on=page)
    assert press.answers[0].startswith("Something changed")
    assert house.status(claimed.ben) is Status.MEMBER_CONFIRMED


@pytest.mark.only_postgresql
def test_confirm_all_confirms_no_sum_that_changes_meanwhile(
    claimed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading the page and confirming it, somebody else may correct an amount."""
    house, real = claimed.house, views.pending_cards
    house.press(claimed.mia_phone, "I’ve paid")
    claimed.olga_phone.says("/pending")
    house.work()
    house.press(claimed.olga_phone, "Confirm all 2")
    payment, changed = claimed.payment(claimed.ben), list[bool]()

    def racing(*args: Any, **words: Any) -> Any:
        cards = real(*args, **words)
        if not changed:
            changed.append(True)
            by, amount = house.cast.olga, money("9.50")
            house.cast.do(adjust_payment, payment.id, amount=amount, reason="typo", by=by, now=house.now)
        return cards

    monkeypatch.setattr(admin_acts, "pending_cards", racing)
    press = house.press(claimed.olga_phone, "Yes, confirm all 2")
    assert changed
    assert press.answers[0].startswith("Something changed")
    assert house.status(claimed.ben) is Status.MEMBER_CONFIRMED
    assert house.status(claimed.mia) is Status.MEMBER_CONFIRMED


def test_one_of_what_waits_is_decided_from_the_list(claimed: Home) -> None:
    house = claimed.house
    house.press(claimed.mia_phone, "I’ve paid")
    claimed.olga_phone.says("/pending")
    house.work()
    page = claimed.olga_phone.last
    house.press(claimed.olga_phone, "Confirm 1: 6.00 €", on=page)
    assert house.status(claimed.ben) is Status.CONFIRMED
    assert "1 payment to check" in page.text
    house.press(claimed.olga_phone, "Reject 1", on=page)
    house.press(claimed.olga_phone, "Not received", on=page)
    assert house.status(claimed.mia) is Status.PENDING
    assert page.text == "Nothing waits for your check."


def test_a_claim_noted_by_an_admin_says_so(home: Home) -> None:
    house, payment = home.house, home.payment(home.ben)
    house.cast.do(claim_payments, home.ben.contact_id, [payment.id], by=house.cast.olga, now=house.now)
    house.deliver()
    assert "Olga noted: Ben paid 6.00 €." in home.ada_phone.last.text


def test_pending_is_paged(house: House) -> None:
    home = move_in(house)
    members = [house.cast.join(home.group, f"Guest {n}", email=f"g{n}@example.org") for n in range(7)]
    house.cast.tick(house.now.replace(month=3, day=1))
    for member in members:
        payment = house.cast.payment_of(member, 2)
        by = Actor.contact(member.contact_id, Via.LINK)
        house.cast.do(claim_payments, member.contact_id, [payment.id], by=by, now=house.now.replace(month=3))
    house.now = house.now.replace(month=3)
    home.olga_phone.says("/pending")
    house.work()
    page = next(each for each in home.olga_phone.inbox if "7 payments to check" in each.text)
    assert "Page 1 of 2" in page.text
    house.press(home.olga_phone, "→", on=page)
    assert "Page 2 of 2" in page.text
    assert page.labels[-1] == ["←"]


def test_no_notice_is_left_waiting(claimed: Home) -> None:
    claimed.house.press(claimed.olga_phone, "Confirm 6.00 €")
    claimed.house.pass_time(seconds=11)
    telegram = [m for m in claimed.house.cast.messages() if m.channel.value == "telegram"]
    assert {m.state for m in telegram} == {MessageState.SENT}
    assert all(m.edit_at is None for m in telegram)
