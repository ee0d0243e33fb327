"""Claims about buttons and the lines below a message, whatever the card says."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from substrack.domain.actors import ActorKind
from substrack.domain.bills import Item, Person
from substrack.domain.chat_buttons import Subject, SubjectKind
from substrack.domain.chat_cards import ClaimCard, ClaimItem, Decision, MemberCard, MemberItem, Standing
from substrack.domain.cycles import Unit
from substrack.domain.money import Money
from substrack.domain.payments import Status
from substrack.domain.spans import Span
from substrack.texts.chat_keyboards import MAX_LABEL, decided_in_words, keyboard, status_lines, with_status
from substrack.texts.chat_markup import MAX_MESSAGE, shown_length

NOW = datetime(2026, 3, 5, 10, 4, tzinfo=UTC)
SUBJECT = Subject(SubjectKind.MESSAGE, "k3m9wq7tz2bc")


def item(group: str = "YouTube Premium", month: int = 3) -> Item:
    span = Span(Unit.MONTH, 1, date(2026, month, 1), date(2026, month, 28))
    amount = Money(123_456_789, "EUR")
    return Item(
        "a7x2mk9pqr4t",
        group,
        Person("Olga"),
        span,
        amount,
        amount,
        date(2026, month, 1),
        "K7M2PQ",
        Status.PENDING,
    )


def member_card(*standings: Standing, group: str = "YouTube Premium") -> MemberCard:
    done = Decision("confirm", ActorKind.USER, "Olga", NOW)
    items = tuple(
        MemberItem(item(group, month), standing, done if standing is Standing.CLOSED else None)
        for month, standing in enumerate(standings, start=1)
    )
    return MemberCard(SUBJECT, items, NOW)


def claim_card(*, name: str = "Ben", reason: str | None = None, waits: bool = False) -> ClaimCard:
    decision = None if waits else Decision("reject", ActorKind.USER, name, NOW, reason)
    return ClaimCard(
        "a7x2mk9pqr4t",
        "Ben",
        Money(600, "EUR"),
        (ClaimItem(item(), 2, decision, waits),),
        "0123456789",
        0,
        NOW,
    )


@pytest.mark.parametrize("standings", [(Standing.CLOSED,), (Standing.VOID, Standing.CLOSED)])
def test_nothing_is_left_to_press_when_nothing_is_open(standings: tuple[Standing, ...]) -> None:
    card = member_card(*standings)
    assert keyboard(card, "en") == ()
    assert "Olga confirmed this at 10:04." in status_lines(card, "en")


def test_an_amount_is_never_cut_from_a_button() -> None:
    card = member_card(Standing.OPEN, Standing.OPEN, group="A very long name of a group " * 4)
    first = keyboard(card, "en")[0][0].text
    assert len(first) <= MAX_LABEL
    assert first.endswith("… · 1,234,567.89 €")


def test_a_year_of_shares_stays_within_what_a_message_holds() -> None:
    card = member_card(*[Standing.CLOSED] * 12, group="<b>" * 100)
    shown = with_status("x" * MAX_MESSAGE, card, "en")
    assert shown_length(shown) <= MAX_MESSAGE
    assert "<b>" not in shown


def test_lines_go_below_the_words_while_both_fit() -> None:
    assert with_status("<b>Hi</b>", member_card(Standing.CLAIMED), "en") == (
        "<b>Hi</b>\n\nYou said you’ve paid; Olga will check."
    )
    assert with_status("<b>Hi</b>", member_card(Standing.OPEN), "en") == "<b>Hi</b>"
    assert with_status("<b>Hi</b>", None, "en") == "<b>Hi</b>"


def test_a_decision_is_said_with_its_reason_and_escaped() -> None:
    lines = status_lines(claim_card(name="<Ada>", reason="too & late"), "en")
    assert lines == "&lt;Ada&gt; rejected this at 10:04.\nReason: too &amp; late"


def test_what_was_decided_fits_into_the_answer_to_a_press() -> None:
    assert len(decided_in_words(claim_card(reason="long " * 90), "en")) == 200
