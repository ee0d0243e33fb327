"""Members: joining, terms, leaving, being told; on both databases."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import OPERATOR
from substrack.domain.money import CurrencyMismatch
from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.domain.shares import (
    FixedAmountMissing,
    FixedAmountNegative,
    FixedAmountsOverTotal,
    LeavesBeforeJoining,
    PartPeriod,
    PayerShareIsTheRest,
    SplitKind,
    WeightOutOfRange,
)
from substrack.queries.groups import UnknownGroup
from substrack.services.contact_rows import UnknownContact
from substrack.services.mailboxes import MailboxShared, set_email
from substrack.services.member_terms import AlreadyMember, WeightMeansNothing
from substrack.services.members import PayerJoinsByTerms, PayerStays, add_member, edit_member, leave_group
from substrack.services.payments import confirm_payment
from substrack.services.people import add_contact
from substrack.services.periods import edit_period
from substrack.services.welcoming import tell_them
from substrack.store import Group, Member, Period
from tests.support.cast import START, Cast, at, money

FEBRUARY = at("2026-02-01")


def fresh(cast: Cast, member: Member) -> Member:
    return cast.read(lambda session: session.get_one(Member, member.id))


def payer_seat(cast: Cast, group: Group) -> Member:
    query = select(Member).where(Member.group_id == group.id, Member.contact_id == cast.olga_contact)
    return cast.read(lambda session: session.scalars(query).one())


def test_a_founding_member_is_there_from_the_start(cast: Cast) -> None:
    group = cast.group()
    early, late = cast.join(group, "Ben"), cast.join(group, "Mia", now=at("2026-02-20"))
    assert early.joined_on == date(2026, 1, 5)
    assert late.joined_on == date(2026, 2, 1)


def test_who_joins_later_is_there_from_today_and_pays_from_the_next_period(cast: Cast) -> None:
    group = cast.group(price="9.00")
    ben = cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    mia = cast.join(group, "Mia", now=at("2026-02-10"))
    assert mia.joined_on == date(2026, 2, 10)
    cast.tick(at("2026-03-01"))
    assert cast.payment_of(ben, 1).amount_minor == 450, "what is owed already stays"
    assert cast.payment_of(ben, 2).amount_minor == 300
    assert cast.payment_of(mia, 2).amount_minor == 300


def test_nobody_is_a_member_twice_at_a_time(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    with pytest.raises(AlreadyMember):
        cast.join(group, "Ben")


def test_one_person_in_two_groups_is_one_contact(cast: Cast) -> None:
    first, second = cast.group(), cast.group("Spotify")
    assert cast.join(first, "Ben").contact_id == cast.join(second, "Ben").contact_id


def test_somebody_who_left_can_come_back(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    cast.do(leave_group, ben.id, left_on=date(2026, 3, 1), by=cast.olga, now=FEBRUARY)
    with pytest.raises(AlreadyMember):
        cast.join(group, "Ben", joined_on=date(2026, 2, 20))
    again = cast.join(group, "Ben", joined_on=date(2026, 3, 1))
    assert again.contact_id == ben.contact_id


def left_and_came_back(cast: Cast, group: Group) -> tuple[Member, Member]:
    ben = cast.join(group, "Ben")
    cast.join(group, "Mia")
    cast.tick(FEBRUARY)
    cast.do(leave_group, ben.id, left_on=date(2026, 2, 10), by=cast.olga, now=at("2026-02-05"))
    return ben, cast.join(group, "Ben", joined_on=date(2026, 2, 20), now=at("2026-02-20"))


def test_a_corrected_leave_can_not_reach_into_the_next_stay(cast: Cast) -> None:
    ben, again = left_and_came_back(cast, cast.group())
    with pytest.raises(AlreadyMember):
        cast.do(leave_group, ben.id, left_on=date(2026, 6, 1), by=cast.olga, now=at("2026-02-21"))
    cast.do(leave_group, ben.id, left_on=date(2026, 2, 20), by=cast.olga, now=at("2026-02-21"))
    cast.tick(at("2026-03-01"))
    march = [
        payment for payment in cast.payments(contact_id=ben.contact_id) if payment.due_on == date(2026, 3, 1)
    ]
    assert [payment.member_id for payment in march] == [again.id]


def test_a_former_stay_can_be_corrected_up_to_the_next(cast: Cast) -> None:
    ben, again = left_and_came_back(cast, cast.group())
    cast.do(edit_member, ben.id, joined_on=date(2026, 1, 10), by=cast.olga, now=at("2026-02-21"))
    assert fresh(cast, ben).joined_on == date(2026, 1, 10)
    with pytest.raises(AlreadyMember):
        cast.do(edit_member, again.id, joined_on=date(2026, 2, 9), by=cast.olga, now=at("2026-02-21"))


def test_who_left_and_came_back_within_a_period_pays_it_once(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE, part_period=PartPeriod.FULL)
    ben, again = left_and_came_back(cast, group)
    period = cast.read(lambda session: session.scalars(select(Period)).one())
    cast.do(edit_period, period.id, total=money("30.00"), by=cast.olga, now=at("2026-02-25"))
    (payment,) = cast.payments(contact_id=ben.contact_id)
    assert (payment.member_id, payment.amount_minor) == (again.id, 1000)


def test_the_welcome_promises_the_share_that_is_billed(cast: Cast) -> None:
    group = cast.group(price="10.00", payer_included=False)
    joined = {"Ben": date(2026, 1, 20), "Mia": date(2026, 1, 10), "Dan": date(2026, 1, 15)}
    people = [cast.join(group, name, joined_on=day) for name, day in joined.items()]
    cast.do(tell_them, group.id, by=cast.olga, now=START)
    welcomes = cast.messages(notice=Notice.WELCOME)
    promised = {message.contact_id: cast.text_of(message) for message in welcomes}
    cast.tick(FEBRUARY)
    for one in people:
        assert f"{cast.payment_of(one).amount_minor / 100:.2f}" in promised[one.contact_id]


@pytest.mark.parametrize("rule", list(PartPeriod))
def test_the_welcome_names_the_first_period_that_is_billed(cast: Cast, rule: PartPeriod) -> None:
    group = cast.group(price="9.00", part_period=rule)
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    mia = cast.join(group, "Mia", joined_on=date(2026, 3, 10), now=at("2026-02-10"))
    cast.do(tell_them, group.id, [mia.id], by=cast.olga, now=at("2026-02-10"))
    [welcome] = cast.messages(notice=Notice.WELCOME)
    text = cast.text_of(welcome)
    cast.tick(at("2026-03-01"))
    cast.tick(at("2026-04-01"))
    first = cast.payments(contact_id=mia.contact_id)[0]
    assert f"{first.amount_minor / 100:.2f}" in text
    assert first.due_on == (date(2026, 4, 1) if rule is PartPeriod.NEXT else date(2026, 3, 10))
    assert f"{first.due_on.day} {first.due_on:%B} 2026" in text


def welcome_to(cast: Cast, group: Group, now: datetime) -> str:
    cast.do(tell_them, group.id, by=cast.olga, now=now)
    [welcome] = cast.messages(notice=Notice.WELCOME)
    return cast.text_of(welcome, now)


def test_the_welcome_names_what_is_open_already_before_what_comes(cast: Cast) -> None:
    group = cast.group(price="6.00")
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    text = welcome_to(cast, group, FEBRUARY)
    assert "This is already open with Olga:\n\n  YouTube Premium, February 2026: 3.00 €\n" in text
    assert "First period starts" not in text
    assert "nothing to do" not in text
    assert text.index("February 2026") < text.index("Next period starts: 1 March 2026")


def test_the_welcome_of_who_has_paid_names_the_next_period_as_such(cast: Cast) -> None:
    group = cast.group(price="6.00")
    ben = cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    cast.do(confirm_payment, cast.payment_of(ben).id, by=cast.olga, now=FEBRUARY)
    text = welcome_to(cast, group, FEBRUARY)
    assert "There is nothing to do yet" in text
    assert "Next period starts: 1 March 2026" in text


def test_the_welcome_names_a_period_whose_bill_is_not_in_yet(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    text = welcome_to(cast, group, FEBRUARY)
    assert "February 2026: the bill is not in yet" in text
    assert "Next period starts: 1 March 2026" in text


def test_another_name_at_a_known_address_is_a_question(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    with pytest.raises(MailboxShared):
        cast.join(group, "Mia", email="ben@example.org")
    cast.join(group, "Mia", email="ben@example.org", shares_mailbox=True)


@pytest.mark.parametrize("weight", [0, -1, 1001])
def test_a_weight_outside_its_range_is_refused(cast: Cast, weight: int) -> None:
    group = cast.group(split=SplitKind.WEIGHTS)
    with pytest.raises(WeightOutOfRange):
        cast.join(group, "Ben", weight=weight)


def test_a_weight_that_means_nothing_is_refused(cast: Cast) -> None:
    with pytest.raises(WeightMeansNothing):
        cast.join(cast.group(), "Ben", weight=2)


def test_weights_count_where_the_split_goes_by_them(cast: Cast) -> None:
    group = cast.group(price="8.00", split=SplitKind.WEIGHTS)
    ben = cast.join(group, "Ben", weight=3)
    cast.tick(FEBRUARY)
    assert cast.payment_of(ben).amount_minor == 600


def test_fixed_amounts_beyond_the_price_are_refused_and_nothing_is_kept(cast: Cast) -> None:
    group = cast.group(price="8.00")
    cast.join(group, "Ben", fixed=money("5.00"))
    with pytest.raises(FixedAmountsOverTotal):
        cast.join(group, "Mia", fixed=money("3.01"))
    assert len(cast.read(lambda session: list(session.scalars(select(Member))))) == 2


def test_an_unknown_bill_takes_any_fixed_amount(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    assert cast.join(group, "Ben", fixed=money("500.00")).fixed_minor == 50_000


@pytest.mark.parametrize(
    ("fixed", "refusal"),
    [("-1.00", FixedAmountNegative), (None, FixedAmountMissing)],
)
def test_a_fixed_split_takes_real_amounts_only(cast: Cast, fixed: str | None, refusal: Any) -> None:
    group = cast.group(split=SplitKind.FIXED)
    amount = None if fixed is None else -money(fixed.removeprefix("-"))
    with pytest.raises(refusal):
        cast.join(group, "Ben", fixed=amount)


def test_an_amount_in_another_currency_is_refused(cast: Cast) -> None:
    with pytest.raises(CurrencyMismatch):
        cast.join(cast.group(), "Ben", fixed=money("1.00", "USD"))


def test_the_payer_has_no_fixed_amount(cast: Cast) -> None:
    seat = payer_seat(cast, cast.group())
    with pytest.raises(PayerShareIsTheRest):
        cast.do(edit_member, seat.id, fixed=money("1.00"), by=cast.olga, now=START)


def test_a_payer_who_does_not_share_joins_by_the_terms(cast: Cast) -> None:
    group = cast.group(payer_included=False)
    with pytest.raises(PayerJoinsByTerms):
        cast.do(add_member, group.id, contact_id=cast.olga_contact, by=cast.olga, now=START)


def test_changed_terms_count_from_the_next_period(cast: Cast) -> None:
    group = cast.group(price="8.00")
    ben = cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    cast.do(edit_member, ben.id, fixed=money("1.00"), by=cast.olga, now=FEBRUARY)
    cast.tick(at("2026-03-01"))
    cast.do(edit_member, ben.id, clears_fixed=True, by=cast.olga, now=FEBRUARY)
    cast.tick(at("2026-04-01"))
    assert [cast.payment_of(ben, sequence).amount_minor for sequence in (1, 2, 3)] == [400, 100, 400]


def test_nobody_leaves_before_joining(cast: Cast) -> None:
    ben = cast.join(cast.group(), "Ben")
    with pytest.raises(LeavesBeforeJoining):
        cast.do(leave_group, ben.id, left_on=date(2026, 1, 4), by=cast.olga, now=START)
    cast.do(leave_group, ben.id, left_on=date(2026, 2, 1), by=cast.olga, now=START)
    with pytest.raises(LeavesBeforeJoining):
        cast.do(edit_member, ben.id, joined_on=date(2026, 2, 2), by=cast.olga, now=START)


def test_who_left_is_neither_billed_nor_asked_but_still_owes(cast: Cast) -> None:
    group = cast.group(price="9.00")
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(FEBRUARY)
    cast.do(leave_group, ben.id, by=cast.olga, now=at("2026-02-02"))
    assert cast.payment_of(ben).next_action_at is None, "nobody is late with what they never heard of"
    cast.tick(at("2026-03-01"))
    owed = cast.payments(member_id=ben.id)
    assert [payment.status for payment in owed] == [Status.PENDING]
    assert Notice.REQUEST.value not in cast.notices_to(ben.contact_id)
    assert cast.payment_of(mia, 2).amount_minor == 450


def test_the_payer_can_not_leave_while_the_payer_shares(cast: Cast) -> None:
    seat = payer_seat(cast, cast.group())
    with pytest.raises(PayerStays):
        cast.do(leave_group, seat.id, by=cast.olga, now=START)


def test_a_group_that_everybody_left_opens_nothing(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    cast.do(leave_group, ben.id, left_on=date(2026, 1, 20), by=cast.olga, now=START)
    assert cast.tick(at("2026-04-01")).periods_opened == 0


def test_a_stranger_moves_nobody(cast: Cast, zed: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    with pytest.raises(UnknownGroup):
        zed.do(leave_group, ben.id, by=zed.olga, now=START)
    with pytest.raises(UnknownGroup):
        zed.do(edit_member, ben.id, weight=1, by=zed.olga, now=START)
    with pytest.raises(UnknownGroup):
        zed.do(add_member, group.id, name="Zed", by=zed.olga, now=START)


def test_nobody_from_another_workspace_joins(cast: Cast, zed: Cast) -> None:
    with pytest.raises(UnknownContact):
        cast.do(add_member, cast.group().id, contact_id=zed.olga_contact, by=cast.olga, now=START)


def test_everybody_hears_the_welcome_once_and_the_payer_never(cast: Cast) -> None:
    group = cast.group()
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.do(set_email, mia.contact_id, None, by=cast.olga, now=START)
    for _ in range(2):
        told = cast.do(tell_them, group.id, by=cast.olga, now=START)
    assert told.unreachable == (mia.id,)
    assert [message.contact_id for message in cast.messages(notice=Notice.WELCOME)] == [ben.contact_id]
    assert fresh(cast, ben).told_at == START
    assert fresh(cast, mia).told_at is None


def test_somebody_named_is_told_again(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    for hour in (10, 12):
        told = cast.do(tell_them, group.id, [ben.id], by=cast.olga, now=at("2026-01-06", hour))
        assert told.told == (ben.id,)
    assert len(cast.messages(notice=Notice.WELCOME)) == 2


def test_the_operator_may_do_what_an_admin_may(cast: Cast) -> None:
    mia = cast.do(add_contact, cast.workspace_id, name="Mia", by=OPERATOR, now=START)
    member = cast.do(add_member, cast.group().id, contact_id=mia.id, by=OPERATOR, now=START)
    assert member.contact_id == mia.id


def test_a_double_tap_on_tell_them_is_one_welcome(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    for seconds in (0, 1, 3599):
        told = cast.do(tell_them, group.id, [ben.id], by=cast.olga, now=FEBRUARY + timedelta(seconds=seconds))
        assert told.told == (ben.id,)
    assert len(cast.messages(notice=Notice.WELCOME)) == 1
    cast.do(tell_them, group.id, [ben.id], by=cast.olga, now=FEBRUARY + timedelta(hours=1))
    assert len(cast.messages(notice=Notice.WELCOME)) == 2
