"""Decisions about payments: confirm, reject, waive, unwaive, reopen, adjust.

Only admins decide. A second press of the same decision changes nothing and says so calmly (`changed=False`);
a decision that comes too late hears what was decided and by whom (`DecidedAlready`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound, Refused
from substrack.domain.money import Money
from substrack.domain.payments import (
    TRANSITIONS,
    Act,
    PaymentKind,
    ReopenCause,
    Standing,
    Status,
    check_actor,
)
from substrack.domain.wording import clean_text
from substrack.services.answers import queue_received, queue_rejected, queue_waived
from substrack.services.ledger import (
    Decision,
    Touched,
    allocate,
    check_admin,
    close_claim_item,
    decided_already,
    live_allocations,
    lock_contacts,
    locked_payment,
    move,
    payments_now,
    settle_if_covered,
    void_allocations,
)
from substrack.services.receipts import (
    Arrival,
    apply_credit,
    receive,
    release,
    take_back,
    workspace_today,
)
from substrack.services.schedule import reschedule_payments
from substrack.services.totals import rebalance_period
from substrack.store import (
    Allocation,
    Attempt,
    AttemptItem,
    AttemptState,
    Payment,
    Receipt,
)


class ReasonMissing(Refused):
    """The member will read why; without a reason there is nothing to read."""

    field = "reason"

    def __init__(self) -> None:
        super().__init__("Say why; the member will read it.")


class NothingArrived(Refused):
    """A confirmation needs money; without any, reject or waive instead."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("Enter what arrived, more than zero. If nothing came, reject; to forgive it, waive.")


class OtherCurrencyReceived(Refused):
    """Money of one currency cannot settle a payment of another."""

    field = "amount"

    def __init__(self, currency: str) -> None:
        super().__init__(f"This is owed in {currency}; enter the amount in {currency}.")
        self.currency = currency


class OwnShare(Refused):
    """The payer's own share follows the total and is decided by nobody."""

    def __init__(self) -> None:
        super().__init__("This is the payer's own share; it follows the period's total.")


class NothingOwed(Refused):
    """A payment of zero can't be asked for again."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("Nothing is owed here. To ask for money, correct the amount.")


class NoSuchClaim(NotFound):
    """There is no such claim."""

    def __init__(self) -> None:
        super().__init__("There is no such claim.")


class ClaimDecided(NotFound):
    """Nothing of the claim waits any more."""

    def __init__(self) -> None:
        super().__init__("This claim was decided or withdrawn in the meantime; nothing was changed.")


@dataclass(frozen=True)
class Outcome:
    """A payment after a decision, whether this call changed it, and the correlation id that undoes it."""

    payment: Payment
    changed: bool
    correlation_id: str | None = None


@dataclass(frozen=True)
class ClaimOutcome:
    """The payments of a claim after a decision, and the correlation id that undoes it."""

    attempt: Attempt
    payments: Sequence[Payment]
    correlation_id: str


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
    tolerance is written off); a larger one leaves credit, which settles what else the member owes. The
    member is told.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, NothingArrived, OtherCurrencyReceived, DecidedAlready.
    """
    payment = _decidable(session, payment_id, Act.CONFIRM, by)
    if payment.status is Status.CONFIRMED:
        return Outcome(payment, changed=False)
    _check_source(session, payment, Act.CONFIRM)
    money = amount or Money(payment.amount_minor - payment.received_minor, payment.currency)
    _check_arrived(money, payment)
    decision = Decision(by, now)
    today = received_on or workspace_today(session, payment.workspace_id, now)
    arrival = Arrival(today, method=method, note=note, attempt_id=_attempt_of(session, payment))
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
    queue_received(session, payment.contact_id, arrival.settled, receipt, decision)
    apply_credit(session, payment.contact_id, payment.payer_id, decision)
    session.refresh(payment)
    return Outcome(payment, changed=True, correlation_id=decision.correlation_id)


def reject_payment(
    session: Session, payment_id: int, *, reason: str, by: Actor, now: datetime, version: int | None = None
) -> Outcome:
    """Reject the claim on one payment: it is pending again, and the member reads why.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, ReasonMissing, DecidedAlready.
    """
    payment = _decidable(session, payment_id, Act.REJECT, by)
    decision = Decision(by, now, _reason(reason))
    _check_source(session, payment, Act.REJECT)
    _reject_one(session, payment, decision, version)
    queue_rejected(session, [payment], decision)
    reschedule_payments(session, [payment.id], now=now)
    return Outcome(payment, changed=True, correlation_id=decision.correlation_id)


