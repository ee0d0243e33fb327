"""When a payment comes along in a request that goes out anyway."""

from datetime import UTC, date, datetime

import pytest

from substrack.domain.payments import Status
from substrack.domain.requests import AskedPayment, RequestRules, initiates, joins, may_ask_at, next_hours_at

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
