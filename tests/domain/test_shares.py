"""Shares: they sum to the total, stay constant with a payer, and are dealt fairly without."""

from collections import Counter
from datetime import date, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.cycles import Window
from substrack.domain.shares import (
    ABSENT,
    FixedAmountMissing,
    FixedAmountNegative,
    FixedAmountsOverTotal,
    LeavesBeforeJoining,
    PartPeriod,
    PayerShareIsTheRest,
    Presence,
    Sharer,
    Shares,
    SplitKind,
    WeightOutOfRange,
    check_stay,
    check_terms,
    check_weight,
    part_days,
    split,
)

OLGA, BEN, MIA, ANN = 1, 2, 3, 4
MARCH = Window(3, date(2026, 3, 1), date(2026, 3, 31))

totals = st.integers(0, 10**12)
sequences = st.integers(1, 10**6)


@st.composite
def sharer_lists(draw: st.DrawFn, *, with_payer: bool) -> list[Sharer]:
    terms = st.tuples(
        st.integers(1, 1000),
        st.none() | st.integers(0, 10**6),
        st.none() | st.integers(1, 30),
    )
    drawn = draw(st.lists(terms, max_size=12))
    sharers = [Sharer(key, weight, fixed, days) for key, (weight, fixed, days) in enumerate(drawn, start=1)]
    if with_payer:
        payer = Sharer(0, draw(st.integers(1, 1000)), is_payer=True)
        sharers.insert(draw(st.integers(0, len(sharers))), payer)
    return sharers


def fixed_sum(sharers: list[Sharer]) -> int:
    return sum(sharer.fixed_minor or 0 for sharer in sharers)


def with_olga(*members: Sharer) -> list[Sharer]:
    return [Sharer(OLGA, is_payer=True), *members]


def share(total: int, sharers: list[Sharer], *, sequence: int = 1) -> Shares:
    included = any(sharer.is_payer for sharer in sharers)
    return split(total, sharers, sequence=sequence, period_days=31, payer_included=included)


@pytest.mark.parametrize(
    ("total", "sharers", "amounts", "payer"),
    [
        (1000, with_olga(Sharer(BEN), Sharer(MIA)), {BEN: 333, MIA: 333}, 334),
        (1999, with_olga(Sharer(BEN), Sharer(MIA), Sharer(ANN)), {BEN: 500, MIA: 500, ANN: 500}, 499),
        (1, with_olga(Sharer(BEN), Sharer(MIA)), {BEN: 0, MIA: 0}, 1),
        (1, with_olga(Sharer(BEN)), {BEN: 1}, 0),
        (0, with_olga(Sharer(BEN)), {BEN: 0}, 0),
        (1799, with_olga(), {}, 1799),
        (1799, with_olga(Sharer(BEN, fixed_minor=300), Sharer(MIA)), {BEN: 300, MIA: 750}, 749),
        (1800, with_olga(Sharer(BEN, 2), Sharer(MIA)), {BEN: 900, MIA: 450}, 450),
        (3100, with_olga(Sharer(BEN, days=10)), {BEN: 500}, 2600),
        (3100, with_olga(Sharer(BEN, fixed_minor=310, days=10)), {BEN: 100}, 3000),
        (1000, [Sharer(BEN), Sharer(MIA), Sharer(ANN)], {BEN: 334, MIA: 333, ANN: 333}, 0),
        (1000, [Sharer(BEN, days=10), Sharer(MIA, days=30)], {BEN: 250, MIA: 750}, 0),
        (1000, [Sharer(BEN, fixed_minor=300), Sharer(MIA)], {BEN: 300, MIA: 700}, 0),
        (1000, [Sharer(BEN, fixed_minor=300), Sharer(MIA, fixed_minor=0)], {BEN: 300, MIA: 0}, 700),
        (1000, [], {}, 1000),
    ],
)
def test_shares_by_hand(total: int, sharers: list[Sharer], amounts: dict[int, int], payer: int) -> None:
    shares = share(total, sharers)
    assert shares == Shares(amounts, payer)
    assert list(shares.amounts) == list(amounts)


def test_shares_that_would_round_up_past_the_total_are_rounded_down() -> None:
    sharers = with_olga(*(Sharer(key) for key in range(2, 21)))
    assert share(11, sharers) == Shares(dict.fromkeys(range(2, 21), 0), 11)


@given(totals, sharer_lists(with_payer=True), sequences)
def test_shares_and_the_payers_part_sum_to_the_total(
    total: int, sharers: list[Sharer], sequence: int
) -> None:
    total += fixed_sum(sharers)
    shares = split(total, sharers, sequence=sequence, period_days=30, payer_included=True)
    assert sum(shares.amounts.values()) + shares.payer_minor == total
    assert min([shares.payer_minor, *shares.amounts.values()]) >= 0
    assert list(shares.amounts) == [sharer.key for sharer in sharers if not sharer.is_payer]


