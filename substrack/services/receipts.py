"""Receipts: money that reached a payer, what it settles, and the credit that is left of it.

Credit settles the next payments, oldest first, when a receipt is recorded, a period opens or an admin asks;
never as the result of a void.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, credit_of
from substrack.domain.cycles import local_date
from substrack.domain.errors import Conflict, NotFound, Refused
from substrack.domain.money import Money
from substrack.domain.payments import (
    ASKABLE,
    OPEN,
    Act,
    PaymentKind,
    Standing,
    Status,
    after_receiving,
    check_actor,
)
from substrack.queries.groups import UnknownGroup
from substrack.services.answers import Settled, queue_received
from substrack.services.group_rows import check_payer
from substrack.services.journal import record, record_payment
from substrack.services.ledger import (
    Decision,
    Touched,
    allocate,
    check_admin,
    close_claim_item,
    live_allocations,
    lock_contacts,
    move,
    payments_now,
    snapshot,
    standing_of,
    unallocated_minor,
    void_allocations,
)
from substrack.services.schedule import reschedule_payments
from substrack.store import (
    Allocation,
    AttemptState,
    Contact,
    Direction,
    Group,
    Payment,
    Receipt,
    ReceiptSource,
    Workspace,
)


class NothingReceived(Refused):
    """A receipt needs an amount above zero."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("Enter the amount that arrived; it must be more than zero.")


class NoSuchReceipt(NotFound):
    """There is no such receipt."""

    def __init__(self) -> None:
        super().__init__("There is no such receipt.")


class OwnShareReceipt(Refused):
    """The payer's own share is not a receipt that can be taken back."""

    def __init__(self) -> None:
        super().__init__("This is the payer's own share; it follows the period's total.")


class VoidedAlready(Conflict):
    """The receipt was voided before."""

    def __init__(self) -> None:
        super().__init__("This receipt is void already; nothing was changed.")


@dataclass
class Arrival:
    """What is told of money that arrived; fills up with what it settled."""

    received_on: date
    method: str | None = None
    note: str | None = None
    attempt_id: int | None = None
    group_id: int | None = None
    source: ReceiptSource = ReceiptSource.ADMIN
    settled: list[Settled] = field(default_factory=list)


def record_receipt(
    session: Session,
    workspace_id: int,
    *,
    contact_id: int,
    payer_id: int,
    amount: Money,
    received_on: date | None = None,
    method: str | None = None,
    note: str | None = None,
    group_id: int | None = None,
    payment_ids: Collection[int] | None = None,
    by: Actor,
    now: datetime,
) -> Receipt:
    """Book money that came from a contact; settle the named payments, or all open ones, oldest first.

    What is left over is credit: free, or kept for `group_id`. The contact is told once. Writes the receipt,
    its allocations, an Event per settled payment and one for the receipt.

    Raises:
        NothingReceived: the amount is not above zero.
        NotAllowed: the actor does not decide.
        UnknownContact, UnknownGroup: sender, payer or group are not of this workspace.
    """
    check_actor(Act.CONFIRM, by)
    check_admin(session, by, workspace_id)
    _check_workspace(session, workspace_id, contact_id, payer_id, group_id)
    if amount.minor <= 0:
        raise NothingReceived
    lock_contacts(session, [contact_id])
    decision = Decision(by, now)
    chosen = _open_of(contact_id, payer_id, amount.currency, group_id)
    if payment_ids is not None:
        chosen = (*chosen, Payment.id.in_(payment_ids))
    payments = payments_now(session, *chosen)
    today = received_on or workspace_today(session, workspace_id, now)
    arrival = Arrival(today, method=method, note=note, group_id=group_id)
    receipt = receive(
        session, workspace_id, contact_id, payer_id, amount, payments, decision=decision, arrival=arrival
    )
    if receipt is None:
        raise NothingReceived
    queue_received(session, contact_id, arrival.settled, receipt, decision)
    apply_credit(session, contact_id, payer_id, decision)
    return receipt


