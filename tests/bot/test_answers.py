"""Claims about words that answer a question: what they do, and when they are taken for an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from substrack.domain.chat_buttons import Do, data
from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.services.inbound import store_updates
from tests.bot.house import Home, House
from tests.fakes.telegram_chats import Shown
from tests.fakes.telegram_people import Person
from tests.support.books import check_books

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

QUESTION = "How much of Ben’s 6.00 € came?"


@pytest.fixture
def claimed(home: Home) -> Home:
    """Ben says that he paid."""
    arrive(home.house, home.ben_phone, press="I’ve paid")
    return home


def arrive(house: House, phone: Person, *, press: str = "", says: str = "", on: Shown | None = None) -> None:
    """Have something come in as it does at work: stored first."""
    if press:
        phone.presses(on or phone.last, press)
    else:
        phone.says(says, reply_to=on)
    bodies = house.take_updates()
    with house.bot.runtime.transaction() as session:
        store_updates(session, house.bot.connection_id, bodies, now=house.now)
    for body in bodies:
        house.handle(body)
    house.deliver()
    house.edit()


def ask_for_sum(home: Home) -> Shown:
    arrive(home.house, home.olga_phone, press="Reject")
    arrive(home.house, home.olga_phone, press="Too little")
    return home.olga_phone.last


def received(home: Home) -> int:
    return home.payment(home.ben).received_minor


def test_too_little_asks_what_came_and_books_it(claimed: Home) -> None:
    question = ask_for_sum(claimed)
    assert question.text.startswith(QUESTION)
    claimed.olga_phone.says("4,50", reply_to=question)
    claimed.house.work(times=3)
    assert "Booked: 4.50 € from Ben." in [shown.text for shown in claimed.olga_phone.inbox]
    assert question.labels == []
    assert "Olga booked a part of this at" in claimed.ada_phone.last.text
    assert (claimed.house.status(claimed.ben), received(claimed)) == (Status.PENDING, 450)
    claimed.house.cast.read(check_books)
    claimed.house.pass_time(seconds=11)
    assert "4.50" in claimed.ben_phone.last.text
    assert "1.50 € left" in claimed.ben_phone.last.text
    assert "could not find" not in claimed.ben_phone.last.text
    assert not claimed.house.cast.messages(notice=Notice.REJECTED)


def test_an_old_too_little_asks_as_well(claimed: Home) -> None:
    shown = claimed.olga_phone.last.button("Reject").data
    assert shown is not None
    claim, seen = shown.split(":")[1:3]
    claimed.olga_phone.presses(claimed.olga_phone.last, data=data(Do.REJECT_FOR, claim, seen, "little"))
    claimed.house.work()
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED
    claimed.olga_phone.says("2", reply_to=claimed.olga_phone.last)
    claimed.house.work()
    assert received(claimed) == 200


@pytest.mark.parametrize("words", ["6", "6.00 €", "60", "0", "-2", "a little", "2 $", "1.234"])
def test_a_sum_that_is_not_less_is_refused_and_may_be_written_again(claimed: Home, words: str) -> None:
    question = ask_for_sum(claimed)
    arrive(claimed.house, claimed.olga_phone, says=words, on=question)
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED
    assert question.labels == [["Never mind"]]
    arrive(claimed.house, claimed.olga_phone, says="2.50", on=question)
    assert received(claimed) == 250
    assert question.labels == []


def test_words_written_while_a_question_is_open_answer_it(claimed: Home) -> None:
    ask_for_sum(claimed)
    arrive(claimed.house, claimed.olga_phone, says="about 4?")
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED
    arrive(claimed.house, claimed.olga_phone, says="4")
    assert received(claimed) == 400
    arrive(claimed.house, claimed.olga_phone, says="3")
    assert received(claimed) == 400
    assert "/status" in claimed.olga_phone.last.text


def test_an_objection_may_simply_be_written_and_only_once(home: Home) -> None:
    arrive(home.house, home.ben_phone, press="Something’s off")
    arrive(home.house, home.ben_phone, says="/status")
    arrive(home.house, home.ben_phone, says="I left in January")
    arrive(home.house, home.ben_phone, says="Thanks!")
    notes = home.house.cast.messages(notice=Notice.OBJECTION, contact_id=home.house.cast.olga_contact)
    assert {note.payload["text"] for note in notes} == {"I left in January"}


def test_a_question_is_open_for_an_hour(claimed: Home) -> None:
    ask_for_sum(claimed)
    claimed.house.now += timedelta(minutes=61)
    arrive(claimed.house, claimed.olga_phone, says="4")
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED


def test_a_dropped_question_is_answered_by_nothing(claimed: Home) -> None:
    ask_for_sum(claimed)
    arrive(claimed.house, claimed.olga_phone, press="Never mind")
    arrive(claimed.house, claimed.olga_phone, says="4")
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED


def test_words_answer_nobody_else_s_question(claimed: Home) -> None:
    ask_for_sum(claimed)
    for phone in (claimed.ada_phone, claimed.ben_phone):
        arrive(claimed.house, phone, says="4")
    assert claimed.house.status(claimed.ben) is Status.MEMBER_CONFIRMED


def test_a_reason_that_is_too_long_may_be_written_again(claimed: Home) -> None:
    arrive(claimed.house, claimed.olga_phone, press="Reject")
    arrive(claimed.house, claimed.olga_phone, press="Another reason")
    question = claimed.olga_phone.last
    arrive(claimed.house, claimed.olga_phone, says="x" * 600, on=question)
    assert question.labels == [["Never mind"]]
    arrive(claimed.house, claimed.olga_phone, says="It bounced", on=question)
    assert claimed.house.status(claimed.ben) is Status.PENDING
    claimed.house.pass_time(seconds=11)
    assert "Olga does not confirm it" in claimed.ben_phone.last.text


@pytest.mark.parametrize(("label", "words"), [("Another reason", "It bounced"), ("Too little", "2.00")])
def test_a_list_is_drawn_anew_once_its_question_is_answered(claimed: Home, label: str, words: str) -> None:
    arrive(claimed.house, claimed.olga_phone, says="/pending")
    page = claimed.olga_phone.last
    arrive(claimed.house, claimed.olga_phone, press="Reject 1", on=page)
    arrive(claimed.house, claimed.olga_phone, press=label, on=page)
    arrive(claimed.house, claimed.olga_phone, says=words)
    assert page.text == "Nothing waits for your check."
    assert page.labels == []
