"""What of a thing's last change can be put back."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.store import Event


def correction_to_undo(session: Session, period_id: int) -> str | None:
    """Find the correlation id of a period's last correction; None for one that an undo would not put back.

    A bill that was entered made payments, and a moved due date moved when people are asked.
    """
    query = select(Event).where(
        Event.subject_kind == "period", Event.subject_id == period_id, Event.verb == "edit_period"
    )
    last = session.scalar(query.order_by(Event.id.desc()).limit(1))
    if last is None or last.before is None or last.after is None:
        return None
    was_billed, due_stays = last.before["total"] is not None, last.before["due_on"] == last.after["due_on"]
    return last.correlation_id if was_billed and due_stays else None
