"""Taking back a bill that was just entered: the period waits for it again, and nobody hears of the wrong one.

All of it or nothing, within the actor's undo time, and only while nothing came of the bill: no request, no
message on its way, nothing said or decided about any of its payments. Those are void, for the journal names
them, and what credit had settled is credit again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.payments import Act
from substrack.queries.batches import in_batches
from substrack.queries.undoing import EDIT, enters_bill
from substrack.services.access import check_admin
from substrack.services.journal import record_period
from substrack.services.ledger import Decision, payments_now
from substrack.services.locks import lock_contacts
from substrack.services.outbox import cancel_waiting
from substrack.services.totals import sum_of
from substrack.services.undo import TooLateToUndo
from substrack.services.voiding import void_payment
from substrack.store import Event, Group, Payment, Period


def take_back_bill(session: Session, correlation_id: str, *, by: Actor, now: datetime) -> bool:
    """Let a period be without a bill again; False when this was no entering of one.

    Raises:
        TooLateToUndo: not the same actor, too late, already told, or something came of the bill.
        NoSuchPayment: the actor administers the workspace no more.
    """
    edit = session.scalar(
        select(Event).where(
            Event.correlation_id == correlation_id, Event.subject_kind == "period", Event.verb == EDIT
        )
    )
    if edit is None or not enters_bill(edit):
        return False
    _check_actor(session, edit, by, now)
    period, payments = _locked(session, edit)
    if period.voided_at is not None or period.version != (edit.after or {})["version"]:
        raise TooLateToUndo
    _check_nothing_came_of_it(session, edit, payments)
    decision = Decision(by, now)
    for payment in payments:
        void_payment(session, payment, decision)
    _wait_for_bill(session, period, edit, decision)
    return True


def _check_actor(session: Session, edit: Event, by: Actor, now: datetime) -> None:
    is_theirs = (edit.actor_kind, edit.actor_id) == (by.kind, by.id)
    is_in_time = edit.at >= now - timedelta(seconds=by.undo_seconds)
    if not by.undo_seconds or not is_theirs or not is_in_time:
        raise TooLateToUndo
    check_admin(session, by, edit.workspace_id)


def _locked(session: Session, edit: Event) -> tuple[Period, list[Payment]]:
    session.get_one(Group, edit.group_id, with_for_update={"key_share": True}, populate_existing=True)
    owners = session.scalars(select(Payment.contact_id).where(Payment.period_id == edit.subject_id))
    lock_contacts(session, owners)
    period = session.get_one(
        Period, edit.subject_id, with_for_update={"key_share": True}, populate_existing=True
    )
    return period, payments_now(session, Payment.period_id == period.id)


def _check_nothing_came_of_it(session: Session, edit: Event, payments: Sequence[Payment]) -> None:
    """Cancel what was to be told of the bill; refuse once anything else is known of one of its payments."""
    keys = {payment.id for payment in payments}
    told_by = {edit.correlation_id}
    for batch in in_batches(keys):
        for event in session.scalars(select(Event).where(Event.payment_id.in_(batch))):
            if event.id > edit.id:
                raise TooLateToUndo
            told_by.add(event.correlation_id)
    if any(payment.requests_sent for payment in payments) or _settled_others(session, told_by, keys):
        raise TooLateToUndo
    if not all(cancel_waiting(session, correlation_id) for correlation_id in sorted(told_by)):
        raise TooLateToUndo


def _settled_others(session: Session, correlation_ids: set[str], keys: set[int]) -> bool:
    """Tell whether credit settled something else in the same breath, of which its owner is to hear."""
    for batch in in_batches(correlation_ids):
        query = select(Event.payment_id).where(Event.correlation_id.in_(batch), Event.payment_id.is_not(None))
        if not keys.issuperset(key for key in session.scalars(query) if key is not None):
            return True
    return False


def _wait_for_bill(session: Session, period: Period, edit: Event, decision: Decision) -> None:
    was = _facts(period)
    period.total_minor = period.billed_minor = period.billed_at = None
    period.payer_part_minor = 0
    period.due_on = date.fromisoformat((edit.before or {})["due_on"])
    period.version += 1
    session.flush()
    record_period(
        session,
        Act.UNDO.value,
        period,
        by=decision.by,
        now=decision.now,
        before=was,
        after=_facts(period) | {"undone": [edit.id]},
        correlation_id=decision.correlation_id,
    )


def _facts(period: Period) -> dict[str, Any]:
    return sum_of(period) | {"due_on": period.due_on.isoformat(), "version": period.version}
