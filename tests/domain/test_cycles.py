"""The calendar: no gap, no overlap, no drift, and hours that exist."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise, product
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.cycles import (
    MAX_EVERY,
    BillingDayOutOfRange,
    Cycle,
    EveryOutOfRange,
    SequenceOutOfRange,
    Unit,
    UnknownZone,
    Window,
    at_hour,
    check_zone,
    has_begun,
    local_date,
    local_hour,
)

STEPS = {
    Unit.WEEK: relativedelta(weeks=1),
    Unit.MONTH: relativedelta(months=1),
    Unit.YEAR: relativedelta(years=1),
}
"""One unit as dateutil counts it, which clips from the original anchor as well."""
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe"]
ZONES += ["Asia/Beirut", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu", "America/Havana"]

units = st.sampled_from(Unit)
days = st.dates(date(1990, 1, 1), date(2200, 1, 1))
billing_days = st.integers(1, 31)
cycles = st.builds(Cycle.begin, units, st.integers(1, 24), billing_days, days, st.integers(1, 500))


def ten_years(cycle: Cycle) -> list[Window]:
    """List the periods of ten years and the first one after, but two at least."""
    windows = [cycle.window(1), cycle.window(2)]
    while windows[-1].starts_on < date(2034, 1, 1):
        windows.append(cycle.window(windows[-1].sequence + 1))
    return windows


@cache
def every_start() -> list[date]:
    """List the days within ten years on which a period of some rhythm starts."""
    rhythms = product(Unit, range(1, MAX_EVERY + 1), range(1, 32))
    cycles = (Cycle.begin(unit, every, day, date(2024, 1, day)) for unit, every, day in rhythms)
    found = {window.starts_on for cycle in cycles for window in ten_years(cycle)}
    return sorted(day for day in found if day < date(2034, 1, 1))


def starts(cycle: Cycle, count: int) -> list[str]:
    return [cycle.start_of(cycle.anchor_sequence + step).isoformat() for step in range(count)]


@pytest.mark.parametrize(
    ("unit", "every", "billing_day", "starts_on", "expected"),
    [
        (Unit.MONTH, 1, 31, "2026-01-31", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (Unit.MONTH, 1, 31, "2026-02-15", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        (Unit.MONTH, 1, 5, "2026-01-10", ["2026-02-05", "2026-03-05"]),
        (Unit.MONTH, 1, 5, "2026-12-05", ["2026-12-05", "2027-01-05"]),
        (Unit.MONTH, 1, 5, "2026-12-06", ["2027-01-05", "2027-02-05"]),
        (Unit.MONTH, 1, None, "2026-01-30", ["2026-01-30", "2026-02-28", "2026-03-30"]),
        (Unit.MONTH, 3, 30, "2025-11-30", ["2025-11-30", "2026-02-28", "2026-05-30"]),
        (
            Unit.YEAR,
            1,
            29,
            "2024-02-29",
            ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"],
        ),
        (Unit.YEAR, 2, 15, "2026-01-20", ["2026-02-15", "2028-02-15"]),
        (Unit.WEEK, 1, None, "2026-03-27", ["2026-03-27", "2026-04-03"]),
        (Unit.WEEK, 2, 31, "2026-03-27", ["2026-03-27", "2026-04-10"]),
    ],
)
def test_periods_start_on_the_billing_day(
    unit: Unit, every: int, billing_day: int | None, starts_on: str, expected: list[str]
) -> None:
    cycle = Cycle.begin(unit, every, billing_day, date.fromisoformat(starts_on))
    assert starts(cycle, len(expected)) == expected


@pytest.mark.parametrize("unit", Unit)
def test_ten_years_have_no_gap_overlap_or_drift(unit: Unit) -> None:
    for every, day in product(range(1, MAX_EVERY + 1), range(1, 32)):
        anchor = date(2024, 1, day)
        windows = ten_years(Cycle.begin(unit, every, day, anchor))
        assert windows[0].starts_on == anchor
        for steps, (earlier, later) in enumerate(pairwise(windows), 1):
            assert later.starts_on == anchor + STEPS[unit] * (every * steps), (every, day)
            assert earlier.ends_on == later.starts_on - timedelta(days=1)
            assert earlier.days >= 7


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        *(("Europe/Berlin", hour) for hour in (2, 10)),
        *(("America/New_York", hour) for hour in (2, 10)),
        *(("Australia/Lord_Howe", hour) for hour in (2, 10)),
        *((zone, 0) for zone in ("America/Havana", "Asia/Beirut")),
    ],
)
def test_every_start_of_every_rhythm_opens_once_and_in_order(zone: str, hour: int) -> None:
    instants = [at_hour(start, hour, zone) for start in every_start()]
    assert all(earlier < later for earlier, later in pairwise(instants))
    for start, instant in zip(every_start(), instants, strict=True):
        assert local_date(instant, zone) == start
        assert local_hour(instant, zone) in (hour, hour + 1)


@given(cycles, st.integers(0, 300))
def test_a_first_day_leads_back_to_its_sequence(cycle: Cycle, step: int) -> None:
    window = cycle.window(cycle.anchor_sequence + step)
    assert cycle.sequence_on_or_after(window.starts_on) == window.sequence
    assert cycle.sequence_on_or_after(window.starts_on + timedelta(days=1)) == window.sequence + 1
    assert cycle.sequence_on_or_after(window.ends_on) <= window.sequence + 1


@given(cycles, st.integers(0, 30), st.integers(0, 30))
def test_what_has_begun_is_counted_day_by_day(cycle: Cycle, first: int, step: int) -> None:
    sequence = cycle.anchor_sequence + first
    starts_on = cycle.start_of(sequence + step)
    assert cycle.count_begun(sequence, starts_on) == step + 1
    assert cycle.count_begun(sequence, starts_on - timedelta(days=1)) == step
    assert cycle.count_begun(sequence, cycle.anchor_on - timedelta(days=1)) == 0


@given(cycles, days)
def test_the_sequence_on_or_after_a_day_is_the_first_such(cycle: Cycle, day: date) -> None:
    sequence = cycle.sequence_on_or_after(day)
    assert cycle.start_of(sequence) >= day
    assert sequence == cycle.anchor_sequence or cycle.start_of(sequence - 1) < day


@given(cycles, st.integers(0, 100), days)
def test_who_goes_on_keeps_the_rhythm_and_the_count(cycle: Cycle, steps: int, day: date) -> None:
    sequence = cycle.anchor_sequence + steps
    going_on = cycle.going_on(sequence, day)
    wanted = max(sequence, cycle.sequence_on_or_after(day))
    assert [going_on.start_of(sequence + k) for k in range(3)] == [
        cycle.start_of(wanted + k) for k in range(3)
    ]


@given(units, st.integers(1, 24), billing_days, days)
def test_the_first_date_is_the_first_one_possible(
    unit: Unit, every: int, billing_day: int, day: date
) -> None:
    cycle = Cycle.begin(unit, every, billing_day, day)
    assert day <= cycle.anchor_on < day + timedelta(days=31)


@given(cycles, st.integers(0, 100), st.integers(1, 12), billing_days)
def test_a_changed_cycle_goes_on_after_the_periods_already_opened(
    cycle: Cycle, step: int, every: int, billing_day: int
) -> None:
    last = cycle.window(cycle.anchor_sequence + step)
    following = last.ends_on + timedelta(days=1)
    changed = Cycle.begin(Unit.MONTH, every, billing_day, following, last.sequence + 1)
    assert changed.window(last.sequence + 1).starts_on >= following


def test_a_window_counts_both_its_ends() -> None:
    window = Cycle.begin(Unit.MONTH, 1, 1, date(2024, 2, 1)).window(1)
    assert window == Window(1, date(2024, 2, 1), date(2024, 2, 29))
    assert window.days == 29


@pytest.mark.parametrize("billing_day", [0, 32, -1])
def test_a_day_no_month_has_is_refused(billing_day: int) -> None:
    with pytest.raises(BillingDayOutOfRange) as refused:
        Cycle.begin(Unit.MONTH, 1, billing_day, date(2026, 1, 1))
    assert refused.value.billing_day == billing_day
    assert str(refused.value) == (
        "The billing day must be from 1 to 31; in shorter months the last day is used instead."
    )


@pytest.mark.parametrize("every", [0, -1, 121])
def test_a_cycle_that_stands_still_or_crawls_is_refused(every: int) -> None:
    with pytest.raises(EveryOutOfRange) as refused:
        Cycle.begin(Unit.WEEK, every, None, date(2026, 1, 1))
    assert refused.value.every == every
    assert str(refused.value) == "The cycle must repeat every 1 to 120 weeks, months or years."


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("sequence", [-5, 0, 6, 10**6, 10**30])
def test_periods_before_the_anchor_or_beyond_the_calendar_are_refused(unit: Unit, sequence: int) -> None:
    cycle = Cycle.begin(unit, 1, None, date(2026, 1, 1), sequence=7)
    with pytest.raises(SequenceOutOfRange) as refused:
        cycle.start_of(sequence)
    assert refused.value.sequence == sequence
    assert str(refused.value) == (
        f"This cycle has no period {sequence:,}; choose one between its first and the year 9999."
    )


def test_a_cycle_that_would_start_after_the_year_9999_is_refused() -> None:
    with pytest.raises(SequenceOutOfRange, match="no period 3;"):
        Cycle.begin(Unit.MONTH, 1, 1, date(9999, 12, 2), sequence=3)


def test_an_anchor_beside_its_billing_day_is_a_bug() -> None:
    with pytest.raises(ValueError, match=r"^2026-01-30 is not on billing day 31$"):
        Cycle(Unit.MONTH, 1, 31, date(2026, 1, 30))
    with pytest.raises(ValueError, match=r"^sequences count from 1$"):
        Cycle(Unit.MONTH, 1, 31, date(2026, 1, 31), anchor_sequence=0)


@pytest.mark.parametrize("billing_day", [0, 32])
def test_no_cycle_is_made_with_a_day_no_month_has(billing_day: int) -> None:
    with pytest.raises(BillingDayOutOfRange):
        Cycle(Unit.MONTH, 1, billing_day, date(2026, 1, 31))


def test_the_year_9999_is_the_last_with_periods() -> None:
    assert starts(Cycle.begin(Unit.MONTH, 1, 1, date(9999, 11, 1)), 2) == ["9999-11-01", "9999-12-01"]
    assert Cycle.begin(Unit.MONTH, 1, 1, date(9999, 11, 2)).anchor_on == date(9999, 12, 1)
    assert starts(Cycle.begin(Unit.WEEK, 1, None, date(9999, 12, 24)), 2) == ["9999-12-24", "9999-12-31"]


@pytest.mark.parametrize("zone", ZONES)
def test_ten_o_clock_is_ten_o_clock_on_every_day_of_ten_years(zone: str) -> None:
    for day in (date(2020, 1, 1) + timedelta(days=offset) for offset in range(3653)):
        instant = at_hour(day, 10, zone)
        assert instant.tzinfo is UTC
        assert (local_date(instant, zone), local_hour(instant, zone)) == (day, 10)


@given(days, st.integers(0, 23), st.sampled_from(ZONES))
def test_every_hour_gives_an_instant_and_skipped_ones_move_on(day: date, hour: int, zone: str) -> None:
    local = at_hour(day, hour, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wanted = datetime(day.year, day.month, day.day, hour)
    assert wanted <= local <= wanted + timedelta(days=1)


def test_a_skipped_hour_is_after_the_gap_and_a_double_one_is_the_first() -> None:
    assert at_hour(date(2026, 3, 29), 2, "Europe/Berlin") == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert at_hour(date(2026, 10, 25), 2, "Europe/Berlin") == datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert local_date(at_hour(date(2011, 12, 30), 10, "Pacific/Apia"), "Pacific/Apia") == date(2011, 12, 31)


def test_the_local_date_is_that_of_the_zone() -> None:
    late = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    assert local_date(late, "Europe/Berlin") == date(2026, 4, 1)
    assert local_date(late, "America/New_York") == date(2026, 3, 31)


def test_a_day_begins_where_the_clock_is_furthest_ahead() -> None:
    eve = datetime(2026, 2, 2, 9, 59, 59, tzinfo=UTC)
    assert [has_begun(date(2026, 2, 3), eve + timedelta(seconds=more)) for more in (0, 1)] == [False, True]


def test_an_instant_without_a_zone_is_a_bug() -> None:
    with pytest.raises(ValueError, match=r"^an instant needs its zone$"):
        local_date(datetime(2026, 1, 1), "UTC")


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "Europe", "../etc/passwd", "Factory", "localtime", "a\x00b"]
)
def test_unknown_zones_are_refused(name: str) -> None:
    with pytest.raises(UnknownZone) as refused:
        check_zone(name)
    assert (refused.value.field, refused.value.name) == ("time_zone", name)
    assert str(refused.value) == f"“{name}” is not a time zone. Use a name such as Europe/Berlin or UTC."


def test_a_long_name_of_a_zone_is_said_back_shortened() -> None:
    with pytest.raises(UnknownZone, match=f"^“{'x' * 50}” is"):
        check_zone("x" * 51)


def test_known_zones_are_kept_as_written() -> None:
    assert [check_zone(f" {zone} ") for zone in ZONES] == ZONES
