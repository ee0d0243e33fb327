"""A hundred people reach for one payment: one of them moves it, once, and the others get a calm answer."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.payments import Status
from substrack.services.access import NoSuchPayment
from substrack.services.claims import claim_payments
from substrack.services.journal import record_payment
from substrack.services.ledger import DecidedAlready
from substrack.services.payments import Outcome, confirm_payment, reject_payment, waive_payment
from substrack.services.voiding import VoidAlready, void_period
from substrack.store import Payment, RoleGrant
from tests.races.conftest import NOW, Race
from tests.races.crowd import all_at_once, in_processes
from tests.support.cast import Cast

CROWD = 100


def test_a_hundred_claims_are_one_claim(race: Race) -> None:
    payment_id, by = race.payment.id, Actor.contact(race.ben.contact_id)

    def claim() -> int:
        return len(race.cast.do(claim_payments, race.ben.contact_id, [payment_id], by=by, now=NOW))

    assert sorted(map(_as_count, all_at_once([claim] * CROWD))) == [0] * (CROWD - 1) + [1]
    assert race.payment.status is Status.MEMBER_CONFIRMED
    assert race.events("claim") == 1
    assert race.notices() == _to_admins(race, "claim_received")
    race.check_books()


def test_claims_from_several_processes_are_one_claim(race: Race, tmp_path: Path, database_url: str) -> None:
    contact_id, payment_id = race.ben.contact_id, race.payment.id
    made = in_processes(3, claim_often, database_url, tmp_path, contact_id, payment_id)
    assert sorted(made) == [0, 0, 1]
    assert race.events("claim") == 1
    assert race.notices() == _to_admins(race, "claim_received")
    race.check_books()


def claim_often(runtime: Runtime, contact_id: int, payment_id: int) -> int:
    """Claim twenty times in a row; return how many of these presses made a claim."""
    by, made = Actor.contact(contact_id), 0
    for _ in range(20):
        with runtime.transaction() as session:
            made += len(claim_payments(session, contact_id, [payment_id], by=by, now=NOW))
    return made


def test_a_hundred_decisions_by_two_admins_are_one_decision(race: Race) -> None:
    race.claim()
    shown = race.payment

    def confirm(by: Actor) -> Outcome:
        return race.cast.do(confirm_payment, shown.id, by=by, now=NOW, version=shown.version)

    def reject(by: Actor) -> Outcome:
        terms: dict[str, Any] = {"reason": "not there", "version": shown.version}
        return race.cast.do(reject_payment, shown.id, by=by, now=NOW, **terms)

    works: list[Callable[[], Outcome]] = [
        partial(act, by)
        for act in (confirm, reject)
        for by in (race.cast.olga, race.ada)
        for _ in range(CROWD // 4)
    ]
    random.Random(7).shuffle(works)
    answers = all_at_once(works)
    assert [answer.changed for answer in answers if isinstance(answer, Outcome)].count(True) == 1
    assert {type(answer) for answer in answers if isinstance(answer, Refused)} <= {DecidedAlready}
    assert race.events("confirm", "reject") == 1
    answer = "received" if race.payment.status is Status.CONFIRMED else "rejected"
    assert race.notices() == sorted([*_to_admins(race, "claim_received"), (answer, race.ben.contact_id)])
    race.check_books()


def test_whoever_comes_late_hears_who_decided(race: Race) -> None:
    race.claim()
    shown = race.payment

    def reject(by: Actor) -> Outcome:
        terms: dict[str, Any] = {"reason": "not there", "version": shown.version}
        return race.cast.do(reject_payment, shown.id, by=by, now=NOW, **terms)

    answers = all_at_once([partial(reject, by) for by in (race.cast.olga, race.ada)])
    [late] = [answer for answer in answers if isinstance(answer, DecidedAlready)]
    [done] = [answer for answer in answers if isinstance(answer, Outcome)]
    assert done.changed
    winner = race.ada if answers.index(done) else race.cast.olga
    assert (late.verb, late.actor_id) == ("reject", winner.id)


def test_a_claim_a_confirmation_a_waiver_and_a_void_leave_one_story(race: Race) -> None:
    payment, by = race.payment, Actor.contact(race.ben.contact_id)
    period_id = payment.period_id or 0

    def claim() -> Any:
        return race.cast.do(claim_payments, race.ben.contact_id, [payment.id], by=by, now=NOW)

    def confirm() -> Any:
        return race.cast.do(confirm_payment, payment.id, by=race.cast.olga, now=NOW)

    def waive() -> Any:
        return race.cast.do(waive_payment, payment.id, reason="gift", by=race.ada, now=NOW)

    def void() -> Any:
        return race.cast.do(void_period, period_id, reason="twice", by=race.cast.olga, now=NOW)

    answers = all_at_once([claim, confirm, waive, void] * 5)
    refusals = {type(answer) for answer in answers if isinstance(answer, Refused)}
    assert refusals <= {DecidedAlready, NoSuchPayment, VoidAlready}
    assert race.events("void") == 1
    race.check_books()


def test_the_count_sees_a_claim_that_checks_before_it_writes(race: Race) -> None:
    """Plant the fault these tests are for: everybody looks, then everybody writes."""
    payment_id, looked = race.payment.id, Barrier(10, timeout=60)

    def careless() -> None:
        status = race.cast.read(lambda session: session.get_one(Payment, payment_id).status)
        looked.wait()
        if status is Status.PENDING:
            race.cast.do(_claim_whatever_it_is, payment_id)

    all_at_once([careless] * 10)
    assert race.events("claim") > 1
    with pytest.raises(AssertionError):
        race.check_books()


def _claim_whatever_it_is(session: Any, payment_id: int) -> None:
    session.execute(update(Payment).where(Payment.id == payment_id).values(status=Status.MEMBER_CONFIRMED))
    payment = session.get_one(Payment, payment_id)
    record_payment(session, "claim", payment, by=Actor.contact(payment.contact_id), now=NOW)


def _as_count(answer: int | Refused) -> int:
    assert not isinstance(answer, Refused), answer
    return answer


def _to_admins(race: Race, notice: str) -> list[tuple[str, int]]:
    return sorted((notice, contact_id) for contact_id in _admin_contacts(race.cast))


def _admin_contacts(cast: Cast) -> list[int]:
    return cast.read(lambda session: list(session.scalars(select(RoleGrant.contact_id))))
