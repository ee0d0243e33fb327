"""What a change does to shares: the first period that looks otherwise, and whom it touches."""

from dataclasses import replace
from datetime import date

import pytest

from substrack.domain.cycles import Window
from substrack.domain.money import Money
from substrack.domain.simulation import GroupChange, Hearing, Outlook, ShareChange, first_difference

OLGA, BEN, MIA = 1, 2, 3
MARCH = Window(3, date(2026, 3, 1), date(2026, 3, 31))
APRIL = Window(4, date(2026, 4, 1), date(2026, 4, 30))


def outlook(window: Window, total: int | None = 600, *, so_far: Outlook | None = None) -> Outlook:
    share = None if total is None else total // 2
    return Outlook(window, total, {OLGA: share, BEN: share}, {OLGA: 1, BEN: 1}, so_far)


@pytest.mark.parametrize(
    "changed",
    [
        {"window": Window(3, date(2026, 3, 2), date(2026, 3, 31))},
        {"total_minor": 601},
        {"shares": {OLGA: 200, BEN: 400}},
    ],
    ids=str,
)
def test_another_window_total_or_share_is_a_difference(changed: dict[str, object]) -> None:
    now = outlook(MARCH)
    assert now.is_like(outlook(MARCH))
    assert not now.is_like(replace(now, **changed))  # type: ignore[arg-type]


def test_weights_are_a_difference_only_while_a_bill_is_not_known() -> None:
    known, unknown = outlook(MARCH), outlook(MARCH, None)
    assert known.is_like(replace(known, weights={OLGA: 1, BEN: 2}))
    assert unknown.is_like(outlook(MARCH, None))
    assert not unknown.is_like(replace(unknown, weights={OLGA: 1, BEN: 2}))


def test_the_first_period_that_differs_is_found_by_its_number() -> None:
    before = [outlook(MARCH), outlook(APRIL)]
    after = [outlook(APRIL, 800), outlook(MARCH)]
    assert first_difference(before, after) == (before[1], after[0])
    assert first_difference(before, [outlook(MARCH)]) is None
    assert first_difference(before[1:], after[1:]) is None
    assert first_difference(before, before) is None


def test_a_change_is_compared_with_what_people_bear_until_then() -> None:
    so_far = outlook(MARCH, 600)
    before, after = outlook(MARCH, 700, so_far=so_far), outlook(MARCH, 800)
    assert first_difference([before], [after]) == (so_far, after)


def test_a_price_that_is_taken_back_is_compared_with_itself() -> None:
    before, after = outlook(MARCH, 700, so_far=outlook(MARCH, 600)), outlook(MARCH, 600)
    assert first_difference([before], [after]) == (before, after)


def person(key: int, before: int | None, after: int | None, **more: object) -> ShareChange:
    was, will_be = (None if minor is None else Money(minor, "EUR") for minor in (before, after))
    plain = ShareChange(
        key, "x", False, before is not None, after is not None, was, will_be, (1, 1), Hearing.UNTOUCHED
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def change(*people: ShareChange) -> GroupChange:
    return GroupChange(MARCH, None, None, people)


def test_who_differs_most_is_listed_in_the_order_of_all() -> None:
    ann, bob, cem = person(4, 300, 310), person(5, 300, 200), person(6, None, 1)
    olga = person(OLGA, 300, 300, is_payer=True)
    heavy = person(7, None, None, weights=(1, 5))
    people = change(ann, bob, heavy, cem, olga)
    assert [people.differing_most(number) for number in (1, 2, 3, 4, 9)] == [
        (olga,),
        (cem, olga),
        (bob, cem, olga),
        (ann, bob, cem, olga),
        (ann, bob, heavy, cem, olga),
    ]


def test_a_person_sees_a_difference_in_share_presence_or_weight() -> None:
    seen = [person(BEN, 1, 2), person(BEN, None, 1), person(BEN, None, None, weights=(1, 2))]
    assert all(one.is_changed for one in seen)
    assert not person(BEN, 1, 1).is_changed


def test_who_is_told_and_whom_nothing_reaches_are_told_apart() -> None:
    told, mute = person(BEN, 1, 2, hearing=Hearing.TOLD), person(MIA, 1, 2, hearing=Hearing.UNREACHABLE)
    found = change(person(OLGA, 1, 1), told, mute)
    assert (found.told, found.unreachable) == ((told,), (mute,))