def _check_workspace(
    session: Session, workspace_id: int, contact_id: int, payer_id: int, group_id: int | None
) -> None:
    """Let no key from a form reach into another workspace."""
    check_payer(session, workspace_id, contact_id)
    check_payer(session, workspace_id, payer_id)
    if group_id is not None and session.get_one(Group, group_id).workspace_id != workspace_id:
        raise UnknownGroup


def receive(
    session: Session,
    workspace_id: int,
    contact_id: int,
    payer_id: int,
    amount: Money,
    payments: Sequence[Payment],
    *,
    decision: Decision,
    arrival: Arrival,
    expected_version: int | None = None,
    answers_claims: bool = False,
) -> Receipt | None:
    """Book a receipt and settle locked payments with it in the order given; no receipt for an amount of zero.

    A payment that gets some of it is answered: its claim closes. With `answers_claims` (a decision about
    them) so is one that gets nothing; money that merely came in leaves such a claim waiting. Fills
    `arrival.settled` for the answer to the member.
    """
    touched = Touched()
    receipt = _book(session, workspace_id, contact_id, payer_id, amount, decision, arrival)
    if receipt is not None:
        touched.receipts_made.append(receipt.id)
    left_minor = amount.minor
    for payment in payments:
        part = min(left_minor, payment.amount_minor - payment.received_minor)
        is_answered = answers_claims and payment.status is Status.MEMBER_CONFIRMED
        if part == 0 and not is_answered:
            continue
        _settle(session, payment, receipt, part, decision, arrival, touched, expected_version)
        left_minor -= part
        touched = Touched()
    reschedule_payments(session, [payment.id for payment in payments], now=decision.now)
    return receipt


def apply_credit(session: Session, contact_id: int, payer_id: int, decision: Decision) -> int:
    """Let a contact's credit with a payer settle what they owe, oldest first; return how many it touched.

    Credit kept for a group settles only that group's payments; money taken off a payment because it was for
    something else does not flow back to it. Payments under a claim are left to the claim. The caller holds
    the contact's lock.
    """
    credit = _credit(session, contact_id, payer_id)
    if not credit:
        return 0
    payments = payments_now(
        session,
        Payment.contact_id == contact_id,
        Payment.payer_id == payer_id,
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(ASKABLE),
    )
    kept_away = _kept_away(session, [payment.id for payment in payments])
    taken = decision.taken_by(credit_of(decision.by))
    settled = [
        payment.id for payment in payments if _settle_from_credit(session, payment, credit, kept_away, taken)
    ]
    reschedule_payments(session, settled, now=decision.now)
    return len(settled)


def apply_credit_now(session: Session, contact_id: int, payer_id: int, *, by: Actor, now: datetime) -> int:
    """Settle a contact's open payments from their credit because an admin asks."""
    check_actor(Act.CONFIRM, by)
    check_admin(session, by, session.get_one(Contact, contact_id).workspace_id)
    lock_contacts(session, [contact_id])
    return apply_credit(session, contact_id, payer_id, Decision(by, now))


def void_receipt(session: Session, receipt_id: int, *, reason: str, by: Actor, now: datetime) -> Receipt:
    """Take a receipt back: what it settled is open again and asked for afresh. No credit moves by this.

    Raises:
        NoSuchReceipt, OwnShareReceipt, VoidedAlready.
    """
    check_actor(Act.REOPEN, by)
    receipt = session.get(Receipt, receipt_id)
    if receipt is None:
        raise NoSuchReceipt
    check_admin(session, by, receipt.workspace_id)
    lock_contacts(session, [receipt.contact_id])
    session.refresh(receipt)
    if receipt.source is ReceiptSource.OWN:
        raise OwnShareReceipt
    if receipt.voided_at is not None:
        raise VoidedAlready
    decision = Decision(by, now, reason)
    take_back(session, receipt, decision)
    _record_receipt(session, "void_receipt", receipt, decision)
    return receipt


