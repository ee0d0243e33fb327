"""A hundred decide about one claim, and a crowd presses its links at once: one of them decides, once."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.payments import Status
from substrack.services.claim_decisions import ClaimDecided, ClaimOutcome, confirm_claim, reject_claim
from substrack.services.claims import claim_payments
from substrack.services.ledger import DecidedAlready
from substrack.services.links import issue_link, renew_pay_link
from substrack.services.receipts import ClaimBooked, record_receipt
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.services.voiding import void_period
from substrack.store import Attempt, Link, LinkPurpose, Payment, Receipt, RoleGrant
from substrack.web.app import create_app
from tests.races.conftest import NOW, Race
from tests.races.crowd import all_at_once
from tests.support.cast import at, money
from tests.web.forms import fill

CROWD = 100
BROWSERS = 24


@pytest.fixture
def owed(race: Race) -> list[Payment]:
    """Two periods that ben owes 2.99 each for."""
    race.cast.tick(at("2026-03-01"))
    return [race.cast.payment_of(race.ben, sequence=number) for number in (1, 2)]


@pytest.fixture
def attempt(race: Race, owed: list[Payment]) -> Attempt:
    """Ben's claim of both."""
    by, keys = Actor.contact(race.ben.contact_id), [payment.id for payment in owed]
    [made] = race.cast.do(claim_payments, race.ben.contact_id, keys, by=by, now=NOW)
    return made


@pytest.fixture
def app(race: Race) -> Flask:
    """Give the pages, on the clock of the race."""
    app = create_app(replace(race.cast.runtime, clock=lambda: NOW))
    app.testing = True
    return app