def confirm_claim(
    session: Session,
    attempt_id: int,
    *,
    amount: Money | None = None,
    received_on: date | None = None,
    by: Actor,
    now: datetime,
    versions: dict[int, int] | None = None,
) -> ClaimOutcome:
    """Confirm a whole claim with one receipt over the sum it states, or over `amount`, oldest payment first.

    When part of the claim was decided or withdrawn before, the sum is what its other payments lack. A smaller
    sum answers every payment of the claim: covered ones are confirmed, the others pending for the
    rest. `versions` (payment key → version shown) refuses the decision when something changed since it was
    shown.

    Raises:
        NoSuchClaim, ClaimDecided, NotAllowed, NothingArrived, OtherCurrencyReceived, DecidedAlready.
    """
    check_actor(Act.CONFIRM, by)
    attempt, payments = _open_claim(session, attempt_id, by)
    _check_versions(session, payments, versions, Act.CONFIRM)
    money = amount or _stated(session, attempt, payments)
    _check_arrived(money, payments[0])
    decision = Decision(by, now)
    today = received_on or attempt.paid_on or workspace_today(session, attempt.workspace_id, now)
    arrival = Arrival(today, method=attempt.method, attempt_id=attempt.id)
    receipt = receive(
        session,
        attempt.workspace_id,
        attempt.contact_id,
        attempt.payer_id,
        money,
        payments,
        decision=decision,
        arrival=arrival,
        answers_claims=True,
    )
    queue_received(session, attempt.contact_id, arrival.settled, receipt, decision)
    apply_credit(session, attempt.contact_id, attempt.payer_id, decision)
    return ClaimOutcome(attempt, payments, decision.correlation_id)


def reject_claim(
    session: Session,
    attempt_id: int,
    *,
    reason: str,
    by: Actor,
    now: datetime,
    versions: dict[int, int] | None = None,
) -> ClaimOutcome:
    """Reject everything of a claim that still waits; the member gets one answer with the reason.

    Raises:
        NoSuchClaim, ClaimDecided, NotAllowed, ReasonMissing, DecidedAlready.
    """
    check_actor(Act.REJECT, by)
    decision = Decision(by, now, _reason(reason))
    attempt, payments = _open_claim(session, attempt_id, by)
    _check_versions(session, payments, versions, Act.REJECT)
    for payment in payments:
        _reject_one(session, payment, decision, None)
    queue_rejected(session, payments, decision)
    reschedule_payments(session, [payment.id for payment in payments], now=now)
    return ClaimOutcome(attempt, payments, decision.correlation_id)


def waive_payment(
    session: Session, payment_id: int, *, reason: str, by: Actor, now: datetime, version: int | None = None
) -> Outcome:
    """Forgive what is left of a payment; receipts stay, a waiting claim closes, the member is told.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, ReasonMissing, DecidedAlready.
    """
    payment = _decidable(session, payment_id, Act.WAIVE, by)
    decision = Decision(by, now, _reason(reason))
    if payment.status is Status.WAIVED:
        return Outcome(payment, changed=False)
    _check_source(session, payment, Act.WAIVE)
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
    session: Session, payment_id: int, *, by: Actor, now: datetime, reason: str | None = None
) -> Outcome:
    """Ask for a waived payment again; one that money covers by now is confirmed at once.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, DecidedAlready.
    """
    payment = _decidable(session, payment_id, Act.UNWAIVE, by)
    if payment.status is not Status.WAIVED and not _is_last_act(session, payment, Act.UNWAIVE):
        _check_source(session, payment, Act.UNWAIVE)
    if payment.status is not Status.WAIVED:
        return Outcome(payment, changed=False)
    decision = Decision(by, now, reason)
    move(session, payment, Act.UNWAIVE, decision, target=Status.PENDING)
    settle_if_covered(session, payment, decision)
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

    `never-came` voids the receipts behind it, and with them everything else they covered; `something-else`
    takes only the allocations back, and that credit does not flow back to this payment by itself.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, NothingOwed, DecidedAlready.
    """
    payment = _decidable(session, payment_id, Act.REOPEN, by)
    _check_source(session, payment, Act.REOPEN)
    if payment.amount_minor == 0:
        raise NothingOwed
    _check_versions(session, [payment], None if version is None else {payment.id: version}, Act.REOPEN)
    decision = Decision(by, now, because.value)
    allocations = live_allocations(session, Allocation.payment_id == payment.id)
    if because is ReopenCause.NEVER_CAME:
        for allocation in allocations:
            take_back(session, session.get_one(Receipt, allocation.receipt_id), decision)
    else:
        touched = Touched()
        void_allocations(session, allocations, touched, now, keeps_away=True)
        release(session, payment, payment.received_minor, decision, touched)
    session.refresh(payment)
    if payment.status is Status.CONFIRMED:
        move(session, payment, Act.REOPEN, decision, target=Status.PENDING)
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
    what was received beyond it is credit. A claim that waits goes on waiting.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, ReasonMissing, OtherCurrencyReceived, DecidedAlready.
    """
    payment = _decidable(session, payment_id, Act.ADJUST, by)
    if amount.currency != payment.currency:
        raise OtherCurrencyReceived(payment.currency)
    decision = Decision(by, now, _reason(reason))
    _check_source(session, payment, Act.ADJUST)
    change_amount(session, payment, amount.minor, decision, is_fixed=True, version=version)
    if payment.period_id is not None:
        rebalance_period(session, payment.period_id, decision)
    reschedule_payments(session, [payment.id], now=now)
    return Outcome(payment, changed=True, correlation_id=decision.correlation_id)


