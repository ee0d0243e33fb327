"""What a group's form may say."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from substrack.domain.cycles import Unit, Window
from substrack.domain.errors import Refused
from substrack.domain.money import Money, NegativeAmount
from substrack.domain.preview import preview
from substrack.domain.shares import FixedAmountMissing, Sharer, SplitKind
from substrack.domain.terms import (
    EndsBeforeStarting,
    GroupTerms,
    OutOfRange,
    ToleranceOutOfRange,
    check_terms,
)

TERMS = GroupTerms(
    name="YouTube Premium", currency="EUR", starts_on=date(2026, 3, 5), price=Money(1999, "EUR")
)
OLGA = Sharer(0, is_payer=True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "You\nTube"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"description": "x" * 10_000}, "description"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "USD"}, "price"),
        ({"price": None}, "price"),
        ({"price": Money(-1, "EUR")}, "amount"),
        ({"price": Money(10**12 + 1, "EUR")}, "price"),
        ({"split": SplitKind.VARIABLE}, "price"),
        ({"every": 0}, "every"),
        ({"billing_day": 0}, "billing_day"),
        ({"billing_day": 32}, "billing_day"),
        ({"ends_on": date(2026, 3, 4)}, "ends_on"),
        ({"starts_on": date(1026, 3, 4)}, "starts_on"),
        ({"ends_on": date(3000, 1, 1)}, "ends_on"),
        ({"hour": 24}, "hour"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"collect_days_before": 366}, "collect_days_before"),
        ({"repeat_every_days": 0}, "repeat_every_days"),
        ({"max_requests": 0}, "max_requests"),
        ({"overdue_after_days": 0}, "overdue_after_days"),
        ({"grace_days": -1}, "grace_days"),
        ({"tolerance_minor": -1}, "tolerance_minor"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_beside_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        check_terms(replace(TERMS, **change))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"hour": 24}, "The hour must be from 0 to 23."),
        ({"max_requests": 0}, "The number of requests must be from 1 to 100."),
        ({"ends_on": date(2026, 3, 4)}, "The group can't end before it starts; choose 2026-03-05 or later."),
        ({"starts_on": date(1999, 12, 31)}, "Choose a date from 2000 to 2999."),
        ({"ends_on": date(3000, 1, 1)}, "Choose a date from 2000 to 2999."),
        ({"price": None}, "Give the price, or choose the split “variable” if it is different every time."),
        (
            {"split": SplitKind.VARIABLE},
            "Where the bill differs each time there is no price; the bill is entered for each period.",
        ),
        ({"price": Money(-1, "EUR")}, "A price cannot be negative."),
        ({"price": Money(10**12 + 1, "EUR")}, "The price is too large; the most is 10000000000.00 EUR."),
        ({"currency": "USD"}, "Give the price in USD as well."),
    ],
)
def test_a_refusal_of_terms_says_what_to_do(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        check_terms(replace(TERMS, **change))
    assert str(refused.value) == sentence


def test_a_number_out_of_range_is_refused_with_its_bounds() -> None:
    with pytest.raises(OutOfRange) as refused:
        check_terms(replace(TERMS, hour=24))
    assert (refused.value.lowest, refused.value.highest) == (0, 23)


def test_an_end_before_the_start_is_refused_with_the_start() -> None:
    with pytest.raises(EndsBeforeStarting) as refused:
        check_terms(replace(TERMS, ends_on=date(2026, 3, 4)))
    assert refused.value.starts_on == TERMS.starts_on


def test_a_negative_price_is_said_back() -> None:
    with pytest.raises(NegativeAmount) as refused:
        check_terms(replace(TERMS, price=Money(-150, "EUR")))
    assert refused.value.typed == "-1.50"


@pytest.mark.parametrize(
    ("field", "lowest", "highest"),
    [
        ("collect_days_before", 0, 365),
        ("due_days", 0, 365),
        ("grace_days", 0, 365),
        ("repeat_every_days", 1, 365),
        ("max_requests", 1, 100),
        ("overdue_after_days", 1, 3650),
        ("hour", 0, 23),
        ("tolerance_minor", 0, 1_000_000),
        ("heads_up_days", 0, 365),
    ],
)
def test_a_number_lies_between_its_bounds_and_may_be_one(field: str, lowest: int, highest: int) -> None:
    for number in (lowest, highest):
        terms = replace(TERMS, **{field: number})  # type: ignore[arg-type]
        assert check_terms(terms) == terms
    for number in (lowest - 1, highest + 1):
        with pytest.raises((OutOfRange, ToleranceOutOfRange)):
            check_terms(replace(TERMS, **{field: number}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"price": Money(0, "EUR")},
        {"price": Money(10**12, "EUR")},
        {"starts_on": date(2000, 1, 1)},
        {"starts_on": date(2026, 3, 5), "ends_on": date(2026, 3, 5)},
        {"ends_on": date(2999, 12, 31)},
    ],
    ids=str,
)
def test_the_bounds_themselves_are_allowed(change: dict[str, Any]) -> None:
    terms = replace(TERMS, **change)
    assert check_terms(terms) == terms


def test_terms_come_back_cleaned() -> None:
    checked = check_terms(replace(TERMS, name="  Café ", currency="eur"))
    assert (checked.name, checked.currency) == ("Café", "EUR")


def test_the_preview_says_what_everybody_pays_and_when() -> None:
    found = preview(TERMS, [OLGA, *(Sharer(key) for key in range(1, 5))])
    assert found.people == 5
    assert found.share == Money(400, "EUR")
    assert found.shares == dict.fromkeys(range(1, 5), Money(400, "EUR"))
    assert found.payer_share == Money(399, "EUR")
    assert found.price == TERMS.price
    assert found.window == Window(1, date(2026, 3, 5), date(2026, 4, 4))
    assert found.due_on == date(2026, 3, 5)


def test_the_preview_ignores_weights_where_everybody_pays_the_same() -> None:
    found = preview(TERMS, [OLGA, Sharer(1, weight=3)])
    assert found.share == Money(1000, "EUR")
    weighed = preview(replace(TERMS, split=SplitKind.WEIGHTS), [OLGA, Sharer(1, weight=3)])
    assert weighed.share == Money(1499, "EUR")


def test_where_everybody_pays_the_same_fixed_amounts_and_days_still_count() -> None:
    found = preview(TERMS, [OLGA, Sharer(1, fixed_minor=300), Sharer(2, days=10)])
    assert found.shares == {1: Money(300, "EUR"), 2: Money(274, "EUR")}
    assert found.share is None


def test_collecting_in_advance_opens_before_the_period_starts() -> None:
    found = preview(replace(TERMS, collect_days_before=10, due_days=4), [OLGA, Sharer(1)])
    assert (found.opens_on, found.due_on) == (date(2026, 2, 23), date(2026, 3, 9))


def test_a_variable_group_has_no_amounts_to_show() -> None:
    found = preview(replace(TERMS, price=None, split=SplitKind.VARIABLE), [OLGA, Sharer(1)])
    assert (found.share, found.payer_share, found.people) == (None, None, 2)


def test_nobody_else_is_in_a_group_of_one() -> None:
    found = preview(replace(TERMS, unit=Unit.YEAR), [OLGA])
    assert (found.others, found.people) == (0, 1)
    assert found.payer_share == TERMS.price


def test_the_preview_wants_an_amount_for_everybody_in_a_fixed_split() -> None:
    with pytest.raises(FixedAmountMissing):
        preview(replace(TERMS, split=SplitKind.FIXED), [OLGA, Sharer(1)])
