"""Stopping what waits for nobody or for nothing, and ending links of people who were erased."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.queries.faults import Fault
from substrack.services.journal import record
from substrack.services.ledger import Decision
from substrack.services.repaired import NotSafe, Repaired
from substrack.store import Contact, Link, Message


def stop_message(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Cancel a message that waits.

    Raises:
        NotSafe: a worker has, or had, it in hand. Whether its lease has ended, an instant that was typed
            can't say, and it may have been sent.
    """
    stopped = session.execute(
        update(Message)
        .where(Message.id == fault.key, Message.state == MessageState.QUEUED)
        .values(state=MessageState.CANCELLED, last_error=decision.reason)
        .returning(Message.workspace_id)
        .execution_options(synchronize_session=False)
    ).first()
    if stopped is None:
        raise NotSafe
    before: dict[str, Any] = {"state": fault.facts["state"]}
    after: dict[str, Any] = {"state": MessageState.CANCELLED.value}
    _record(session, "cancel", stopped.workspace_id, "message", fault.key, before, after, decision)
    return Repaired(before, after)


def revoke_link(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a link open nothing any more."""
    link = session.get_one(Link, fault.key)
    contact = session.get_one(Contact, link.contact_id)
    link.revoked_at = decision.now
    before: dict[str, Any] = {"revoked": False}
    after: dict[str, Any] = {"revoked": True}
    _record(session, "revoke_link", contact.workspace_id, "contact", contact.id, before, after, decision)
    return Repaired(before, after)


def _record(
    session: Session,
    verb: str,
    workspace_id: int,
    subject_kind: str,
    subject_id: int,
    before: dict[str, Any],
    after: dict[str, Any],
    decision: Decision,
) -> None:
    record(
        session,
        verb,
        by=decision.by,
        now=decision.now,
        workspace_id=workspace_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        reason=decision.reason,
        before=before,
        after=after,
        correlation_id=decision.correlation_id,
    )
    session.flush()
