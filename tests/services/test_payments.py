"""What a decision does to a payment, its receipt, its claim and its messages; on both databases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.payments import NotAllowed, ReopenCause, Status
from substrack.services.access import NoSuchPayment
from substrack.services.claim_decisions import confirm_claim
from substrack.services.claims import TooManyClaims, claim_payments, withdraw_claim
from substrack.services.credit import credit_minor
from substrack.services.deciding import NothingArrived, ReasonMissing
from substrack.services.ledger import DecidedAlready
from substrack.services.payments import (
    OwnShare,
    adjust_payment,
    confirm_payment,
    reject_payment,
    reopen_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.receipts import apply_credit_now, record_receipt, void_receipt
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.store import Attempt, AttemptState, Event, Group, Member, Payment, Period, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, make_stranger, money

NOW = at("2026-02-02")


@dataclass
class Scene:
    """A group of three at 8.97: ben and mia owe 2.99 each, the rest is olga's."""

    cast: Cast
    group: Group
    ben: Member
    mia: Member

    def due(self, sequence: int = 1) -> Payment:
        return self.cast.payment_of(self.ben, sequence)

    def claim(self, *payments: Payment, now: datetime = NOW, **terms: Any) -> Attempt:
        keys = [payment.id for payment in payments or (self.due(),)]
        by = Actor.contact(self.ben.contact_id)
        [attempt] = self.cast.do(claim_payments, self.ben.contact_id, keys, by=by, now=now, **terms)
        return attempt

    def decide(
        self, act: Callable[..., Any], *, now: datetime = NOW, by: Actor | None = None, **terms: Any
    ) -> Any:
        return self.cast.do(act, self.due().id, by=by or self.cast.olga, now=now, **terms)

    def credit(self) -> int:
        pair = (self.ben.contact_id, self.cast.olga_contact)
        return self.cast.read(lambda session: credit_minor(session, *pair, "EUR"))


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="8.97")
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    return Scene(cast, group, ben, mia)


def test_opening_writes_dues_and_the_confirmed_own_share(scene: Scene) -> None:
    own, ben, mia = scene.cast.payments()
    assert (own.status, own.amount_minor) == (Status.CONFIRMED, 299)
    assert [(payment.status, payment.amount_minor) for payment in (ben, mia)] == [(Status.PENDING, 299)] * 2
    assert scene.cast.read(lambda session: session.scalars(select(Receipt.source)).all()) == ["own"]


def test_claim_then_confirm_settles_with_one_receipt(scene: Scene) -> None:
    attempt = scene.claim()
    assert scene.due().status is Status.MEMBER_CONFIRMED
    scene.decide(confirm_payment)
    payment = scene.due()
    assert (payment.status, payment.received_minor) == (Status.CONFIRMED, 299)
    closed = scene.cast.read(lambda session: session.get_one(Attempt, attempt.id))
    assert closed.state is AttemptState.CONFIRMED
    assert scene.cast.notices_to(scene.ben.contact_id) == ["received"]
    assert scene.cast.notices_to(scene.cast.olga_contact) == ["claim_received"]


def test_second_claim_changes_nothing(scene: Scene) -> None:
    scene.claim()
    by = Actor.contact(scene.ben.contact_id)
    again = scene.cast.do(claim_payments, scene.ben.contact_id, [scene.due().id], by=by, now=NOW)
    assert again == []
    assert scene.cast.notices_to(scene.cast.olga_contact) == ["claim_received"]


def test_second_confirm_is_calm_and_changes_nothing(scene: Scene) -> None:
    assert scene.decide(confirm_payment).changed
    version = scene.due().version
    assert not scene.decide(confirm_payment).changed
    assert scene.due().version == version


def test_second_reject_is_calm_and_tells_nobody_again(scene: Scene) -> None:
    scene.claim()
    assert scene.decide(reject_payment, reason="not there").changed
    version, told = scene.due().version, scene.cast.notices_to(scene.ben.contact_id)

    assert not scene.decide(reject_payment, reason=" not there ").changed

    assert scene.due().version == version
    assert scene.cast.notices_to(scene.ben.contact_id) == told
    with pytest.raises(DecidedAlready) as refusal:  # other words would go unread
        scene.decide(reject_payment, reason="too little")
    assert refusal.value.verb == "reject"
    scene.claim()
    assert scene.decide(reject_payment, reason="not there").changed


