"""Groups from their form to the archive, and their prices; on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.cycles import Unit
from substrack.domain.delivery import MessageState
from substrack.domain.money import CurrencyMismatch
from substrack.domain.notices import Notice
from substrack.domain.pay_methods import pay_method
from substrack.domain.shares import FixedAmountMissing, FixedAmountsOverTotal, SplitKind
from substrack.domain.terms import EndsBeforeStarting, GroupTerms, PriceUnknown
from substrack.queries.groups import UnknownGroup, load_group, load_pay_methods, load_terms, prices
from substrack.services.contact_rows import UnknownContact
from substrack.services.group_edits import (
    AmountsInCurrency,
    CurrencyFrozen,
    GroupChanged,
    PriceInCurrency,
    StartFrozen,
    edit_group,
)
from substrack.services.groups import (
    archive_group,
    create_group,
    end_group,
    pause_group,
    restore_group,
    resume_group,
    set_pay_methods,
)
from substrack.services.members import edit_member
from substrack.services.people import add_contact
from substrack.services.periods import open_next_period
from substrack.services.prices import PriceAlreadyOpen, set_price
from substrack.services.voiding import void_period
from substrack.store import Event, Group, Member, Message, Period
from tests.support.cast import START, Cast, at, money

FEBRUARY = at("2026-02-01")


def fresh(cast: Cast, group: Group) -> Group:
    return cast.read(lambda session: session.get_one(Group, group.id))


def members(cast: Cast, group: Group) -> list[Member]:
    query = select(Member).where(Member.group_id == group.id).order_by(Member.id)
    return cast.read(lambda session: list(session.scalars(query)))


def starts(cast: Cast, group: Group) -> list[date]:
    query = select(Period.starts_on).where(Period.group_id == group.id).order_by(Period.sequence)
    return cast.read(lambda session: list(session.scalars(query)))


def terms_of(cast: Cast, group: Group) -> GroupTerms:
    return cast.read(lambda session: load_terms(session, group.id))


def edit(cast: Cast, group: Group, *, now: datetime = START, **change: Any) -> Group:
    terms = replace(terms_of(cast, group), **change)
    return cast.do(edit_group, group.id, terms, by=cast.olga, now=now)


def test_a_new_group_has_its_payer_price_and_seat(cast: Cast) -> None:
    group = cast.group(starts_on=date(2026, 1, 31), billing_day=31)
    assert group.payer_id == cast.olga_contact
    assert [one.contact_id for one in members(cast, group)] == [cast.olga_contact]
    assert terms_of(cast, group).price == money("17.99")
    assert (group.currency, group.exponent) == ("EUR", 2)


def test_a_payer_who_does_not_share_has_no_seat(cast: Cast) -> None:
    assert members(cast, cast.group(payer_included=False)) == []


def test_a_group_takes_the_zone_of_its_workspace(cast: Cast) -> None:
    assert cast.group(time_zone=None).time_zone == "Europe/Berlin"


def test_nothing_opens_before_somebody_joins(cast: Cast) -> None:
    group = cast.group()
    assert group.next_open_at is None
    cast.join(group, "Ben")
    assert fresh(cast, group).next_open_at == at("2026-02-01", 9)


def test_a_variable_group_has_no_price(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    assert cast.read(lambda session: prices(session, group.id)) == []
    with pytest.raises(PriceUnknown):
        cast.do(set_price, group.id, amount=money("5.00"), by=cast.olga, now=START)


def test_a_payer_from_elsewhere_is_unknown(cast: Cast, zed: Cast) -> None:
    with pytest.raises(UnknownContact):
        cast.group(payer_id=zed.olga_contact)


@pytest.mark.parametrize("act", [pause_group, resume_group, archive_group, restore_group])
def test_a_stranger_changes_nothing(cast: Cast, zed: Cast, act: Callable[..., Any]) -> None:
    group = cast.group()
    with pytest.raises(UnknownGroup):
        zed.do(act, group.id, by=zed.olga, now=START)
    with pytest.raises(UnknownGroup):
        zed.do(set_price, group.id, amount=money("1.00"), by=zed.olga, now=START)


def test_terms_survive_their_form(cast: Cast) -> None:
    group = cast.group(grace_days=5, billing_day=None, pay_methods=(pay_method("text", {"text": "Cash"}),))
    version = group.version
    same = cast.do(edit_group, group.id, terms_of(cast, group), by=cast.olga, now=START)
    assert same.version == version, "saving an unchanged form writes nothing"


def test_a_form_opened_before_somebody_elses_change_is_refused(cast: Cast) -> None:
    group = cast.group()
    edit(cast, group, name="YouTube")
    with pytest.raises(GroupChanged):
        cast.do(
            edit_group,
            group.id,
            replace(terms_of(cast, group), name="Videos"),
            expected_version=group.version,
            by=cast.olga,
            now=START,
        )


def test_currency_stands_while_fixed_amounts_are_set_in_it(cast: Cast) -> None:
    group = cast.group(split=SplitKind.WEIGHTS)
    ben = cast.join(group, "Ben", fixed=money("3.00"))
    cast.join(group, "Mia", fixed=money("2.00"))
    with pytest.raises(AmountsInCurrency, match=r"stays EUR .* \(Ben, Mia\)"):
        edit(cast, group, currency="JPY", price=money("2500", "JPY"))
    for member in members(cast, group)[1:]:
        cast.do(edit_member, member.id, clears_fixed=True, by=cast.olga, now=START)
    edit(cast, group, currency="JPY", price=money("2500", "JPY"))
    cast.tick(FEBRUARY)
    assert (cast.payment_of(ben).amount_minor, cast.payment_of(ben).currency) == (833, "JPY")


def test_currency_stands_while_a_price_is_set_ahead_in_it(cast: Cast) -> None:
    group = cast.group()
    cast.do(set_price, group.id, amount=money("23.99"), from_on=date(2026, 3, 1), by=cast.olga, now=START)
    with pytest.raises(PriceInCurrency, match="2026-03-01"):
        edit(cast, group, currency="JPY", price=money("2500", "JPY"))
    assert fresh(cast, group).currency == "EUR"


def test_what_a_payer_once_paid_as_a_member_counts_in_no_other_currency(cast: Cast) -> None:
    group = cast.group(split=SplitKind.WEIGHTS)
    ben = cast.join(group, "Ben", fixed=money("3.00"))
    edit(cast, group, payer_id=ben.contact_id)
    edit(cast, group, currency="JPY", price=money("2500", "JPY"))
    edit(cast, group, payer_id=cast.olga_contact)
    assert cast.read(lambda session: session.get_one(Member, ben.id)).fixed_minor is None


def test_currency_and_start_stand_once_a_period_is_open(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    with pytest.raises(CurrencyFrozen):
        edit(cast, group, currency="USD", price=money("17.99", "USD"))
    with pytest.raises(StartFrozen):
        edit(cast, group, starts_on=date(2026, 3, 1))


def test_before_the_first_period_everything_may_change(cast: Cast) -> None:
    group = cast.group(price="1800", currency="JPY")
    cast.join(group, "Ben", now=at("2026-01-20"))
    edit(cast, group, starts_on=date(2026, 1, 10), billing_day=10, currency="EUR", price=money("8.00"))
    cast.tick(at("2026-01-21"))
    assert starts(cast, group) == [date(2026, 1, 10)]
    assert [payment.amount_minor for payment in cast.payments()] == [400, 400], "founders move along"


def test_a_changed_rhythm_begins_where_the_open_periods_end(cast: Cast) -> None:
    group = cast.group(billing_day=31, starts_on=date(2026, 1, 31))
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    edit(cast, group, now=FEBRUARY, billing_day=15)
    cast.tick(at("2026-05-01"))
    assert starts(cast, group) == [date(2026, 1, 31), date(2026, 3, 15), date(2026, 4, 15)]


@pytest.mark.parametrize("gives_back", [False, True])
def test_a_rhythm_changed_before_the_first_period_bills_nothing_of_a_pause(
    cast: Cast, gives_back: bool
) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    early, resumed = at("2026-01-10"), at("2026-05-10")
    if gives_back:
        slip = cast.do(open_next_period, group.id, by=cast.olga, now=early)
        cast.do(void_period, slip.id, reason="a slip", by=cast.olga, now=early)
    cast.do(pause_group, group.id, by=cast.olga, now=early)
    cast.do(resume_group, group.id, by=cast.olga, now=resumed)
    edit(cast, group, now=resumed, billing_day=15)
    assert cast.tick(at("2026-05-16")).periods_opened == 0
    cast.tick(at("2026-06-15"))
    assert starts(cast, group)[gives_back:] == [date(2026, 6, 15)]


def test_a_start_given_after_a_pause_is_the_start(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.do(pause_group, group.id, by=cast.olga, now=START)
    cast.do(resume_group, group.id, by=cast.olga, now=at("2026-05-10"))
    edit(cast, group, now=at("2026-05-10"), starts_on=date(2026, 5, 1))
    cast.tick(at("2026-05-11"))
    assert starts(cast, group) == [date(2026, 5, 1)]


def test_a_yearly_group_can_follow_a_monthly_one(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    edit(cast, group, now=FEBRUARY, unit=Unit.YEAR, price=money("120.00"))
    cast.tick(at("2027-03-02"))
    assert starts(cast, group) == [date(2026, 2, 1), date(2026, 3, 1), date(2027, 3, 1)]


def test_new_rules_of_asking_count_for_what_is_open(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    assert cast.payment_of(ben).next_action_at == at("2026-02-04", 9)
    edit(cast, group, now=FEBRUARY, grace_days=6)
    assert cast.payment_of(ben).next_action_at == at("2026-02-07", 9)


def test_the_payer_starts_to_share_with_the_next_period(cast: Cast) -> None:
    group = cast.group(price="8.00", payer_included=False)
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    edit(cast, group, now=FEBRUARY, payer_included=True)
    cast.tick(at("2026-03-01"))
    assert [payment.amount_minor for payment in cast.payments()] == [800, 400, 400]


def test_a_payer_who_stops_sharing_can_start_again(cast: Cast) -> None:
    group = cast.group(price="8.00")
    ben = cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    edit(cast, group, now=FEBRUARY, payer_included=False)
    cast.tick(at("2026-03-01"))
    edit(cast, group, now=at("2026-03-01"), payer_included=True)
    cast.tick(at("2026-04-01"))
    assert [cast.payment_of(ben, sequence).amount_minor for sequence in (1, 2, 3)] == [400, 800, 400]


def test_a_payer_who_changes_their_mind_keeps_their_seat(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    for included in (False, True):
        edit(cast, group, now=FEBRUARY, payer_included=included)
    assert len([one for one in members(cast, group) if one.contact_id == cast.olga_contact]) == 1


def test_another_payer_receives_only_what_comes_later(cast: Cast) -> None:
    group = cast.group(price="9.00")
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(FEBRUARY)
    edit(cast, group, now=FEBRUARY, payer_id=ben.contact_id)
    cast.tick(at("2026-03-01"))
    assert cast.payment_of(mia, 1).payer_id == cast.olga_contact
    assert cast.payment_of(mia, 2).payer_id == ben.contact_id
    assert cast.payment_of(ben, 2).kind.value == "own"


def test_a_fixed_split_wants_an_amount_for_everybody(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    with pytest.raises(FixedAmountMissing):
        edit(cast, group, split=SplitKind.FIXED)


def test_what_the_pause_covered_is_skipped(cast: Cast) -> None:
    group = cast.group(billing_day=31, starts_on=date(2026, 1, 31))
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    cast.do(pause_group, group.id, by=cast.olga, now=FEBRUARY)
    cast.tick(at("2026-05-10"))
    cast.do(resume_group, group.id, by=cast.olga, now=at("2026-05-10"))
    cast.tick(at("2026-07-01"))
    assert starts(cast, group) == [date(2026, 1, 31), date(2026, 5, 31), date(2026, 6, 30)]


def test_resuming_on_the_day_itself_opens_that_period(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.do(pause_group, group.id, by=cast.olga, now=START)
    cast.do(resume_group, group.id, by=cast.olga, now=at("2026-02-01", 5))
    cast.tick(at("2026-02-01", 10))
    assert starts(cast, group) == [date(2026, 2, 1)]


def test_pausing_twice_is_one_pause(cast: Cast) -> None:
    group = cast.group()
    for _ in range(2):
        cast.do(pause_group, group.id, by=cast.olga, now=START)
    events = select(Event).where(Event.verb == "pause")
    assert len(cast.read(lambda session: list(session.scalars(events)))) == 1


def test_an_ended_group_opens_what_starts_by_then(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.do(end_group, group.id, ends_on=date(2026, 3, 1), by=cast.olga, now=START)
    cast.tick(at("2026-06-01"))
    assert starts(cast, group) == [date(2026, 2, 1), date(2026, 3, 1)]
    assert cast.read(lambda session: load_group(session, group.id, today=date(2026, 6, 1))).state == "ended"


def test_a_group_can_not_end_before_it_starts(cast: Cast) -> None:
    group = cast.group()
    with pytest.raises(EndsBeforeStarting):
        cast.do(end_group, group.id, ends_on=date(2026, 1, 31), by=cast.olga, now=START)


def test_an_end_taken_back_in_the_form_bills_nothing_of_the_gap(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    cast.do(end_group, group.id, ends_on=date(2026, 2, 20), by=cast.olga, now=at("2026-02-05"))
    edit(cast, group, now=at("2026-08-10"), ends_on=None)
    assert cast.tick(at("2026-08-10", 12)).periods_opened == 0
    cast.tick(at("2026-09-01"))
    assert starts(cast, group) == [date(2026, 2, 1), date(2026, 9, 1)]


def test_a_restored_group_does_not_bill_its_time_in_the_archive(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.do(archive_group, group.id, by=cast.olga, now=START)
    cast.tick(at("2026-04-10"))
    cast.do(restore_group, group.id, by=cast.olga, now=at("2026-04-10"))
    cast.tick(at("2026-05-02"))
    assert starts(cast, group) == [date(2026, 5, 1)]


def test_ways_to_pay_keep_their_order(cast: Cast) -> None:
    group = cast.group()
    methods = [
        pay_method("link", {"url": "https://paypal.me/olga/{amount}"}, label="PayPal"),
        pay_method("text", {"text": "or in cash"}),
    ]
    cast.do(set_pay_methods, group.id, methods, by=cast.olga, now=START)
    assert cast.read(lambda session: load_pay_methods(session, group.id)) == methods


def test_a_price_counts_from_the_next_unopened_period(cast: Cast) -> None:
    group = cast.group(price="8.00")
    ben = cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    cast.do(set_price, group.id, amount=money("10.00"), by=cast.olga, now=FEBRUARY)
    cast.tick(at("2026-03-01"))
    assert [cast.payment_of(ben, sequence).amount_minor for sequence in (1, 2)] == [400, 500]


def test_a_price_can_not_change_what_is_open(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    with pytest.raises(PriceAlreadyOpen) as refused:
        cast.do(
            set_price,
            group.id,
            amount=money("10.00"),
            from_on=date(2026, 2, 1),
            by=cast.olga,
            now=FEBRUARY,
        )
    assert refused.value.next_start == date(2026, 3, 1)


def test_a_price_in_another_currency_or_below_the_fixed_amounts_is_refused(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben", fixed=money("5.00"))
    with pytest.raises(CurrencyMismatch):
        cast.do(set_price, group.id, amount=money("10.00", "USD"), by=cast.olga, now=START)
    with pytest.raises(FixedAmountsOverTotal):
        cast.do(set_price, group.id, amount=money("4.99"), by=cast.olga, now=START)


def announcements(cast: Cast) -> list[Message]:
    return cast.messages(notice=Notice.PRICE_CHANGE)


def test_members_hear_of_a_price_a_week_ahead_and_the_payer_does_not(cast: Cast) -> None:
    group = cast.group(price="8.00")
    ben = cast.join(group, "Ben")
    cast.do(set_price, group.id, amount=money("10.00"), from_on=date(2026, 4, 1), by=cast.olga, now=START)
    (told,) = announcements(cast)
    assert told.contact_id == ben.contact_id
    assert told.due_at == at("2026-03-25", 9)
    assert all(amount in cast.text_of(told) for amount in ("8.00", "10.00", "5.00"))
    assert told.payload["from_on"] == "2026-04-01"


def test_a_price_that_is_near_is_told_at_once(cast: Cast) -> None:
    group = cast.group(price="8.00")
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    now = at("2026-02-26")
    cast.do(set_price, group.id, amount=money("10.00"), by=cast.olga, now=now)
    assert [message.due_at for message in announcements(cast)] == [now]


def test_the_first_price_is_no_change(cast: Cast) -> None:
    group = cast.group(price="8.00")
    cast.join(group, "Ben")
    cast.do(set_price, group.id, amount=money("9.00"), by=cast.olga, now=START)
    assert announcements(cast) == []


def test_a_price_that_changes_again_is_announced_afresh(cast: Cast) -> None:
    group = cast.group(price="8.00")
    cast.join(group, "Ben")
    for amount in ("10.00", "11.00", "10.00"):
        cast.do(set_price, group.id, amount=money(amount), from_on=date(2026, 4, 1), by=cast.olga, now=START)
    states = [(message.payload["after_minor"], message.state) for message in announcements(cast)]
    assert states == [
        (1000, MessageState.CANCELLED),
        (1100, MessageState.CANCELLED),
        (1000, MessageState.QUEUED),
    ]


def test_a_price_put_back_after_it_was_announced_is_announced_too(cast: Cast) -> None:
    group = cast.group(price="9.00")
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    cast.do(set_price, group.id, amount=money("18.00"), by=cast.olga, now=at("2026-02-22"))
    cast.send(at("2026-02-24"))
    cast.do(set_price, group.id, amount=money("9.00"), by=cast.olga, now=at("2026-02-25"))
    _, back = announcements(cast)
    text = cast.text_of(back)
    assert "18.00" in text
    assert "9.00" in text


def test_a_price_letter_names_the_price_that_holds_until_then_when_it_goes_out(cast: Cast) -> None:
    group = cast.group(price="10.00")
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    for amount, month in (("12.00", 4), ("11.00", 3)):
        day = date(2026, month, 1)
        cast.do(set_price, group.id, amount=money(amount), from_on=day, by=cast.olga, now=FEBRUARY)
    april, march = map(cast.text_of, announcements(cast))
    assert ["10.00" in text for text in (april, march)] == [False, True]
    assert "11.00" in april


def test_a_price_that_changes_nothing_when_it_comes_is_not_told(cast: Cast) -> None:
    group = cast.group(price="10.00")
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    for month in (4, 3):
        day = date(2026, month, 1)
        cast.do(set_price, group.id, amount=money("12.00"), from_on=day, by=cast.olga, now=FEBRUARY)
    april, march = announcements(cast)
    assert cast.text_of(april) == ""
    cast.send(at("2026-02-24"))
    cast.tick(at("2026-03-01"))
    assert cast.text_of(april, at("2026-03-25")) == ""
    assert "12.00" in cast.text_of(march)


def test_a_price_within_a_period_that_another_overtakes_is_not_told(cast: Cast) -> None:
    group = cast.group(price="10.00")
    cast.join(group, "Ben")
    cast.tick(FEBRUARY)
    for amount, day in (("11.00", 15), ("12.00", 1)):
        begins = date(2026, 3 if day == 15 else 4, day)
        cast.do(set_price, group.id, amount=money(amount), from_on=begins, by=cast.olga, now=FEBRUARY)
    overtaken, told = map(cast.text_of, announcements(cast))
    assert overtaken == ""
    assert "10.00" in told
    assert "11.00" not in told


def test_letters_of_what_comes_say_the_shares_that_come(cast: Cast) -> None:
    group = cast.group(price="9.00", heads_up_days=3)
    ben = cast.join(group, "Ben")
    cast.join(group, "Mia")
    cast.tick(FEBRUARY)
    cast.do(set_price, group.id, amount=money("18.00"), by=cast.olga, now=at("2026-02-02"))
    cast.join(group, "Cleo", now=at("2026-02-10"))
    told = {message.notice: cast.text_of(message) for message in cast.messages(contact_id=ben.contact_id)}
    cast.tick(at("2026-03-01"))
    assert cast.payment_of(ben, 2).amount_minor == 450
    assert told.keys() == {Notice.HEADS_UP, Notice.PRICE_CHANGE}
    assert all("4.50" in text for text in told.values())
    heads_up = cast.messages(contact_id=ben.contact_id, notice=Notice.HEADS_UP)[0]
    assert cast.text_of(heads_up) == "", "what is open already is no longer announced"


def test_a_person_without_a_role_can_be_the_payer(cast: Cast) -> None:
    mia = cast.do(add_contact, cast.workspace_id, name="Mia", by=cast.olga, now=START)
    group = cast.do(
        create_group,
        cast.workspace_id,
        GroupTerms(
            name="VPN", currency="EUR", starts_on=date(2026, 2, 1), price=money("3.00"), payer_id=mia.id
        ),
        by=cast.olga,
        now=START,
    )
    assert group.payer_id == mia.id