@given(totals, sharer_lists(with_payer=False), sequences)
def test_without_the_payer_the_members_carry_everything(
    total: int, sharers: list[Sharer], sequence: int
) -> None:
    total += fixed_sum(sharers)
    shares = split(total, sharers, sequence=sequence, period_days=30, payer_included=False)
    assert sum(shares.amounts.values()) + shares.payer_minor == total
    assert min([shares.payer_minor, *shares.amounts.values()]) >= 0
    if any(sharer.fixed_minor is None for sharer in sharers):
        assert shares.payer_minor == 0


@given(totals, sharer_lists(with_payer=True), sequences, sequences)
def test_with_a_payer_everybody_pays_the_same_every_period(
    total: int, sharers: list[Sharer], one: int, other: int
) -> None:
    total += fixed_sum(sharers)
    first = split(total, sharers, sequence=one, period_days=30, payer_included=True)
    assert first == split(total, sharers, sequence=other, period_days=30, payer_included=True)


@given(totals, st.integers(0, 100), st.integers(1, 12), st.integers(1, 12))
def test_equal_members_pay_the_same_share_beside_a_payer(
    total: int, start: int, count: int, weight: int
) -> None:
    sharers = [Sharer(-1, is_payer=True), *(Sharer(start + key, weight) for key in range(count))]
    assert len(set(share(total, sharers).amounts.values())) == 1


@given(st.integers(0, 10**6), st.integers(1, 12), sequences, st.integers(1, 40))
def test_dealt_units_leave_equal_members_at_most_one_apart_from_the_first_period(
    total: int, count: int, start: int, periods: int
) -> None:
    sharers = [Sharer(key) for key in range(count)]
    paid: Counter[int] = Counter()
    for sequence in range(1, periods + 1):
        paid.update(share(total, sharers, sequence=sequence).amounts)
        assert max(paid.values()) - min(paid.values()) <= 1
    one = share(total, sharers, sequence=start).amounts
    assert max(one.values()) - min(one.values()) <= 1


@given(st.integers(0, 10**6), st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 30))
def test_dealt_units_go_round_among_members_of_equal_weight(
    total: int, weights: list[int], periods: int
) -> None:
    sharers = [Sharer(key, weight) for key, weight in enumerate(weights)]
    paid: Counter[int] = Counter()
    for sequence in range(1, periods + 1):
        paid.update(share(total, sharers, sequence=sequence).amounts)
    for weight in set(weights):
        alike = [paid[sharer.key] for sharer in sharers if sharer.weight == weight]
        assert max(alike) - min(alike) <= 1


def test_cards_are_dealt_from_where_the_last_period_stopped() -> None:
    sharers = [Sharer(key) for key in (10, 20, 30)]
    got_more = [
        [key for key, amount in share(101, sharers, sequence=sequence).amounts.items() if amount == 34]
        for sequence in (1, 2, 3)
    ]
    assert got_more == [[10, 20], [10, 30], [20, 30]]


def test_a_payer_who_does_not_share_is_left_out() -> None:
    shares = split(1000, with_olga(Sharer(BEN)), sequence=1, period_days=31, payer_included=False)
    assert shares == Shares({BEN: 1000}, 0)


def test_a_period_of_one_day_is_shared_like_any() -> None:
    shares = split(
        300, [Sharer(BEN), Sharer(MIA, 2, days=1)], sequence=1, period_days=1, payer_included=False
    )
    assert shares == Shares({BEN: 100, MIA: 200}, 0)


def test_fixed_amounts_over_the_total_are_refused() -> None:
    with pytest.raises(FixedAmountsOverTotal) as refused:
        share(500, with_olga(Sharer(BEN, fixed_minor=300), Sharer(MIA, fixed_minor=201)))
    assert str(refused.value) == "The fixed amounts are more than the price; lower them or raise the price."
    assert (refused.value.fixed_minor, refused.value.total_minor) == (501, 500)


def test_the_payer_has_no_fixed_amount() -> None:
    olga = Sharer(OLGA, fixed_minor=300, is_payer=True)
    with pytest.raises(PayerShareIsTheRest) as refused:
        share(500, [olga, Sharer(BEN)])
    assert str(refused.value) == "The payer has no fixed amount: their share is what the others leave."
    with pytest.raises(PayerShareIsTheRest):
        check_terms(SplitKind.EQUAL, [olga])