@pytest.mark.parametrize("because", list(ReopenCause))
def test_second_reopen_for_the_same_cause_is_calm(scene: Scene, because: ReopenCause) -> None:
    scene.decide(confirm_payment)
    assert scene.decide(reopen_payment, because=because).changed
    version = scene.due().version

    assert not scene.decide(reopen_payment, because=because).changed

    assert scene.due().version == version
    (other,) = set(ReopenCause) - {because}
    with pytest.raises(DecidedAlready):
        scene.decide(reopen_payment, because=other)


def test_two_payments_that_one_receipt_covered_are_reopened_in_one_go(scene: Scene) -> None:
    scene.cast.tick(at("2026-03-01"))
    attempt = scene.claim(scene.due(1), scene.due(2), now=at("2026-03-02"))
    scene.cast.do(confirm_claim, attempt.id, by=scene.cast.olga, now=at("2026-03-02"))
    for sequence, changed in ((1, True), (2, False)):
        terms = {"because": ReopenCause.NEVER_CAME, "by": scene.cast.olga, "now": at("2026-03-03")}
        assert scene.cast.do(reopen_payment, scene.due(sequence).id, **terms).changed is changed


def test_late_reject_hears_what_was_decided_and_by_whom(scene: Scene) -> None:
    scene.claim()
    scene.decide(confirm_payment)
    with pytest.raises(DecidedAlready) as refusal:
        scene.decide(reject_payment, reason="not there")
    assert (refusal.value.verb, refusal.value.actor_id) == ("confirm", scene.cast.olga.id)
    assert scene.due().status is Status.CONFIRMED


def test_decision_on_an_outdated_page_is_refused(scene: Scene) -> None:
    shown = scene.due().version
    scene.decide(adjust_payment, amount=money("2.50"), reason="fewer days")
    with pytest.raises(DecidedAlready):
        scene.decide(confirm_payment, version=shown)
    assert scene.due().received_minor == 0


def test_smaller_sum_is_booked_and_leaves_the_rest_pending(scene: Scene) -> None:
    scene.claim()
    scene.decide(confirm_payment, amount=money("2.00"))
    payment = scene.due()
    assert (payment.status, payment.received_minor) == (Status.PENDING, 200)
    assert scene.cast.notices_to(scene.ben.contact_id) == ["part_received"]
    scene.decide(confirm_payment, amount=money("0.99"))
    assert scene.due().status is Status.CONFIRMED


def test_rest_within_the_tolerance_is_written_off(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("2.94"))
    payment = scene.due()
    assert (payment.status, payment.received_minor, payment.written_off_minor) == (Status.CONFIRMED, 294, 5)


def test_a_cent_settles_no_share_of_a_few(cast: Cast) -> None:
    group = cast.group(price="0.16")
    ben, _mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    cast.do(confirm_payment, cast.payment_of(ben).id, amount=money("0.01"), by=cast.olga, now=NOW)
    payment = cast.payment_of(ben)
    assert (payment.status, payment.received_minor, payment.written_off_minor) == (Status.PENDING, 1, 0)


def test_larger_sum_becomes_credit_that_settles_the_next_period(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("5.00"))
    assert scene.credit() == 201
    scene.cast.tick(at("2026-03-01"))
    march = scene.due(2)
    assert (march.status, march.received_minor) == (Status.PENDING, 201)
    assert scene.credit() == 0


def test_reject_needs_a_reason_and_tells_it(scene: Scene) -> None:
    scene.claim()
    with pytest.raises(ReasonMissing):
        scene.decide(reject_payment, reason="  ")
    scene.decide(reject_payment, reason="nothing arrived")
    assert scene.due().status is Status.PENDING
    [message] = scene.cast.messages(contact_id=scene.ben.contact_id)
    assert message.payload["reason"] == "nothing arrived"


def test_withdrawing_gives_the_payment_back_and_ends_the_claim(scene: Scene) -> None:
    attempt = scene.claim()
    by = Actor.contact(scene.ben.contact_id)
    scene.cast.do(withdraw_claim, scene.ben.contact_id, [scene.due().id], by=by, now=NOW)
    assert scene.due().status is Status.PENDING
    closed = scene.cast.read(lambda session: session.get_one(Attempt, attempt.id))
    assert closed.state is AttemptState.WITHDRAWN


