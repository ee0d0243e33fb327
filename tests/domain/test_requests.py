"""When a payment comes along in a request that goes out anyway."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

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
    is_last_word,
    joins,
    lapses_on,
    leaves_on,
    may_ask_at,
    next_action_at,
    next_hours_at,
    next_request_on,
    nudges_on,
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
    assert not initiates(payment, RULES, date(2026, 3, 9))
    assert joins(payment, RULES, day)


@pytest.mark.parametrize(
    "closed",
    [
        {"status": Status.MEMBER_CONFIRMED},
        {"status": Status.CONFIRMED},
        {"status": Status.WAIVED},
        {"is_reachable": False},
        {"is_asked": False},
    ],
    ids=str,
)
def test_nobody_is_asked_for_what_is_closed_or_who_is_not_to_be_asked(closed: dict[str, Any]) -> None:
    payment, day = replace(asked(None), **closed), date(2026, 3, 20)
    assert next_request_on(payment, RULES) is None
    assert not initiates(payment, RULES, day)
    assert not joins(payment, RULES, day)


def test_after_the_last_request_its_slot_is_the_admins_and_then_there_is_none() -> None:
    seven, eight = (replace(asked(None), requests_sent=sent) for sent in (7, 8))
    told = replace(eight, is_told=True)
    assert [is_last_word(one, RULES) for one in (seven, eight, told)] == [False, True, False]
    assert [next_request_on(one, RULES) for one in (seven, eight, told)] == [
        date(2026, 3, 7),
        date(2026, 3, 7),
        None,
    ]
    assert [joins(one, RULES, date(2026, 3, 7)) for one in (seven, eight, told)] == [True, False, False]


def test_a_request_by_hand_beyond_the_last_does_not_skip_the_admins() -> None:
    nine = replace(asked(None), requests_sent=9)
    assert is_last_word(nine, RULES)
    assert next_request_on(nine, RULES) == date(2026, 3, 7)
    assert next_request_on(replace(nine, is_told=True), RULES) is None


def test_requests_of_an_earlier_round_do_not_count() -> None:
    opened_again = replace(asked(None), requests_sent=10, requests_before=8)
    assert opened_again.requests == 2
    assert not is_last_word(opened_again, RULES)
    assert joins(opened_again, RULES, date(2026, 3, 7))
    assert is_last_word(replace(opened_again, requests_sent=16), RULES)


def test_where_more_requests_are_allowed_afterwards_asking_goes_on() -> None:
    told, more = replace(asked(None), requests_sent=8, is_told=True), replace(RULES, maximum=9)
    assert next_request_on(told, more) == date(2026, 3, 7)
    assert not is_last_word(told, more)
    assert is_last_word(replace(told, requests_sent=9, is_told=False), more)


@pytest.mark.parametrize(
    "heard_of", [{"requests_sent": 1}, {"snoozed_until": date(2026, 3, 9)}, {"is_reachable": False}], ids=str
)
def test_time_never_acts_on_what_a_leaver_has_not_heard_of(heard_of: dict[str, Any]) -> None:
    left = replace(NEW, is_asked=False)
    assert next_action_at(left, RULES) is None
    assert next_action_at(replace(left, requests_sent=4, requests_before=4), RULES) is None
    assert lapses_on(replace(left, **heard_of), RULES) == date(2026, 3, 19)


def test_whoever_just_heard_rejected_gets_a_rest_first() -> None:
    rejected = replace(asked(None), pending_on=date(2026, 3, 9))
    assert next_request_on(rejected, RULES) == date(2026, 3, 12)
    never_asked = replace(rejected, requests_sent=0, requested_on=None)
    assert next_request_on(never_asked, replace(RULES, grace_days=20)) == date(2026, 3, 21)


@pytest.mark.parametrize(("repeat", "following"), [(3, date(2026, 3, 11)), (10, date(2026, 3, 14))])
def test_who_is_overdue_is_asked_weekly_or_as_seldom_as_the_group_asks(repeat: int, following: date) -> None:
    late = replace(asked(None), status=Status.OVERDUE)
    assert next_request_on(late, replace(RULES, repeat_every_days=repeat)) == following


def test_a_request_on_the_very_first_day_counts_for_the_rhythm() -> None:
    once = replace(asked(None), requested_on=date(2026, 3, 1))
    assert next_request_on(once, replace(RULES, grace_days=10)) == date(2026, 3, 4)


def test_who_was_just_asked_is_not_drawn_into_another_groups_request() -> None:
    payment = asked(None)
    assert not joins(payment, RULES, date(2026, 3, 6))
    assert joins(payment, RULES, date(2026, 3, 7))


def test_a_first_request_comes_along_from_one_repeat_before_its_slot() -> None:
    assert [joins(NEW, RULES, date(2026, 3, day)) for day in (4, 5, 8)] == [False, True, True]


def test_admins_are_nudged_three_days_after_they_last_heard_of_a_claim() -> None:
    claimed = replace(asked(None), status=Status.MEMBER_CONFIRMED, nudged_on=date(2026, 3, 6))
    assert nudges_on(claimed) == date(2026, 3, 9)
    assert nudges_on(replace(claimed, nudged_on=None)) is None
    assert nudges_on(replace(claimed, status=Status.PENDING)) is None


@pytest.mark.parametrize(
    ("payment", "acts_on"),
    [
        ({}, datetime(2026, 3, 7, 9, tzinfo=UTC)),
        ({"snoozed_until": date(2026, 3, 30)}, datetime(2026, 3, 15, 9, tzinfo=UTC)),
        (
            {"status": Status.OVERDUE, "snoozed_until": date(2026, 3, 30)},
            datetime(2026, 3, 30, 8, tzinfo=UTC),
        ),
        (
            {"status": Status.MEMBER_CONFIRMED, "nudged_on": date(2026, 3, 6)},
            datetime(2026, 3, 9, 9, tzinfo=UTC),
        ),
        ({"status": Status.CONFIRMED}, None),
    ],
    ids=["request", "lapse", "summer time", "nudge", "nothing"],
)
def test_time_acts_at_the_groups_hour_of_the_earliest_day(
    payment: dict[str, Any], acts_on: datetime | None
) -> None:
    assert next_action_at(replace(asked(None), **payment), RULES) == acts_on


def test_what_was_found_too_early_waits_for_the_day_after() -> None:
    looked_at = [next_action_at(asked(None), RULES, after=date(2026, 3, day)) for day in (5, 6, 7)]
    assert looked_at == [datetime(2026, 3, day, 9, tzinfo=UTC) for day in (7, 7, 8)]


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


def test_during_the_hours_the_next_ones_are_tomorrows() -> None:
    now = datetime(2026, 3, 7, 9, 30, tzinfo=UTC)
    assert next_hours_at(now, RULES) == datetime(2026, 3, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize("hour", [20, 22])
def test_a_group_whose_hour_is_late_asks_within_that_hour(hour: int) -> None:
    late = replace(RULES, hour=hour, time_zone="UTC")
    asks = [at for at in range(24) if may_ask_at(datetime(2026, 3, 7, at, 59, tzinfo=UTC), late)]
    assert asks == [hour]


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
    assert lapses_on(once, RULES) == date(2026, 3, 29)


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
    at_once = replace(NEW, requests_sent=1, requested_on=NEW.asked_on, collection_day=28)
    assert lapses_on(at_once, RULES) == date(2026, 3, 19)
    put_off = replace(late, asked_on=date(2026, 3, 20))
    assert next_request_on(put_off, RULES) == date(2026, 3, 28)


def test_the_lapse_counts_from_the_collection_day() -> None:
    assert lapses_on(NEW, RULES) == date(2026, 3, 19)
    assert lapses_on(replace(NEW, status=Status.OVERDUE), RULES) is None
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
    assert {name: request.is_collected for name, request in found.items()} == {"Ann": False, "Ben": True}
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
        with pytest.raises(CollectionDayOutOfRange) as refused:
            check_collection_day(day)
        assert refused.value.day == day
        assert str(refused.value) == (
            "Choose a day from 1 to 31; in shorter months the last day is used. Or leave it empty."
        )
