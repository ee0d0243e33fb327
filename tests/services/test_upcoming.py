"""Claims about whom a group asks next, and when."""

from datetime import date

import pytest

from substrack.services.collection_day import set_contact_collection_day
from substrack.services.members import leave_group
from substrack.services.putting_off import snooze_payments
from substrack.services.upcoming import NextAsking, load_next_askings
from substrack.store import Member
from tests.support.cast import Cast, at

NOW = at("2026-02-02")
NAMES = ("Ann", "Ben", "Cem", "Dan", "Eve", "Fay")


@pytest.fixture
def members(cast: Cast) -> list[Member]:
    """Six who owe for February, and lapse on the 3rd; they are asked on the 8th."""
    group = cast.group(grace_days=7, overdue_after_days=2)
    members = [cast.join(group, name) for name in NAMES]
    cast.tick(at("2026-02-01"))
    return members


def next_asking(cast: Cast) -> NextAsking | None:
    keys = list({payment.group_id for payment in cast.payments()})
    (found,) = cast.read(lambda session: load_next_askings(session, keys, now=NOW)).values()
    return found


def test_some_are_named_and_the_others_are_more(cast: Cast, members: list[Member]) -> None:
    assert next_asking(cast) == NextAsking(date(2026, 2, 8), NAMES[:3], is_more=True)


def test_a_fourth_is_named_rather_than_called_others(cast: Cast, members: list[Member]) -> None:
    for member in members[4:]:
        cast.do(leave_group, member.id, left_on=date(2026, 2, 8), by=cast.olga, now=NOW)

    assert next_asking(cast) == NextAsking(date(2026, 2, 8), NAMES[:4], is_more=False)


def test_who_is_asked_first_is_named_though_others_lapse_before(cast: Cast, members: list[Member]) -> None:
    cast.do(set_contact_collection_day, members[-1].contact_id, 5, by=cast.olga, now=NOW)

    assert next_asking(cast) == NextAsking(date(2026, 2, 5), ("Fay",), is_more=False)


def test_who_is_gone_by_then_is_not_announced(cast: Cast, members: list[Member]) -> None:
    for member in members[:5]:
        cast.do(leave_group, member.id, left_on=date(2026, 2, 8), by=cast.olga, now=NOW)

    assert next_asking(cast) == NextAsking(date(2026, 2, 8), ("Fay",), is_more=False)


def test_who_leaves_only_after_it_is_announced(cast: Cast, members: list[Member]) -> None:
    for member in members[1:]:
        cast.do(leave_group, member.id, left_on=date(2026, 2, 2), by=cast.olga, now=NOW)
    cast.do(leave_group, members[0].id, left_on=date(2026, 2, 9), by=cast.olga, now=NOW)

    assert next_asking(cast) == NextAsking(date(2026, 2, 8), ("Ann",), is_more=False)


def test_who_is_not_asked_hides_nobody(cast: Cast, members: list[Member]) -> None:
    for member in members[:2]:
        cast.do(leave_group, member.id, left_on=date(2026, 2, 2), by=cast.olga, now=NOW)
    for member in members[2:5]:
        keys = [cast.payment_of(member).id]
        until = date(2026, 2, 20)
        cast.do(snooze_payments, member.contact_id, keys, until=until, by=cast.olga, now=NOW)

    assert next_asking(cast) == NextAsking(date(2026, 2, 8), ("Fay",), is_more=False)
