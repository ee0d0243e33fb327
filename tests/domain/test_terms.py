"""What a group's form may say."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from substrack.domain.cycles import Unit
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.preview import preview
from substrack.domain.shares import FixedAmountMissing, Sharer, SplitKind
from substrack.domain.terms import GroupTerms, check_terms

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
        ({"currency": "USD"}, "currency"),
        ({"price": None}, "price"),
        ({"price": Money(-1, "EUR")}, "amount"),
        ({"price": Money(10**12 + 1, "EUR")}, "price"),
        ({"split": SplitKind.VARIABLE}, "price"),
        ({"every": 0}, "every"),
        ({"billing_day": 0}, "billing_day"),
        ({"billing_day": 32}, "billing_day"),
        ({"ends_on": date(2026, 3, 4)}, "ends_on"),
        ({"starts_on": date(1026, 3, 4)}, "starts_on"),
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


def test_terms_come_back_cleaned() -> None:
    checked = check_terms(replace(TERMS, name="  Café ", currency="eur"))
    assert (checked.name, checked.currency) == ("Café", "EUR")


def test_the_preview_says_what_everybody_pays_and_when() -> None:
    found = preview(TERMS, [OLGA, *(Sharer(key) for key in range(1, 5))])
    assert found.people == 5
    assert found.share == Money(400, "EUR")
    assert found.payer_share == Money(399, "EUR")
    assert found.due_on == date(2026, 3, 5)


def test_the_preview_ignores_weights_where_everybody_pays_the_same() -> None:
    found = preview(TERMS, [OLGA, Sharer(1, weight=3)])
    assert found.share == Money(1000, "EUR")


def test_collecting_in_advance_opens_before_the_period_starts() -> None:
    found = preview(replace(TERMS, collect_days_before=10), [OLGA, Sharer(1)])
    assert (found.opens_on, found.due_on) == (date(2026, 2, 23), date(2026, 3, 5))


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
