"""Claims about home: what needs the admin stands there, and is gone once it is done."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.delivery import MessageState
from substrack.domain.pay_methods import pay_method
from substrack.domain.shares import SplitKind
from substrack.services.founding import Founded
from substrack.services.installation import hold_sending
from substrack.services.members import leave_group
from substrack.services.payments import confirm_payment, waive_payment
from substrack.services.people import mark_refused, unsubscribe
from substrack.services.periods import postpone_opening
from substrack.services.putting_off import object_to_payments
from substrack.store import Address, Member, Message
from tests.support.cast import Cast
from tests.web.admin import cast_of, group_of, period, stranger
from tests.web.forms import counted, press, send
from tests.web.scenes import claim, join_again, status_of, youtube_of
from tests.web.support import NOW, Browser


@pytest.fixture
def cast(runtime: Runtime, home: Founded) -> Cast:
    return cast_of(runtime, home)


@pytest.fixture
def members(cast: Cast) -> dict[str, Member]:
    return youtube_of(cast, "Ben", "Mia")


@pytest.fixture
def ben(members: dict[str, Member]) -> Member:
    return members["Ben"]


def address_of(cast: Cast, member: Member) -> int:
    query = select(Address.id).where(Address.contact_id == member.contact_id)
    return cast.read(lambda session: session.scalars(query).one())


class TestFirstSteps:
    def test_an_empty_workspace_shows_what_to_do(self, olga: Browser) -> None:
        shown = olga.get("/").text

        for step in ("Set up a group", "Add the people", "Say how to pay you", "Send yourself a test"):
            assert step in shown
        assert shown.count('class="step-done"') == 0
        assert "Nothing needs you" not in shown

    def test_steps_are_ticked_off_and_go_away(self, olga: Browser, cast: Cast) -> None:
        way = pay_method("text", {"text": "Cash"})
        cast.join(cast.group(starts_on=date(2026, 5, 1), pay_methods=(way,)), "Ben")
        assert olga.get("/").text.count('class="step-done"') == 3

        press(olga, "/", "/messages/test")

        assert "First steps" not in olga.get("/").text


class TestNeeds:
    @pytest.mark.usefixtures("members")
    def test_when_nothing_waits_it_says_so(self, olga: Browser) -> None:
        assert "Nothing needs you" in olga.get("/").text

    def test_a_claim_is_confirmed_right_there(self, olga: Browser, cast: Cast, ben: Member) -> None:
        attempt = claim(cast, ben)
        assert "1 payment to check" in olga.get("/").text

        answer = send(olga, "/", "versions", to=f"/review/{attempt.public_id}/confirm")

        assert answer.location == "/"
        assert status_of(cast, ben) == "confirmed"
        assert "1 payment to check" not in olga.get("/").text

    def test_a_bill_is_entered_right_there(self, olga: Browser, cast: Cast) -> None:
        group = cast.group("Electricity", split=SplitKind.VARIABLE)
        cast.join(group, "Ben")
        cast.tick(NOW)
        first = period(cast, group, 1)
        assert "Electricity, February 2026: what was the bill?" in olga.get("/").text

        send(olga, "/", "total", to=f"/periods/{first.public_id}", total="31,20")

        assert period(cast, group, 1).total_minor == 3120
        assert "Electricity, February 2026: what was the bill?" not in olga.get("/").text

    def test_a_leaver_who_owes_is_named_until_decided(self, olga: Browser, cast: Cast, ben: Member) -> None:
        cast.do(leave_group, ben.id, left_on=date(2026, 3, 1), by=cast.olga, now=NOW)
        assert "Ben left YouTube Premium and still owes" in olga.get("/").text

        for payment in cast.payments(member_id=ben.id):
            cast.do(waive_payment, payment.id, reason="Gone", by=cast.olga, now=NOW)

        assert "still owes" not in olga.get("/").text

    def test_people_whom_nobody_reaches_are_named_with_the_cause(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        cast.join(group_of(cast, "YouTube Premium"), "Theo", email=None)
        ben, mia = address_of(cast, members["Ben"]), address_of(cast, members["Mia"])
        cast.do(mark_refused, ben, reason="550 no such box", now=NOW)
        cast.do(unsubscribe, mia, by=Actor.contact(members["Mia"].contact_id), now=NOW)

        shown = olga.get("/").text

        assert "Theo has no address" in shown
        assert "Ben’s address refuses mail" in shown
        assert "550 no such box" in shown
        assert "Mia wants no requests by mail" in shown

    def test_what_a_member_wrote_stands_there_until_the_payment_is_closed(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        payment = cast.payment_of(ben)
        by = Actor.contact(ben.contact_id)
        cast.do(object_to_payments, ben.contact_id, [payment.id], text="I <left> in May", by=by, now=NOW)
        assert "I &lt;left&gt; in May" in olga.get("/").text

        cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)

        assert "in May" not in olga.get("/").text

    @pytest.mark.usefixtures("members")
    def test_an_opening_that_did_not_work_is_told_with_its_cause(self, olga: Browser, cast: Cast) -> None:
        group = group_of(cast, "YouTube Premium")
        cast.do(postpone_opening, group.id, reason="The fixed amounts exceed the price.", now=NOW)

        shown = olga.get("/").text

        assert "The next period of YouTube Premium could not be opened" in shown
        assert "The fixed amounts exceed the price." in shown

    def test_messages_that_failed_for_good_are_counted(
        self, olga: Browser, runtime: Runtime, cast: Cast, ben: Member
    ) -> None:
        claim(cast, ben)
        with runtime.transaction() as session:
            session.scalars(
                select(Message).where(Message.notice == "claim_received")
            ).one().state = MessageState.DEAD

        assert "1 message failed for good" in olga.get("/").text

    def test_a_hold_is_told_and_released_by_the_owner(
        self, olga: Browser, runtime: Runtime, cast: Cast
    ) -> None:
        cast.do(hold_sending, "the clock jumped", now=NOW)
        assert "Nothing is sent right now" in olga.get("/").text

        press(olga, "/", "/hold/release")

        shown = olga.get("/").text
        assert "Mail goes out again." in shown
        assert "on hold" not in shown


class TestGroups:
    def test_a_card_counts_who_paid_without_the_payers_own_share(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        cast.do(confirm_payment, cast.payment_of(ben, 2).id, by=cast.olga, now=NOW)

        shown = olga.get("/").text

        assert "1 of 2 paid, March 2026" in shown
        assert "2.99\xa0€ missing" in shown
        assert "next period starts 1 Apr 2026" in shown

    def test_what_is_out_is_added_up_for_each_currency_by_itself(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        join_again(cast, cast.group("Manga", "1200", currency="JPY"), "Ben")

        shown = olga.get("/").text

        assert "11.96\xa0€" in shown
        assert "1,200\xa0JP¥" in shown

    def test_statements_do_not_grow_with_groups_and_people(
        self, olga: Browser, runtime: Runtime, cast: Cast, members: dict[str, Member]
    ) -> None:
        claim(cast, members["Ben"])
        with counted(runtime) as few:
            olga.get("/")
        for name in ("Spotify", "Netflix", "Gym"):
            for who in ("Ben", "Theo", "Noor"):
                cast.join(group_of(cast, name) if who != "Ben" else cast.group(name), who)
        cast.tick(NOW)
        claim(cast, members["Mia"])
        with counted(runtime) as many:
            olga.get("/")

        assert len(many) == len(few) <= 20


def test_zed_sees_nothing_of_olgas(app: Flask, runtime: Runtime, cast: Cast, ben: Member) -> None:
    claim(cast, ben)
    cast.do(leave_group, ben.id, left_on=date(2026, 3, 1), by=cast.olga, now=NOW)

    shown = stranger(app, runtime).get("/").text

    assert "Ben" not in shown
    assert "YouTube" not in shown
    assert "First steps" in shown
