"""What of a thing's last change can be put back."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.store import Event


def correction_to_undo(session: Session, period_id: int) -> str | None:
    """Find the correlation id of a period's last correction; None for one that an undo would not put back."""
    query = select(Event).where(
        Event.subject_kind == "period", Event.subject_id == period_id, Event.verb == "edit_period"
    )
    last = session.scalar(query.order_by(Event.id.desc()).limit(1))
    return last.correlation_id if last is not None and corrects_total_alone(last) else None


def corrects_total_alone(edit: Event) -> bool:
    """Tell whether an edit of a period can be put back.

    A bill that was entered made payments, and a moved due date moved when people are asked.
    """
    before, after = edit.before or {}, edit.after or {}
    return before["total"] is not None and before["due_on"] == after["due_on"]
