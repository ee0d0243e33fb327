"""Claims whose money is partly there already, or went elsewhere: what they stand for, what deciding does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.money import Money
from substrack.domain.payments import Status
from substrack.queries.claim_sums import load_sums
from substrack.services.claim_decisions import confirm_claim
from substrack.services.claims import claim_payments
from substrack.services.credit import credit_minor
from substrack.services.deciding import NothingArrived
from substrack.services.payments import adjust_payment, confirm_payment
from substrack.services.periods import open_next_period
from substrack.services.undo import undo_decision
from substrack.store import Attempt, Group, Member, Payment, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

NOW = at("2026-02-02")
LATER, LATEST = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


@dataclass
class Scene:
    """Two open periods; ben owes 5.00 for each."""

    cast: Cast
    group: Group
    ben: Member

    def due(self, sequence: int = 1) -> Payment:
        return self.cast.payment_of(self.ben, sequence)

    def claim(self, *sequences: int, now: datetime = NOW, **terms: Any) -> Attempt:
        keys, by = [self.due(sequence).id for sequence in sequences], Actor.contact(self.ben.contact_id)
        [attempt] = self.cast.do(claim_payments, self.ben.contact_id, keys, by=by, now=now, **terms)
        return attempt

    def decide(self, act: Callable[..., Any], sequence: int = 1, *, now: datetime = NOW, **terms: Any) -> Any:
        return self.cast.do(act, self.due(sequence).id, by=self.cast.olga, now=now, **terms)

    def confirm_claim(self, attempt: Attempt, *, now: datetime = NOW, **terms: Any) -> Any:
        return self.cast.do(confirm_claim, attempt.id, by=self.cast.olga, now=now, **terms)

    def receipts(self) -> list[Receipt]:
        return self.cast.read(lambda session: list(session.scalars(select(Receipt).order_by(Receipt.id))))

    def stands_for(self, attempt: Attempt) -> Money:
        return self.cast.read(lambda session: load_sums(session, [attempt.id]))[attempt.id]

    def credit(self) -> int:
        pair = (self.ben.contact_id, self.cast.olga_contact)
        return self.cast.read(lambda session: credit_minor(session, *pair, "EUR"))

    def check(self) -> None:
        self.cast.read(check_books)


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="10.00", payer_included=False)
    ben, _mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    cast.do(open_next_period, group.id, by=cast.olga, now=at("2026-02-01"))
    return Scene(cast, group, ben)


def test_a_corrected_amount_makes_no_earlier_money_count_as_booked_for_a_claim(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("3.00"))
    attempt = scene.claim(1, 2, now=LATER)
    scene.decide(adjust_payment, amount=money("2.50"), reason="half", now=LATEST)
    scene.decide(confirm_payment, now=LATEST)
    assert scene.stands_for(attempt) == money("7.00")
    scene.check()


def test_earlier_credit_that_joins_earlier_money_counts_as_booked_for_no_claim(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("3.00"))
    attempt = scene.claim(1, 2, now=LATER)
    scene.decide(adjust_payment, amount=money("2.50"), reason="half", now=LATEST)
    scene.decide(confirm_payment, now=LATEST)
    scene.decide(adjust_payment, amount=money("3.00"), reason="not half", now=LATEST)
    assert (scene.due().received_minor, scene.credit()) == (300, 0)
    assert scene.stands_for(attempt) == money("7.00")
    scene.check()


def test_the_rest_of_a_claim_that_was_overpaid_is_settled_with_what_came_then(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    scene.decide(confirm_payment, amount=money("10.00"))
    assert (scene.stands_for(attempt).minor, scene.credit()) == (0, 500)
    outcome = scene.confirm_claim(attempt, now=LATER)
    assert (scene.due(2).status, scene.credit(), len(scene.receipts())) == (Status.CONFIRMED, 0, 1)
    scene.check()
    scene.cast.do(undo_decision, outcome.correlation_id, by=scene.cast.olga, now=LATER)
    assert (scene.due(2).status, scene.credit()) == (Status.MEMBER_CONFIRMED, 500)
    scene.check()


@pytest.mark.parametrize(("came", "booked"), [("10.00", ["10.00"]), ("8.00", ["8.00", "2.00"])])
def test_the_rest_of_an_overpaid_claim_confirmed_alone_brings_no_money_twice(
    scene: Scene, came: str, booked: list[str]
) -> None:
    scene.claim(1, 2)
    scene.decide(confirm_payment, amount=money(came))
    scene.decide(confirm_payment, 2, now=LATER)
    assert (scene.due(2).status, scene.credit()) == (Status.CONFIRMED, 0)
    assert [receipt.amount_minor for receipt in scene.receipts()] == [money(one).minor for one in booked]
    scene.check()


def test_a_claim_whose_money_went_elsewhere_is_answered_and_leaves_its_rest_open(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=NOW)
    scene.decide(confirm_payment, amount=money("10.00"))  # what is left of it settles the third
    scene.confirm_claim(attempt, now=LATER)
    assert [scene.due(k).status for k in (2, 3)] == [Status.PENDING, Status.CONFIRMED]
    assert len(scene.receipts()) == 1
    scene.check()


def test_what_came_for_one_payment_of_a_claim_writes_off_no_rest_of_another(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("9.96"))  # 4.96 of it settle most of the second
    scene.decide(adjust_payment, amount=money("6.00"), reason="more")
    attempt = scene.claim(1, 2)
    scene.confirm_claim(attempt, amount=money("1.00"))
    first, second = scene.due(1), scene.due(2)
    assert (first.status, first.written_off_minor) == (Status.CONFIRMED, 0)
    assert (second.status, second.received_minor, second.written_off_minor) == (Status.PENDING, 496, 0)
    scene.check()


def test_a_smaller_sum_that_was_claimed_is_what_is_booked(scene: Scene) -> None:
    scene.claim(1, amount=money("3.00"))
    scene.decide(confirm_payment)
    due = scene.due()
    assert (due.status, due.received_minor, scene.credit()) == (Status.PENDING, 300, 0)
    scene.check()


def test_what_an_amount_was_raised_by_after_the_claim_is_not_booked_with_it(scene: Scene) -> None:
    scene.claim(1)
    scene.decide(adjust_payment, amount=money("8.00"), reason="more", now=LATER)
    scene.decide(confirm_payment, now=LATEST)
    due = scene.due()
    assert (due.status, due.received_minor) == (Status.PENDING, 500)
    scene.check()


def test_payments_of_a_smaller_claim_confirmed_one_by_one_bring_no_more_than_it_states(scene: Scene) -> None:
    scene.claim(1, 2, amount=money("4.00"))
    scene.decide(confirm_payment)
    scene.decide(confirm_payment, 2, now=LATER)
    assert [scene.due(k).received_minor for k in (1, 2)] == [400, 0]
    assert [receipt.amount_minor for receipt in scene.receipts()] == [400]
    scene.check()


def test_nothing_is_confirmed_while_a_claim_stands_for_something(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    with pytest.raises(NothingArrived):
        scene.confirm_claim(attempt, amount=money("0.00"))
    scene.decide(confirm_payment, amount=money("9.00"))
    with pytest.raises(NothingArrived):
        scene.confirm_claim(attempt, amount=money("0.00"))
    with pytest.raises(NothingArrived):
        scene.decide(confirm_payment, 2, amount=money("0.00"))


@pytest.mark.parametrize("told", [{}, {"received_on": date(2026, 2, 1), "method": "cash"}])
def test_one_payment_confirmed_alone_keeps_day_and_method_of_its_claim(
    scene: Scene, told: dict[str, Any]
) -> None:
    scene.claim(1, paid_on=date(2026, 1, 28), method="PayPal")
    scene.decide(confirm_payment, **told)
    [receipt] = scene.receipts()
    wanted = (date(2026, 2, 1), "cash") if told else (date(2026, 1, 28), "PayPal")
    assert (receipt.received_on, receipt.method) == wanted
