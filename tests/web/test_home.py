"""Claims about home: what needs the admin stands there, and is gone once it is done."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel
from substrack.domain.pay_methods import pay_method
from substrack.domain.payments import Status
from substrack.domain.shares import SplitKind
from substrack.services.addresses import mark_refused, unsubscribe
from substrack.services.backup_turns import note_failed_backup
from substrack.services.claims import claim_payments
from substrack.services.connections import connection_for
from substrack.services.founding import Founded
from substrack.services.installation import hold_sending
from substrack.services.members import leave_group
from substrack.services.pay_links import give_pay_link
from substrack.services.payments import confirm_payment, waive_payment
from substrack.services.periods import open_next_period, postpone_opening
from substrack.services.putting_off import object_to_payments
from substrack.services.receipts import void_receipt
from substrack.services.restoring import settle_restored
from substrack.store import Address, Member, Message, Payment
from tests.support.cast import Cast, money
from tests.web.admin import group_of, period, stranger
from tests.web.forms import counted, press, send
from tests.web.scenes import claim, join_again, receipts, status_of
from tests.web.support import NOW, Browser, TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


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
    def test_when_nothing_waits_it_says_so(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        assert "Nothing needs you" not in olga.get("/").text

        for member in members.values():
            for payment in cast.payments(member_id=member.id):
                cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)

        assert "Nothing needs you" in olga.get("/").text

    def test_nobody_is_called_late_before_they_were_asked(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        with cast.runtime.transaction() as session:
            session.execute(update(Payment).values(requested_on=None, status=Status.PENDING))
        shown = olga.get("/").text
        assert "late" not in shown.partition("Still owed")[2].partition("</section>")[0]
        assert "due 1 Feb 2026" in shown

        with cast.runtime.transaction() as session:
            session.execute(update(Payment).values(requested_on=date(2026, 2, 4)))
        assert "28 days late, 1 Feb 2026" in olga.get("/").text

    def test_money_that_came_is_booked_by_one_press(self, olga: Browser, cast: Cast, ben: Member) -> None:

        answer = send(olga, "/", "account", to="/money-in/all")

        assert answer.location == "/"
        assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("confirmed", "confirmed")
        assert "5.98\xa0€ from Ben is booked." in olga.get("/").text

    def test_what_has_been_claimed_is_not_asked_about_again(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        claim(cast, ben, 1, 2)

        assert "from Ben" not in olga.get("/").text
        assert "from Mia" in olga.get("/").text

    def test_needs_come_in_the_order_of_how_soon_they_matter(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        claim(cast, members["Ben"])
        cast.do(mark_refused, address_of(cast, members["Ben"]), reason="550 no such box", now=NOW)
        cast.do(leave_group, members["Mia"].id, left_on=date(2026, 3, 1), by=cast.olga, now=NOW)
        cast.join(cast.group("Electricity", split=SplitKind.VARIABLE), "Ben")
        cast.do(hold_sending, "the clock jumped", now=NOW)
        cast.tick(NOW)

        shown = olga.get("/").text
        heads = (
            "1 payment to check",
            "Still owed",
            "Still to come in all",
            "Ben’s address refuses mail",
            "Mia left YouTube Premium",
            "what was the bill?",
            "Links lead to this machine only",
            "Nothing is sent right now",
            ">Groups</h2>",
        )

        assert sorted(heads, key=shown.index) == list(heads)

    def test_many_of_a_kind_are_folded_away(self, olga: Browser, cast: Cast) -> None:
        group = cast.group("Choir")
        for number in range(7):
            cast.join(group, f"Singer {number}", email=None)
        cast.tick(NOW)

        shown = olga.get("/").text

        assert shown.index("Singer 4 has no address") < shown.index("and 2 more")
        assert shown.index("and 2 more") < shown.index("Singer 5 has no address")

    @pytest.mark.usefixtures("members")
    def test_what_the_settings_keep_from_people_is_told_on_home_only(self, olga: Browser) -> None:
        assert "Links lead to this machine only" in olga.get("/").text
        assert "Links lead to this machine only" not in olga.get("/groups").text

    def test_whom_nothing_reaches_can_be_handed_their_page(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        cast.do(mark_refused, address_of(cast, ben), reason="550 no such box", now=NOW)
        assert 'aria-label="Copy the link of Ben"' not in olga.get("/").text

        cast.do(give_pay_link, ben.contact_id, by=cast.olga, now=NOW)

        assert 'aria-label="Copy the link of Ben"' in olga.get("/").text

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
        shown = olga.get("/").text
        assert "Electricity, February 2026: what was the bill?" in shown
        assert "due 1 Feb 2026; nobody is asked until you enter it" in shown

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
        cast.join(cast.group("Phone"), "Theo", email=None)
        cast.tick(NOW)
        ben, mia = address_of(cast, members["Ben"]), address_of(cast, members["Mia"])
        cast.do(mark_refused, ben, reason="550 no such box", now=NOW)
        cast.do(unsubscribe, mia, by=Actor.contact(members["Mia"].contact_id), now=NOW)

        shown = olga.get("/").text

        assert "Theo has no address" in shown
        assert "Ben’s address refuses mail" in shown
        assert shown.index("Ben’s address") < shown.index("Mia wants")
        assert "550 no such box" in shown
        assert "Mia wants no requests by mail" in shown

    def test_without_an_address_only_who_owes_is_named(self, olga: Browser, cast: Cast) -> None:
        theo = cast.join(cast.group("Phone", "6.00", starts_on=NOW.date()), "Theo", email=None)
        assert "Theo has no address" not in olga.get("/").text

        cast.tick(NOW)
        assert "Theo has no address" in olga.get("/").text

        cast.do(confirm_payment, cast.payment_of(theo).id, by=cast.olga, now=NOW)
        assert "Theo has no address" not in olga.get("/").text

    def test_who_had_only_a_chat_that_refuses_is_named_with_the_cause(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        with cast.runtime.transaction() as session:
            only = session.get_one(Address, address_of(cast, ben))
            only.connection_id = connection_for(session, cast.workspace_id, Channel.TELEGRAM).id
            only.channel = Channel.TELEGRAM
        cast.do(mark_refused, address_of(cast, ben), reason="bot was blocked by the user", now=NOW)

        shown = olga.get("/").text

        assert "Ben’s Telegram chat refuses messages" in shown
        assert "bot was blocked by the user" in shown
        assert "Ben has no address" not in shown

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

        cast.do(open_next_period, group.id, by=cast.olga, now=NOW + timedelta(minutes=1))
        assert "could not be opened" not in olga.get("/").text

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

    def test_after_a_restore_the_owner_says_what_becomes_of_what_may_have_gone_out(
        self, olga: Browser, runtime: Runtime, home: Founded, cast: Cast, members: dict[str, Member]
    ) -> None:
        cast.tick(NOW + timedelta(days=3))
        waiting = len(cast.messages(state=MessageState.QUEUED))
        cast.do(settle_restored, made_at=NOW, by=cast.olga, now=NOW + timedelta(days=4))
        olga.sign_in(runtime, home.user_id)
        shown = olga.get("/").text
        assert "the books were restored from the backup of 1 Mar 2026, 10:00" in shown
        assert f"{waiting} messages may have gone out since that backup" in shown

        press(olga, "/", "/hold/release", waiting="cancel")

        assert "on hold" not in olga.get("/").text
        assert cast.messages(state=MessageState.QUEUED) == []

    def test_a_backup_that_failed_is_told(self, olga: Browser, cast: Cast) -> None:
        cast.do(note_failed_backup, "No space left on device.", now=NOW)

        assert "The last backup failed. It is tried again every hour. No space left" in olga.get("/").text


class TestGroups:
    def test_a_card_counts_who_paid_without_the_payers_own_share(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        cast.do(confirm_payment, cast.payment_of(ben, 2).id, by=cast.olga, now=NOW)

        shown = olga.get("/").text

        assert "1 of 2 paid" in shown
        assert "March 2026 and 5.98\xa0€ from before" in shown
        assert "8.97\xa0€ missing" in shown
        assert "<strong>Ben and Mia</strong>" in shown
        assert "· next one opens 1 Apr 2026" in shown

    def test_a_waived_share_is_in_no_count_of_who_paid(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        cast.do(confirm_payment, cast.payment_of(members["Ben"], 2).id, by=cast.olga, now=NOW)
        cast.do(waive_payment, cast.payment_of(members["Mia"], 2).id, reason="Gone", by=cast.olga, now=NOW)
        group = group_of(cast, "YouTube Premium")

        home, of_group = olga.get("/").text, olga.get(f"/groups/{group.public_id}").text
        alone = olga.get(f"/periods/{period(cast, group, 2).public_id}").text

        assert "1 of 1 paid" in home
        assert "1 of 1 paid" in of_group
        assert "1 of 1<" in alone
        assert "Paid (1) · Waived (1)" in of_group

    def test_a_group_whose_money_is_all_in_takes_one_line(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        for member in members.values():
            for payment in cast.payments(member_id=member.id):
                cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)

        shown = olga.get("/").text

        assert "all 2 in · next one opens 1 Apr 2026" in shown
        assert "group-card" not in shown

    @pytest.mark.usefixtures("members")
    def test_a_card_says_whom_the_group_asks_next(self, olga: Browser) -> None:
        assert "asks Ben and Mia in 3 days, 4 Mar 2026" in olga.get("/").text

    def test_the_same_number_stands_everywhere(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        claim(cast, members["Ben"], 1)
        cast.do(confirm_payment, cast.payment_of(members["Mia"]).id, amount=money("1"), by=cast.olga, now=NOW)
        group = group_of(cast, "YouTube Premium")
        home, review, page = (olga.get(url).text for url in ("/", "/review", f"/groups/{group.public_id}"))

        assert "1 payment to check" in home
        assert review.count('class="claim"') == 1
        assert "7.97\xa0€ missing" in home  # 2.99 of Ben, 1.99 + 2.99 of Mia
        assert '<span class="money">7.97\xa0€</span>' in home.partition("Still to come in all")[2]
        assert "; besides, 2.99\xa0€ to check" in home
        for left in ("2.99", "1.99"):
            assert f"{left}\xa0€" in page

    def test_claims_are_counted_alike_everywhere_whatever_they_name(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        phone = cast.group("Phone", "10.00")
        ben_too = join_again(cast, phone, "Ben")
        youtube, ben = group_of(cast, "YouTube Premium"), members["Ben"]
        both = [cast.payment_of(ben, 1).id, cast.payment_of(ben, 2).id, cast.payment_of(ben_too, 1).id]
        cast.do(claim_payments, ben.contact_id, both, by=Actor.contact(ben.contact_id), now=NOW)
        claim(cast, members["Mia"], 1, 2)
        home, review = olga.get("/").text, olga.get("/review").text
        cards = dict(re.findall(r"<strong>([^<]*)</strong> *<span>.*?(\d) to check", home, re.DOTALL))

        assert "2 payments to check" in home
        assert "2 payments wait for you" in review
        assert review.count('class="claim"') == 2
        assert cards == {"YouTube Premium": "2", "Phone": "1"}
        for group in (youtube, phone):
            page = olga.get(f"/groups/{group.public_id}").text
            (link,) = re.findall(rf'href="([^"]*)">(?:<svg.*</svg> )?{cards[group.name]} to check</a>', page)
            assert link == f"/review?group={group.public_id}"
            assert olga.get(link).text.count('class="claim"') == int(cards[group.name])

    def test_what_is_to_check_is_what_was_claimed(self, olga: Browser, cast: Cast, ben: Member) -> None:
        claim(cast, ben, 1, amount=money("2.00"))

        assert "2.00\xa0€ to check" in olga.get("/").text

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

        assert len(many) == len(few) <= 31


class TestHistory:
    def test_a_year_is_drawn_once_money_came(self, olga: Browser, cast: Cast, ben: Member) -> None:
        assert "The last twelve months" not in olga.get("/").text

        cast.do(confirm_payment, cast.payment_of(ben, 1).id, by=cast.olga, now=NOW)

        shown = olga.get("/").text
        assert "2.99\xa0€ this month" in shown
        assert "0 days this month" in shown
        assert "<title>April 2025: 0.00\xa0€</title>" in shown
        assert shown.count("<svg viewBox") == 2
        assert "style=" not in shown

    def test_how_long_people_take_is_the_middle_of_their_days(
        self, olga: Browser, cast: Cast, members: dict[str, Member], clock: TurnableClock
    ) -> None:
        for name, sequence, days in (("Ben", 1, 2), ("Mia", 1, 5), ("Ben", 2, 20)):
            payment = cast.payment_of(members[name], sequence)
            cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW + timedelta(days=days))
        clock.turn(timedelta(days=20))

        assert "5 days this month" in olga.get("/").text

    def test_currencies_are_never_mixed_and_one_is_chosen(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        yen = join_again(cast, cast.group("Manga", "1200", currency="JPY"), "Ben")
        for member in (ben, yen):
            for payment in cast.payments(member_id=member.id)[: 2 if member is ben else 1]:
                cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)

        assert "5.98\xa0€ this month" in olga.get("/").text
        assert "600\xa0JP¥ this month" in olga.get("/?currency=JPY").text
        assert "5.98\xa0€ this month" in olga.get("/?currency=nonsense").text

    def test_money_that_was_taken_back_does_not_count(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        for name in ("Ben", "Mia"):
            cast.do(confirm_payment, cast.payment_of(members[name], 1).id, by=cast.olga, now=NOW)
        receipt = receipts(cast)[0]

        cast.do(void_receipt, receipt.id, reason="It bounced", by=cast.olga, now=NOW)

        assert "2.99\xa0€ this month" in olga.get("/").text


@pytest.mark.only_sqlite
def test_home_stays_small_with_fifty_groups(olga: Browser, cast: Cast) -> None:
    for number in range(50):
        group = cast.group(f"Group {number:02}")
        for who in range(5):
            cast.join(group, f"Friend{(number + who) % 40}")
    cast.tick(NOW)

    shown = olga.get("/")

    assert shown.text.count('class="group-card"') == 24
    assert 'href="/groups">See all<' in shown.text
    assert len(shown.data) < 120_000


def test_zed_sees_nothing_of_olgas(app: Flask, runtime: Runtime, cast: Cast, ben: Member) -> None:
    claim(cast, ben)
    cast.do(leave_group, ben.id, left_on=date(2026, 3, 1), by=cast.olga, now=NOW)

    shown = stranger(app, runtime).get("/").text

    assert "Ben" not in shown
    assert "YouTube" not in shown
    assert "First steps" in shown
