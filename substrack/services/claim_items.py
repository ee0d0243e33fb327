"""Closing claims: the item of one payment, and the attempt with its last.

The payment's status is changed by `services.ledger.move` alone.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.services.ledger import Touched
from substrack.store import Attempt, AttemptItem, AttemptState, Payment


def close_claim_item(
    session: Session,
    payment: Payment,
    state: AttemptState,
    touched: Touched,
    now: datetime,
    *,
    reason: str | None = None,
) -> int | None:
    """Close the open claim on a payment, if there is one, and the attempt with its last item.

    Returns the attempt's key.
    """
    item = session.scalar(
        select(AttemptItem).where(
            AttemptItem.payment_id == payment.id, AttemptItem.state == AttemptState.OPEN
        )
    )
    if item is None:
        return None
    item.state, item.reason, item.closed_at = state, reason, now
    touched.items_closed.append(item.id)
    session.flush()
    close_attempt_when_done(session, item.attempt_id, now)
    return item.attempt_id


def close_attempt_when_done(session: Session, attempt_id: int, now: datetime) -> None:
    """Close an attempt that has no open item left; its state sums its items up."""
    states = set(session.scalars(select(AttemptItem.state).where(AttemptItem.attempt_id == attempt_id)))
    if AttemptState.OPEN in states:
        return
    attempt = session.get_one(Attempt, attempt_id)
    decided = states - {AttemptState.WITHDRAWN, AttemptState.VOIDED} or states
    attempt.state = decided.pop() if len(decided) == 1 else AttemptState.PART_CONFIRMED
    attempt.decided_at = now
    session.flush()
