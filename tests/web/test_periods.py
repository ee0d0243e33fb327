"""Claims about the page of one period: its bill, corrections, late joiners, voiding and restoring."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any

import pytest
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.payments import Status
from substrack.domain.shares import SplitKind
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.payments import confirm_payment
from substrack.services.periods import open_next_period
from substrack.store import Attempt, Contact, Group, Member, Payment
from tests.support.cast import Cast
from tests.web.admin import events, period, stranger
from tests.web.forms import counted, fill, press, send
from tests.web.scenes import receipts
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def march(cast: Cast, youtube: Group) -> str:
    """The page of March."""
    return f"/periods/{period(cast, youtube, 2).public_id}"


class TestBills:
    def test_a_variable_period_waits_for_its_bill_and_shares_it(self, cast: Cast, olga: Browser) -> None:
        pitch = cast.group("Pitch", split=SplitKind.VARIABLE)
        for name in ("Ben", "Mia"):
            cast.join(pitch, name)
        cast.tick(NOW)
        page = f"/periods/{period(cast, pitch, 1).public_id}"

        assert "bill wanted" in olga.get(f"/groups/{pitch.public_id}").text
        answer = send(olga, page, "total", total="31,20")

        assert answer.status_code == 303
        assert period(cast, pitch, 1).total_minor == 3120
        assert [one.amount_minor for one in cast.payments(group_id=pitch.id)] == [1040, 1040, 1040]
        assert "The bill of February 2026 is 31.20\xa0€." in olga.get(page).text

    def test_a_bill_that_was_mistyped_is_taken_back_with_one_press(self, cast: Cast, olga: Browser) -> None:
        pitch = cast.group("Pitch", split=SplitKind.VARIABLE)
        cast.join(pitch, "Ben")
        cast.tick(NOW)
        page = f"/periods/{period(cast, pitch, 1).public_id}"
        send(olga, page, "total", total="312.00")
        shown = olga.get(page).text
        assert "The bill is entered." in shown

        undo = re.search(r'action="(/decisions/[^"]+/undo)"', shown)
        assert undo
        press(olga, page, undo[1])

        assert period(cast, pitch, 1).total_minor is None
        after = olga.get(page).text
        assert "Enter the bill" in after
        assert "The bill of February 2026 was taken back; it is wanted again." in after

    @pytest.mark.parametrize(
        ("typed", "sentence"), [("", "Enter a new total"), ("1.234", "two ways"), ("-1", "negative")]
    )
    @pytest.mark.only_sqlite
    def test_a_bill_that_is_none_is_refused_beside_the_field(
        self, cast: Cast, olga: Browser, typed: str, sentence: str
    ) -> None:
        pitch = cast.group("Pitch", split=SplitKind.VARIABLE)
        cast.join(pitch, "Ben")
        cast.tick(NOW)
        answer = send(olga, f"/periods/{period(cast, pitch, 1).public_id}", "total", total=typed)

        assert answer.status_code == 422
        assert sentence in answer.text.split('id="total-error-1"')[1].split("</p>")[0]


class TestCorrecting:
    def test_a_corrected_total_is_shared_again_with_its_reason(
        self, cast: Cast, olga: Browser, youtube: Group, march: str
    ) -> None:
        answer = send(olga, march, "total", total="12.00", reason="cheaper plan")

        assert answer.status_code == 303
        found = cast.payments(period_id=period(cast, youtube, 2).id)
        assert sorted(one.amount_minor for one in found) == [400, 400, 400]
        assert "cheaper plan" in olga.get(march).text

    def test_a_due_date_moves(self, cast: Cast, olga: Browser, youtube: Group, march: str) -> None:
        send(olga, march, "total", due_on="2026-03-20", reason="salary day")

        assert period(cast, youtube, 2).due_on == date(2026, 3, 20)
        assert period(cast, youtube, 2).total_minor == 897

    @pytest.mark.parametrize("typed", ["9999-12-31", "2026-01-31", "soon"])
    @pytest.mark.only_sqlite
    def test_a_due_date_that_makes_no_sense_is_refused_beside_the_field(
        self, olga: Browser, march: str, typed: str
    ) -> None:
        answer = send(olga, march, "total", due_on=typed, reason="a slip")

        assert answer.status_code == 422
        assert 'id="due_on-error-1"' in answer.text

    def test_a_correction_wants_a_reason_and_keeps_what_was_typed(self, olga: Browser, march: str) -> None:
        answer = send(olga, march, "total", total="12.00")

        assert answer.status_code == 422
        assert "Say why" in answer.text.split('id="reason-error-1"')[1]
        assert fill(answer.text, "total")["total"] == "12.00"

    def test_who_corrects_an_old_page_is_told_calmly(
        self, cast: Cast, olga: Browser, youtube: Group, march: str
    ) -> None:
        opened = fill(olga.get(march).text, "total")
        send(olga, march, "total", total="12.00", reason="first")
        answer = olga.client.post(march, data=opened | {"total": "15.00", "reason": "second"})

        assert answer.status_code == 422
        assert "Somebody changed this period in the meantime" in answer.text
        assert period(cast, youtube, 2).total_minor == 1200


class TestLateJoiners:
    @pytest.fixture
    def ann(self, cast: Cast, youtube: Group) -> Member:
        return cast.join(youtube, "Ann", now=NOW, joined_on=date(2026, 3, 10))

    def test_a_typed_amount_lowers_only_the_payers_part(
        self, cast: Cast, olga: Browser, youtube: Group, march: str, ann: Member
    ) -> None:
        answer = send(olga, march, "member", f"{march}/late-joiners", member=ann.public_id, amount="1.50")

        assert answer.status_code == 303
        found = cast.payments(period_id=period(cast, youtube, 2).id)
        assert [one.amount_minor for one in found] == [149, 299, 299, 150]
        assert period(cast, youtube, 2).payer_part_minor == 149

    def test_a_second_tap_adds_nobody_twice(
        self, cast: Cast, olga: Browser, youtube: Group, march: str, ann: Member
    ) -> None:
        form = fill(olga.get(march).text, "member") | {"amount": "1.50"}
        olga.client.post(f"{march}/late-joiners", data=form)
        again = olga.client.post(f"{march}/late-joiners", data=form)

        assert again.status_code == 422
        assert "has a payment in this period already" in again.text
        assert len(cast.payments(period_id=period(cast, youtube, 2).id)) == 4

    def test_those_who_pay_already_are_not_offered(self, olga: Browser, march: str) -> None:
        assert "joined later" not in olga.get(march).text


def booking_of(olga: Browser, attempt: Attempt) -> str:
    """Find where the page of a void claim leads to book its money."""
    link = re.search(r'href="(/money-in\?[^"]*)"', olga.get(f"/review/{attempt.public_id}").text)
    assert link is not None
    return unescape(link[1])


def account_of(cast: Cast, due: Payment) -> str:
    """Say where the money of who owes this is booked."""
    people = cast.read(
        lambda session: [session.get_one(Contact, key).public_id for key in (due.contact_id, due.payer_id)]
    )
    return f"/money-in?account={'.'.join(people)}.EUR"


class TestVoiding:
    def test_a_void_period_leaves_the_books_and_comes_back(
        self, cast: Cast, olga: Browser, youtube: Group, march: str
    ) -> None:
        ben = cast.payments(period_id=period(cast, youtube, 2).id)[1]
        cast.do(confirm_payment, ben.id, by=cast.olga, now=NOW)
        send(olga, march, "reason", f"{march}/void", reason="billed twice")
        group_page = olga.get(f"/groups/{youtube.public_id}").text

        assert "Voided. What had been received is the members’ credit." in group_page
        assert "Voided periods (1)" in group_page
        assert "This period is void" in olga.get(march).text
        press(olga, march, f"{march}/restore")
        assert "Restored: 1 confirmed, 1 to pay." in olga.get(march).text
        assert period(cast, youtube, 2).voided_at is None
        statuses = [one.status for one in cast.payments(period_id=period(cast, youtube, 2).id)]
        assert statuses == [Status.CONFIRMED, Status.CONFIRMED, Status.PENDING]

    def test_nothing_is_owed_in_a_void_period(self, olga: Browser, youtube: Group, march: str) -> None:
        press(olga, march, f"{march}/void", reason="billed twice")
        shown = olga.get(march).text

        assert "Voided. Nothing had been received for it." in shown
        assert "Outstanding" not in shown
        assert " left<" not in shown
        assert shown.count("> void<") == 3

    def test_the_journal_says_that_the_period_was_voided(
        self, cast: Cast, olga: Browser, youtube: Group, march: str
    ) -> None:
        cast.join(youtube, "Ann")
        cast.join(youtube, "Zoe")
        april = f"/periods/{opened(cast, youtube)}"
        press(olga, april, f"{april}/void", reason="billed twice")
        told = olga.get("/journal").text

        act = told[: told.index("lines more")].rpartition("<li")[2]
        assert "April 2026 was voided before its time and opens again then." in act

    def test_what_is_said_before_and_after_a_void_is_what_becomes_of_its_days(
        self, cast: Cast, olga: Browser, youtube: Group, march: str
    ) -> None:
        april = f"/periods/{opened(cast, youtube)}"
        assert "It does not open again by itself." in olga.get(march).text
        assert "It was opened early and opens again when its time comes." in olga.get(april).text

        press(olga, april, f"{april}/void", reason="a slip")

        shown = olga.get(april).text
        assert "Nothing had been received for it. It opens again by itself on 1 April 2026." in shown
        assert "nobody is asked for it. It opens again by itself on 1 April 2026." in shown
        press(olga, march, f"{march}/void", reason="billed twice")
        assert "It does not open again by itself." in olga.get(march).text

    def test_a_void_period_whose_place_is_taken_can_not_be_restored(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        april = f"/periods/{opened(cast, youtube)}"
        press(olga, april, f"{april}/void", reason="a slip")
        opened(cast, youtube)

        shown = olga.get(april).text

        assert "Another period has its place." in shown
        assert "Restore it" not in shown

    def test_claims_that_close_with_it_are_named_and_can_be_booked(
        self, cast: Cast, olga: Browser, youtube: Group, march: str
    ) -> None:
        ben = cast.payments(period_id=period(cast, youtube, 2).id)[1]
        [attempt] = cast.do(
            claim_payments, ben.contact_id, [ben.id], by=Actor.contact(ben.contact_id), now=NOW
        )
        assert "1 claim of 2.99\xa0€ waits for a check" in olga.get(march).text

        send(olga, march, "reason", f"{march}/void", reason="a free month")

        assert f"/review/{attempt.public_id}" in olga.get(march).text
        form = fill(olga.get(booking_of(olga, attempt)).text, "amount")
        assert form["amount"] == "2.99"
        assert olga.client.post("/money-in", data=form | {"act": "record"}).status_code == 303

        assert f"/review/{attempt.public_id}" not in olga.get(march).text

    def test_money_of_a_void_claim_is_booked_once_and_without_what_was_taken_back(
        self, cast: Cast, olga: Browser, youtube: Group, march: str
    ) -> None:
        february, due = (cast.payments(period_id=period(cast, youtube, key).id)[1] for key in (1, 2))
        terms: dict[str, Any] = {"by": Actor.contact(due.contact_id), "now": NOW}
        [attempt] = cast.do(claim_payments, due.contact_id, [february.id, due.id], **terms)
        cast.do(withdraw_claim, due.contact_id, [february.id], **terms)
        send(olga, march, "reason", f"{march}/void", reason="a free month")

        link = booking_of(olga, attempt)
        form, stale = (fill(olga.get(link).text, "amount") for _again in range(2))
        assert form["amount"] == "2.99"
        assert olga.client.post("/money-in", data=form | {"act": "record"}).status_code == 303
        assert [one.attempt_id for one in receipts(cast)] == [attempt.id]

        told = olga.get(f"/review/{attempt.public_id}").text
        assert "Booked: 2.99\xa0€." in told
        assert "Book the money" not in told
        assert olga.get(link).location == f"/review/{attempt.public_id}"
        stale["version"] = fill(olga.get(account_of(cast, due)).text, "amount")["version"]
        refused = olga.client.post("/money-in", data=stale | {"act": "record"})
        assert "The money of this claim is booked already; nothing was changed." in refused.text
        assert len(receipts(cast)) == 1

    def test_a_claim_that_waits_is_decided_where_it_stands(
        self, cast: Cast, olga: Browser, youtube: Group, app: Flask, runtime: Runtime
    ) -> None:
        due = cast.payments(period_id=period(cast, youtube, 2).id)[1]
        [attempt] = cast.do(
            claim_payments, due.contact_id, [due.id], by=Actor.contact(due.contact_id), now=NOW
        )

        begun = f"/money-in?claim={attempt.public_id}"
        assert olga.get(begun).location == f"/review/{attempt.public_id}"
        assert olga.get("/money-in?claim=nothing").status_code == 404
        assert stranger(app, runtime).get(begun).status_code == 404

    def test_voiding_wants_a_reason(self, cast: Cast, olga: Browser, youtube: Group, march: str) -> None:
        form = fill(olga.get(march).text, "csrf_token")
        answer = olga.client.post(f"{march}/void", data={"csrf_token": form["csrf_token"], "reason": ""})

        assert answer.status_code == 422
        assert period(cast, youtube, 2).voided_at is None

    def test_a_second_tap_changes_nothing(
        self, cast: Cast, olga: Browser, youtube: Group, march: str
    ) -> None:
        press(olga, march, f"{march}/void", reason="billed twice")
        before = events(cast)
        answer = press(olga, march, f"{march}/void", reason="billed twice")

        assert answer.status_code == 422
        assert "void already; nothing was changed" in answer.text
        assert events(cast) == before


def opened(cast: Cast, group: Group) -> str:
    """Open the next period now; return its public id."""
    return cast.do(open_next_period, group.id, by=cast.olga, now=NOW).public_id


def test_the_page_takes_the_same_statements_however_many_pay(
    runtime: Runtime, cast: Cast, olga: Browser, youtube: Group, march: str
) -> None:
    with counted(runtime) as few:
        olga.get(march)
    crowd = cast.group("Club", "100.00")
    for number in range(12):
        cast.join(crowd, f"Guest {number}", email=None)
    cast.tick(NOW)
    page = f"/periods/{period(cast, crowd, 2).public_id}"
    with counted(runtime) as many:
        olga.get(page)

    assert len(few) == len(many) <= 10


def test_another_workspaces_admin_finds_no_period(
    app: Flask, runtime: Runtime, cast: Cast, march: str
) -> None:
    zed, before = stranger(app, runtime), events(cast)

    assert zed.get(march).status_code == 404
    for act in ("", "/void", "/restore", "/late-joiners"):
        assert press(zed, "/profile", march + act, reason="x", amount="1").status_code == 404
    assert events(cast) == before


def test_a_corrected_total_can_be_taken_back_on_the_page_that_follows(
    cast: Cast, olga: Browser, youtube: Group, march: str
) -> None:
    answer = send(olga, march, "total", total="5", reason="A slip")
    corrected = olga.get(answer.headers["Location"]).text
    assert "Corrected." in corrected
    [undo] = re.findall(r'action="(/decisions/[^"]+/undo)"', corrected)
    press(olga, march, undo)
    assert period(cast, youtube, 2).total_minor == 897