def test_fourth_claim_of_a_day_is_refused_calmly(scene: Scene) -> None:
    by = Actor.contact(scene.ben.contact_id)
    for _ in range(3):
        scene.claim()
        scene.cast.do(withdraw_claim, scene.ben.contact_id, [scene.due().id], by=by, now=NOW)
    with pytest.raises(TooManyClaims):
        scene.claim()
    scene.claim(now=NOW + timedelta(days=1, minutes=1))


def test_waive_forgives_the_rest_and_unwaive_asks_again(scene: Scene) -> None:
    scene.claim()
    scene.decide(waive_payment, reason="birthday")
    assert scene.due().status is Status.WAIVED
    assert scene.due().next_action_at is None
    scene.decide(unwaive_payment)
    assert scene.due().status is Status.PENDING
    assert scene.due().next_action_at is not None


def test_never_came_voids_the_receipt_and_all_it_covered(scene: Scene) -> None:
    scene.cast.tick(at("2026-03-01"))
    attempt = scene.claim(scene.due(1), scene.due(2), now=at("2026-03-02"))
    scene.cast.do(confirm_claim, attempt.id, by=scene.cast.olga, now=at("2026-03-02"))
    assert [scene.due(k).status for k in (1, 2)] == [Status.CONFIRMED] * 2
    scene.decide(reopen_payment, because=ReopenCause.NEVER_CAME, now=at("2026-03-03"))
    assert [(scene.due(k).status, scene.due(k).received_minor) for k in (1, 2)] == [(Status.PENDING, 0)] * 2
    assert scene.credit() == 0


def test_never_came_leaves_what_earlier_receipts_gave(scene: Scene) -> None:
    scene.cast.tick(at("2026-03-01"))
    good, bounced = scene.due(1), scene.due(2)
    march = at("2026-03-02")
    scene.cast.do(confirm_payment, good.id, amount=money("3.99"), by=scene.cast.olga, now=march)
    assert scene.due(2).received_minor == 100
    scene.cast.do(confirm_payment, bounced.id, by=scene.cast.olga, now=march)
    scene.cast.do(
        reopen_payment, bounced.id, because=ReopenCause.NEVER_CAME, by=scene.cast.olga, now=at("2026-03-03")
    )
    assert (scene.due(1).status, scene.due(1).received_minor) == (Status.CONFIRMED, 299)
    assert (scene.due(2).status, scene.due(2).received_minor) == (Status.PENDING, 100)
    scene.cast.read(check_books)


