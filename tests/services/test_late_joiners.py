"""Claims about adding somebody to an open period: only the payer's part makes room; on both databases."""

from datetime import date

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound
from substrack.domain.money import NegativeAmount
from substrack.domain.payments import NotAllowed, Status
from substrack.domain.shares import SplitKind
from substrack.services.deciding import OtherCurrencyReceived
from substrack.services.late_joiners import (
    BillMissing,
    HasPaymentThere,
    OwesFromBefore,
    PayerOwesNothing,
    add_to_period,
)
from substrack.services.members import UnknownMember, leave_group
from substrack.services.payments import adjust_payment
from substrack.services.periods import PeriodVoided, edit_period
from substrack.services.receipts import record_receipt
from substrack.services.voiding import void_period
from substrack.store import Event, Group, Member, Period
from tests.support.books import check_books
from tests.support.cast import Cast, at, make_stranger, money

NOW = at("2026-02-10")


@pytest.fixture
def group(cast: Cast) -> Group:
    """A group of three at 8.97 whose February is open."""
    group = cast.group(price="8.97")
    for name in ("Ben", "Mia"):
        cast.join(group, name)
    cast.tick(at("2026-02-01"))
    return group


@pytest.fixture
def ann(cast: Cast, group: Group) -> Member:
    return cast.join(group, "Ann", now=NOW)


def february(cast: Cast, group: Group) -> Period:
    return cast.read(lambda session: session.scalars(select(Period).where(Period.group_id == group.id)).one())


def test_the_payers_part_makes_room_and_the_total_stays(cast: Cast, group: Group, ann: Member) -> None:
    payment = cast.do(
        add_to_period, february(cast, group).id, ann.id, amount=money("1.50"), by=cast.olga, now=NOW
    )

    amounts = [one.amount_minor for one in cast.payments(group_id=group.id)]
    assert amounts == [149, 299, 299, 150]
    period = february(cast, group)
    assert (period.total_minor, period.payer_part_minor) == (897, 149)
    assert (payment.status, payment.asked_on, payment.is_fixed) == (Status.PENDING, date(2026, 2, 10), True)


def test_the_newcomer_is_asked_like_everybody(cast: Cast, group: Group, ann: Member) -> None:
    cast.do(add_to_period, february(cast, group).id, ann.id, amount=money("1.50"), by=cast.olga, now=NOW)
    cast.tick(at("2026-02-13"))

    assert "request" in cast.notices_to(ann.contact_id)


def test_it_is_in_the_journal_of_payment_and_period(cast: Cast, group: Group, ann: Member) -> None:
    period = february(cast, group)
    payment = cast.do(add_to_period, period.id, ann.id, amount=money("1.50"), by=cast.olga, now=NOW)

    query = select(Event).where(Event.at == NOW, Event.verb.in_(["open", "rebalance"])).order_by(Event.id)
    lines = cast.read(lambda session: list(session.scalars(query)))
    assert [(line.verb, line.subject_id) for line in lines] == [
        ("open", payment.id),
        ("rebalance", period.id),
    ]
    assert len({line.correlation_id for line in lines}) == 1


def test_a_larger_amount_than_the_payers_part_raises_the_total(cast: Cast, group: Group, ann: Member) -> None:
    cast.do(add_to_period, february(cast, group).id, ann.id, amount=money("4.00"), by=cast.olga, now=NOW)

    period = february(cast, group)
    assert (period.total_minor, period.payer_part_minor) == (998, 0)


def test_a_total_that_a_newcomer_raised_falls_when_they_owe_less(
    cast: Cast, group: Group, ann: Member
) -> None:
    terms = {"by": cast.olga, "now": NOW}
    late = cast.do(add_to_period, february(cast, group).id, ann.id, amount=money("40.00"), **terms)
    cast.do(adjust_payment, late.id, amount=money("1.00"), reason="typo", **terms)

    period = february(cast, group)
    assert (period.total_minor, period.payer_part_minor) == (897, 199)
    cast.read(check_books)


def test_who_left_and_came_back_pays_once(cast: Cast, group: Group) -> None:
    ben = cast.read(lambda session: session.scalars(select(Member).where(Member.group_id == group.id)).all())[
        1
    ]
    cast.do(leave_group, ben.id, left_on=date(2026, 2, 5), by=cast.olga, now=NOW)
    again = cast.join(group, "Ben", now=NOW, joined_on=date(2026, 2, 9))
    assert (again.contact_id, again.id == ben.id) == (ben.contact_id, False)

    with pytest.raises(OwesFromBefore, match="before they left; adjust that one instead"):
        cast.do(
            add_to_period, february(cast, group).id, again.id, amount=money("1.00"), by=cast.olga, now=NOW
        )
    assert len(cast.payments(contact_id=ben.contact_id)) == 1


