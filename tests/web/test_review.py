"""Claims about reviewing: who said what, and one press that decides it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from attrs import evolve
from flask import Flask
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.delivery import MessageState
from substrack.services.claim_decisions import confirm_claim
from substrack.services.founding import Founded
from substrack.services.links import renew_pay_link
from substrack.services.payments import adjust_payment, confirm_payment
from substrack.store import Group, Member, Message
from substrack.web.app import create_app
from tests.support.cast import Cast, money
from tests.web.admin import events, stranger
from tests.web.forms import counted, fill, press, send
from tests.web.scenes import answers_to, claim, join_again, receipts, status_of
from tests.web.support import NOW, Browser, TurnableClock, browser


def _group_of(cast: Cast) -> str:
    return cast.read(lambda session: session.scalars(select(Group.public_id)).one())


@pytest.fixture
def mia(members: dict[str, Member]) -> Member:
    return members["Mia"]


class TestTheList:
    @pytest.mark.usefixtures("members")
    def test_without_claims_it_is_calm(self, olga: Browser) -> None:
        assert "Nothing waits" in olga.get("/review").text

    def test_a_press_is_one_row_with_all_that_was_said(self, olga: Browser, cast: Cast, ben: Member) -> None:
        attempt = claim(cast, ben, 1, 2, method="PayPal", note="Both <months>", paid_on=NOW.date())

        shown = olga.get("/review").text

        assert shown.count('class="claim"') == 1
        for told in (
            "Ben",
            "5.98\xa0€",
            "YouTube Premium, February 2026",
            "YouTube Premium, March 2026",
            "PayPal",
            "Both &lt;months&gt;",
            "paid on 1 Mar 2026",
            cast.payment_of(ben).reference,
        ):
            assert told in shown
        assert attempt.public_id in shown

    def test_a_quick_press_and_a_sum_that_differs_are_marked(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        claim(cast, ben, amount=money("2.00"), flagged=True)

        shown = olga.get("/review").text

        assert "pressed within a minute" in shown
        assert "2.99\xa0€ is owed" in shown

    def test_oldest_first_whatever_the_group(
        self, olga: Browser, cast: Cast, ben: Member, mia: Member
    ) -> None:
        gym = join_again(cast, cast.group("Gym"), "Theo")
        for member in (mia, gym, ben):
            claim(cast, member)

        shown = olga.get("/review").text

        assert shown.index(">Mia</h2>") < shown.index(">Theo</h2>") < shown.index(">Ben</h2>")

    def test_part_that_was_booked_is_no_longer_part_of_the_claim(
        self, olga: Browser, app: Flask, runtime: Runtime, cast: Cast, ben: Member
    ) -> None:
        claim(cast, ben, 1, 2)
        cast.do(confirm_payment, cast.payment_of(ben, 1).id, by=cast.olga, now=NOW)

        shown = olga.get("/review").text
        with runtime.transaction() as session:
            link = renew_pay_link(session, ben.contact_id, workspace_id=cast.workspace_id, now=NOW)
            url = runtime.signer.url(link)
        told = browser(app, runtime).get(url.removeprefix("http://127.0.0.1:8000")).text

        assert "Confirm 2.99\xa0€" in shown
        assert "0.00" not in shown
        assert "2 things" not in shown
        assert "You said you paid 2.99\xa0€" in told
        assert "will be your credit" not in told

    def test_statements_do_not_grow_with_the_claims(
        self, olga: Browser, runtime: Runtime, cast: Cast, ben: Member, mia: Member
    ) -> None:
        claim(cast, ben)
        with counted(runtime) as few:
            olga.get("/review")
        claim(cast, mia, 1, 2)
        claim(cast, ben, 2)
        with counted(runtime) as many:
            olga.get("/review")

        assert len(many) == len(few) <= 8

    @pytest.mark.only_sqlite
    def test_twenty_five_on_a_page(self, olga: Browser, cast: Cast, members: dict[str, Member]) -> None:
        group = cast.group("Club", "28.00")
        for number in range(27):
            member = cast.join(group, f"P{number}")
            members[member.public_id] = member
        cast.tick(NOW)
        for key, member in members.items():
            if key not in ("Ben", "Mia"):
                claim(cast, member)

        first, second = olga.get("/review").text, olga.get("/review?page=2").text

        assert (first.count('class="claim"'), second.count('class="claim"')) == (25, 2)
        assert "Page 1 of 2" in first
        assert olga.get("/review?page=99").text.count('class="claim"') == 2


class TestDeciding:
    def test_one_press_confirms_and_the_member_hears(self, olga: Browser, cast: Cast, ben: Member) -> None:
        attempt = claim(cast, ben, 1, 2)

        answer = send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm")

        assert (answer.status_code, answer.location) == (303, "/review")
        assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("confirmed", "confirmed")
        assert answers_to(cast, ben) == ["received"]
        assert "Confirmed: 5.98\xa0€" in olga.get("/review").text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("smtp_url", "says"),
        [
            ("", "No mail server is set, so the answer is kept under Messages."),
            ("smtp://localhost", "The member will hear."),
        ],
    )
    def test_nobody_is_said_to_hear_what_is_only_kept(
        self, runtime: Runtime, home: Founded, cast: Cast, ben: Member, smtp_url: str, says: str
    ) -> None:
        sending = replace(runtime, settings=evolve(runtime.settings, smtp_url=smtp_url))
        olga = browser(create_app(sending), sending)
        olga.sign_in(sending, home.user_id)
        attempt = claim(cast, ben)

        send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm")

        assert says in olga.get("/review").text

    def test_a_smaller_sum_leaves_the_rest_open(self, olga: Browser, cast: Cast, ben: Member) -> None:
        attempt = claim(cast, ben)

        send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm", amount="2,00")

        payment = cast.payment_of(ben)
        assert (payment.status, payment.received_minor) == ("pending", 200)
        assert "Booked: 2.00\xa0€; 0.99\xa0€ is left to pay." in olga.get("/review").text
        assert "Booked: 2.00\xa0€." in olga.get(f"/review/{attempt.public_id}").text

    def test_a_larger_sum_is_said_with_what_of_it_went_elsewhere(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        attempt = claim(cast, ben)  # 2.99 of February; 2.99 of March is open

        send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm", amount="50")

        beyond = "2.99\xa0€ of it settled other shares. 44.02\xa0€ of it is kept as credit."
        assert f"Confirmed: 50.00\xa0€. {beyond}" in olga.get("/review").text
        assert f"Booked: 50.00\xa0€. {beyond}" in olga.get(f"/review/{attempt.public_id}").text

    def test_what_was_booked_for_a_claim_before_is_not_said_again(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        attempt = claim(cast, ben, 1, 2)
        cast.do(confirm_payment, cast.payment_of(ben).id, by=cast.olga, now=NOW)

        send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm")

        assert "Confirmed: 2.99\xa0€." in olga.get("/review").text
        assert "Booked:" not in olga.get(f"/review/{attempt.public_id}").text

    @pytest.mark.only_sqlite
    def test_what_is_left_of_an_overpaid_claim_is_settled_with_earlier_money(
        self, olga: Browser, app: Flask, cast: Cast, ben: Member
    ) -> None:
        attempt = claim(cast, ben, 1, 2)
        cast.do(confirm_payment, cast.payment_of(ben).id, amount=money("5.98"), by=cast.olga, now=NOW)
        for url in ("/review", f"/review/{attempt.public_id}"):
            shown = olga.get(url).text
            assert "Settle with earlier money" in shown
            assert "this books no more" in shown
            assert "0.00\xa0€" not in shown
        assert "Ben: booked already" in olga.get(f"/groups/{_group_of(cast)}").text

        send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm")

        assert status_of(cast, ben, 2) == "confirmed"
        assert [receipt.amount_minor for receipt in receipts(cast)] == [598]
        assert "Settled with earlier money." in olga.get("/review").text

    def test_a_rejection_tells_why(self, olga: Browser, cast: Cast, ben: Member) -> None:
        attempt = claim(cast, ben)

        send(olga, "/review", "reason", to=f"/review/{attempt.public_id}/reject", reason="Nothing here")

        assert status_of(cast, ben) == "pending"
        assert answers_to(cast, ben) == ["rejected"]

    def test_a_rejection_without_reason_says_so_beside_the_field(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        attempt = claim(cast, ben)

        answer = send(olga, "/review", "reason", to=f"/review/{attempt.public_id}/reject", reason=" ")

        assert answer.status_code == 422
        assert "Say why; the member will read it." in answer.text
        assert status_of(cast, ben) == "member_confirmed"

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("typed", ["1.234", "-2", "0", "two", "3 USD", "", "  "])
    def test_a_wrong_sum_is_kept_and_explained(
        self, olga: Browser, cast: Cast, ben: Member, typed: str
    ) -> None:
        attempt = claim(cast, ben)

        answer = send(olga, "/review", "amount", to=f"/review/{attempt.public_id}/confirm", amount=typed)

        assert answer.status_code == 422
        assert f'name="amount" value="{typed}" inputmode="decimal"' in answer.text
        assert "field-error" in answer.text
        assert "required" in answer.text[answer.text.index('name="amount"') :].partition(">")[0]
        assert status_of(cast, ben) == "member_confirmed"

    def test_a_second_tap_hears_calmly_who_decided(self, olga: Browser, cast: Cast, ben: Member) -> None:
        attempt = claim(cast, ben)
        fields = fill(olga.get("/review").text, "versions")
        for _tap in range(2):
            answer = olga.client.post(f"/review/{attempt.public_id}/confirm", data=fields)

        assert (answer.status_code, answer.location) == (303, "/review")
        assert "Olga confirmed this at 10:00; nothing was changed." in olga.get("/review").text
        assert len(receipts(cast)) == 1

    def test_a_decision_on_an_older_version_changes_nothing(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        attempt = claim(cast, ben)
        shown = olga.get("/review").text
        payment = cast.payment_of(ben)
        cast.do(adjust_payment, payment.id, amount=money("2.50"), reason="Typo", by=cast.olga, now=NOW)
        versions = f"{payment.public_id}:{payment.version}"
        assert versions in shown

        press(olga, "/review", f"/review/{attempt.public_id}/confirm", versions=versions, next="/review")

        assert "Olga corrected the amount at 10:00; nothing was changed." in olga.get("/review").text
        assert status_of(cast, ben) == "member_confirmed"
        assert receipts(cast) == []

    def test_undo_puts_all_back_within_ten_seconds_only(
        self, olga: Browser, cast: Cast, ben: Member, clock: TurnableClock
    ) -> None:
        attempt = claim(cast, ben)
        send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm")
        page = olga.get("/review").text
        undo = page[page.index("/decisions/") :].partition('"')[0]

        clock.turn(timedelta(seconds=10))
        answer = press(olga, "/groups", undo, next="/review")

        assert answer.location == "/review"
        assert status_of(cast, ben) == "member_confirmed"
        assert answers_to(cast, ben) == []
        assert receipts(cast) == []

        send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm")
        page = olga.get("/review").text
        undo = page[page.index("/decisions/") :].partition('"')[0]
        clock.turn(timedelta(seconds=11))
        press(olga, "/groups", undo, next="/review")

        assert status_of(cast, ben) == "confirmed"
        assert "Too late to undo" in olga.get("/review").text

    def test_a_decided_claim_says_what_became_of_it(self, olga: Browser, cast: Cast, ben: Member) -> None:
        attempt = claim(cast, ben)
        cast.do(confirm_claim, attempt.id, by=cast.olga, now=NOW)

        assert "Olga confirmed this at 10:00" in olga.get(f"/review/{attempt.public_id}").text


class TestSeveral:
    def test_several_at_once_and_one_undo(self, olga: Browser, cast: Cast, ben: Member, mia: Member) -> None:
        claim(cast, ben)
        claim(cast, mia)
        chosen = _ticked(olga)

        press(olga, "/review", "/review", act="confirm", claim=chosen, next="/review")

        assert (status_of(cast, ben), status_of(cast, mia)) == ("confirmed", "confirmed")
        page = olga.get("/review").text
        undo = page[page.index("/decisions/") :].partition('"')[0]
        also = page[page.index('name="also" value="') + 19 :].partition('"')[0]
        press(olga, "/groups", undo, also=also, next="/review")
        assert (status_of(cast, ben), status_of(cast, mia)) == ("member_confirmed", "member_confirmed")

    def test_an_undo_of_several_says_what_it_could_not_undo(
        self, olga: Browser, cast: Cast, runtime: Runtime, ben: Member, mia: Member
    ) -> None:
        claim(cast, ben)
        claim(cast, mia)
        press(olga, "/review", "/review", act="confirm", claim=_ticked(olga), next="/review")
        page = olga.get("/review").text
        undo = page[page.index("/decisions/") :].partition('"')[0]
        also = page[page.index('name="also" value="') + 19 :].partition('"')[0]
        with runtime.transaction() as session:
            answer = session.scalars(select(Message).where(Message.correlation_id == also)).one()
            answer.state = MessageState.SENDING

        press(olga, "/groups", undo, also=also, next="/review")

        assert "notice-bad" in (told := olga.get("/review").text)
        assert "Undone: 1. Not undone: 1. Too late to undo" in told
        assert (status_of(cast, ben), status_of(cast, mia)) == ("member_confirmed", "confirmed")

    def test_what_was_decided_meanwhile_is_left_alone(
        self, olga: Browser, cast: Cast, ben: Member, mia: Member
    ) -> None:
        first, _second = claim(cast, ben), claim(cast, mia)
        chosen = _ticked(olga)
        cast.do(confirm_claim, first.id, by=cast.olga, now=NOW)

        press(olga, "/review", "/review", act="reject", reason="No", claim=chosen, next="/review")

        assert (status_of(cast, ben), status_of(cast, mia)) == ("confirmed", "pending")
        assert "in the meantime: 1" in olga.get("/review").text

    @pytest.mark.only_sqlite
    def test_rejecting_several_needs_a_reason_and_keeps_the_ticks(
        self, olga: Browser, cast: Cast, ben: Member, mia: Member
    ) -> None:
        claim(cast, ben)
        claim(cast, mia)

        answer = press(olga, "/review", "/review", act="reject", claim=_ticked(olga)[:1])

        assert answer.status_code == 422
        assert "Say why; the member will read it." in answer.text
        assert answer.text.count(" checked>") == 1
        assert press(olga, "/review", "/review", act="confirm").status_code == 422

    @pytest.mark.only_sqlite
    def test_one_that_is_gone_stops_none_of_the_others_and_all_is_told(
        self, olga: Browser, cast: Cast, ben: Member, mia: Member
    ) -> None:
        claim(cast, ben)
        claim(cast, mia)
        first, second = _ticked(olga)

        press(olga, "/review", "/review", act="confirm", claim=[first, "nowhere x:1", second], next="/review")

        assert (status_of(cast, ben), status_of(cast, mia)) == ("confirmed", "confirmed")
        told = olga.get("/review").text
        assert "Confirmed: 2." in told
        assert "in the meantime: 1" in told
        assert told.count('name="also"') == 1

    @pytest.mark.only_sqlite
    def test_what_is_refused_stays_ticked_and_says_why(
        self, olga: Browser, cast: Cast, ben: Member, mia: Member
    ) -> None:
        claim(cast, ben)
        claim(cast, mia)

        answer = press(olga, "/review", "/review", act="reject", reason="\x1b", claim=_ticked(olga))

        assert answer.status_code == 422
        assert "invisible control character" in answer.text
        assert answer.text.count(" checked>") == 2


class TestStrangers:
    def test_zed_finds_nothing_of_olgas(self, app: Flask, runtime: Runtime, cast: Cast, ben: Member) -> None:
        attempt = claim(cast, ben)
        zed = stranger(app, runtime)
        before = events(cast)

        assert ">Ben</h2>" not in zed.get("/review").text
        assert zed.get(f"/review/{attempt.public_id}").status_code == 404
        for act in ("confirm", "reject"):
            answer = press(zed, "/profile", f"/review/{attempt.public_id}/{act}", reason="x")
            assert answer.status_code == 404
        chosen = f"{attempt.public_id} {cast.payment_of(ben).public_id}:2"
        press(zed, "/profile", "/review", act="confirm", claim=chosen)
        assert status_of(cast, ben) == "member_confirmed"
        assert events(cast) == before

    @pytest.mark.only_sqlite
    def test_nobody_undoes_what_another_did(
        self, app: Flask, runtime: Runtime, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        attempt = claim(cast, ben)
        send(olga, "/review", "versions", to=f"/review/{attempt.public_id}/confirm")
        page = olga.get("/review").text
        undo = page[page.index("/decisions/") :].partition('"')[0]

        press(stranger(app, runtime), "/profile", undo)

        assert status_of(cast, ben) == "confirmed"


def _ticked(olga: Browser) -> list[str]:
    shown = olga.get("/review").text
    return [part.partition('"')[0] for part in shown.split('name="claim" value="')[1:]]


@pytest.mark.only_sqlite
def test_everything_is_ticked_by_a_link(olga: Browser, cast: Cast, ben: Member, mia: Member) -> None:
    claim(cast, ben, 1)
    claim(cast, mia, 1)

    boxes = re.findall(r'<input[^>]*name="claim"[^>]*>', olga.get("/review?ticked=all").text)

    assert len(boxes) == 2
    assert all(" checked" in box for box in boxes)