def change_amount(
    session: Session,
    payment: Payment,
    amount_minor: int,
    decision: Decision,
    *,
    is_fixed: bool,
    version: int | None = None,
) -> None:
    """Set a locked payment's amount, its allocations and status; the period's sum is the caller's."""
    touched = Touched()
    excess = payment.received_minor - amount_minor
    if excess > 0:
        _free_allocations(session, payment, excess, touched, decision)
    standing = _adjusted_standing(payment, amount_minor)
    move(
        session,
        payment,
        Act.ADJUST,
        decision,
        target=_adjusted_status(payment, standing),
        standing=standing,
        touched=touched,
        expected_version=version,
        is_fixed=is_fixed,
    )


def _adjusted_standing(payment: Payment, amount_minor: int) -> Standing:
    """Keep what was written off as small change as far as it still stands: less to pay reopens nothing."""
    received = min(payment.received_minor, amount_minor)
    rest = amount_minor - received
    return Standing(amount_minor, received, rest if rest <= payment.written_off_minor else 0)


def _adjusted_status(payment: Payment, standing: Standing) -> Status:
    if payment.status is Status.MEMBER_CONFIRMED:
        return payment.status
    if standing.is_covered:
        return Status.CONFIRMED
    return Status.PENDING if payment.status is Status.CONFIRMED else payment.status


def _free_allocations(
    session: Session, payment: Payment, excess_minor: int, touched: Touched, decision: Decision
) -> None:
    """Turn received money beyond the amount into credit, newest allocation first."""
    for allocation in reversed(live_allocations(session, Allocation.payment_id == payment.id)):
        if excess_minor <= 0:
            return
        freed = min(excess_minor, allocation.amount_minor)
        void_allocations(session, [allocation], touched, decision.now)
        if freed < allocation.amount_minor:
            receipt = session.get_one(Receipt, allocation.receipt_id)
            allocate(session, receipt, payment, allocation.amount_minor - freed, touched, decision.now)
        excess_minor -= freed


def _decidable(session: Session, payment_id: int, act: Act, by: Actor) -> Payment:
    check_actor(act, by)
    payment = locked_payment(session, payment_id)
    check_admin(session, by, payment.workspace_id)
    if payment.kind is PaymentKind.OWN:
        raise OwnShare
    return payment


def _check_source(session: Session, payment: Payment, act: Act) -> None:
    if payment.status not in TRANSITIONS[act].sources:
        raise decided_already(session, payment, act)


def _check_arrived(money: Money, payment: Payment) -> None:
    if money.currency != payment.currency:
        raise OtherCurrencyReceived(payment.currency)
    covered = payment.amount_minor == payment.received_minor
    if money.minor < 0 or (money.minor == 0 and not covered):
        raise NothingArrived


def _check_versions(
    session: Session, payments: Sequence[Payment], versions: dict[int, int] | None, act: Act
) -> None:
    for payment in payments:
        if versions is not None and versions.get(payment.id) != payment.version:
            raise decided_already(session, payment, act)


def _reject_one(session: Session, payment: Payment, decision: Decision, version: int | None) -> None:
    touched = Touched()
    close_claim_item(session, payment, AttemptState.REJECTED, touched, decision.now, reason=decision.reason)
    move(
        session,
        payment,
        Act.REJECT,
        decision,
        target=Status.PENDING,
        touched=touched,
        expected_version=version,
    )
    settle_if_covered(session, payment, decision)


def _open_claim(session: Session, attempt_id: int, by: Actor) -> tuple[Attempt, list[Payment]]:
    attempt = session.get(Attempt, attempt_id)
    if attempt is None:
        raise NoSuchClaim
    check_admin(session, by, attempt.workspace_id)
    lock_contacts(session, [attempt.contact_id])
    session.refresh(attempt)
    waiting = select(AttemptItem.payment_id).where(
        AttemptItem.attempt_id == attempt_id, AttemptItem.state == AttemptState.OPEN
    )
    payments = payments_now(session, Payment.id.in_(waiting))
    if not payments:
        raise ClaimDecided
    return attempt, payments


def _stated(session: Session, attempt: Attempt, waiting: Sequence[Payment]) -> Money:
    """Say what a claim still stands for: money that was booked for one of its payments came only once."""
    items = session.scalar(select(func.count()).where(AttemptItem.attempt_id == attempt.id))
    if items == len(waiting):
        return Money(attempt.amount_minor, attempt.currency)
    left = sum(payment.amount_minor - payment.received_minor for payment in waiting)
    return Money(min(left, attempt.amount_minor), attempt.currency)


def _attempt_of(session: Session, payment: Payment) -> int | None:
    return session.scalar(
        select(AttemptItem.attempt_id).where(
            AttemptItem.payment_id == payment.id, AttemptItem.state == AttemptState.OPEN
        )
    )


def _is_last_act(session: Session, payment: Payment, act: Act) -> bool:
    return decided_already(session, payment, act).verb == act.value


def _reason(text: str) -> str:
    cleaned = clean_text(text, field="reason", maximum=500)
    if not cleaned:
        raise ReasonMissing
    return cleaned
