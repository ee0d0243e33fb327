"""Where a group goes on: after a rest, after an end that is taken back, and under other terms."""

from dataclasses import replace
from datetime import date

import pytest

from substrack.domain.calendars import Calendar
from substrack.domain.cycles import Cycle, Unit
from substrack.domain.terms import GroupTerms

START = date(2026, 1, 5)
TODAY = date(2026, 1, 20)
TERMS = GroupTerms("Club", "EUR", START, unit=Unit.WEEK)
FRESH = Calendar(TERMS.cycle, 1, START, None, START)
OPENED = replace(FRESH, next_sequence=2, begins_on=date(2026, 1, 12))
MONTHLY = replace(TERMS, unit=Unit.MONTH, billing_day=1)


def test_the_same_terms_change_nothing() -> None:
    assert FRESH.under(TERMS, TODAY) == FRESH
    assert OPENED.under(TERMS, TODAY) == OPENED


@pytest.mark.parametrize(
    ("calendar", "monthly", "weekly_again"),
    [
        (FRESH, date(2026, 2, 1), START),
        (FRESH.going_on(TODAY), date(2026, 2, 1), date(2026, 1, 26)),
        (OPENED, date(2026, 2, 1), date(2026, 1, 12)),
    ],
)
def test_another_rhythm_begins_where_nothing_is_open(
    calendar: Calendar, monthly: date, weekly_again: date
) -> None:
    changed = calendar.under(MONTHLY, TODAY)
    assert changed.next_start == monthly
    assert changed.under(TERMS, TODAY).next_start == weekly_again
    assert changed.next_sequence == calendar.next_sequence


def test_another_start_is_where_it_begins() -> None:
    earlier = FRESH.going_on(TODAY).under(replace(TERMS, starts_on=date(2026, 1, 1)), TODAY)
    assert (earlier.next_start, earlier.begins_on) == (date(2026, 1, 1), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("ends_on", "then", "goes_on"),
    [
        (date(2026, 1, 11), None, date(2026, 1, 26)),
        (date(2026, 1, 11), date(2026, 6, 30), date(2026, 1, 26)),
        (date(2026, 1, 11), date(2026, 1, 11), date(2026, 1, 12)),
        (date(2026, 1, 12), None, date(2026, 1, 12)),
        (None, date(2026, 6, 30), date(2026, 1, 12)),
    ],
)
def test_only_what_was_over_goes_on_from_today(
    ends_on: date | None, then: date | None, goes_on: date
) -> None:
    ending = replace(OPENED, ends_on=ends_on).ending(then, TODAY)
    assert (ending.next_start, ending.ends_on) == (goes_on, then)


@pytest.mark.parametrize(
    ("former", "then", "is_later"),
    [
        (None, None, False),
        (None, TODAY, False),
        (TODAY, None, True),
        (TODAY, TODAY, False),
        (START, TODAY, True),
        (TODAY, START, False),
    ],
)
def test_an_end_is_later_when_more_may_follow(former: date | None, then: date | None, is_later: bool) -> None:
    assert replace(FRESH, ends_on=then).ends_later_than(replace(FRESH, ends_on=former)) is is_later


def test_the_rhythm_that_goes_on_is_the_one_it_was() -> None:
    cycle = Cycle.begin(Unit.MONTH, 1, 31, date(2026, 1, 31))
    going_on = Calendar(cycle, 1, date(2026, 1, 31), None, date(2026, 1, 31)).going_on(date(2026, 2, 20))
    assert [str(going_on.cycle.start_of(k)) for k in (1, 2)] == ["2026-02-28", "2026-03-31"]


@pytest.mark.parametrize(
    ("calendar", "terms", "went_on_from"),
    [
        (FRESH, MONTHLY, None),
        (OPENED, MONTHLY, None),
        (replace(OPENED, ends_on=START), replace(MONTHLY, ends_on=START), None),
        (replace(OPENED, ends_on=START), MONTHLY, date(2026, 1, 26)),
        (replace(OPENED, ends_on=START), replace(MONTHLY, starts_on=date(2026, 1, 1)), None),
    ],
)
def test_only_what_skipped_anything_went_on_from_a_day(
    calendar: Calendar, terms: GroupTerms, went_on_from: date | None
) -> None:
    assert calendar.under(terms, TODAY).went_on_from(calendar) == went_on_from
