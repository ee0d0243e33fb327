"""Decisions about payments: confirm, reject, waive, unwaive, reopen, adjust.

Only admins decide. A second press of the same decision changes nothing and says so calmly (`changed=False`);
a decision that comes too late hears what was decided and by whom (`DecidedAlready`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.claims import expected_for_one
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.payments import Act, PaymentKind, ReopenCause, Status, check_actor
from substrack.queries.claim_sums import load_sums
from substrack.services.access import check_admin
from substrack.services.allocations import live_allocations, void_allocations
from substrack.services.amounts import change_amount
from substrack.services.answers import Settled, queue_received, queue_rejected, queue_waived
from substrack.services.claim_items import close_claim_item
from substrack.services.credit import apply_credit, apply_credit_of
from substrack.services.deciding import (
    OtherCurrencyReceived,
    ReasonForHistoryMissing,
    check_arrived,
    check_not_negative,
    check_source,
    check_versions,
    clean_reason,
    is_repeated,
    reject_one,
)
from substrack.services.erased import check_may_owe
from substrack.services.ledger import (
    Decision,
    Touched,
    locked_payment,
    move,
    settle_if_covered,
)
from substrack.services.schedule import reschedule_payments
from substrack.services.settling import Arrival, day_received, receive
from substrack.services.taking_back import release, take_back
from substrack.services.totals import rebalance_period
from substrack.store import Allocation, Attempt, AttemptItem, AttemptState, Payment, Receipt


class OwnShare(Refused):
    """The payer's own share follows the total and is decided by nobody."""

    def __init__(self) -> None:
        super().__init__("This is the payer's own share; it follows the period's total.")


