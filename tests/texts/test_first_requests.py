"""Claims about the sentences that foretell first requests."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest

from substrack.domain.collecting import FirstRequest
from substrack.texts.first_requests import first_request_sentences
from substrack.texts.words import Words

BY_GRACE = FirstRequest(date(2026, 3, 8), is_collected=False)
ON_THE_15TH = FirstRequest(date(2026, 3, 15), is_collected=True)
NAMES = dict(enumerate(("Ann", "Ben", "Cem", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida")))


def said(*requests: FirstRequest | None, is_billed: bool = True) -> str:
    """Foretell what becomes of so many people; None is whom nothing reaches."""
    found = {key: request for key, request in enumerate(requests) if request}
    names = {key: NAMES[key] for key in range(len(requests))}
    return " ".join(first_request_sentences(found, names, Words("en"), is_billed=is_billed))


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([], ""),
        ([BY_GRACE] * 2, "The first request goes out on 8 March 2026."),
        ([ON_THE_15TH], "The first request goes out on 15 March 2026, the collection day."),
        (
            [BY_GRACE, ON_THE_15TH, BY_GRACE],
            "The first request goes out on 8 March 2026. Ben: on 15 March 2026, the collection day.",
        ),
        (
            [ON_THE_15TH, BY_GRACE, ON_THE_15TH, ON_THE_15TH, BY_GRACE],
            "The first request goes out on 15 March 2026, the collection day. Ben and Eve: on 8 March 2026.",
        ),
        (
            [BY_GRACE] * 5 + [ON_THE_15TH] * 4,
            "The first request goes out on 8 March 2026. 4 people are first asked on another day.",
        ),
        (
            [BY_GRACE, None],
            "The first request goes out on 8 March 2026. No request reaches Ben: ask them yourself.",
        ),
        ([None] * 5, "No request reaches Ann, Ben, Cem and 2 more: ask them yourself."),
    ],
)
def test_most_come_first_and_the_others_are_named(requests: list[FirstRequest | None], words: str) -> None:
    assert said(*requests) == words


def test_as_many_with_and_without_a_collection_day_begin_with_the_earlier() -> None:
    assert said(ON_THE_15TH, BY_GRACE).startswith("The first request goes out on 8 March 2026. Ann: on 15")


def test_an_unknown_bill_is_asked_for_once_it_is_entered() -> None:
    assert said(BY_GRACE, is_billed=False) == (
        "The first request goes out on 8 March 2026 at the earliest, once the bill is entered."
    )
    assert said(ON_THE_15TH, is_billed=False) == (
        "The first request goes out on a collection day, once the bill is entered: "
        "on 15 March 2026 at the earliest."
    )


def test_who_bears_nothing_is_not_asked() -> None:
    asked = {0: BY_GRACE, 1: ON_THE_15TH}
    said_of = partial(first_request_sentences, asked, {0: "Ann", 1: "Ben", 2: "Cem"}, Words("en"))

    assert said_of(is_billed=True, free=[1, 2]) == ["The first request goes out on 8 March 2026."]
    assert said_of(is_billed=True, free=[0, 1, 2]) == [
        "There is nothing to ask for: nobody has to pay anything."
    ]
