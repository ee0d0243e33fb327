"""Which backups are kept: seven days, four weeks, three months, counted in those that have one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.retention import DAYS, MONTHS, WEEKS, worth_keeping

FIRST = datetime(2026, 1, 1, 3, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


def daily(days: int) -> list[datetime]:
    return [FIRST + timedelta(days=number) for number in range(days)]


def test_a_year_of_daily_backups_leaves_seven_days_four_weeks_three_months() -> None:
    kept = sorted(worth_keeping(daily(365)))
    assert [f"{instant:%m-%d}" for instant in kept] == [
        *("10-31", "11-30"),  # months; the newest of December is a day
        *("12-13", "12-20"),  # weeks end on Sunday; the newest two are days
        *("12-25", "12-26", "12-27", "12-28", "12-29", "12-30", "12-31"),
    ]


def test_kept_day_by_day_it_is_the_same_as_all_at_once() -> None:
    kept: set[datetime] = set()
    for instant in daily(365):
        kept = worth_keeping([*kept, instant])
    assert kept == worth_keeping(daily(365))


def test_after_a_year_off_nothing_is_lost() -> None:
    kept = worth_keeping([*daily(7), FIRST + timedelta(days=400)])
    assert len(kept) == 7  # the newest one, six of the seven days, and January


def test_of_a_day_the_newest_is_kept() -> None:
    noon = FIRST.replace(hour=12)
    assert worth_keeping([FIRST, noon]) == {noon}


@given(st.lists(INSTANTS, min_size=1, max_size=60))
def test_the_newest_is_always_kept_and_never_more_than_fourteen(made_at: list[datetime]) -> None:
    kept = worth_keeping(made_at)
    assert max(made_at) in kept
    assert len(kept) <= DAYS + WEEKS + MONTHS
    assert worth_keeping(kept) == kept
