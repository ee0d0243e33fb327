"""Claims about deciding from a mail: two buttons, for one admin and one claim, for three days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.services.claim_decisions import confirm_claim, reject_claim
from substrack.services.claims import withdraw_claim
from substrack.services.links import issue_link
from substrack.services.payments import confirm_payment
from substrack.services.putting_off import snooze_payments
from substrack.store import Attempt, Event, LinkPurpose, Member, Message, User
from tests.support.cast import Cast, money
from tests.web.admin import contact_named, events
from tests.web.forms import fill, send
from tests.web.scenes import answers_to, claim, receipts, status_of
from tests.web.support import NOW, Browser, TurnableClock


@pytest.fixture
def attempt(cast: Cast, ben: Member) -> Attempt:
    return claim(cast, ben, 1, 2, note="Both <months>")


@pytest.fixture
def url(runtime: Runtime, cast: Cast, attempt: Attempt) -> str:
    return _link(runtime, cast, attempt)


def _link(runtime: Runtime, cast: Cast, attempt: Attempt) -> str:
    with runtime.transaction() as session:
        link = issue_link(
            session,
            LinkPurpose.DECIDE,
            now=NOW,
            workspace_id=cast.workspace_id,
            contact_id=cast.olga_contact,
            user_id=cast.olga.id,
            attempt_id=attempt.id,
        )
        return runtime.signer.url(link).removeprefix("http://127.0.0.1:8000")


@pytest.mark.only_sqlite
def test_what_is_left_of_an_overpaid_claim_is_settled_with_earlier_money(
    zed: Browser, cast: Cast, ben: Member, url: str
) -> None:
    cast.do(confirm_payment, cast.payment_of(ben).id, amount=money("5.98"), by=cast.olga, now=NOW)
    shown = zed.get(url).text
    assert "Settle with earlier money" in shown
    assert "Did it arrive?" not in shown
    assert "0.00\xa0€" not in shown

    send(zed, url, "versions", act="confirm")

    assert status_of(cast, ben, 2) == "confirmed"
    assert [receipt.amount_minor for receipt in receipts(cast)] == [598]


def test_a_slash_that_a_mail_program_adds_is_no_other_page(zed: Browser, url: str) -> None:
    assert zed.get(f"{url}/").text == zed.get(url).text


def test_looking_shows_the_claim_and_changes_nothing(zed: Browser, cast: Cast, url: str) -> None:
    before = events(cast)

    shown = zed.get(url)
    zed.client.head(url)

    for told in ("Ben says: paid", "5.98\xa0€", "YouTube Premium, March 2026", "Both &lt;months&gt;"):
        assert told in shown.text
    assert shown.text.index('value="confirm"') < shown.text.index('value="reject"')
    assert shown.text.count("btn-choice") == 2
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in shown.headers
    assert events(cast) == before


@pytest.mark.only_sqlite
def test_who_is_not_the_payer_reads_whose_account_it_is(
    zed: Browser, olga: Browser, cast: Cast, attempt: Attempt, url: str
) -> None:
    of_review = f"/review/{attempt.public_id}"
    assert "Look into your account. Did it arrive?" in zed.get(url).text
    assert "account" not in olga.get(of_review).text.partition("<main")[2]
    mia = contact_named(cast, "Mia").id
    with cast.runtime.transaction() as session:
        session.execute(update(Attempt).where(Attempt.id == attempt.id).values(payer_id=mia))

    shown = zed.get(url).text

    assert "It goes to Mia’s account. Did it arrive there?" in shown
    assert "your account" not in shown
    assert "to Mia’s account" in olga.get(of_review).text
    assert "look into your account" not in olga.get("/review").text


def test_confirm_decides_as_that_admin(zed: Browser, cast: Cast, ben: Member, url: str) -> None:
    answer = send(zed, url, "versions", act="confirm")

    assert (answer.status_code, answer.location) == (303, url)
    assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("confirmed", "confirmed")
    event = cast.read(lambda session: session.scalars(select(Event).where(Event.verb == "confirm")).all())[0]
    assert (event.actor_id, event.via) == (cast.olga.id, "link")
    assert "Olga confirmed this at 10:00." in zed.get(url).text


@pytest.mark.parametrize("seconds", [20, 90])
def test_a_press_within_a_minute_of_the_mail_is_flagged_and_can_be_taken_back(
    zed: Browser, olga: Browser, cast: Cast, ben: Member, attempt: Attempt, url: str, seconds: int
) -> None:
    with cast.runtime.transaction() as session:
        came = {"sent_at": NOW - timedelta(seconds=seconds)}
        session.execute(update(Message).where(Message.attempt_id == attempt.id).values(came))

    send(zed, url, "versions", act="confirm")

    doubt = "a program that reads mail may have pressed it"
    assert (doubt in zed.get(url).text) is (seconds < 60)
    assert (doubt in olga.get(f"/review/{attempt.public_id}").text) is (seconds < 60)
    zed.client.post(url, data={"act": "undo"})
    assert status_of(cast, ben, 1) == "member_confirmed"


def _take_back(cast: Cast, ben: Member) -> None:
    payments = [cast.payment_of(ben, sequence).id for sequence in (1, 2)]
    by = Actor.contact(ben.contact_id)
    cast.do(withdraw_claim, ben.contact_id, payments, by=by, now=NOW)


def test_of_a_claim_that_was_taken_back_only_that_is_said(
    zed: Browser, olga: Browser, runtime: Runtime, cast: Cast, ben: Member
) -> None:
    attempt = claim(cast, ben, 1, 2, flagged=True)
    url = _link(runtime, cast, attempt)
    with runtime.transaction() as session:
        session.execute(update(Message).where(Message.attempt_id == attempt.id).values(sent_at=NOW))
    _take_back(cast, ben)

    payment = f"/payments/{cast.payment_of(ben).public_id}"
    for shown in (zed.get(url).text, olga.get(f"/review/{attempt.public_id}").text):
        assert "Ben took this back at 10:00." in shown
        assert "nothing was changed" not in shown
    for page in (zed.get(url), olga.get(f"/review/{attempt.public_id}"), olga.get(payment)):
        assert "within a minute" not in page.text
        assert "says: paid" not in page.text
    assert "<h1>Ben: taken back</h1>" in zed.get(url).text


def test_a_claim_that_was_pressed_quickly_is_not_said_to_be_decided_quickly(
    zed: Browser, olga: Browser, runtime: Runtime, cast: Cast, ben: Member
) -> None:
    attempt = claim(cast, ben, flagged=True)
    cast.do(confirm_claim, attempt.id, by=cast.olga, now=NOW)

    for page in (zed.get(_link(runtime, cast, attempt)), olga.get(f"/review/{attempt.public_id}")):
        assert "Decided within a minute" not in page.text


def test_what_was_booked_stays_to_be_read(zed: Browser, url: str) -> None:
    send(zed, url, "versions", act="confirm")

    shown = zed.get(url).text

    assert shown.count("2.99\xa0€") == 2
    assert "0.00" not in shown


def test_more_than_is_owed_is_said_before_it_is_confirmed(
    zed: Browser, runtime: Runtime, cast: Cast, ben: Member
) -> None:
    url = _link(runtime, cast, claim(cast, ben, 1, 2, amount=money("20.00")))

    shown = zed.get(url).text

    assert "5.98\xa0€ is owed" in shown
    assert "14.02\xa0€ credit" in shown


def test_reject_needs_a_reason_and_keeps_what_was_typed(
    zed: Browser, cast: Cast, ben: Member, url: str
) -> None:
    answer = send(zed, url, "versions", act="reject", reason="", amount="3")
    assert answer.status_code == 422
    assert "Say why; the member will read it." in answer.text
    assert 'value="3"' in answer.text

    send(zed, url, "versions", act="reject", reason="Not there")

    assert status_of(cast, ben) == "pending"
    assert answers_to(cast, ben) == ["rejected"]


def test_a_smaller_sum_can_be_booked(zed: Browser, cast: Cast, ben: Member, url: str) -> None:
    assert send(zed, url, "versions", act="confirm", amount="1.234").status_code == 422

    send(zed, url, "versions", act="confirm", amount="2.99")

    assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("confirmed", "pending")
    assert "Booked: 2.99\xa0€." in zed.get(url).text


def test_of_a_larger_sum_it_is_said_what_is_credit(zed: Browser, url: str) -> None:
    assert "Booked:" not in zed.get(url).text

    send(zed, url, "versions", act="confirm", amount="20")

    assert "Booked: 20.00\xa0€. 14.02\xa0€ of it is kept as credit." in zed.get(url).text


def test_who_comes_too_late_reads_who_decided(
    zed: Browser, cast: Cast, attempt: Attempt, ben: Member, url: str
) -> None:
    fields = fill(zed.get(url).text, "versions")
    cast.do(confirm_claim, attempt.id, by=cast.olga, now=NOW)

    late = zed.client.post(url, data=fields | {"act": "reject", "reason": "No"})

    assert late.status_code == 409
    assert "nothing was done" in late.text
    assert "Olga confirmed this at 10:00." in late.text
    assert len(receipts(cast)) == 1


@pytest.mark.parametrize(
    "said",
    [{"act": "reject", "reason": "Not there"}, {"act": "confirm"}, {"act": "confirm", "amount": "2.99"}],
)
def test_a_double_tap_is_answered_like_one(
    zed: Browser, cast: Cast, ben: Member, url: str, said: dict[str, str]
) -> None:
    fields = fill(zed.get(url).text, "versions") | said
    first, second = (zed.client.post(url, data=fields) for _tap in range(2))

    assert (first.status_code, first.location) == (second.status_code, second.location) == (303, url)
    assert len(answers_to(cast, ben)) == 1


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"act": "reject", "reason": "Not there"}, {"act": "reject", "reason": "Too little"}),
        ({"act": "confirm"}, {"act": "confirm", "amount": "2.99"}),
        ({"act": "confirm"}, {"act": "reject", "reason": "Not there"}),
    ],
)
def test_another_decision_from_the_same_page_is_told_that_it_was_not_made(
    zed: Browser, url: str, first: dict[str, str], second: dict[str, str]
) -> None:
    fields = fill(zed.get(url).text, "versions")
    assert zed.client.post(url, data=fields | first).status_code == 303

    late = zed.client.post(url, data=fields | second)

    assert late.status_code == 409
    assert "nothing was done" in late.text


def test_a_decision_can_be_undone_for_ten_seconds(
    zed: Browser, cast: Cast, ben: Member, url: str, clock: TurnableClock
) -> None:
    send(zed, url, "versions", act="confirm")
    zed.client.post(url, data={"act": "undo"})
    assert status_of(cast, ben) == "member_confirmed"

    send(zed, url, "versions", act="confirm")
    clock.turn(timedelta(seconds=11))
    assert 'value="undo"' not in zed.get(url).text
    assert zed.client.post(url, data={"act": "undo"}).status_code == 409
    assert status_of(cast, ben) == "confirmed"


@pytest.mark.only_sqlite
def test_the_link_ends_after_three_days_and_with_the_admin(
    app: Flask, zed: Browser, runtime: Runtime, cast: Cast, ben: Member, url: str, clock: TurnableClock
) -> None:
    clock.turn(timedelta(hours=72))
    assert zed.get(url).status_code == 404
    assert zed.client.post(url, data={"act": "confirm"}).status_code == 404
    clock.now = NOW
    with runtime.transaction() as session:
        session.get_one(User, cast.olga.id).deactivated_at = NOW
    assert zed.get(url).status_code == 404
    assert zed.client.post(url, data={"act": "confirm"}).status_code == 404
    assert status_of(cast, ben) == "member_confirmed"


@pytest.mark.only_sqlite
def test_only_its_two_buttons_do_something(zed: Browser, cast: Cast, ben: Member, url: str) -> None:
    for fields in ({}, {"act": "waive"}):
        assert zed.client.post(url, data=fields).status_code == 400
    assert zed.get(url.replace("/decide/", "/pay/")).status_code == 404
    assert status_of(cast, ben) == "member_confirmed"


@pytest.mark.only_sqlite
def test_who_comes_late_hears_the_decision_and_not_what_followed(
    zed: Browser, olga: Browser, cast: Cast, ben: Member, attempt: Attempt, url: str
) -> None:
    ada = cast.second_admin()
    cast.do(reject_claim, attempt.id, reason="Not there.", by=ada, now=NOW)
    payments = [cast.payment_of(ben, sequence).id for sequence in (1, 2)]
    member = Actor.contact(ben.contact_id)
    cast.do(snooze_payments, ben.contact_id, payments, until=date(2026, 3, 5), by=member, now=NOW)

    for page in (zed.get(url), olga.get(f"/review/{attempt.public_id}")):
        assert "rejected this" in page.text
        assert "changed this" not in page.text
