"""Claims about the journal in words: everything that can happen in a group has a sentence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from substrack.domain.actors import ActorKind, Via
from substrack.domain.cycles import Unit
from substrack.domain.payments import Act
from substrack.domain.spans import Span
from substrack.texts.journal_words import Line, actor_name, event_sentence

OWN = {"status": "confirmed", "amount": 359}
FROM = {"from_on": "2026-05-01"}
MARCH = Span(Unit.MONTH, 1, date(2026, 3, 1), date(2026, 3, 31))

VERBS = {
    "group": [
        "create",
        "edit",
        "pause",
        "resume",
        "end",
        "archive",
        "restore",
        "pay_methods",
        "price",
        "sentence",
        "repair",
    ],
    "member": ["join", "edit", "leave", "seat", "tell"],
    "period": ["open", "edit_period", "rebalance", "undo", "void_period", "restore_period", "repair"],
    "payment": [
        *(act.value for act in Act),
        "snooze",
        "object",
        "answer",
        "dismiss",
        "void",
        "restore",
        "repair",
    ],
    "receipt": ["receive", "void_receipt", "repair"],
    "contact": ["add", "edit", "note", "email", "repair"],
    "user": ["entry", "sign_out", "forget_provider"],
    "workspace": ["found", "edit", "group_defaults"],
}


def line(kind: str, verb: str, *, person: str | None = "Ben", **after: Any) -> Line:
    return Line(verb, kind, person, MARCH, "EUR", {}, after)


def said(kind: str, verb: str, **after: Any) -> str:
    return event_sentence(line(kind, verb, **after), "en").replace("\xa0", " ")


@pytest.mark.parametrize(("kind", "verb"), [(kind, verb) for kind, verbs in VERBS.items() for verb in verbs])
def test_everything_that_happens_has_words(kind: str, verb: str) -> None:
    sentence = said(kind, verb)

    assert sentence.endswith(".")
    assert verb == "open" or f"{kind}: " not in sentence


def test_what_has_no_words_yet_is_shown_and_breaks_nothing() -> None:
    assert said("group", "sell") == "group: sell"


TERMS = {"payer_id": 2, "tolerance_minor": 5}
PAID = {"status": "confirmed"}


@pytest.mark.parametrize(
    ("sentence", "kind", "verb", "after"),
    [
        ("Ben paid March 2026.", "payment", "confirm", {"status": "confirmed"}),
        ("2.00 € received from Ben for March 2026.", "payment", "confirm", {"allocated": 200}),
        ("The price is 2.00 € from 1 May 2026 on.", "group", "price", {"amount_minor": 200} | FROM),
        ("No period starts after 31 May 2026.", "group", "end", {"ends_on": "2026-05-31"}),
        ("The group goes on without end.", "group", "end", {"ends_on": None}),
        ("The bill of March 2026 is 31.20 €.", "period", "edit_period", {"total": 3120}),
        ("March 2026 counts again, as the journal says.", "period", "repair", {"void": False}),
        ("March 2026 is void again, as the journal says.", "period", "repair", {"void": True}),
        ("The sum of March 2026 was put right.", "period", "repair", {"total": 3120, "payer_part": 0}),
        ("Ben owes 2.99 € for March 2026.", "payment", "open", {"amount": 299}),
        ("Ben’s share of March 2026 is 3.59 €; nothing is to be paid.", "payment", "open", OWN),
        ("The group’s terms were changed: who pays and the tolerance.", "group", "edit", TERMS),
        ("The group’s terms were changed: what it is called.", "group", "edit", {"renamed": True}),
        ("What is known about Ben was changed: the language.", "contact", "edit", {"language": "de"}),
        ("A decision about Ben, March 2026, was undone. The payment is paid again.", "payment", "undo", PAID),
    ],
)  # fmt: skip
def test_amounts_and_days_are_told(sentence: str, kind: str, verb: str, after: dict[str, Any]) -> None:
    assert said(kind, verb, **after) == sentence


def test_who_acted_has_a_name_even_when_it_is_nobody() -> None:
    whose = {ActorKind.USER: "Olga"}
    names = [actor_name(kind, Via.COMMAND_LINE, whose.get(kind), "en") for kind in ActorKind]

    assert names == ["Olga", "Somebody", "Command line", "SubsTrack", "Credit"]
    assert actor_name(ActorKind.OPERATOR, Via.LINK, None, "en") == "Link for setting up"
