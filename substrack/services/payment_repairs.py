"""Putting payments, claims and receipts right, where history, receipts and claims leave no doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from substrack.domain.payments import CLOSED, Act, Status
from substrack.queries.faults import Fault
from substrack.queries.unallocated import unallocated_minor
from substrack.services.claim_items import close_attempt_when_done, close_claim_item
from substrack.services.journal import record, record_payment
from substrack.services.ledger import Decision, Touched
from substrack.services.repaired import ChangedMeanwhile, NotSafe, Repaired, note_repair
from substrack.services.schedule import reschedule_payments
from substrack.services.settling import record_receipt_event
from substrack.services.shown import flag_shown
from substrack.store import Allocation, Attempt, AttemptItem, AttemptState, Event, Payment, Receipt

VOID: Final = "void"
ANSWERS: Final[Mapping[str, AttemptState]] = {
    Act.CONFIRM: AttemptState.PART_CONFIRMED,
    Act.REJECT: AttemptState.REJECTED,
    Act.WITHDRAW: AttemptState.WITHDRAWN,
    Act.WAIVE: AttemptState.WAIVED,
}
"""What became of a claim, by the act that decided about it and did not cover its payment."""


def put_back(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a payment's row say again what its history says, which receipts and claim bear out."""
    payment, last = session.get_one(Payment, fault.key), _last_event(session, fault.key)
    row, history = fault.facts["row"], fault.facts["history"]
    is_void = last.verb == VOID
    if payment.voided_at is not None and not is_void:
        _check_seat(session, payment)
    status = Status(history["status"])
    values: dict[str, Any] = {
        "status": status,
        "amount_minor": history["amount"],
        "received_minor": history["received"],
        "written_off_minor": history["written_off"],
        "voided_at": (payment.voided_at or last.at) if is_void else None,
        "closed_at": (payment.closed_at or last.at) if status in CLOSED else None,
    }
    before, after = _differences(row, history)
    if is_void != (payment.voided_at is not None):
        before, after = before | {"void": not is_void}, after | {"void": is_void}
    _write(session, payment, values)
    reschedule_payments(session, [payment.id], now=decision.now)
    return _record(session, payment, before, after, decision)


