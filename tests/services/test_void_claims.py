"""Claims of "I've paid" whose period was voided: what they stand for, and that their money is booked once."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.payments import Status
from substrack.queries.claim_sums import load_sums
from substrack.queries.period_claims import PeriodClaims, load_period_claims
from substrack.services.claim_decisions import NoSuchClaim
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.payments import confirm_payment
from substrack.services.periods import open_next_period
from substrack.services.rebooking import book_another_sum
from substrack.services.receipts import ClaimBooked, record_receipt, void_receipt
from substrack.services.voiding import restore_period, void_period
from substrack.store import Attempt, Group, Member, Payment, Period, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

NOW = at("2026-02-02")
VOIDED_AT, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


@dataclass
class Scene:
    """Two open periods; ben owes 10.00 for each."""

    cast: Cast
    group: Group
    ben: Member

    def due(self, sequence: int = 1) -> Payment:
        return self.cast.payment_of(self.ben, sequence)

    def claim(self, *sequences: int, **terms: Any) -> Attempt:
        keys, by = [self.due(sequence).id for sequence in sequences], Actor.contact(self.ben.contact_id)
        [attempt] = self.cast.do(claim_payments, self.ben.contact_id, keys, by=by, now=NOW, **terms)
        return attempt

    def withdraw(self, sequence: int) -> None:
        keys, by = [self.due(sequence).id], Actor.contact(self.ben.contact_id)
        self.cast.do(withdraw_claim, self.ben.contact_id, keys, by=by, now=NOW)

    def confirm(self, sequence: int, **terms: Any) -> None:
        self.cast.do(confirm_payment, self.due(sequence).id, by=self.cast.olga, now=NOW, **terms)

    def void(self, sequence: int = 1) -> None:
        self.cast.do(void_period, self.key(sequence), reason="a slip", by=self.cast.olga, now=VOIDED_AT)

    def book(self, amount: str, **terms: Any) -> Receipt:
        who = {"contact_id": self.ben.contact_id, "payer_id": self.cast.olga_contact}
        chosen = who | {"by": self.cast.olga, "now": LATER} | terms
        return self.cast.do(record_receipt, self.cast.workspace_id, amount=money(amount), **chosen)

    def key(self, sequence: int = 1) -> int:
        query = select(Period.id).where(Period.group_id == self.group.id, Period.sequence == sequence)
        return self.cast.read(lambda session: session.scalars(query).one())

    def named(self, sequence: int = 1) -> PeriodClaims:
        key = self.key(sequence)
        voided_at = self.cast.read(lambda session: session.get_one(Period, key).voided_at)
        return self.cast.read(lambda session: load_period_claims(session, key, "EUR", voided_at=voided_at))

    def sums(self, sequence: int = 1) -> list[str]:
        """List what is named of a period, and check that it adds up."""
        claims = self.named(sequence)
        assert claims.count == len(claims.named)
        assert claims.amount.minor == sum(one.amount.minor for one in claims.named)
        return [one.amount.major() for one in claims.named]

    def stands_for(self, attempt: Attempt) -> str:
        return self.cast.read(lambda session: load_sums(session, [attempt.id]))[attempt.id].major()


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="20.00")
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    cast.do(open_next_period, group.id, by=cast.olga, now=at("2026-02-01"))
    return Scene(cast, group, ben)


def test_a_void_claim_stands_for_nothing_that_its_member_took_back(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    scene.withdraw(2)
    assert (scene.stands_for(attempt), scene.sums()) == ("10.00", ["10.00"])
    scene.void()
    assert (scene.stands_for(attempt), scene.sums()) == ("10.00", ["10.00"])


@pytest.mark.parametrize(("stated", "stood_for"), [(None, "7.00"), ("4.00", "4.00"), ("9.00", "9.00")])
def test_a_period_names_what_was_claimed_of_it_before_it_is_void_and_after(
    scene: Scene, stated: str | None, stood_for: str
) -> None:
    scene.confirm(1, amount=money("3.00"))
    attempt = scene.claim(1, amount=money(stated) if stated else None)
    assert (scene.stands_for(attempt), scene.sums()) == (stood_for, [stood_for])
    scene.void()
    assert (scene.stands_for(attempt), scene.sums()) == (stood_for, [stood_for])


def test_what_had_come_before_counts_for_no_claim_that_its_member_took_back_in_part(scene: Scene) -> None:
    scene.confirm(1, amount=money("3.00"))
    attempt = scene.claim(1, 2)
    scene.withdraw(2)
    scene.void()
    assert (scene.stands_for(attempt), scene.sums()) == ("7.00", ["7.00"])


def test_a_period_names_only_its_own_part_of_a_claim(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    assert (scene.sums(1), scene.sums(2)) == (["10.00"], ["10.00"])
    scene.void(1)
    assert (scene.sums(1), scene.sums(2), scene.stands_for(attempt)) == (["10.00"], ["10.00"], "10.00")
    scene.void(2)
    assert (scene.sums(1), scene.sums(2), scene.stands_for(attempt)) == (["10.00"], ["10.00"], "20.00")


def test_a_period_names_nothing_of_a_claim_whose_money_was_booked_with_the_rest_of_it(scene: Scene) -> None:
    scene.claim(1, 2)
    scene.void(1)
    scene.confirm(2, amount=money("20.00"))
    assert scene.sums(1) == []


def test_money_that_is_booked_for_a_void_claim_is_booked_once(scene: Scene) -> None:
    attempt = scene.claim(1)
    scene.void()
    receipt = scene.book("10.00", attempt_id=attempt.id)
    assert receipt.attempt_id == attempt.id
    assert (scene.sums(), scene.stands_for(attempt)) == ([], "10.00")
    with pytest.raises(ClaimBooked):
        scene.book("10.00", attempt_id=attempt.id)
    scene.cast.do(void_receipt, receipt.id, reason="it bounced", by=scene.cast.olga, now=LATER)
    assert scene.sums() == ["10.00"]
    scene.book("10.00", attempt_id=attempt.id)
    scene.cast.read(check_books)


def test_a_claim_whose_money_is_booked_brings_no_more_once_its_period_is_back(scene: Scene) -> None:
    attempt = scene.claim(1)
    scene.void()
    scene.book("10.00", attempt_id=attempt.id, payment_ids=[])
    scene.cast.do(restore_period, scene.key(), by=scene.cast.olga, now=LATER)
    assert (scene.due().status, scene.stands_for(attempt)) == (Status.MEMBER_CONFIRMED, "0.00")
    scene.cast.read(check_books)


def test_money_is_booked_for_no_claim_of_somebody_else(scene: Scene) -> None:
    attempt = scene.claim(1)
    scene.void()
    mia = scene.cast.join(scene.group, "Mia")
    with pytest.raises(NoSuchClaim):
        scene.book("10.00", attempt_id=attempt.id, contact_id=mia.contact_id)
    with pytest.raises(NoSuchClaim):
        scene.book("10.00", attempt_id=attempt.id, payer_id=mia.contact_id)
    with pytest.raises(NoSuchClaim):
        scene.book("10.00", attempt_id=0)


def test_another_sum_for_a_claim_is_booked_for_it_as_well(scene: Scene) -> None:
    claim = scene.claim(1)
    scene.void()
    scene.book("10.00", attempt_id=claim.id)
    assert scene.due(2).status is Status.CONFIRMED

    by = {"by": scene.cast.olga, "now": LATER}
    right = scene.cast.do(book_another_sum, scene.due(2).id, amount=money("9.00"), **by)

    assert right.attempt_id == claim.id
    with pytest.raises(ClaimBooked):
        scene.book("10.00", attempt_id=claim.id)
    scene.cast.read(check_books)