def test_a_fixed_split_wants_every_members_amount() -> None:
    check_terms(SplitKind.FIXED, with_olga(Sharer(BEN, fixed_minor=0)))
    check_terms(SplitKind.EQUAL, with_olga(Sharer(BEN), Sharer(MIA, fixed_minor=200)))
    with pytest.raises(FixedAmountMissing) as refused:
        check_terms(SplitKind.FIXED, with_olga(Sharer(BEN), Sharer(MIA, fixed_minor=200), Sharer(ANN)))
    assert str(refused.value) == "Everybody in this group pays a fixed amount; give one for each member."
    assert refused.value.keys == (BEN, ANN)


@pytest.mark.parametrize("weight", [0, -1, 1001])
def test_a_weight_outside_its_range_is_refused(weight: int) -> None:
    with pytest.raises(WeightOutOfRange) as refused:
        check_weight(weight)
    assert str(refused.value) == "A weight must be a whole number from 1 to 1,000."
    assert refused.value.weight == weight
    with pytest.raises(WeightOutOfRange):
        Sharer(BEN, weight)


def test_a_negative_fixed_amount_is_refused() -> None:
    with pytest.raises(FixedAmountNegative) as refused:
        Sharer(BEN, fixed_minor=-1)
    assert str(refused.value) == "A fixed amount cannot be negative; write 0 for somebody who pays nothing."
    assert refused.value.fixed_minor == -1


NUMBERS = "a total is not negative; sequences and days count from 1"
DAYS = "days must lie within the period"
PAYER = "a payer to include must be among the sharers, once"


@pytest.mark.parametrize(
    ("total", "sharers", "sequence", "days", "included", "sentence"),
    [
        (-1, [], 1, 31, False, NUMBERS),
        (1, [], 0, 31, False, NUMBERS),
        (1, [], 1, 0, False, NUMBERS),
        (1, [Sharer(BEN)], 1, 31, True, PAYER),
        (1, [Sharer(OLGA, is_payer=True), Sharer(BEN, is_payer=True)], 1, 31, True, PAYER),
        (1, [Sharer(BEN, days=0)], 1, 31, False, DAYS),
        (1, [Sharer(BEN, days=32)], 1, 31, False, DAYS),
        (1, [Sharer(BEN), Sharer(BEN)], 1, 31, False, "every sharer needs a key of their own"),
    ],
)
def test_a_call_that_makes_no_sense_is_a_bug(
    total: int, sharers: list[Sharer], sequence: int, days: int, included: bool, sentence: str
) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        split(total, sharers, sequence=sequence, period_days=days, payer_included=included)


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("joined", "left", "full", "by_days", "following"),
    [
        ("01-15", None, None, None, None),
        ("03-01", None, None, None, None),
        ("03-02", None, None, 30, ABSENT),
        ("03-31", None, None, 1, ABSENT),
        ("04-01", None, ABSENT, ABSENT, ABSENT),
        ("01-15", "03-01", ABSENT, ABSENT, ABSENT),
        ("01-15", "03-02", None, 1, None),
        ("01-15", "03-31", None, 30, None),
        ("01-15", "04-01", None, None, None),
        ("03-10", "03-20", None, 10, ABSENT),
        ("03-10", "03-10", ABSENT, ABSENT, ABSENT),
    ],
)
def test_part_periods_cost_what_the_rule_says(
    joined: str,
    left: str | None,
    full: int | Literal[Presence.ABSENT] | None,
    by_days: int | Literal[Presence.ABSENT] | None,
    following: int | Literal[Presence.ABSENT] | None,
) -> None:
    left_on = day(left) if left else None
    answers = [
        part_days(rule, day(joined), left_on, MARCH)
        for rule in (PartPeriod.FULL, PartPeriod.DAYS, PartPeriod.NEXT)
    ]
    assert answers == [full, by_days, following]


@given(st.integers(-40, 70), st.none() | st.integers(-40, 70))
def test_days_there_are_the_days_counted_one_by_one(joined: int, left: int | None) -> None:
    joined_on = MARCH.starts_on + timedelta(days=joined)
    left_on = None if left is None else MARCH.starts_on + timedelta(days=left)
    march = [MARCH.starts_on + timedelta(days=offset) for offset in range(MARCH.days)]
    there = sum(joined_on <= one and (left_on is None or one < left_on) for one in march)
    expected = {0: ABSENT, MARCH.days: None}.get(there, there)
    assert part_days(PartPeriod.DAYS, joined_on, left_on, MARCH) == expected


def test_nobody_leaves_before_joining() -> None:
    check_stay(day("03-10"), None)
    check_stay(day("03-10"), day("03-10"))
    with pytest.raises(LeavesBeforeJoining) as refused:
        check_stay(day("03-10"), day("03-09"))
    assert str(refused.value) == "Nobody can leave before joining; choose 2026-03-10 or later."
    assert (refused.value.joined_on, refused.value.left_on) == (day("03-10"), day("03-09"))
