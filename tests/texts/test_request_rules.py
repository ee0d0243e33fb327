"""Claims about the sentences that say how a group asks."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from substrack.domain.money import Money
from substrack.domain.terms import GroupTerms
from substrack.texts.request_rules import grace_help, rule_sentences
from substrack.texts.words import Words


def said(*, collection_day: int | None = None, **rules: Any) -> list[str]:
    price = Money(999, "EUR")
    terms = GroupTerms(name="Video", currency="EUR", starts_on=date(2026, 3, 1), price=price, **rules)
    return rule_sentences(terms, "en", collection_day=collection_day)


def test_the_usual_rules() -> None:
    assert said() == [
        "A period opens on the day it starts, at 10:00.",
        "It is to be paid by its first day.",
        "Whoever has not paid is asked 3 days later.",
        "Then every 3 days, 8 times at most; after that you are told instead.",
        "After 14 days without an answer it is overdue, and asked for weekly.",
    ]


@pytest.mark.parametrize(
    ("rule", "value", "sentence"),
    [
        ("collect_days_before", 1, "A period opens 1 day before it starts, at 10:00."),
        ("collect_days_before", 14, "A period opens 14 days before it starts, at 10:00."),
        ("due_days", 7, "It is to be paid 7 days after it starts."),
        ("grace_days", 0, "Whoever has not paid is asked at once."),
        ("repeat_every_days", 1, "Then every day, 8 times at most; after that you are told instead."),
    ],
)
def test_each_rule_changes_its_sentence(rule: str, value: int, sentence: str) -> None:
    assert sentence in said(**{rule: value})


def test_a_collection_day_takes_the_place_of_the_days_of_grace() -> None:
    asked = said(collection_day=15, grace_days=7)[2]

    assert asked == "Whoever has not paid is first asked on your collection day, day 15 of the month."


def test_days_of_grace_are_said_to_count_for_nothing_beside_a_collection_day() -> None:
    assert grace_help(None, Words("en")) == "Counted from the day it is due."
    assert grace_help(15, Words("en")).startswith("Counts for nothing now: your collection day, day 15")
