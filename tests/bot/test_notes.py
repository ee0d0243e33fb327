"""Claims about notes that something is off, in an admin's chat: answered by a reply, once, by who may."""

from __future__ import annotations

import pytest

from substrack.domain.notices import Notice
from tests.bot.house import Home
from tests.bot.test_answers import arrive

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

NOTE = "I left in January"


@pytest.fixture
def noted(home: Home) -> Home:
    """Ben writes that something is off; Olga and Ada hear of it."""
    arrive(home.house, home.ben_phone, press="Something’s off")
    arrive(home.house, home.ben_phone, says=NOTE)
    return home


def answers(home: Home) -> list[str]:
    told = home.house.cast.messages(notice=Notice.OBJECTION_ANSWERED)
    return [message.payload["answer"] for message in told]


def test_a_reply_answers_and_the_member_reads_it_in_the_chat(noted: Home) -> None:
    note = noted.olga_phone.last
    assert note.labels[0] == ["Answer", "No answer needed"]
    arrive(noted.house, noted.olga_phone, press="Answer")
    question = noted.olga_phone.last
    assert question.labels == [["Never mind"]]
    arrive(noted.house, noted.olga_phone, says="Until the 14th, so half is yours.", on=question)

    assert noted.olga_phone.last.text == "Answered. Ben will read it."
    assert "Until the 14th, so half is yours." in noted.ben_phone.last.text
    assert NOTE in noted.ben_phone.last.text
    assert noted.ben_phone.last.labels[0] == ["I’ve paid"]
    assert "Olga answered this at" in note.text
    assert ["Answer", "No answer needed"] not in note.labels
    assert "Olga answered this at" in noted.ada_phone.last.text


def test_it_is_answered_once(noted: Home) -> None:
    for phone in (noted.olga_phone, noted.ada_phone):
        arrive(noted.house, phone, press="Answer")
    arrive(noted.house, noted.ada_phone, says="Ada says no")
    arrive(noted.house, noted.olga_phone, says="Olga says yes")

    assert set(answers(noted)) == {"Ada says no"}
    assert "Somebody answered this in the meantime" in noted.olga_phone.last.text


def test_it_may_be_left_without_an_answer(noted: Home) -> None:
    arrive(noted.house, noted.olga_phone, press="No answer needed")

    assert answers(noted) == []
    assert "Olga left this without an answer at" in noted.olga_phone.last.text
    assert "Olga left this without an answer at" in noted.ada_phone.last.text


def test_words_that_cannot_be_sent_may_be_written_again(noted: Home) -> None:
    arrive(noted.house, noted.olga_phone, press="Answer")
    question = noted.olga_phone.last
    arrive(noted.house, noted.olga_phone, says="x" * 1001, on=question)
    assert question.labels == [["Never mind"]]
    arrive(noted.house, noted.olga_phone, says="Short", on=question)
    assert set(answers(noted)) == {"Short"}


def test_a_member_cannot_answer_for_the_admins(noted: Home) -> None:
    answer = noted.olga_phone.last.button("Answer").data
    leave = noted.olga_phone.last.button("No answer needed").data
    for data in (answer, leave):
        assert data is not None
        noted.ben_phone.presses(noted.ben_phone.last, data=data)
        noted.house.work()
    arrive(noted.house, noted.ben_phone, says="I forgive myself")
    assert answers(noted) == []
    assert noted.payment(noted.ben).objection is not None