def open_claim_again(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let the claim wait again that a payment still waits for: nobody has decided about it.

    Raises:
        NotSafe: that claim names the payment no more; an older one was decided about.
    """
    payment = session.get_one(Payment, fault.key)
    query = select(AttemptItem).where(
        AttemptItem.payment_id == payment.id, AttemptItem.attempt_id == _last_claim(session, payment.id)
    )
    item = session.scalars(query).first()
    if item is None:
        raise NotSafe
    before = {"claim": item.state.value}
    item.state, item.reason, item.closed_at = AttemptState.OPEN, None, None
    attempt = session.get_one(Attempt, item.attempt_id)
    attempt.state, attempt.decided_at = AttemptState.OPEN, None
    session.flush()
    return _record(session, payment, before, {"claim": AttemptState.OPEN.value}, decision)


def close_claim(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Close a claim whose payment was decided about, the way it was decided."""
    payment = session.get_one(Payment, fault.key)
    state = _answer(session, payment.id)
    close_claim_item(session, payment, state, Touched(), decision.now)
    return _record(session, payment, {"claim": "open"}, {"claim": state.value}, decision)


def time_anew(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Write afresh when time acts on a payment next, and when it was closed."""
    payment = session.get_one(Payment, fault.key)
    before = _times(payment)
    is_closed = payment.status in CLOSED and payment.voided_at is None
    values: dict[str, Any] = {"closed_at": payment.closed_at if is_closed else None}
    if is_closed and payment.closed_at is None:
        values["closed_at"] = _last_event(session, payment.id).at
    if payment.status is Status.MEMBER_CONFIRMED and payment.nudged_at is None:
        values["nudged_at"] = decision.now
    _write(session, payment, values)
    reschedule_payments(session, [payment.id], now=decision.now)
    session.refresh(payment)
    return _record(session, payment, before, _times(payment), decision)


def put_receipt_back(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a receipt say again what came when it was booked.

    Raises:
        NotSafe: it settles more than that.
    """
    receipt, booked = session.get_one(Receipt, fault.key), fault.facts["history"]
    if receipt.amount_minor - unallocated_minor(session, receipt.id) > booked:
        raise NotSafe
    before, after = {"amount": receipt.amount_minor}, {"amount": booked}
    receipt.amount_minor = booked
    return _record_receipt(session, receipt, before, after, decision)


def revive_receipt(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Take back the voiding of a receipt in use, if no decision of which the journal knows has voided it."""
    receipt = session.get_one(Receipt, fault.key)
    if _was_voided(session, receipt):
        raise NotSafe
    receipt.voided_at = receipt.void_reason = None
    return _record_receipt(session, receipt, {"void": True}, {"void": False}, decision)


def end_attempt(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Close a claim that has nothing left to decide, or never named anything."""
    attempt = session.get_one(Attempt, fault.key)
    if fault.facts["named"]:
        close_attempt_when_done(session, attempt.id, decision.now)
    else:
        attempt.state, attempt.decided_at = AttemptState.VOIDED, decision.now
    return _record_attempt(session, attempt, fault.facts["state"], decision)


def open_attempt_again(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a claim be open while payments wait for it."""
    attempt = session.get_one(Attempt, fault.key)
    decided = (
        select(func.count())
        .select_from(AttemptItem)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .where(
            AttemptItem.attempt_id == attempt.id,
            AttemptItem.state == AttemptState.OPEN,
            Payment.status != Status.MEMBER_CONFIRMED,
        )
    )
    if session.scalar(decided):
        raise NotSafe
    attempt.state, attempt.decided_at = AttemptState.OPEN, None
    return _record_attempt(session, attempt, fault.facts["state"], decision)


def _was_voided(session: Session, receipt: Receipt) -> bool:
    """Tell whether a decision voided a receipt: its own, or one on a payment it was for."""
    own = select(Event.id).where(
        Event.subject_kind == "receipt",
        Event.subject_id == receipt.id,
        Event.verb.in_(("void_receipt", "undo")),
    )
    if session.scalar(own.limit(1)) is not None:
        return True
    paid = select(Allocation.payment_id).where(Allocation.receipt_id == receipt.id)
    rows = session.scalars(select(Event.after).where(Event.payment_id.in_(paid)))
    return any(receipt.id in (after or {}).get("rows", {}).get("receipts_voided", ()) for after in rows)


def _last_event(session: Session, payment_id: int) -> Event:
    return session.scalars(_history(payment_id).order_by(Event.id.desc()).limit(1)).one()


def _history(payment_id: int) -> Select[Event]:
    """Select the lines that say what a payment was from then on."""
    return select(Event).where(
        Event.payment_id == payment_id, Event.after["version"].as_integer().is_not(None)
    )


def _last_claim(session: Session, payment_id: int) -> int | None:
    """Find the attempt that the last claim of a payment made, by its line."""
    claims = _history(payment_id).where(Event.verb == Act.CLAIM).order_by(Event.id.desc())
    last = session.scalars(claims.limit(1)).first()
    return (last.after or {}).get("attempt") if last else None


def _answer(session: Session, payment_id: int) -> AttemptState:
    """Tell what became of the open claim on a payment, by the act after which it no longer waited."""
    open_item = (AttemptItem.payment_id == payment_id, AttemptItem.state == AttemptState.OPEN)
    attempt_id = session.scalars(select(AttemptItem.attempt_id).where(*open_item)).one()
    act = _deciding_act(session, payment_id, attempt_id)
    if act is None:
        return AttemptState.VOIDED
    is_covered = act.verb == Act.CONFIRM and (act.after or {})["status"] == Status.CONFIRMED
    return AttemptState.CONFIRMED if is_covered else ANSWERS.get(act.verb, AttemptState.VOIDED)


def _deciding_act(session: Session, payment_id: int, attempt_id: int) -> Event | None:
    """Find the first act that left a payment unclaimed after a claim of it, and was not taken back."""
    found, is_claimed = None, False
    for event in session.scalars(_history(payment_id).order_by(Event.id)):
        after = event.after or {}
        if event.verb == Act.CLAIM:
            if is_claimed:
                break
            is_claimed = after.get("attempt") == attempt_id
        elif is_claimed:
            waits = after["status"] == Status.MEMBER_CONFIRMED
            found = None if waits else found or event
    return found


def _check_seat(session: Session, payment: Payment) -> None:
    """Refuse to bring a payment back into a place that another has taken."""
    taken = select(Payment.id).where(
        Payment.period_id == payment.period_id,
        Payment.member_id == payment.member_id,
        Payment.voided_at.is_(None),
    )
    if session.scalar(taken.limit(1)) is not None:
        raise NotSafe


def _write(session: Session, payment: Payment, values: dict[str, Any]) -> None:
    """Change a payment as long as it is the one that was looked at.

    Raises:
        ChangedMeanwhile.
    """
    changed = session.execute(
        update(Payment)
        .where(Payment.id == payment.id, Payment.version == payment.version)
        .values(**values)
        .returning(Payment.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise ChangedMeanwhile
    session.refresh(payment)


def _differences(row: dict[str, Any], history: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [name for name in history if row[name] != history[name]]
    return {name: row[name] for name in names}, {name: history[name] for name in names}


def _times(payment: Payment) -> dict[str, Any]:
    at = {"next_action_at": payment.next_action_at, "closed_at": payment.closed_at}
    return {name: instant.isoformat() if instant else None for name, instant in at.items()}


def _record(
    session: Session, payment: Payment, before: dict[str, Any], after: dict[str, Any], decision: Decision
) -> Repaired:
    """Write the line of a repair; it has no version, since the payment's own does not change."""
    flag_shown(session, [payment.id], now=decision.now)
    return note_repair(session, record_payment, payment, Repaired(before, after), decision)


def _record_receipt(
    session: Session, receipt: Receipt, before: dict[str, Any], after: dict[str, Any], decision: Decision
) -> Repaired:
    session.flush()
    record_receipt_event(session, "repair", receipt, decision, before=before, after=after)
    return Repaired(before, after)


def _record_attempt(session: Session, attempt: Attempt, was: str, decision: Decision) -> Repaired:
    before, after = {"claim": was}, {"claim": attempt.state.value}
    record(
        session,
        "repair",
        by=decision.by,
        now=decision.now,
        workspace_id=attempt.workspace_id,
        subject_kind="contact",
        subject_id=attempt.contact_id,
        reason=decision.reason,
        before=before,
        after=after | {"attempt": attempt.id},
        correlation_id=decision.correlation_id,
    )
    session.flush()
    return Repaired(before, after)
