"""Claims about who comes within a period: nothing of it is due, asked for or late before their first day."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.domain.shares import PartPeriod, SplitKind
from substrack.queries.chat_subjects import next_dues
from substrack.queries.pay_ahead import load_coming
from substrack.services.late_joiners import add_to_period
from substrack.services.members import edit_member, leave_group
from substrack.services.periods import edit_period
from substrack.services.welcoming import tell_them
from substrack.store import Group, Member, Period
from tests.support.cast import START, Cast, at, money

COMES_ON = date(2026, 2, 15)


@pytest.fixture
def group(cast: Cast) -> Group:
    """A group at 12.00 from 1 February that pays by days; ben is in it."""
    group = cast.group(price="12.00", part_period=PartPeriod.DAYS)
    cast.join(group, "Ben")
    return group


@pytest.fixture
def eva(cast: Cast, group: Group) -> Member:
    return cast.join(group, "Eva", joined_on=COMES_ON)


def test_a_share_that_begins_within_a_period_is_due_and_asked_for_from_then_on(
    cast: Cast, eva: Member
) -> None:
    cast.tick(at("2026-02-01"))
    payment = cast.payment_of(eva)
    assert (payment.due_on, payment.asked_on) == (COMES_ON, COMES_ON)

    cast.tick(at("2026-02-10"))
    assert [one.contact_id for one in cast.messages(notice=Notice.REQUEST)] != []
    assert eva.contact_id not in {one.contact_id for one in cast.messages(notice=Notice.REQUEST)}

    cast.tick(at("2026-02-18"))
    [request] = cast.messages(notice=Notice.REQUEST, contact_id=eva.contact_id)
    said = cast.text_of(request, at("2026-02-18"))
    assert "for 15–28 Feb 2026 · due 15 February 2026" in said
    cast.send(at("2026-02-18"))
    cast.tick(at("2026-02-28"))
    assert cast.payment_of(eva).status is Status.PENDING


def test_who_pays_in_full_but_comes_later_pays_no_earlier(cast: Cast) -> None:
    group = cast.group(price="12.00", part_period=PartPeriod.FULL)
    eva = cast.join(group, "Eva", joined_on=COMES_ON)
    cast.tick(at("2026-02-01"))
    payment = cast.payment_of(eva)
    assert (payment.due_on, payment.amount_minor) == (COMES_ON, 600)


def test_what_is_collected_in_advance_is_so_many_days_before_ones_own_first(cast: Cast) -> None:
    group = cast.group(price="12.00", part_period=PartPeriod.DAYS, collect_days_before=10)
    eva = cast.join(group, "Eva", joined_on=COMES_ON)
    cast.tick(at("2026-01-22"))
    assert cast.payment_of(eva).asked_on == date(2026, 2, 5)


def test_a_bill_that_comes_early_waits_for_ones_first_day(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE, part_period=PartPeriod.DAYS)
    ben, eva = cast.join(group, "Ben"), cast.join(group, "Eva", joined_on=COMES_ON)
    cast.tick(at("2026-02-01"))
    [period] = cast.read(lambda session: list(session.scalars(select(Period.id))))
    cast.do(edit_period, period, total=money("12.00"), by=cast.olga, now=at("2026-02-03"))
    assert [cast.payment_of(one).due_on for one in (ben, eva)] == [date(2026, 2, 3), COMES_ON]


@pytest.mark.parametrize(
    ("moved", "hers"), [(date(2026, 2, 5), COMES_ON), (date(2026, 2, 20), date(2026, 2, 20))]
)
def test_a_due_date_that_moves_keeps_to_ones_first_day(
    cast: Cast, group: Group, eva: Member, moved: date, hers: date
) -> None:
    cast.tick(at("2026-02-01"))
    period_id = cast.payment_of(eva).period_id
    cast.do(edit_period, period_id, due_on=moved, reason="salary day", by=cast.olga, now=at("2026-02-02"))
    assert cast.payment_of(eva).due_on == hers


@pytest.mark.parametrize("part_period", list(PartPeriod))
def test_a_due_date_that_moves_keeps_to_the_first_day_of_who_left_and_came_back(
    cast: Cast, part_period: PartPeriod
) -> None:
    group = cast.group(price="12.00", part_period=part_period)
    ben = cast.join(group, "Ben")
    cast.do(leave_group, ben.id, left_on=date(2026, 2, 11), by=cast.olga, now=START)
    cast.join(group, "Ben", contact_id=ben.contact_id, joined_on=date(2026, 2, 21))
    cast.tick(at("2026-02-01"))
    [payment] = cast.payments(contact_id=ben.contact_id)
    assert payment.due_on == date(2026, 2, 1)

    moved = date(2026, 2, 5)
    edit: dict[str, Any] = {"reason": "salary day", "by": cast.olga, "now": at("2026-02-02")}
    cast.do(edit_period, payment.period_id, due_on=moved, **edit)

    [payment] = cast.payments(contact_id=ben.contact_id)
    assert (payment.due_on, payment.asked_on) == (moved, moved)


def test_a_due_date_that_moves_knows_the_first_day_of_the_earlier_stay(cast: Cast, group: Group) -> None:
    eva = cast.join(group, "Eva", joined_on=date(2026, 2, 6))
    cast.do(leave_group, eva.id, left_on=date(2026, 2, 11), by=cast.olga, now=START)
    cast.join(group, "Eva", contact_id=eva.contact_id, joined_on=date(2026, 2, 21))
    cast.tick(at("2026-02-01"))
    [before] = cast.payments(contact_id=eva.contact_id)
    edit: dict[str, Any] = {"reason": "salary day", "by": cast.olga, "now": at("2026-02-02")}
    cast.do(edit_period, before.period_id, due_on=date(2026, 2, 3), **edit)
    [after] = cast.payments(contact_id=eva.contact_id)
    assert [before.due_on, after.due_on] == [date(2026, 2, 6), date(2026, 2, 6)]


def test_a_first_day_that_is_corrected_later_puts_off_nothing_that_was_due_before(cast: Cast) -> None:
    group = cast.group(price="12.00")
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    edit: dict[str, Any] = {"by": cast.olga, "now": at("2026-02-02")}
    cast.do(edit_member, ben.id, joined_on=date(2026, 2, 20), **edit)
    moved = date(2026, 2, 3)
    cast.do(edit_period, cast.payment_of(ben).period_id, due_on=moved, reason="salary day", **edit)
    assert cast.payment_of(ben).due_on == moved


def test_who_is_added_to_an_open_period_pays_no_earlier_than_they_come(cast: Cast, group: Group) -> None:
    cast.tick(at("2026-02-01"))
    [period_id] = {one.period_id for one in cast.payments(group_id=group.id)}
    eva = cast.join(group, "Eva", joined_on=COMES_ON, now=at("2026-02-03"))
    cast.do(add_to_period, period_id, eva.id, amount=money("2.00"), by=cast.olga, now=at("2026-02-03"))
    payment = cast.payment_of(eva)
    assert (payment.due_on, payment.asked_on) == (COMES_ON, COMES_ON)


def test_what_foretells_the_share_names_the_same_day(cast: Cast, group: Group, eva: Member) -> None:
    cast.do(tell_them, group.id, by=cast.olga, now=START)
    [welcome] = cast.messages(notice=Notice.WELCOME, contact_id=eva.contact_id)
    said = cast.text_of(welcome)
    assert "Your first day: 15 February 2026" in said
    assert "First period starts" not in said
    assert "Your share for 15–28 Feb 2026" in said
    [coming] = cast.read(lambda session: load_coming(session, eva.contact_id, (), today=START.date())).coming
    assert coming.due_on == COMES_ON
    [due] = cast.read(lambda session: next_dues(session, eva.contact_id))
    assert due.due_on == COMES_ON
