"""Claims about who shares a period: one share a person, in one order, by the group's rule."""

from datetime import date

import pytest

from substrack.domain.cycles import Cycle, Unit, Window
from substrack.domain.shares import PartPeriod, Sharer, Shares, SplitKind
from substrack.domain.sharing import SharingRules, Stay, first_window, overlaps, share_out, sharers_in

OLGA, BEN, MIA = 1, 2, 3
FEBRUARY = Window(1, date(2026, 2, 1), date(2026, 2, 28))
MONTHLY = Cycle(Unit.MONTH, 1, 1, date(2026, 2, 1))


def rules(part_period: PartPeriod = PartPeriod.NEXT, *, split: SplitKind = SplitKind.WEIGHTS) -> SharingRules:
    return SharingRules(split, part_period, OLGA, payer_included=True)


def test_the_order_is_that_of_the_keys_whoever_joined_first() -> None:
    stays = [
        Stay(8, MIA, date(2026, 1, 10)),
        Stay(7, BEN, date(2026, 1, 20)),
        Stay(5, OLGA, date(2026, 1, 1)),
    ]
    assert [one.key for one in sharers_in(FEBRUARY, stays, rules())] == [5, 7, 8]


@pytest.mark.parametrize(
    ("left_on", "shares"),
    [(None, True), (date(2026, 3, 1), True), (date(2026, 2, 10), True), (date(2026, 2, 1), False)],
)
def test_a_payer_shares_in_full_what_begins_while_they_are_there(left_on: date | None, shares: bool) -> None:
    payer = Stay(5, OLGA, date(2026, 1, 1), left_on)
    found = sharers_in(FEBRUARY, [payer], rules(PartPeriod.DAYS))
    assert found == ([Sharer(5, 1, is_payer=True)] if shares else [])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (PartPeriod.FULL, [Sharer(9, 3)]),
        (PartPeriod.DAYS, [Sharer(9, 3, days=9 + 9)]),
        (PartPeriod.NEXT, [Sharer(7, 2)]),
    ],
)
def test_two_stays_in_one_period_are_one_share(rule: PartPeriod, expected: list[Sharer]) -> None:
    stays = [
        Stay(7, BEN, date(2026, 1, 5), date(2026, 2, 10), weight=2),
        Stay(9, BEN, date(2026, 2, 20), weight=3),
    ]
    assert sharers_in(FEBRUARY, stays, rules(rule)) == expected


def test_who_came_back_pays_the_fixed_amount_of_the_later_stay() -> None:
    stays = [
        Stay(7, BEN, date(2026, 1, 5), date(2026, 2, 10), fixed_minor=200),
        Stay(9, BEN, date(2026, 2, 20), fixed_minor=300),
    ]
    by_days = rules(PartPeriod.DAYS, split=SplitKind.FIXED)
    assert sharers_in(FEBRUARY, stays, by_days) == [Sharer(9, fixed_minor=300, days=9 + 9)]


@pytest.mark.parametrize(
    ("split", "weights"),
    [(SplitKind.EQUAL, [1, 1]), (SplitKind.WEIGHTS, [3, 2]), (SplitKind.VARIABLE, [3, 2])],
)
def test_weights_count_unless_the_split_is_equal_and_the_payers_like_any(
    split: SplitKind, weights: list[int]
) -> None:
    stays = [
        Stay(5, OLGA, date(2026, 1, 1), weight=3, fixed_minor=100),
        Stay(7, BEN, date(2026, 1, 5), weight=2, fixed_minor=100),
    ]
    olga, ben = weights
    assert sharers_in(FEBRUARY, stays, rules(split=split)) == [
        Sharer(5, olga, is_payer=True),
        Sharer(7, ben, fixed_minor=100),
    ]


@pytest.mark.parametrize(
    ("payer", "included", "expected"),
    [
        ([Sharer(5, is_payer=True)], True, Shares({7: 667}, 334)),
        ([Sharer(5, is_payer=True)], False, Shares({7: 1001}, 0)),
        ([], True, Shares({7: 1001}, 0)),
    ],
    ids=["shares", "does not share", "is not there"],
)
def test_the_payer_bears_a_part_when_they_share_and_are_there(
    payer: list[Sharer], included: bool, expected: Shares
) -> None:
    found = share_out(1001, [*payer, Sharer(7, 2)], FEBRUARY, payer_included=included)
    assert found == expected


def test_shares_are_worked_out_for_the_days_and_the_turn_of_the_period() -> None:
    second = Window(2, date(2026, 3, 1), date(2026, 3, 7))
    by_days = [Sharer(7, fixed_minor=700, days=2), Sharer(8, fixed_minor=0)]
    assert share_out(1000, by_days, second, payer_included=False) == Shares({7: 200, 8: 0}, 800)
    alike = [Sharer(7), Sharer(8)]
    assert share_out(3, alike, FEBRUARY, payer_included=False) == Shares({7: 2, 8: 1}, 0)
    assert share_out(3, alike, second, payer_included=False) == Shares({7: 1, 8: 2}, 0)


def test_a_stay_that_begins_the_day_another_ended_makes_a_whole_period() -> None:
    stays = [Stay(7, BEN, date(2026, 1, 5), date(2026, 2, 10)), Stay(9, BEN, date(2026, 2, 10))]
    assert sharers_in(FEBRUARY, stays, rules(PartPeriod.DAYS)) == [Sharer(9)]


@pytest.mark.parametrize(
    ("rule", "joined_on", "first"),
    [
        (PartPeriod.NEXT, date(2026, 3, 10), 3),
        (PartPeriod.FULL, date(2026, 3, 10), 2),
        (PartPeriod.DAYS, date(2026, 3, 10), 2),
        (PartPeriod.NEXT, date(2026, 3, 1), 2),
        (PartPeriod.FULL, date(2026, 1, 1), 2),
        (PartPeriod.FULL, date(2026, 2, 10), 2),
        (PartPeriod.FULL, date(2026, 4, 10), 3),
    ],
)
def test_the_first_share_follows_the_rule_for_part_periods(
    rule: PartPeriod, joined_on: date, first: int
) -> None:
    assert first_window(MONTHLY, 2, Stay(7, BEN, joined_on), rules(rule)).sequence == first


@pytest.mark.parametrize(
    ("joined_on", "left_on", "expected"),
    [
        (date(2026, 1, 1), date(2026, 2, 1), False),
        (date(2026, 1, 1), date(2026, 2, 2), True),
        (date(2026, 1, 1), None, True),
        (date(2026, 3, 1), None, False),
        (date(2026, 2, 28), None, True),
    ],
)
def test_stays_overlap_when_they_have_a_day_in_common(
    joined_on: date, left_on: date | None, expected: bool
) -> None:
    assert overlaps(joined_on, left_on, Stay(7, BEN, date(2026, 2, 1), date(2026, 3, 1))) is expected
