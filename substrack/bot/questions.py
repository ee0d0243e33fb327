"""Questions that want words: why a claim is rejected, what sum came instead, what is off, what to answer.

What a question is about stands on its own button, so that a reply can be understood; an act that finds
things changed by then decides nothing. Words are read before anything is looked up or done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from substrack.bot import admin_acts
from substrack.bot.admin_acts import claim_at, pending_view, reject, too_late
from substrack.bot.asking import Ask, decider
from substrack.bot.member_acts import object_in_words, read_objection
from substrack.bot.note_acts import answer_in_words, read_answer
from substrack.bot.reactions import Reaction, Screen
from substrack.domain.chat_buttons import ButtonData, Do, WhyNot
from substrack.domain.chat_cards import ClaimCard
from substrack.domain.errors import Refused
from substrack.domain.money import Money, parse_amount
from substrack.services.claim_decisions import confirm_claim
from substrack.services.deciding import NothingArrived, clean_reason
from substrack.texts.chat_keyboards import Rows
from substrack.texts.chat_screens import ask_how_much, ask_reason, never_mind, said

PAGE_AT: Final = 3
NUMBER_AT: Final = 4
"""Where the data of a question has the page of a list, and the number of the message that shows it."""


class NotLess(Refused):
    """As much came as was claimed, or more: there is a button for that."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("That is no less than what was claimed; press Confirm to book what was claimed.")


def ask_why(ask: Ask) -> Reaction:
    """Ask an admin for a reason of their own."""
    return _ask(ask, ask_reason)


def ask_for_sum(ask: Ask) -> Reaction:
    """Ask an admin what sum came."""
    return _ask(ask, ask_how_much)


def reject_for(ask: Ask) -> Reaction:
    """Reject for a reason that was picked; "too little" on an old message asks for the sum."""
    claim, seen, why, *page = (*ask.data.about, "", "", "")[: max(3, len(ask.data.about))]
    if why != WhyNot.TOO_LITTLE:
        return admin_acts.reject_for(ask)
    return ask_for_sum(replace(ask, data=ButtonData(Do.TOO_LITTLE, (claim, seen, *page))))


def question_of(pressed: ButtonData, number: int) -> ButtonData:
    """Say what the question is about that a press of a message leads to."""
    listed = (str(number),) if len(pressed.about) == PAGE_AT else ()
    return ButtonData(Do.NEVER_MIND, (pressed.do.value, *pressed.about, *listed))


def reject_in_words(ask: Ask, text: str) -> Reaction:
    """Reject a claim with what the admin wrote."""
    return _said_so(reject(ask, _read_reason(ask, text), claim_place=1, page_place=PAGE_AT))


def book_less(ask: Ask, text: str) -> Reaction:
    """Book the smaller sum that came; the claim is answered with it and the rest is open again."""
    admin, claim, card = claim_at(ask, 1)
    if (late := too_late(ask, claim, card, seen_place=2, page_place=PAGE_AT)) is not None:
        return _said_so(late)
    amount = _read_sum_of(card, text)
    confirm_claim(
        ask.session, claim.attempt_id, amount=amount, by=decider(admin), now=ask.now, versions=claim.versions
    )
    _ = ask.words
    words = _("Booked: %(amount)s from %(name)s.", amount=_.money(amount), name=card.name)
    return _said_so(Reaction(words, view=pending_view(ask, admin, PAGE_AT)))


def is_no_answer(ask: Ask, text: str) -> bool:
    """Tell whether words can't be taken for the answer to a question, so that it stays open."""
    try:
        _READERS[Do(ask.data.argument(0))](ask, text)
    except Refused:
        return True
    return False


ANSWERS: Final[Mapping[Do, Callable[[Ask, str], Reaction]]] = MappingProxyType(
    {
        Do.OBJECT: object_in_words,
        Do.ANSWER: answer_in_words,
        Do.REJECT_OTHER: reject_in_words,
        Do.TOO_LITTLE: book_less,
    }
)
"""What words are taken for that answer a question."""


def _ask(ask: Ask, question: Callable[[ClaimCard, str], str]) -> Reaction:
    admin, claim, card = claim_at(ask)
    if (late := too_late(ask, claim, card)) is not None:
        return late
    keys: Rows = (never_mind(admin.language, *question_of(ask.data, ask.number).about),)
    says = (Screen(question(card, admin.language), keys, is_reply=True),)
    return Reaction(says=says, redraws=True, view=pending_view(ask, admin))


def _read_reason(_ask: Ask, text: str) -> str:
    return clean_reason(text)


def _read_sum(ask: Ask, text: str) -> Money:
    _admin, _claim, card = claim_at(ask, 1)
    return _read_sum_of(card, text)


def _read_sum_of(card: ClaimCard, text: str) -> Money:
    amount = parse_amount(text, card.amount.currency)
    if not amount.minor:
        raise NothingArrived
    if amount >= card.amount:
        raise NotLess
    return amount


_READERS: Final[Mapping[Do, Callable[[Ask, str], object]]] = MappingProxyType(
    {
        Do.OBJECT: read_objection,
        Do.ANSWER: read_answer,
        Do.REJECT_OTHER: _read_reason,
        Do.TOO_LITTLE: _read_sum,
    }
)


def _said_so(reaction: Reaction) -> Reaction:
    return Reaction(says=(Screen(said(reaction.toast), is_reply=True),), view=reaction.view)
