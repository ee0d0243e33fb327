"""Receipts: money that reached a payer, what it settles, and the credit that is left of it.

What credit settles next, and when, is said in `credit`; it never moves as the result of a void.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Conflict, NotFound, Refused
from substrack.domain.money import Money
from substrack.domain.payments import OPEN, Act, PaymentKind, check_actor
from substrack.queries.booked import load_booked
from substrack.queries.groups import UnknownGroup
from substrack.services.access import check_admin
from substrack.services.answers import queue_by_credit, queue_received, queue_taken_back, was_told_received
from substrack.services.claim_decisions import NoSuchClaim
from substrack.services.contact_rows import UnknownContact, get_contact, hold_contact
from substrack.services.credit import apply_credit
from substrack.services.deciding import ReasonForHistoryMissing, clean_reason
from substrack.services.ledger import Decision, payments_now
from substrack.services.locks import lock_contacts
from substrack.services.settling import Arrival, day_received, receive, record_receipt_event
from substrack.services.taking_back import take_back
from substrack.store import Attempt, Group, Payment, Receipt, ReceiptSource


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


class ClaimBooked(Conflict):
    """Money was booked for this claim before."""

    def __init__(self) -> None:
        super().__init__("The money of this claim is booked already; nothing was changed.")


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
    attempt_id: int | None = None,
    by: Actor,
    now: datetime,
) -> Receipt:
    """Book money that came from a contact; settle the named payments, or all open ones, oldest first.

    What is left over is credit: free, or kept for `group_id`. The contact is told once. `attempt_id` is the
    claim whose money it is, where nothing of that waits any more: it is booked once. Writes the receipt, its
    allocations, an Event per settled payment and one for the receipt.

    Raises:
        NothingReceived: the amount is not above zero.
        NotAllowed: the actor does not decide.
        UnknownContact, UnknownGroup: sender, payer or group are not of this workspace.
        NoSuchClaim, ClaimBooked: the claim is not theirs, or its money is booked already.
        ReceivedInTheFuture, ReceivedTooLongAgo: the day can't be right.
    """
    check_actor(Act.CONFIRM, by)
    check_admin(session, by, workspace_id)
    hold_contact(session, contact_id, of=workspace_id)
    _check_workspace(session, workspace_id, payer_id, group_id)
    if amount.minor <= 0:
        raise NothingReceived
    if attempt_id is not None:
        _check_claim(session, attempt_id, contact_id, payer_id, amount.currency)
    decision = Decision(by, now)
    chosen = _open_of(contact_id, payer_id, amount.currency, group_id)
    if payment_ids is not None:
        chosen = (*chosen, Payment.id.in_(payment_ids))
    payments = payments_now(session, *chosen)
    day = day_received(session, workspace_id, received_on, now)
    arrival = Arrival(day, method=method, note=note, attempt_id=attempt_id, group_id=group_id)
    receipt = receive(
        session, workspace_id, contact_id, payer_id, amount, payments, decision=decision, arrival=arrival
    )
    if receipt is None:
        raise NothingReceived
    by_credit = apply_credit(session, contact_id, payer_id, decision, just_came=receipt)
    queue_received(session, contact_id, arrival.settled, by_credit, receipt, decision)
    return receipt


def _check_workspace(session: Session, workspace_id: int, payer_id: int, group_id: int | None) -> None:
    """Let no key from a form reach into another workspace."""
    if get_contact(session, payer_id).workspace_id != workspace_id:
        raise UnknownContact
    group = session.get(Group, group_id) if group_id is not None else None
    if group_id is not None and (group is None or group.workspace_id != workspace_id):
        raise UnknownGroup


def _check_claim(session: Session, attempt_id: int, contact_id: int, payer_id: int, currency: str) -> None:
    """Let money name no claim of somebody else, and none for which money is booked."""
    claim = session.get(Attempt, attempt_id)
    if claim is None or (claim.contact_id, claim.payer_id, claim.currency) != (
        contact_id,
        payer_id,
        currency,
    ):
        raise NoSuchClaim
    if load_booked(session, attempt_id) is not None:
        raise ClaimBooked


def apply_credit_now(session: Session, contact_id: int, payer_id: int, *, by: Actor, now: datetime) -> int:
    """Settle a contact's open payments from their credit because an admin asks; tell them, say how many.

    Raises:
        NotAllowed, NoSuchPayment, UnknownContact.
    """
    check_actor(Act.CONFIRM, by)
    check_admin(session, by, get_contact(session, contact_id).workspace_id)
    lock_contacts(session, [contact_id])
    decision = Decision(by, now)
    settled = apply_credit(session, contact_id, payer_id, decision)
    queue_by_credit(session, contact_id, settled, decision)
    return len(settled)


def void_receipt(session: Session, receipt_id: int, *, reason: str, by: Actor, now: datetime) -> Receipt:
    """Take a receipt back: what it settled is open again and asked for afresh. No credit moves by this.

    Who was told that it was received is told that it is taken back, and why; who is to be told hears nothing.

    Raises:
        NoSuchReceipt, OwnShareReceipt, VoidedAlready, ReasonMissing, TextRefused.
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
    decision = Decision(by, now, clean_reason(reason, ReasonForHistoryMissing))
    settled = take_back(session, receipt, decision)
    record_receipt_event(session, "void_receipt", receipt, decision)
    if was_told_received(session, receipt):
        queue_taken_back(session, receipt, settled, decision)
    return receipt


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
