"""When a payment comes along in a request that goes out anyway."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from substrack.domain.collecting import (
    CollectionDayOutOfRange,
    asked_from,
    check_collection_day,
    first_day_of_collection,
)
from substrack.domain.payments import Status
from substrack.domain.requests import (
    AskedPayment,
    RequestRules,
    first_requests,
    initiates,
    joins,
    lapses_on,
    leaves_on,
    may_ask_at,
    next_hours_at,
    next_request_on,
)

RULES = RequestRules(
    grace_days=3, repeat_every_days=3, maximum=8, overdue_after_days=14, hour=10, time_zone="Europe/Berlin"
)


def asked(snoozed_until: date | None) -> AskedPayment:
    """Describe a payment due on 1 March and asked for on the 4th."""
    return AskedPayment(
        status=Status.PENDING,
        asked_on=date(2026, 3, 1),
        pending_on=date(2026, 3, 1),
        requests_sent=1,
        requested_on=date(2026, 3, 4),
        snoozed_until=snoozed_until,
        is_reachable=True,
    )


@pytest.mark.parametrize("today", [date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9)])
def test_what_was_put_off_joins_no_request_before_its_day(today: date) -> None:
    assert joins(asked(None), RULES, today)
    assert not joins(asked(date(2026, 3, 10)), RULES, today)


def test_what_was_put_off_is_asked_for_on_its_day() -> None:
    payment, day = asked(date(2026, 3, 10)), date(2026, 3, 10)
    assert initiates(payment, RULES, day)
    assert joins(payment, RULES, day)


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        (datetime(2026, 3, 7, 1, tzinfo=UTC), datetime(2026, 3, 7, 9, tzinfo=UTC)),
        (datetime(2026, 3, 7, 19, tzinfo=UTC), datetime(2026, 3, 8, 9, tzinfo=UTC)),
        (datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 8, tzinfo=UTC)),
        (datetime(2026, 3, 7, 23, 30, tzinfo=UTC), datetime(2026, 3, 8, 9, tzinfo=UTC)),
    ],
    ids=["by night", "in the evening", "summer time begins", "past midnight"],
)
def test_the_hours_begin_again_at_the_groups_hour(now: datetime, begins: datetime) -> None:
    assert not may_ask_at(now, RULES)
    assert next_hours_at(now, RULES) == begins
    assert may_ask_at(begins, RULES)


@pytest.mark.parametrize(
    ("start", "day", "first"),
    [
        (date(2026, 3, 1), 1, date(2026, 3, 1)),
        (date(2026, 3, 2), 1, date(2026, 4, 1)),
        (date(2026, 1, 30), 31, date(2026, 1, 31)),
        (date(2026, 2, 1), 31, date(2026, 2, 28)),
        (date(2028, 2, 29), 31, date(2028, 2, 29)),
        (date(2026, 4, 30), 31, date(2026, 4, 30)),
        (date(2026, 12, 16), 15, date(2027, 1, 15)),
        (date(2026, 1, 31), 30, date(2026, 2, 28)),
    ],
)
def test_the_collection_day_is_the_first_such_day_or_the_last_of_a_shorter_month(
    start: date, day: int, first: date
) -> None:
    assert first_day_of_collection(start, day) == first


NEW = replace(asked(None), asked_on=date(2026, 3, 5), pending_on=date(2026, 3, 5), requests_sent=0,
              requested_on=None)  # fmt: skip


def test_grace_adds_nothing_to_a_collection_day() -> None:
    assert next_request_on(NEW, RULES) == date(2026, 3, 8)
    assert next_request_on(replace(NEW, collection_day=15), RULES) == date(2026, 3, 15)
    assert next_request_on(replace(NEW, collection_day=5), RULES) == date(2026, 3, 5)


def test_after_the_collection_day_the_group_has_its_own_rhythm() -> None:
    once = replace(NEW, collection_day=15, requests_sent=1, requested_on=date(2026, 3, 15))
    assert next_request_on(once, RULES) == date(2026, 3, 18)


def test_who_was_asked_by_hand_before_their_day_is_next_asked_on_it() -> None:
    once = replace(NEW, collection_day=15, requests_sent=1, requested_on=date(2026, 3, 6), asked_by_admins=1)
    assert next_request_on(once, RULES) == date(2026, 3, 15)
    assert lapses_on(once, RULES) == date(2026, 3, 29)


def test_a_collection_day_set_too_late_changes_no_rhythm_and_no_lapse() -> None:
    twice = replace(NEW, requests_sent=2, requested_on=date(2026, 3, 11))
    late = replace(twice, collection_day=28)
    assert (next_request_on(late, RULES), lapses_on(late, RULES)) == (
        next_request_on(twice, RULES),
        lapses_on(twice, RULES),
    )
    assert joins(late, RULES, date(2026, 3, 14))
    put_off = replace(late, asked_on=date(2026, 3, 20))
    assert next_request_on(put_off, RULES) == date(2026, 3, 28)


def test_the_lapse_counts_from_the_collection_day() -> None:
    assert lapses_on(NEW, RULES) == date(2026, 3, 19)
    assert lapses_on(replace(NEW, collection_day=15), RULES) == date(2026, 3, 29)


def test_nothing_comes_along_before_its_collection_day() -> None:
    collected = replace(NEW, collection_day=9)
    assert joins(NEW, RULES, date(2026, 3, 8))
    assert not joins(collected, RULES, date(2026, 3, 8))
    assert joins(collected, RULES, date(2026, 3, 9))


@pytest.mark.parametrize(
    ("opened", "in_advance", "foretold"),
    [
        (date(2026, 3, 1), False, {"Ann": date(2026, 3, 8), "Ben": date(2026, 3, 15)}),
        (date(2026, 3, 1), True, {"Ann": date(2026, 3, 4), "Ben": date(2026, 3, 15)}),
        (date(2026, 3, 16), False, {"Ann": date(2026, 3, 19), "Ben": date(2026, 4, 15)}),
    ],
    ids=["from the day it is due", "in advance", "late"],
)
def test_what_is_foretold_is_what_the_rules_do(
    opened: date, in_advance: bool, foretold: dict[str, date]
) -> None:
    now = datetime(opened.year, opened.month, opened.day, 9, tzinfo=UTC)
    asked_on = asked_from(
        due_on=date(2026, 3, 5), opens_on=date(2026, 3, 1), in_advance=in_advance, today=opened
    )
    days: dict[str, int | None] = {"Ann": None, "Ben": 15}

    found = first_requests(asked_on, days, RULES, now)

    assert {name: request.on for name, request in found.items()} == foretold
    for name, day in days.items():
        payment = replace(NEW, asked_on=asked_on, pending_on=opened, collection_day=day)
        assert next_request_on(payment, RULES) == foretold[name]


@pytest.mark.parametrize(
    ("hour", "leaves"), [(8, date(2026, 3, 7)), (18, date(2026, 3, 7)), (19, date(2026, 3, 8))]
)
def test_after_todays_hours_a_request_leaves_tomorrow(hour: int, leaves: date) -> None:
    assert leaves_on(date(2026, 3, 7), datetime(2026, 3, 7, hour, tzinfo=UTC), RULES) == leaves
    assert leaves_on(date(2026, 3, 9), datetime(2026, 3, 7, hour, tzinfo=UTC), RULES) == date(2026, 3, 9)


def test_a_collection_day_is_a_day_of_a_month() -> None:
    assert [check_collection_day(day) for day in (None, 1, 31)] == [None, 1, 31]
    for day in (0, 32, -1):
        with pytest.raises(CollectionDayOutOfRange):
            check_collection_day(day)
