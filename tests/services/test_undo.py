"""What an undo puts back, and when it is too late: whatever happened in between is never overwritten."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.delivery import MessageState
from substrack.domain.payments import ReopenCause, Status
from substrack.services.claims import claim_payments
from substrack.services.credit import credit_minor
from substrack.services.outbox import cancel_waiting
from substrack.services.payments import (
    adjust_payment,
    confirm_payment,
    reject_payment,
    reopen_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.periods import edit_period, open_next_period
from substrack.services.receipts import record_receipt, void_receipt
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.store import Event, Group, Member, Message, Payment, Period, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

NOW = at("2026-02-02")
SOON = NOW + timedelta(seconds=5)


@dataclass
class Scene:
    """Two open periods of a group whose payer does not share: ben and mia owe 5.00 each for either."""

    cast: Cast
    group: Group
    ben: Member
    mia: Member

    def due(self, member: Member | None = None, sequence: int = 1) -> Payment:
        return self.cast.payment_of(member or self.ben, sequence)

    def decide(self, act: Callable[..., Any], payment: Payment | None = None, **terms: Any) -> Any:
        return self.cast.do(act, (payment or self.due()).id, by=self.cast.olga, now=NOW, **terms)

    def undo(self, correlation_id: str) -> list[Payment]:
        return self.cast.do(undo_decision, correlation_id, by=self.cast.olga, now=SOON)

    def money_in(self, amount: str) -> str:
        receipt = self.cast.do(
            record_receipt,
            self.cast.workspace_id,
            contact_id=self.ben.contact_id,
            payer_id=self.cast.olga_contact,
            amount=money(amount),
            received_on=date(2026, 2, 2),
            by=self.cast.olga,
            now=NOW,
        )
        query = select(Event.correlation_id).where(Event.verb == "receive", Event.subject_id == receipt.id)
        return self.cast.read(lambda session: session.scalars(query).one())

    def credit(self) -> int:
        pair = (self.ben.contact_id, self.cast.olga_contact)
        return self.cast.read(lambda session: credit_minor(session, *pair, "EUR"))

    def total(self) -> int | None:
        query = select(Period.total_minor).order_by(Period.sequence).limit(1)
        return self.cast.read(lambda session: session.scalars(query).one())

    def check(self) -> None:
        self.cast.read(check_books)


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="10.00", payer_included=False)
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    cast.do(open_next_period, group.id, by=cast.olga, now=at("2026-02-01"))
    return Scene(cast, group, ben, mia)


@pytest.mark.parametrize(
    ("act", "terms"),
    [
        (confirm_payment, {}),
        (confirm_payment, {"amount": money("2.00")}),
        (confirm_payment, {"amount": money("9.00")}),
        (reject_payment, {"reason": "no"}),
        (waive_payment, {"reason": "gift"}),
        (adjust_payment, {"reason": "typo", "amount": money("1.00")}),
    ],
)
def test_a_claimed_payment_is_claimed_again(scene: Scene, act: Callable[..., Any], terms: Any) -> None:
    by = Actor.contact(scene.ben.contact_id)
    scene.cast.do(claim_payments, scene.ben.contact_id, [scene.due().id], by=by, now=NOW)
    before, later = scene.due(), scene.due(sequence=2)
    outcome = scene.decide(act, **terms)
    scene.check()
    scene.undo(outcome.correlation_id)
    scene.check()
    for then, payment in ((before, scene.due()), (later, scene.due(sequence=2))):
        assert payment.status is then.status
        assert (payment.amount_minor, payment.received_minor) == (then.amount_minor, then.received_minor)
        assert payment.is_fixed == then.is_fixed
    assert scene.credit() == 0


@pytest.mark.parametrize("because", ReopenCause)
def test_a_reopened_payment_is_confirmed_again(scene: Scene, because: ReopenCause) -> None:
    scene.decide(confirm_payment, amount=money("8.00"))
    outcome = scene.decide(reopen_payment, because=because)
    scene.undo(outcome.correlation_id)
    assert [scene.due(sequence=k).received_minor for k in (1, 2)] == [500, 300]
    assert scene.due().status is Status.CONFIRMED
    scene.check()


def test_money_that_settled_nothing_is_void_again(scene: Scene) -> None:
    scene.money_in("10.00")
    correlation_id = scene.money_in("7.00")
    scene.undo(correlation_id)
    assert scene.credit() == 0
    with pytest.raises(TooLateToUndo):
        scene.undo(correlation_id)


def test_voiding_a_receipt_beats_undoing_it(scene: Scene) -> None:
    scene.money_in("10.00")
    correlation_id = scene.money_in("7.00")
    receipts = select(Receipt.id).order_by(Receipt.id.desc()).limit(1)
    receipt_id = scene.cast.read(lambda session: session.scalars(receipts).one())
    scene.cast.do(void_receipt, receipt_id, reason="bounced", by=scene.cast.olga, now=NOW)
    with pytest.raises(TooLateToUndo):
        scene.undo(correlation_id)


def test_money_that_paid_for_something_since_is_not_taken_back(scene: Scene) -> None:
    scene.money_in("10.00")
    correlation_id = scene.money_in("7.00")
    scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=NOW)
    assert scene.due(sequence=3).status is Status.CONFIRMED
    with pytest.raises(TooLateToUndo):
        scene.undo(correlation_id)
    assert scene.credit() == 200
    scene.check()


def test_a_payment_does_not_get_back_what_another_has_by_now(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.decide(waive_payment, scene.due(sequence=2), reason="gift")
    outcome = scene.decide(reopen_payment, because=ReopenCause.SOMETHING_ELSE)
    scene.decide(unwaive_payment, scene.due(sequence=2))
    assert scene.due(sequence=2).status is Status.CONFIRMED
    with pytest.raises(TooLateToUndo):
        scene.undo(outcome.correlation_id)
    scene.check()


def test_a_payment_does_not_get_back_money_that_bounced(scene: Scene) -> None:
    scene.decide(confirm_payment)
    outcome = scene.decide(reopen_payment, because=ReopenCause.SOMETHING_ELSE)
    receipt_id = scene.cast.read(lambda session: session.scalars(select(Receipt.id)).one())
    scene.cast.do(void_receipt, receipt_id, reason="bounced", by=scene.cast.olga, now=NOW)
    with pytest.raises(TooLateToUndo):
        scene.undo(outcome.correlation_id)
    scene.check()


def test_a_total_that_was_raised_again_since_stays(scene: Scene) -> None:
    first = scene.decide(adjust_payment, amount=money("7.00"), reason="typo")
    scene.decide(adjust_payment, scene.due(scene.mia), amount=money("8.00"), reason="typo")
    with pytest.raises(TooLateToUndo):
        scene.undo(first.correlation_id)
    assert scene.total() == 1500
    scene.check()


def test_an_undone_correction_does_not_hold_the_amount(scene: Scene) -> None:
    outcome = scene.decide(adjust_payment, amount=money("1.00"), reason="typo")
    scene.undo(outcome.correlation_id)
    period_id = scene.due().period_id
    terms: dict[str, Any] = {"total": money("12.00"), "reason": "dearer", "by": scene.cast.olga, "now": SOON}
    scene.cast.do(edit_period, period_id, **terms)
    assert [scene.due(member).amount_minor for member in (scene.ben, scene.mia)] == [600, 600]


def test_money_behind_a_waived_payment_comes_back_with_the_rest(scene: Scene) -> None:
    scene.money_in("8.00")
    scene.decide(waive_payment, scene.due(sequence=2), reason="gift")
    outcome = scene.decide(reopen_payment, because=ReopenCause.NEVER_CAME)
    assert scene.due(sequence=2).received_minor == 0
    scene.check()
    scene.undo(outcome.correlation_id)
    assert [scene.due(sequence=k).received_minor for k in (1, 2)] == [500, 300]
    scene.check()


def test_an_answer_on_its_way_cannot_be_undone(scene: Scene) -> None:
    outcome = scene.decide(confirm_payment)
    scene.cast.send(NOW + timedelta(seconds=10))
    with pytest.raises(TooLateToUndo):
        scene.undo(outcome.correlation_id)
    assert scene.due().status is Status.CONFIRMED


@pytest.mark.only_postgresql
def test_a_worker_that_is_just_claiming_the_answer_is_seen(scene: Scene) -> None:
    outcome = scene.decide(confirm_payment)
    runtime = scene.cast.runtime
    with ThreadPoolExecutor(1) as pool, runtime.transaction() as worker:
        claimed = worker.scalars(select(Message).where(Message.notice == "received").with_for_update()).one()
        claimed.state = MessageState.SENDING
        worker.flush()
        answer = pool.submit(scene.cast.do, cancel_waiting, outcome.correlation_id)
        # Long enough for the other side to reach the row that is held here.
        wait([answer], timeout=0.3)
        worker.commit()
        assert answer.result(timeout=60) is False
