"""What the form of a new group begins with."""

from dataclasses import fields

import pytest

from substrack.domain.currencies import UnknownCurrency
from substrack.domain.group_defaults import GroupDefaults, check_defaults
from substrack.domain.shares import PartPeriod
from substrack.domain.terms import GroupTerms, OutOfRange

CHOSEN = GroupDefaults(
    currency="CHF",
    payer_included=False,
    part_period=PartPeriod.DAYS,
    grace_days=1,
    repeat_every_days=2,
    max_requests=3,
    overdue_after_days=4,
    hour=5,
)


def test_what_is_stored_is_read_the_same() -> None:
    stored = CHOSEN.as_dict()
    assert type(stored["part_period"]) is str
    assert GroupDefaults.from_dict(stored) == CHOSEN


def test_what_is_missing_or_unknown_is_as_if_nothing_had_been_chosen() -> None:
    assert GroupDefaults.from_dict({}) == GroupDefaults()
    assert GroupDefaults.from_dict({"hour": 8, "colour": "red"}) == GroupDefaults(hour=8)


def test_nothing_chosen_is_what_terms_begin_with() -> None:
    shared = [field.name for field in fields(GroupDefaults) if field.name != "currency"]
    begun = GroupDefaults()
    assert [getattr(begun, name) for name in shared] == [getattr(GroupTerms, name) for name in shared]


def test_defaults_come_back_cleaned() -> None:
    assert check_defaults(GroupDefaults.from_dict(CHOSEN.as_dict() | {"currency": "chf"})) == CHOSEN


def test_what_no_group_could_be_saved_with_is_refused() -> None:
    with pytest.raises(OutOfRange, match="The hour must be"):
        check_defaults(GroupDefaults(hour=24))
    with pytest.raises(UnknownCurrency):
        check_defaults(GroupDefaults(currency="EURO"))
