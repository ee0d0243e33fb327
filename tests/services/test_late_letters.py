"""What letters say that waited: for the end of an undo, or for a mail server."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.notices import Notice
from substrack.domain.simulation import Why
from substrack.queries.groups import load_terms
from substrack.services.addresses import mark_refused, resubscribe, unsubscribe
from substrack.services.claims import claim_payments
from substrack.services.group_edits import edit_group
from substrack.services.groups import archive_group, pause_group
from substrack.services.mailboxes import set_email
from substrack.services.members import leave_group
from substrack.services.objections import answer_objection, dismiss_objection
from substrack.services.payments import (
    adjust_payment,
    confirm_payment,
    reject_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.periods import open_next_period
from substrack.services.prices import set_price
from substrack.services.putting_off import object_to_payments
from substrack.services.simulating import carry_out, look_ahead, mark_of
from substrack.services.voiding import void_period
from substrack.services.welcoming import tell_them
from substrack.store import Address, Group, Member, Message, Payment
from tests.support.cast import Cast, at, money

NOW = at("2026-02-02")
LATER = at("2026-02-03")


@pytest.fixture
def ben(cast: Cast) -> Member:
    """Ben, who owes 4.50 for February."""
    member = cast.join(cast.group(price="9.00"), "Ben")
    cast.tick(at("2026-02-01"))
    return member


@pytest.fixture
def due(cast: Cast, ben: Member) -> Payment:
    return cast.payment_of(ben)


def only(cast: Cast, notice: Notice) -> Message:
    [message] = cast.messages(notice=notice)
    return message


def says(cast: Cast, notice: Notice) -> str:
    """Read the only letter of a kind as it goes out a day later."""
    return cast.text_of(only(cast, notice), LATER).replace("\xa0", " ")


def claim(cast: Cast, ben: Member, *payments: Payment) -> None:
    keys = [payment.id for payment in payments]
    cast.do(claim_payments, ben.contact_id, keys, by=Actor.contact(ben.contact_id), now=NOW)


def write(cast: Cast, ben: Member, *payments: Payment) -> None:
    keys, by = [payment.id for payment in payments], Actor.contact(ben.contact_id)
    cast.do(object_to_payments, ben.contact_id, keys, text="I left in January", by=by, now=NOW)


def address_of(cast: Cast, ben: Member) -> int:
    query = select(Address.id).where(Address.contact_id == ben.contact_id)
    return cast.read(lambda session: session.scalars(query).one())


class TestWaived:
    def test_it_is_told(self, cast: Cast, due: Payment) -> None:
        cast.do(waive_payment, due.id, reason="be my guest", by=cast.olga, now=NOW)
        assert "there is nothing left to pay for it" in says(cast, Notice.WAIVED)

    def test_what_was_taken_back_is_not(self, cast: Cast, due: Payment) -> None:
        cast.do(waive_payment, due.id, reason="be my guest", by=cast.olga, now=NOW)
        cast.do(unwaive_payment, due.id, by=cast.olga, now=NOW)
        assert says(cast, Notice.WAIVED) == ""


class TestRejected:
    def test_what_was_claimed_again_is_not_called_open(self, cast: Cast, ben: Member, due: Payment) -> None:
        claim(cast, ben, due)
        cast.do(reject_payment, due.id, reason="nothing came", by=cast.olga, now=NOW)
        assert "So this is open again" in says(cast, Notice.REJECTED)

        claim(cast, ben, due)

        text = says(cast, Notice.REJECTED)
        assert "nothing came" in text
        assert "You have said since that you’ve paid; Olga will check." in text
        assert "open again" not in text
        assert "Paid already?" not in text


class TestNotes:
    def test_what_is_void_or_settled_is_not_listed_as_due(
        self, cast: Cast, ben: Member, due: Payment
    ) -> None:
        other = cast.payment_of(_in_another_group(cast))
        write(cast, ben, due, other)
        cast.do(void_period, due.period_id, reason="a free month", by=cast.olga, now=NOW)
        text = says(cast, Notice.OBJECTION)
        assert "YouTube Premium" not in text
        assert "Mullvad, February 2026" in text

        cast.do(confirm_payment, other.id, by=cast.olga, now=NOW)

        text = says(cast, Notice.OBJECTION)
        assert "I left in January" in text
        assert "There is nothing to pay for it now." in text
        assert "due " not in text
        assert "Requests for it rest" not in text

    @pytest.mark.parametrize("is_answered", [True, False])
    def test_what_was_answered_or_set_aside_is_told_to_nobody_else(
        self, cast: Cast, ben: Member, due: Payment, is_answered: bool
    ) -> None:
        write(cast, ben, due)
        note = only(cast, Notice.OBJECTION).correlation_id
        if is_answered:
            cast.do(answer_objection, note, text="In March", by=cast.olga, now=NOW)
        else:
            cast.do(dismiss_objection, note, by=cast.olga, now=NOW)
        assert says(cast, Notice.OBJECTION) == ""

    def test_a_rest_that_is_over_is_not_promised(self, cast: Cast, ben: Member, due: Payment) -> None:
        write(cast, ben, due)
        assert "Requests for it rest for up to 14 days." in says(cast, Notice.OBJECTION)
        late = cast.text_of(only(cast, Notice.OBJECTION), at("2026-02-16"))
        assert "I left in January" in late
        assert "Requests for it rest" not in late


def _in_another_group(cast: Cast) -> Member:
    member = cast.join(cast.group("Mullvad"), "Ben")
    cast.tick(at("2026-02-01"))
    return member


class TestAddresses:
    def test_mail_that_is_taken_again_is_not_called_refused(self, cast: Cast, ben: Member) -> None:
        cast.do(mark_refused, address_of(cast, ben), reason="550 No such user", now=NOW)
        assert "Mail to Ben at ben@example.org is refused." in says(cast, Notice.ADDRESS_REFUSED)
        cast.do(set_email, ben.contact_id, email="ben@example.net", by=cast.olga, now=NOW)
        assert says(cast, Notice.ADDRESS_REFUSED) == ""

    def test_an_address_that_was_removed_is_nothing_to_correct(self, cast: Cast, ben: Member) -> None:
        cast.do(mark_refused, address_of(cast, ben), reason="550 No such user", now=NOW)
        cast.do(set_email, ben.contact_id, email="", by=cast.olga, now=NOW)
        assert says(cast, Notice.ADDRESS_REFUSED) == ""

    def test_who_wants_requests_again_has_not_stopped_them(self, cast: Cast, ben: Member) -> None:
        by = Actor.contact(ben.contact_id)
        cast.do(unsubscribe, address_of(cast, ben), by=by, now=NOW)
        assert "Ben has stopped requests to ben@example.org." in says(cast, Notice.UNSUBSCRIBED)
        cast.do(resubscribe, address_of(cast, ben), by=by, now=NOW)
        assert says(cast, Notice.UNSUBSCRIBED) == ""


class TestWelcome:
    def test_a_paused_group_promises_no_period(self, cast: Cast, ben: Member) -> None:
        cast.do(tell_them, ben.group_id, by=cast.olga, now=NOW)
        assert "Next period starts" in says(cast, Notice.WELCOME)
        cast.do(pause_group, ben.group_id, by=cast.olga, now=NOW)
        assert "Next period starts" not in says(cast, Notice.WELCOME)

    def test_nobody_is_welcomed_to_a_group_that_was_put_away(self, cast: Cast, ben: Member) -> None:
        cast.do(tell_them, ben.group_id, by=cast.olga, now=NOW)
        cast.do(archive_group, ben.group_id, by=cast.olga, now=NOW)
        assert says(cast, Notice.WELCOME) == ""


class TestAfterTheOpening:
    """A price or a share is told when its first period is open already."""

    @pytest.fixture
    def pair(self, cast: Cast) -> tuple[Member, Member]:
        group = cast.group(price="18.00")
        return cast.join(group, "Ben"), cast.join(group, "Mia")

    def test_a_price_names_what_was_paid_until_then_and_what_was_billed(
        self, cast: Cast, pair: tuple[Member, Member]
    ) -> None:
        group_id = pair[0].group_id
        cast.tick(at("2026-02-01"))
        cast.do(set_price, group_id, amount=money("24.00"), by=cast.olga, now=at("2026-02-28"))
        cast.tick(at("2026-03-01"))
        _assert_tells(cast, pair[0], Notice.PRICE_CHANGE, "1 March 2026", "6.00 €", "8.00 €")

    def test_so_it_does_when_the_period_was_opened_by_hand(
        self, cast: Cast, pair: tuple[Member, Member]
    ) -> None:
        group_id = pair[0].group_id
        cast.tick(at("2026-02-01"))
        cast.do(set_price, group_id, amount=money("24.00"), by=cast.olga, now=at("2026-02-02"))
        for _ in range(2):
            cast.do(open_next_period, group_id, by=cast.olga, now=at("2026-02-10"))
        cast.do(adjust_payment, cast.payment_of(pair[0], 2).id, amount=money("1.00"), reason="a discount",
                by=cast.olga, now=at("2026-02-11"))  # fmt: skip
        _assert_tells(cast, pair[0], Notice.PRICE_CHANGE, "1 March 2026", "6.00 €", "8.00 €")

    def test_it_is_told_though_the_group_rests_by_then(self, cast: Cast, pair: tuple[Member, Member]) -> None:
        group_id = pair[0].group_id
        cast.tick(at("2026-02-01"))
        cast.do(set_price, group_id, amount=money("24.00"), by=cast.olga, now=at("2026-02-28"))
        cast.tick(at("2026-03-01"))
        cast.do(pause_group, group_id, by=cast.olga, now=at("2026-03-01"))
        _assert_tells(cast, pair[0], Notice.PRICE_CHANGE, "1 March 2026", "6.00 €", "8.00 €")

    def test_a_share_names_the_period_that_was_announced(
        self, cast: Cast, pair: tuple[Member, Member]
    ) -> None:
        ben, mia = pair
        cast.tick(at("2026-02-01"))
        day, now = date(2026, 3, 1), at("2026-02-27")

        def leave(session: Session) -> None:
            leave_group(session, mia.id, left_on=day, by=cast.olga, now=now)

        around = {"day": day, "by": cast.olga, "now": now}
        seen = cast.do(look_ahead, ben.group_id, leave, **around)
        assert seen is not None
        cast.do(carry_out, ben.group_id, leave, seen=mark_of(seen), why=Why.LEAVE, **around)
        cast.tick(at("2026-03-01"))
        _assert_tells(cast, ben, Notice.SHARE_CHANGED, "1 March 2026", "6.00 €", "9.00 €")


def _assert_tells(cast: Cast, member: Member, notice: Notice, day: str, until: str, then: str) -> None:
    [message] = cast.messages(contact_id=member.contact_id, notice=notice)
    text = cast.text_of(message, at("2026-03-02")).replace("\xa0", " ")
    assert day in text
    assert f"Your share until then: {until}" in text
    assert f"Your new share: {then}" in text


def test_a_price_letter_names_the_day_on_which_it_first_counts(cast: Cast, ben: Member) -> None:
    group = cast.read(lambda session: session.get_one(Group, ben.group_id))
    cast.do(set_price, group.id, amount=money("12.00"), from_on=date(2026, 5, 1), by=cast.olga, now=NOW)
    terms = cast.read(lambda session: load_terms(session, group.id))
    cast.do(edit_group, group.id, replace(terms, billing_day=15), by=cast.olga, now=NOW)
    text = cast.text_of(cast.messages(notice=Notice.PRICE_CHANGE)[0], LATER)
    assert "changes on 15 May 2026" in text
    assert "1 May" not in text