@pytest.mark.parametrize("with_versions", [True, False], ids=["as shown", "blindly"])
def test_a_hundred_decisions_about_a_claim_are_one(
    race: Race, attempt: Attempt, owed: list[Payment], with_versions: bool
) -> None:
    shown = {one.id: race.cast.payments(id=one.id)[0].version for one in owed} if with_versions else None

    def confirm(by: Actor) -> ClaimOutcome:
        return race.cast.do(confirm_claim, attempt.id, by=by, now=NOW, versions=shown)

    def reject(by: Actor) -> ClaimOutcome:
        terms: dict[str, Any] = {"reason": "not there", "versions": shown}
        return race.cast.do(reject_claim, attempt.id, by=by, now=NOW, **terms)

    works: list[Callable[[], ClaimOutcome]] = [
        partial(act, by)
        for act in (confirm, reject)
        for by in (race.cast.olga, race.ada)
        for _ in range(CROWD // 4)
    ]
    random.Random(11).shuffle(works)
    answers = all_at_once(works)
    assert len([answer for answer in answers if isinstance(answer, ClaimOutcome)]) == 1
    assert {type(one) for one in answers if isinstance(one, Refused)} <= {ClaimDecided, DecidedAlready}
    _is_decided_once(race, owed)


def test_the_money_of_a_void_claim_is_booked_once_by_twenty(race: Race) -> None:
    [claim] = race.claim()
    race.cast.do(void_period, race.payment.period_id, reason="a slip", by=race.cast.olga, now=NOW)

    def book(by: Actor) -> Receipt:
        who = {"contact_id": race.ben.contact_id, "payer_id": race.cast.olga_contact, "attempt_id": claim.id}
        terms: dict[str, Any] = {"amount": money("2.99"), "by": by, "now": NOW}
        return race.cast.do(record_receipt, race.cast.workspace_id, **who, **terms)

    answers = all_at_once([partial(book, by) for by in (race.cast.olga, race.ada) for _ in range(10)])
    assert len([answer for answer in answers if isinstance(answer, Receipt)]) == 1
    assert {type(one) for one in answers if isinstance(one, Refused)} == {ClaimBooked}
    race.check_books()


def test_a_hundred_undos_take_one_decision_back_once(
    race: Race, attempt: Attempt, owed: list[Payment]
) -> None:
    done = race.cast.do(confirm_claim, attempt.id, by=race.cast.olga, now=NOW)

    def undo() -> Any:
        return race.cast.do(undo_decision, done.correlation_id, by=race.cast.olga, now=NOW)

    answers = all_at_once([undo] * CROWD)
    refusals = [type(answer) for answer in answers if isinstance(answer, Refused)]
    assert set(refusals) <= {TooLateToUndo, DecidedAlready}
    assert race.events("undo") == 1
    assert {race.cast.payments(id=one.id)[0].status for one in owed} == {Status.MEMBER_CONFIRMED}
    race.check_books()


def test_presses_on_the_members_page_at_once_are_one_claim(
    race: Race, owed: list[Payment], app: Flask
) -> None:
    url = _url(race, renew_pay_link, race.ben.contact_id)
    fields = {"act": "claim", "payment": [payment.public_id for payment in owed]}

    assert _press_at_once(app, url, fields) == [303] * BROWSERS
    assert race.events("claim") == 1
    assert _news(race) == _to_admins(race)
    race.check_books()


def test_presses_in_the_mails_of_two_admins_are_one_decision(
    race: Race, attempt: Attempt, owed: list[Payment], app: Flask
) -> None:
    urls = [_decide_url(race, attempt, by) for by in (race.cast.olga, race.ada)]
    shown = fill(app.test_client().get(urls[0]).text, "versions")
    posts = [
        (url, shown | fields)
        for url in urls
        for fields in ({"act": "confirm"}, {"act": "reject", "reason": "not there"})
    ]
    works = [partial(_post, app, *post) for post in posts * (BROWSERS // len(posts))]
    answers = all_at_once(works)
    alike = BROWSERS // len(posts)  # who presses again what they decided hears that it is done
    assert sorted(map(str, answers)) == ["303"] * alike + ["409"] * (BROWSERS - alike)
    _is_decided_once(race, owed)


def _press_at_once(app: Flask, url: str, fields: dict[str, Any]) -> list[int | Refused]:
    return all_at_once([partial(_post, app, url, fields)] * BROWSERS)


def _post(app: Flask, url: str, fields: dict[str, Any]) -> int:
    return app.test_client().post(url, data=fields).status_code


def _url(race: Race, make: Callable[..., Link], *args: Any, **facts: Any) -> str:
    runtime = race.cast.runtime
    link = race.cast.do(make, *args, workspace_id=race.cast.workspace_id, now=NOW, **facts)
    return runtime.signer.url(link).removeprefix(runtime.settings.base_url)


def _decide_url(race: Race, attempt: Attempt, by: Actor) -> str:
    query = select(RoleGrant.contact_id).where(RoleGrant.user_id == by.id)
    contact_id = race.cast.read(lambda session: session.scalars(query).one())
    facts = {"contact_id": contact_id, "user_id": by.id, "attempt_id": attempt.id}
    return _url(race, issue_link, LinkPurpose.DECIDE, **facts)


def _is_decided_once(race: Race, owed: list[Payment]) -> None:
    """Check that every payment moved once, to the same end, and that everybody heard of it once."""
    assert race.events("confirm", "reject") == 1
    [status] = {race.cast.payments(id=one.id)[0].status for one in owed}
    answer = "received" if status is Status.CONFIRMED else "rejected"
    assert _news(race) == sorted([*_to_admins(race), (answer, race.ben.contact_id)])
    race.check_books()


def _news(race: Race) -> list[tuple[str, int]]:
    """List what was queued, without what time asked for."""
    return [one for one in race.notices() if one[0] not in ("request", "reminder", "bill_wanted")]


def _to_admins(race: Race) -> list[tuple[str, int]]:
    contacts = race.cast.read(lambda session: list(session.scalars(select(RoleGrant.contact_id))))
    return sorted(("claim_received", contact_id) for contact_id in contacts)
