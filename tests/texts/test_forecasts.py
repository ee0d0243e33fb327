"""Claims about the sentence under the form of a group."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from substrack.domain.collecting import FirstRequest
from substrack.domain.money import Money
from substrack.domain.preview import preview
from substrack.domain.shares import Sharer, SplitKind
from substrack.domain.terms import GroupTerms
from substrack.texts.forecasts import Facts, Forecast, forecast

PAYER = Sharer(0, is_payer=True)
TERMS = GroupTerms(name="YouTube", currency="EUR", starts_on=date(2026, 3, 5), price=Money(1999, "EUR"))
NAMES = {1: "Ann", 2: "Bob", 3: "Cem", 4: "Dia"}


def foretold(terms: GroupTerms, *others: Sharer, payer: str | None = None, **facts: Any) -> Forecast:
    people = ([PAYER] if terms.payer_included else []) + list(others)
    names = {sharer.key: NAMES[sharer.key] for sharer in others}
    first = {sharer.key: FirstRequest(date(2026, 3, 8), is_collected=False) for sharer in others}
    given: dict[str, Any] = {"opening_now": 0, "first_requests": first} | facts
    return forecast(Facts(preview(terms, people), names, terms.unit, terms.every, payer, **given), "en")


def said(terms: GroupTerms, *others: Sharer, **facts: Any) -> str:
    return " ".join(foretold(terms, *others, **facts).sentences).replace("\xa0", " ")


def test_equal_shares_are_said_with_the_payers_own() -> None:
    assert said(TERMS, *(Sharer(key) for key in (1, 2, 3, 4))) == (
        "4 people pay 4.00 € each, every month. Your share is 3.99 €. "
        "The next period is March 2026, due on 5 March 2026. The first request goes out on 8 March 2026."
    )


@pytest.mark.parametrize("begun", [0, 3])
def test_a_price_of_nothing_promises_no_request(begun: int) -> None:
    foretells = said(replace(TERMS, price=Money(0, "EUR")), Sharer(1), Sharer(2), opening_now=begun)

    assert foretells.endswith("There is nothing to ask for: nobody has to pay anything.")
    assert "The first request" not in foretells
    assert "owes" not in foretells


@pytest.mark.parametrize(
    ("terms", "others", "beginning"),
    [
        (TERMS, [Sharer(1)], "Ann pays 10.00 € every month. Your share is 9.99 €."),
        (TERMS, [Sharer(1, 2), Sharer(2)], "2 people pay 6.66 € each, every month."),
        (
            replace(TERMS, split=SplitKind.WEIGHTS),
            [Sharer(1, 2), Sharer(2)],
            "3 people share 19.99 €, every month. Your share is 4.99 €.",
        ),
        (
            replace(TERMS, split=SplitKind.VARIABLE, price=None),
            [Sharer(1)],
            "2 people share a bill that you enter for each period, every month. The next period",
        ),
        (
            replace(TERMS, payer_included=False, every=3),
            [Sharer(1), Sharer(2)],
            "2 people share 19.99 €, every 3 months. The next period",
        ),
        (TERMS, [], "Nobody else is in the group yet; the first period opens once somebody joins."),
    ],
)
def test_it_fits_the_split_and_the_people(terms: GroupTerms, others: list[Sharer], beginning: str) -> None:
    assert said(terms, *others).startswith(beginning)


def test_another_payer_is_named() -> None:
    assert "Olga’s share is 9.99 €." in said(TERMS, Sharer(1), payer="Olga")


def test_collecting_ahead_says_when_it_opens() -> None:
    terms = replace(TERMS, collect_days_before=7)

    assert "it opens on 26 February 2026 and is due on 5 March 2026." in said(terms, Sharer(1))


def test_several_periods_that_have_begun_are_announced_and_one_is_not() -> None:
    assert "3 periods have begun already" in said(TERMS, Sharer(1), opening_now=3)
    assert "have begun" not in said(TERMS, Sharer(1), opening_now=1)


def test_a_period_that_has_begun_is_not_called_the_next() -> None:
    assert "The first to open is March 2026, due on 5 March 2026." in said(TERMS, Sharer(1), opening_now=1)
    assert "The next period is" not in said(TERMS, Sharer(1), opening_now=3)


def test_the_table_adds_up_to_the_price() -> None:
    seen = foretold(TERMS, *(Sharer(key) for key in (1, 2, 3, 4)))

    assert seen.payer is not None
    amounts = [amount.minor for _, amount in seen.shares]
    assert sum(amounts) + seen.payer[1].minor == 1999
    assert [name for name, _ in seen.shares] == ["Ann", "Bob", "Cem", "Dia"]
