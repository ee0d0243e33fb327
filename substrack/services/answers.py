"""Answers: after a decision the member always hears what became of their money.

An answer waits out the time in which the decision can be undone; an undo cancels it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.queries.unallocated import unallocated_minor
from substrack.services.ledger import Decision
from substrack.services.outbox import Draft, queue
from substrack.store import Contact, Event, Message, Payment, Receipt


@dataclass(frozen=True)
class Settled:
    """What one payment got, in minor units, what is left to pay, and what of it was credit before."""

    payment_id: int
    received_minor: int
    left_minor: int
    credit_minor: int = 0


def queue_received(
    session: Session,
    contact_id: int,
    settled: Sequence[Settled],
    by_credit: Sequence[Settled],
    receipt: Receipt | None,
    decision: Decision,
) -> None:
    """Tell a member what was received, in full or in part, and what else their credit settled with it.

    It is in part when something is left, credit included, of a payment that was decided about.
    """
    items = _merged((*settled, *by_credit))
    is_part = any(items[item.payment_id].left_minor for item in settled)
    payload = {
        "items": [vars(item) for item in items.values()],
        "receipt_id": receipt.id if receipt else None,
        "receipt_minor": receipt.amount_minor if receipt else 0,
        "credit_minor": unallocated_minor(session, receipt.id) if receipt else 0,
        "currency": receipt.currency if receipt else None,
        "payer_id": receipt.payer_id if receipt else None,
    }
    notice = Notice.PART_RECEIVED if is_part else Notice.RECEIVED
    _answer(session, contact_id, notice, payload, decision)


def _merged(settled: Iterable[Settled]) -> dict[int, Settled]:
    """Add up what each payment got, by payment; what is left of it is what the last one left."""
    items: dict[int, Settled] = {}
    for item in settled:
        before = items.get(item.payment_id)
        if before is not None:
            item = replace(
                item,
                received_minor=before.received_minor + item.received_minor,
                credit_minor=before.credit_minor + item.credit_minor,
            )
        items[item.payment_id] = item
    return items


def queue_by_credit(
    session: Session, contact_id: int, settled: Sequence[Settled], decision: Decision
) -> None:
    """Tell a member what their credit settled by itself; nothing when it settled nothing."""
    if settled:
        queue_received(session, contact_id, settled, (), None, decision)


def queue_rejected(session: Session, payments: Sequence[Payment], decision: Decision) -> None:
    """Tell a member that their claim was rejected, and why."""
    _answer_about(session, Notice.REJECTED, payments, decision)


def was_told_received(session: Session, receipt: Receipt) -> bool:
    """Tell whether a member heard that this money came; where that was still to go out, it no longer does."""
    acts = select(Event.correlation_id).where(
        Event.subject_kind == "receipt", Event.subject_id == receipt.id, Event.verb == "receive"
    )
    answers = (
        Message.contact_id == receipt.contact_id,
        Message.correlation_id.in_(acts),
        Message.notice.in_((Notice.RECEIVED, Notice.PART_RECEIVED)),
    )
    waiting = update(Message).where(*answers, Message.state == MessageState.QUEUED)
    session.execute(waiting.values(state=MessageState.CANCELLED, last_error="the money was taken back"))
    gone = (*answers, Message.state.in_((MessageState.SENDING, MessageState.SENT)))
    return session.scalar(select(Message.id).where(*gone).limit(1)) is not None


def queue_taken_back(
    session: Session, receipt: Receipt, payment_ids: Sequence[int], decision: Decision
) -> None:
    """Tell a member that money noted as received was taken back, why, and what is open again.

    Told as a rejection, with which it shares all rules: somebody's word that money came does not stand.
    """
    payload = {
        "payment_ids": list(payment_ids),
        "reason": decision.reason,
        "taken_back": {
            "amount_minor": receipt.amount_minor,
            "currency": receipt.currency,
            "received_on": receipt.received_on.isoformat(),
            "payer_id": receipt.payer_id,
        },
    }
    _answer(session, receipt.contact_id, Notice.REJECTED, payload, decision)


def queue_waived(session: Session, payments: Sequence[Payment], decision: Decision) -> None:
    """Tell a member that a payment was forgiven, and why."""
    _answer_about(session, Notice.WAIVED, payments, decision)


def void_letter(
    workspace_id: int,
    payments: Sequence[Payment],
    *,
    is_claimed: bool,
    credit_minor: int,
    decision: Decision,
) -> Draft:
    """Tell a member that these payments are owed no more, and what of their money is credit now."""
    payload = {
        "payment_ids": [payment.id for payment in payments],
        "reason": decision.reason,
        "void": {"is_claimed": is_claimed, "credit_minor": credit_minor, "currency": payments[0].currency},
    }
    return _letter(workspace_id, payments[0].contact_id, Notice.WAIVED, payload, decision)


def restored_letter(workspace_id: int, payments: Sequence[Payment], decision: Decision) -> Draft:
    """Tell a member that these payments, of which they read that nothing is owed for them, count again.

    They have what money of the member's was given back to them by now. Told as a rejection, with which it
    shares all rules: what they read does not stand.
    """
    used_minor = sum(payment.received_minor for payment in payments)
    payload = {
        "payment_ids": [payment.id for payment in payments],
        "reason": None,
        "counts_again": {"used_minor": used_minor},
    }
    return _letter(workspace_id, payments[0].contact_id, Notice.REJECTED, payload, decision)


def _answer_about(session: Session, notice: Notice, payments: Sequence[Payment], decision: Decision) -> None:
    payload = {"payment_ids": [payment.id for payment in payments], "reason": decision.reason}
    _answer(session, payments[0].contact_id, notice, payload, decision)


def _answer(
    session: Session, contact_id: int, notice: Notice, payload: dict[str, Any], decision: Decision
) -> None:
    workspace_id = session.get_one(Contact, contact_id).workspace_id
    queue(session, [_letter(workspace_id, contact_id, notice, payload, decision)], now=decision.now)


def _letter(
    workspace_id: int, contact_id: int, notice: Notice, payload: dict[str, Any], decision: Decision
) -> Draft:
    return Draft(
        workspace_id=workspace_id,
        contact_id=contact_id,
        notice=notice,
        dedupe_key=f"{notice.value}:{decision.correlation_id}:{contact_id}",
        due_at=decision.now + timedelta(seconds=decision.by.undo_seconds),
        payload=payload,
        correlation_id=decision.correlation_id,
    )
