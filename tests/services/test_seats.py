"""A member who pays for the group meanwhile keeps the terms they had, and the day they were to leave."""

from dataclasses import replace
from datetime import date

import pytest

from substrack.domain.payments import PaymentKind
from substrack.domain.shares import SplitKind
from substrack.queries.groups import load_terms
from substrack.queries.people import load_member
from substrack.services.group_edits import edit_group
from substrack.services.members import leave_group
from substrack.services.periods import edit_period
from substrack.store import Event, Group, Member, Period
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

NOW = at("2026-02-03")
LAST = date(2026, 4, 1)


def let_pay(cast: Cast, group: Group, payer_id: int, *, day: str = "2026-02-03", **terms: object) -> None:
    before = cast.read(lambda session: load_terms(session, group.id))
    changed = replace(before, payer_id=payer_id, **terms)  # type: ignore[arg-type]
    cast.do(edit_group, group.id, changed, by=cast.olga, now=at(day))


def now_of(cast: Cast, member: Member) -> Member:
    return cast.read(lambda session: session.get_one(Member, member.id))


@pytest.fixture
def group(cast: Cast) -> Group:
    return cast.group(price="18.00", split=SplitKind.WEIGHTS)


@pytest.fixture
def ben(cast: Cast, group: Group) -> Member:
    ben = cast.join(group, "Ben", fixed=money("3.00"))
    cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    return ben


def test_a_fixed_amount_stands_for_a_bill_that_was_awaited_before(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    ben = cast.join(group, "Ben", fixed=money("3.00"))
    cast.tick(at("2026-02-01"))
    let_pay(cast, group, ben.contact_id)
    february = cast.read(lambda session: session.get_one(Period, 1))
    cast.do(edit_period, february.id, total=money("30.00"), by=cast.olga, now=NOW)
    assert cast.payment_of(ben).amount_minor == 300
    cast.read(check_books)


def test_a_fixed_amount_counts_for_nothing_while_they_pay(cast: Cast, group: Group, ben: Member) -> None:
    let_pay(cast, group, ben.contact_id)
    assert cast.read(lambda session: load_member(session, ben.id)).fixed is None
    cast.tick(at("2026-03-01"))
    shares = {one.contact_id: (one.kind, one.amount_minor) for one in cast.payments() if one.period_id == 2}
    assert shares[ben.contact_id] == (PaymentKind.OWN, 600)


def test_a_fixed_amount_counts_again_once_another_pays(cast: Cast, group: Group, ben: Member) -> None:
    let_pay(cast, group, ben.contact_id)
    let_pay(cast, group, cast.olga_contact)
    cast.tick(at("2026-03-01"))
    assert cast.payment_of(ben, 2).amount_minor == 300


def test_whoever_was_to_leave_leaves_once_another_pays(cast: Cast, group: Group, ben: Member) -> None:
    cast.do(leave_group, ben.id, left_on=LAST, by=cast.olga, now=NOW)
    let_pay(cast, group, ben.contact_id)
    assert now_of(cast, ben).left_on is None
    let_pay(cast, group, cast.olga_contact)
    assert now_of(cast, ben).left_on == LAST
    lines = [
        (event.verb, event.before["left_on"], event.after["left_on"])
        for event in cast.read(lambda session: session.query(Event).filter_by(subject_kind="member").all())
        if event.before and event.after
    ]
    assert lines == [
        ("leave", None, "2026-04-01"),
        ("seat", "2026-04-01", None),
        ("leave", None, "2026-04-01"),
    ]


def test_a_day_of_leaving_that_passed_while_they_paid_counts_no_more(
    cast: Cast, group: Group, ben: Member
) -> None:
    cast.do(leave_group, ben.id, left_on=LAST, by=cast.olga, now=NOW)
    let_pay(cast, group, ben.contact_id)
    for day in ("2026-03-01", "2026-04-01", "2026-05-01"):
        cast.tick(at(day))
    let_pay(cast, group, cast.olga_contact, day="2026-05-02")
    assert now_of(cast, ben).left_on is None


def test_a_day_of_leaving_from_before_is_used_once(cast: Cast, group: Group, ben: Member) -> None:
    cast.do(leave_group, ben.id, left_on=LAST, by=cast.olga, now=NOW)
    let_pay(cast, group, ben.contact_id)
    let_pay(cast, group, cast.olga_contact)
    later = date(2026, 6, 1)
    cast.do(leave_group, ben.id, left_on=later, by=cast.olga, now=NOW)
    let_pay(cast, group, ben.contact_id)
    let_pay(cast, group, cast.olga_contact)
    assert now_of(cast, ben).left_on == later
