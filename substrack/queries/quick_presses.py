"""Whether a decision came so soon after its mail that a program that reads mail may have made it."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind, Via
from substrack.domain.claims import TOO_QUICK
from substrack.queries.deciding import LastDecision
from substrack.store import Message


def is_decided_quickly(session: Session, attempt_id: int, last: LastDecision | None) -> bool:
    """Tell whether an admin's link decided a claim within a minute of the mail that told of it."""
    if last is None or last.via is not Via.LINK or last.kind is not ActorKind.USER:
        return False
    sent = select(func.max(Message.sent_at)).where(
        Message.attempt_id == attempt_id, Message.sent_at <= last.at
    )
    told_at = session.scalar(sent)
    return told_at is not None and last.at - told_at < TOO_QUICK