def test_a_stay_that_nobody_bills_makes_nothing_due(cast: Cast, group: Group) -> None:
    """Ann was there for five days of the month before the stay that she is to pay for."""
    terms = {"by": cast.olga, "now": NOW}
    before = cast.join(group, "Ann", now=NOW, joined_on=date(2026, 2, 5))
    cast.do(leave_group, before.id, left_on=date(2026, 2, 10), **terms)
    ann = cast.join(group, "Ann", now=NOW, joined_on=date(2026, 2, 20))
    period = february(cast, group)
    late = cast.do(add_to_period, period.id, ann.id, amount=money("3.00"), **terms)

    cast.do(edit_period, period.id, due_on=date(2026, 2, 3), reason="two days later", **terms)
    payment = cast.payment_of(ann)
    assert (late.due_on, payment.due_on, payment.asked_on) == (date(2026, 2, 20),) * 3


def test_credit_settles_the_new_payment(cast: Cast, group: Group, ann: Member) -> None:
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=ann.contact_id,
        payer_id=cast.olga_contact,
        amount=money("5.00"),
        by=cast.olga,
        now=NOW,
    )
    cast.do(add_to_period, february(cast, group).id, ann.id, amount=money("1.50"), by=cast.olga, now=NOW)

    assert cast.payment_of(ann).status is Status.CONFIRMED


def test_an_amount_of_zero_is_settled_from_the_start(cast: Cast, group: Group, ann: Member) -> None:
    cast.do(add_to_period, february(cast, group).id, ann.id, amount=money("0.00"), by=cast.olga, now=NOW)

    assert cast.payment_of(ann).status is Status.CONFIRMED


def test_nobody_pays_twice_for_one_period(cast: Cast, group: Group, ann: Member) -> None:
    period = february(cast, group)
    cast.do(add_to_period, period.id, ann.id, amount=money("1.50"), by=cast.olga, now=NOW)

    with pytest.raises(HasPaymentThere):
        cast.do(add_to_period, period.id, ann.id, amount=money("1.50"), by=cast.olga, now=NOW)
    assert len(cast.payments(group_id=group.id)) == 4


def test_the_payer_a_foreign_member_and_odd_amounts_are_refused(
    cast: Cast, group: Group, ann: Member
) -> None:
    period, phone = february(cast, group), cast.group("Phone")
    elsewhere = cast.join(phone, "Ben")
    payer = cast.read(
        lambda session: session.scalars(
            select(Member).where(Member.group_id == group.id, Member.contact_id == cast.olga_contact)
        ).one()
    )
    refused = {
        PayerOwesNothing: (payer.id, money("1.00")),
        UnknownMember: (elsewhere.id, money("1.00")),
        NegativeAmount: (ann.id, money("-1.00")),
        OtherCurrencyReceived: (ann.id, money("1.00", "USD")),
    }
    for error, (member_id, amount) in refused.items():
        with pytest.raises(error):
            cast.do(add_to_period, period.id, member_id, amount=amount, by=cast.olga, now=NOW)


def test_a_void_period_and_one_without_its_bill_take_nobody(cast: Cast, group: Group, ann: Member) -> None:
    pitch = cast.group("Pitch", split=SplitKind.VARIABLE)
    mia = cast.join(pitch, "Mia")
    cast.tick(at("2026-02-01"))
    with pytest.raises(BillMissing):
        cast.do(add_to_period, february(cast, pitch).id, mia.id, amount=money("1.00"), by=cast.olga, now=NOW)

    period = february(cast, group)
    cast.do(void_period, period.id, reason="twice", by=cast.olga, now=NOW)
    with pytest.raises(PeriodVoided):
        cast.do(add_to_period, period.id, ann.id, amount=money("1.00"), by=cast.olga, now=NOW)


def test_only_admins_of_the_workspace_may(cast: Cast, group: Group, ann: Member) -> None:
    period, zed = february(cast, group), make_stranger(cast.runtime)

    with pytest.raises(NotFound):
        cast.do(add_to_period, period.id, ann.id, amount=money("1.00"), by=zed.olga, now=NOW)
    ann_herself = Actor.contact(ann.contact_id)
    with pytest.raises(NotAllowed):
        cast.do(add_to_period, period.id, ann.id, amount=money("1.00"), by=ann_herself, now=NOW)
    assert len(cast.payments(group_id=group.id)) == 3
