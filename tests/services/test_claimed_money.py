"""Claims whose money is partly there already, or went elsewhere: what they stand for and what deciding does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from substrack.domain.actors import Actor
from substrack.domain.money import Money
from substrack.queries.claim_sums import load_sums
from substrack.services.claims import claim_payments
from substrack.services.credit import credit_minor
from substrack.services.payments import adjust_payment, confirm_payment
from substrack.services.periods import open_next_period
from substrack.store import Attempt, Group, Member, Payment
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

    def stands_for(self, attempt: Attempt) -> Money:
        return self.cast.read(lambda session: load_sums(session, [attempt.id]))[attempt.id]

    def credit(self) -> int:
        pair = (self.ben.contact_id, self.cast.olga_contact)
        return self.cast.read(lambda session: credit_minor(session, *pair, "EUR"))

    def check(self) -> None:
        self.cast.read(check_books)


@pytest.fixture
def scene(cast: Cast) -> Scene:
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