def take_back(session: Session, receipt: Receipt, decision: Decision) -> None:
    """Void a receipt and its allocations and reopen what they covered; the caller holds the lock."""
    receipt.voided_at, receipt.void_reason = decision.now, decision.reason
    touched = Touched(receipts_voided=[receipt.id])
    reopened = []
    for allocation in live_allocations(session, Allocation.receipt_id == receipt.id):
        payment = session.get_one(Payment, allocation.payment_id, populate_existing=True)
        void_allocations(session, [allocation], touched, decision.now)
        release(session, payment, allocation.amount_minor, decision, touched)
        reopened.append(payment.id)
        touched = Touched()
    reschedule_payments(session, reopened, now=decision.now)


def release(
    session: Session, payment: Payment, amount_minor: int, decision: Decision, touched: Touched
) -> None:
    """Take received money off a payment; a confirmed one is pending again, its write-off gone."""
    standing = Standing(payment.amount_minor, payment.received_minor - amount_minor)
    if payment.status is Status.CONFIRMED:
        move(
            session, payment, Act.REOPEN, decision, target=Status.PENDING, standing=standing, touched=touched
        )
    elif payment.status is Status.WAIVED:
        _release_waived(session, payment, amount_minor, decision, touched)
    else:
        move(session, payment, Act.ADJUST, decision, standing=standing, touched=touched)


def _release_waived(
    session: Session, payment: Payment, amount_minor: int, decision: Decision, touched: Touched
) -> None:
    """Take money off a waived payment: it stays waived, and its history says so."""
    before = snapshot(payment)
    payment.received_minor -= amount_minor
    payment.version += 1
    session.flush()
    record_payment(
        session,
        "release",
        payment,
        by=decision.by,
        now=decision.now,
        reason=decision.reason,
        before=before,
        after=snapshot(payment) | {"rows": touched.as_dict()},
        correlation_id=decision.correlation_id,
    )


def credit_minor(session: Session, contact_id: int, payer_id: int, currency: str) -> int:
    """Return a contact's credit with a payer in one currency, in minor units."""
    return sum(
        free for receipt, free in _credit(session, contact_id, payer_id) if receipt.currency == currency
    )


def workspace_today(session: Session, workspace_id: int, now: datetime) -> date:
    """Say which day it is in the workspace's zone."""
    return local_date(now, session.get_one(Workspace, workspace_id).time_zone)


def _open_of(
    contact_id: int, payer_id: int, currency: str, group_id: int | None
) -> tuple[ColumnElement[bool], ...]:
    conditions = (
        Payment.contact_id == contact_id,
        Payment.payer_id == payer_id,
        Payment.currency == currency,
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(OPEN),
    )
    return conditions if group_id is None else (*conditions, Payment.group_id == group_id)


def _book(
    session: Session,
    workspace_id: int,
    contact_id: int,
    payer_id: int,
    amount: Money,
    decision: Decision,
    arrival: Arrival,
) -> Receipt | None:
    if amount.minor == 0:
        return None
    receipt = Receipt(
        workspace_id=workspace_id,
        contact_id=contact_id,
        payer_id=payer_id,
        group_id=arrival.group_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        direction=Direction.IN,
        received_on=arrival.received_on,
        method=arrival.method,
        source=arrival.source,
        note=arrival.note,
        attempt_id=arrival.attempt_id,
        created_at=decision.now,
    )
    session.add(receipt)
    session.flush()
    _record_receipt(session, "receive", receipt, decision)
    return receipt


def _record_receipt(session: Session, verb: str, receipt: Receipt, decision: Decision) -> None:
    facts: dict[str, Any] = {"amount": receipt.amount_minor, "currency": receipt.currency}
    record(
        session,
        verb,
        by=decision.by,
        now=decision.now,
        workspace_id=receipt.workspace_id,
        group_id=receipt.group_id,
        subject_kind="receipt",
        subject_id=receipt.id,
        reason=decision.reason,
        after=facts,
        correlation_id=decision.correlation_id,
    )