def test_something_else_frees_the_money_and_keeps_it_away(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.decide(reopen_payment, because=ReopenCause.SOMETHING_ELSE)
    assert scene.credit() == 299
    scene.cast.do(
        apply_credit_now, scene.ben.contact_id, scene.cast.olga_contact, by=scene.cast.olga, now=NOW
    )
    assert (scene.due().status, scene.credit()) == (Status.PENDING, 299)


def test_adjusting_above_what_came_reopens_and_below_makes_credit(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.decide(adjust_payment, amount=money("3.50"), reason="price was wrong")
    assert (scene.due().status, scene.due().received_minor) == (Status.PENDING, 299)
    scene.decide(adjust_payment, amount=money("2.00"), reason="price was wrong again")
    assert (scene.due().status, scene.due().received_minor) == (Status.CONFIRMED, 200)
    assert scene.credit() == 99


def test_what_an_adjustment_frees_settles_the_next_share_and_comes_back_with_undo(scene: Scene) -> None:
    scene.cast.tick(at("2026-03-01"))
    scene.decide(confirm_payment)
    outcome = scene.decide(adjust_payment, amount=money("2.00"), reason="half a month")
    assert (scene.due(2).received_minor, scene.credit()) == (99, 0)
    scene.cast.do(undo_decision, outcome.correlation_id, by=scene.cast.olga, now=NOW)
    assert (scene.due().received_minor, scene.due(2).received_minor, scene.credit()) == (299, 0, 0)
    scene.cast.read(check_books)


def test_adjusting_moves_the_difference_to_the_payer(scene: Scene) -> None:
    scene.decide(adjust_payment, amount=money("1.99"), reason="half a month")
    own = scene.cast.payments(kind="own")[0]
    period = scene.cast.read(lambda session: session.scalars(select(Period)).one())
    assert (own.amount_minor, own.status, period.payer_part_minor) == (399, Status.CONFIRMED, 399)
    assert period.total_minor == sum(payment.amount_minor for payment in scene.cast.payments())


def test_adjusting_beyond_the_total_raises_the_total(scene: Scene) -> None:
    scene.decide(adjust_payment, amount=money("7.00"), reason="took the whole thing")
    period = scene.cast.read(lambda session: session.scalars(select(Period)).one())
    assert (period.total_minor, period.payer_part_minor) == (999, 0)


def test_a_typo_costs_the_payer_nothing_once_it_is_corrected(scene: Scene) -> None:
    scene.decide(adjust_payment, amount=money("50.00"), reason="typo")
    scene.decide(adjust_payment, amount=money("5.00"), reason="meant 5.00")
    period = scene.cast.read(lambda session: session.scalars(select(Period)).one())
    assert (period.total_minor, period.billed_minor, period.payer_part_minor) == (897, 897, 98)
    assert [payment.amount_minor for payment in scene.cast.payments()] == [98, 500, 299]
    scene.cast.read(check_books)


def test_a_total_is_what_single_amounts_come_to_only_while_they_exceed_the_bill(scene: Scene) -> None:
    scene.decide(adjust_payment, amount=money("9.00"), reason="typo")
    first = scene.decide(adjust_payment, amount=money("8.00"), reason="less")
    period = scene.cast.read(lambda session: session.scalars(select(Period)).one())
    assert (period.total_minor, period.billed_minor, period.payer_part_minor) == (1099, 897, 0)
    scene.cast.do(undo_decision, first.correlation_id, by=scene.cast.olga, now=NOW)
    period = scene.cast.read(lambda session: session.scalars(select(Period)).one())
    assert (period.total_minor, period.billed_minor) == (1199, 897)
    scene.cast.read(check_books)


def test_adjusting_a_claimed_payment_leaves_the_claim_waiting(scene: Scene) -> None:
    scene.claim()
    scene.decide(adjust_payment, amount=money("2.50"), reason="discount")
    assert scene.due().status is Status.MEMBER_CONFIRMED


def test_undo_of_a_confirm_restores_claim_money_and_cancels_the_answer(scene: Scene) -> None:
    attempt = scene.claim()
    outcome = scene.decide(confirm_payment, amount=money("2.00"))
    scene.cast.do(undo_decision, outcome.correlation_id, by=scene.cast.olga, now=NOW + timedelta(seconds=9))
    payment = scene.due()
    assert (payment.status, payment.received_minor) == (Status.MEMBER_CONFIRMED, 0)
    opened = scene.cast.read(lambda session: session.get_one(Attempt, attempt.id))
    assert opened.state is AttemptState.OPEN
    assert [message.state for message in scene.cast.messages(contact_id=scene.ben.contact_id)] == [
        "cancelled"
    ]
    assert scene.credit() == 0


def test_undo_of_an_adjust_restores_the_payers_part(scene: Scene) -> None:
    outcome = scene.decide(adjust_payment, amount=money("7.00"), reason="typo")
    scene.cast.do(undo_decision, outcome.correlation_id, by=scene.cast.olga, now=NOW)
    period = scene.cast.read(lambda session: session.scalars(select(Period)).one())
    assert (period.total_minor, period.payer_part_minor, scene.due().amount_minor) == (897, 299, 299)
    assert scene.cast.payments(kind="own")[0].amount_minor == 299


def test_undo_is_refused_after_ten_seconds_and_to_others(scene: Scene) -> None:
    outcome = scene.decide(confirm_payment)
    late, other = NOW + timedelta(seconds=11), Actor.user(999)
    for by, now in ((scene.cast.olga, late), (other, NOW), (OPERATOR, NOW)):
        with pytest.raises(TooLateToUndo):
            scene.cast.do(undo_decision, outcome.correlation_id, by=by, now=now)
    assert scene.due().status is Status.CONFIRMED


def test_undo_is_refused_once_something_else_happened(scene: Scene) -> None:
    outcome = scene.decide(confirm_payment)
    scene.decide(reopen_payment, because=ReopenCause.NEVER_CAME)
    with pytest.raises(TooLateToUndo):
        scene.cast.do(undo_decision, outcome.correlation_id, by=scene.cast.olga, now=NOW)


def test_money_in_settles_oldest_first_and_keeps_the_rest(scene: Scene) -> None:
    scene.cast.tick(at("2026-03-01"))
    receipt = scene.cast.do(
        record_receipt,
        scene.cast.workspace_id,
        contact_id=scene.ben.contact_id,
        payer_id=scene.cast.olga_contact,
        amount=money("4.00"),
        received_on=date(2026, 3, 2),
        by=scene.cast.olga,
        now=at("2026-03-02"),
    )
    assert [scene.due(k).received_minor for k in (1, 2)] == [299, 101]
    scene.cast.do(void_receipt, receipt.id, reason="bounced", by=scene.cast.olga, now=at("2026-03-03"))
    assert [(scene.due(k).received_minor, scene.due(k).status) for k in (1, 2)] == [(0, Status.PENDING)] * 2


def test_part_of_a_claim_over_two_periods_settles_the_older_one(scene: Scene) -> None:
    scene.cast.tick(at("2026-03-01"))
    attempt = scene.claim(scene.due(1), scene.due(2), now=at("2026-03-02"))
    assert attempt.amount_minor == 598
    scene.cast.do(confirm_claim, attempt.id, amount=money("2.99"), by=scene.cast.olga, now=at("2026-03-02"))
    assert [scene.due(k).status for k in (1, 2)] == [Status.CONFIRMED, Status.PENDING]
    closed = scene.cast.read(lambda session: session.get_one(Attempt, attempt.id))
    assert closed.state is AttemptState.PART_CONFIRMED
    assert scene.cast.notices_to(scene.ben.contact_id)[-1] == "part_received"


def test_nobody_claims_for_another_or_decides_as_a_member(scene: Scene) -> None:
    stranger = make_stranger(scene.cast.runtime)
    mia = Actor.contact(scene.mia.contact_id)
    with pytest.raises(NoSuchPayment):
        scene.cast.do(claim_payments, scene.mia.contact_id, [scene.due().id], by=mia, now=NOW)
    with pytest.raises(NotAllowed):
        scene.decide(confirm_payment, by=mia)
    with pytest.raises(NoSuchPayment):
        scene.decide(confirm_payment, by=stranger.olga)


def test_own_share_is_decided_by_nobody(scene: Scene) -> None:
    own = scene.cast.payments(kind="own")[0]
    with pytest.raises(OwnShare):
        scene.cast.do(reopen_payment, own.id, because=ReopenCause.NEVER_CAME, by=scene.cast.olga, now=NOW)


def test_confirming_nothing_is_refused(scene: Scene) -> None:
    with pytest.raises(NothingArrived):
        scene.decide(confirm_payment, amount=money("0.00"))


def test_every_change_of_status_has_its_event(scene: Scene) -> None:
    scene.claim()
    scene.decide(reject_payment, reason="no")
    scene.decide(confirm_payment)
    query = select(Event.verb).where(Event.payment_id == scene.due().id).order_by(Event.id)
    verbs = scene.cast.read(lambda session: list(session.scalars(query)))
    assert verbs == ["open", "claim", "reject", "confirm"]


def test_credit_writes_no_rest_off(cast: Cast) -> None:
    group = cast.group(price="10.00", payer_included=False, tolerance_minor=500)
    ben, _mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    cast.do(confirm_payment, cast.payment_of(ben).id, amount=money("5.01"), by=cast.olga, now=NOW)
    cast.tick(at("2026-03-01"))
    march = cast.payment_of(ben, 2)
    assert (march.status, march.received_minor, march.written_off_minor) == (Status.PENDING, 1, 0)
    cast.do(confirm_payment, march.id, amount=money("4.49"), by=cast.olga, now=at("2026-03-02"))
    march = cast.payment_of(ben, 2)
    assert (march.status, march.received_minor, march.written_off_minor) == (Status.CONFIRMED, 450, 50)
    cast.read(check_books)