class NothingOwed(Refused):
    """A payment of zero can't be asked for again."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("Nothing is owed here. To ask for money, correct what is owed.")


@dataclass(frozen=True)
class Outcome:
    """A payment after a decision, whether this call changed it, and the correlation id that undoes it.

    Of money that came, `beyond` is what the payment did not need, which became credit; credit then settled
    something of `also_settled` other payments of the member.
    """

    payment: Payment
    changed: bool
    correlation_id: str | None = None
    beyond: Money | None = None
    also_settled: int = 0


def confirm_payment(
    session: Session,
    payment_id: int,
    *,
    amount: Money | None = None,
    received_on: date | None = None,
    method: str | None = None,
    note: str | None = None,
    by: Actor,
    now: datetime,
    version: int | None = None,
) -> Outcome:
    """Book money for one payment: the whole rest, or `amount`.

    A smaller sum is booked, answers the claim and leaves the rest pending (a rest within the group's
    tolerance is written off); a larger one leaves credit, which settles what else the member owes. Of a
    payment that is claimed, no more than the claim still stands for is booked unless an `amount` says so, and
    credit settles the rest. Day and method are those that the claim states where no others are given. The
    member is told.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, NothingArrived, OtherCurrencyReceived, DecidedAlready,
        ReceivedInTheFuture, ReceivedTooLongAgo.
    """
    payment = _decidable(session, payment_id, Act.CONFIRM, by)
    if payment.status is Status.CONFIRMED:
        return Outcome(payment, changed=False)
    check_source(session, payment, Act.CONFIRM)
    owed = Money(payment.amount_minor - payment.received_minor, payment.currency)
    claim = _claim_on(session, payment)
    expected = _expected(session, claim, owed) if claim else owed
    money = amount or expected
    check_arrived(money, [payment], expected=expected)
    decision = Decision(by, now)
    arrival = _arrival(session, payment, claim, received_on=received_on, method=method, note=note, now=now)
    by_credit = _book(session, payment, money, arrival, decision, version)
    session.refresh(payment)
    return Outcome(
        payment,
        changed=True,
        correlation_id=decision.correlation_id,
        beyond=money - owed if money > owed else None,
        also_settled=sum(1 for each in by_credit if each.payment_id != payment.id),
    )


def reject_payment(
    session: Session, payment_id: int, *, reason: str, by: Actor, now: datetime, version: int | None = None
) -> Outcome:
    """Reject the claim on one payment: it is pending again, and the member reads why.

    Credit of theirs that waited for the claim settles it as far as it goes.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, ReasonMissing, DecidedAlready.
    """
    payment = _decidable(session, payment_id, Act.REJECT, by)
    decision = Decision(by, now, clean_reason(reason))
    if is_repeated(session, payment, Act.REJECT, like=decision):
        return Outcome(payment, changed=False)
    check_source(session, payment, Act.REJECT)
    reject_one(session, payment, decision, version)
    queue_rejected(session, [payment], decision)
    apply_credit_of(session, payment, decision)
    reschedule_payments(session, [payment.id], now=now)
    return Outcome(payment, changed=True, correlation_id=decision.correlation_id)


def waive_payment(
    session: Session, payment_id: int, *, reason: str, by: Actor, now: datetime, version: int | None = None
) -> Outcome:
    """Forgive what is left of a payment; receipts stay, a waiting claim closes, the member is told.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, ReasonMissing, DecidedAlready.
    """
    payment = _decidable(session, payment_id, Act.WAIVE, by)
    decision = Decision(by, now, clean_reason(reason))
    if payment.status is Status.WAIVED:
        return Outcome(payment, changed=False)
    check_source(session, payment, Act.WAIVE)
    touched = Touched()
    close_claim_item(session, payment, AttemptState.WAIVED, touched, now, reason=decision.reason)
    move(
        session,
        payment,
        Act.WAIVE,
        decision,
        target=Status.WAIVED,
        touched=touched,
        expected_version=version,
    )
    queue_waived(session, [payment], decision)
    reschedule_payments(session, [payment.id], now=now)
    return Outcome(payment, changed=True, correlation_id=decision.correlation_id)


def unwaive_payment(
    session: Session,
    payment_id: int,
    *,
    by: Actor,
    now: datetime,
    reason: str | None = None,
    version: int | None = None,
) -> Outcome:
    """Ask for a waived payment again; credit settles it as far as it goes.

    One that money covers by now is confirmed at once.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, DecidedAlready, NobodyToAsk, NobodyToPay.
    """
    payment = _decidable(session, payment_id, Act.UNWAIVE, by)
    check_may_owe(session, payment.contact_id, payment.payer_id)
    if is_repeated(session, payment, Act.UNWAIVE):
        return Outcome(payment, changed=False)
    check_source(session, payment, Act.UNWAIVE)
    decision = Decision(by, now, clean_reason(reason) if reason else None)
    move(session, payment, Act.UNWAIVE, decision, target=Status.PENDING, expected_version=version)
    settle_if_covered(session, payment, decision)
    apply_credit_of(session, payment, decision)
    reschedule_payments(session, [payment.id], now=now)
    return Outcome(payment, changed=True, correlation_id=decision.correlation_id)


def reopen_payment(
    session: Session,
    payment_id: int,
    *,
    because: ReopenCause,
    by: Actor,
    now: datetime,
    version: int | None = None,
) -> Outcome:
    """Open a confirmed payment again.

    `never-came` voids the receipt that last gave it money, and with it everything else that one covered; what
    earlier receipts gave stays, and no credit moves. `something-else` takes all allocations back; that credit
    does not flow back to this payment by itself, but settles what else the member owes.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, NothingOwed, DecidedAlready, NobodyToAsk, NobodyToPay.
    """
    payment = _decidable(session, payment_id, Act.REOPEN, by)
    decision = Decision(by, now, because.value)
    if is_repeated(session, payment, Act.REOPEN, like=decision):
        return Outcome(payment, changed=False)
    check_source(session, payment, Act.REOPEN)
    if payment.amount_minor == 0:
        raise NothingOwed
    check_may_owe(session, payment.contact_id, payment.payer_id)
    check_versions(session, [payment], None if version is None else {payment.id: version}, Act.REOPEN)
    allocations = live_allocations(session, Allocation.payment_id == payment.id)
    if because is ReopenCause.NEVER_CAME:
        for allocation in allocations[-1:]:
            take_back(session, session.get_one(Receipt, allocation.receipt_id), decision)
    else:
        touched = Touched()
        void_allocations(session, allocations, touched, now, keeps_away=True)
        release(session, payment, payment.received_minor, decision, touched)
    session.refresh(payment)
    if payment.status is Status.CONFIRMED:
        move(session, payment, Act.REOPEN, decision, target=Status.PENDING)
    if because is ReopenCause.SOMETHING_ELSE:
        apply_credit_of(session, payment, decision)
    reschedule_payments(session, [payment.id], now=now)
    return Outcome(payment, changed=True, correlation_id=decision.correlation_id)


def adjust_payment(
    session: Session,
    payment_id: int,
    *,
    amount: Money,
    reason: str,
    by: Actor,
    now: datetime,
    version: int | None = None,
) -> Outcome:
    """Correct what one member owes for a period; the payer's part takes the difference.

    A confirmed payment that now exceeds what was received is pending again; one that is covered is confirmed;
    what was received beyond it is credit, which settles what else the member owes. A claim that waits goes on
    waiting.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, ReasonMissing, OtherCurrencyReceived, NegativeAmount,
        DecidedAlready, NobodyToAsk, NobodyToPay.
    """
    payment = _decidable(session, payment_id, Act.ADJUST, by)
    if amount.currency != payment.currency:
        raise OtherCurrencyReceived(payment.currency)
    check_not_negative(amount)
    decision = Decision(by, now, clean_reason(reason, ReasonForHistoryMissing))
    check_source(session, payment, Act.ADJUST)
    if amount.minor > payment.received_minor + payment.written_off_minor:
        check_may_owe(session, payment.contact_id, payment.payer_id)
    change_amount(session, payment, amount.minor, decision, is_fixed=True, version=version)
    if payment.period_id is not None:
        rebalance_period(session, payment.period_id, decision)
    apply_credit_of(session, payment, decision)
    reschedule_payments(session, [payment.id], now=now)
    return Outcome(payment, changed=True, correlation_id=decision.correlation_id)


def _decidable(session: Session, payment_id: int, act: Act, by: Actor) -> Payment:
    check_actor(act, by)
    payment = locked_payment(session, payment_id)
    check_admin(session, by, payment.workspace_id)
    if payment.kind is PaymentKind.OWN:
        raise OwnShare
    return payment


def _claim_on(session: Session, payment: Payment) -> Attempt | None:
    open_item = (AttemptItem.payment_id == payment.id, AttemptItem.state == AttemptState.OPEN)
    return session.scalar(
        select(Attempt).join(AttemptItem, AttemptItem.attempt_id == Attempt.id).where(*open_item)
    )


def _expected(session: Session, claim: Attempt, owed: Money) -> Money:
    stands_for = load_sums(session, [claim.id])[claim.id]
    return Money(expected_for_one(owed.minor, stands_for_minor=stands_for.minor), owed.currency)


def _arrival(
    session: Session,
    payment: Payment,
    claim: Attempt | None,
    *,
    received_on: date | None,
    method: str | None,
    note: str | None,
    now: datetime,
) -> Arrival:
    """Take what the admin tells of the money, and the day and method from the claim where they tell none."""
    said_on, said_how, attempt_id = (claim.paid_on, claim.method, claim.id) if claim else (None, None, None)
    day = day_received(session, payment.workspace_id, received_on, now, said=said_on)
    return Arrival(day, method=method or said_how, note=note, attempt_id=attempt_id)


def _book(
    session: Session,
    payment: Payment,
    money: Money,
    arrival: Arrival,
    decision: Decision,
    version: int | None,
) -> list[Settled]:
    """Book what came for a payment, let credit settle what it can, and tell the member of both.

    Returns what credit settled.
    """
    receipt = receive(
        session,
        payment.workspace_id,
        payment.contact_id,
        payment.payer_id,
        money,
        [payment],
        decision=decision,
        arrival=arrival,
        expected_version=version,
        answers_claims=True,
    )
    by_credit = apply_credit(session, payment.contact_id, payment.payer_id, decision, just_came=receipt)
    queue_received(session, payment.contact_id, arrival.settled, by_credit, receipt, decision)
    return by_credit
