"""When a payment comes along in a request that goes out anyway."""

from datetime import date

import pytest

from substrack.domain.payments import Status
from substrack.domain.requests import AskedPayment, RequestRules, initiates, joins

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