def _settle(
    session: Session,
    payment: Payment,
    receipt: Receipt | None,
    part_minor: int,
    decision: Decision,
    arrival: Arrival,
    touched: Touched,
    expected_version: int | None,
) -> None:
    group = session.get_one(Group, payment.group_id)
    if receipt is not None and part_minor:
        allocate(session, receipt, payment, part_minor, touched, decision.now)
    standing = after_receiving(standing_of(payment), part_minor, tolerance_minor=group.tolerance_minor)
    state = AttemptState.CONFIRMED if standing.is_covered else AttemptState.PART_CONFIRMED
    close_claim_item(session, payment, state, touched, decision.now)
    target = Status.CONFIRMED if standing.is_covered else Status.PENDING
    move(
        session,
        payment,
        Act.CONFIRM,
        decision,
        target=target,
        standing=standing,
        touched=touched,
        expected_version=expected_version,
        facts={"allocated": part_minor},
    )
    arrival.settled.append(Settled(payment.id, part_minor, standing.left_minor))


def _credit(session: Session, contact_id: int, payer_id: int) -> list[tuple[Receipt, int]]:
    receipts = session.scalars(
        select(Receipt)
        .where(
            Receipt.contact_id == contact_id,
            Receipt.payer_id == payer_id,
            Receipt.voided_at.is_(None),
            Receipt.direction == Direction.IN,
            Receipt.source != ReceiptSource.OWN,
        )
        .order_by(Receipt.received_on, Receipt.id)
    )
    free = [(receipt, unallocated_minor(session, receipt)) for receipt in receipts]
    return [(receipt, amount) for receipt, amount in free if amount > 0]


def _kept_away(session: Session, payment_ids: Collection[int]) -> set[tuple[int, int]]:
    """Find the pairs of receipt and payment that an admin took apart as "for something else"."""
    query = select(Allocation.receipt_id, Allocation.payment_id).where(
        Allocation.payment_id.in_(payment_ids), Allocation.keeps_away
    )
    return {(receipt_id, payment_id) for receipt_id, payment_id in session.execute(query)}


def _settle_from_credit(
    session: Session,
    payment: Payment,
    credit: list[tuple[Receipt, int]],
    kept_away: set[tuple[int, int]],
    decision: Decision,
) -> bool:
    touched, given = Touched(), 0
    open_minor = payment.amount_minor - payment.received_minor
    for place, (receipt, free) in enumerate(credit):
        part = min(free, open_minor - given)
        fits = receipt.currency == payment.currency and receipt.group_id in (None, payment.group_id)
        if part <= 0 or not fits or (receipt.id, payment.id) in kept_away:
            continue
        _allocate_more(session, receipt, payment, part, touched, decision.now)
        credit[place] = (receipt, free - part)
        given += part
    if given == 0:
        return False
    group = session.get_one(Group, payment.group_id)
    standing = after_receiving(standing_of(payment), given, tolerance_minor=group.tolerance_minor)
    target = Status.CONFIRMED if standing.is_covered else Status.PENDING
    facts = {"allocated": given}
    move(
        session,
        payment,
        Act.CONFIRM,
        decision,
        target=target,
        standing=standing,
        touched=touched,
        facts=facts,
    )
    return True


def _allocate_more(
    session: Session, receipt: Receipt, payment: Payment, part_minor: int, touched: Touched, now: datetime
) -> None:
    """Allocate, joining what the same receipt gives this payment already into one live allocation."""
    earlier = live_allocations(
        session, Allocation.receipt_id == receipt.id, Allocation.payment_id == payment.id
    )
    void_allocations(session, earlier, touched, now)
    whole = part_minor + sum(allocation.amount_minor for allocation in earlier)
    allocate(session, receipt, payment, whole, touched, now)
