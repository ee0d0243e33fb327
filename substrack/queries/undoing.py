"""What of a thing's last change can be put back."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.payments import Act
from substrack.store import Event

EDIT: Final = "edit_period"
"""The verb of a period that was billed or corrected."""


def correction_to_undo(session: Session, period_id: int) -> str | None:
    """Find the correlation id of a period's bill or last correction; None for what no undo would put back.

    Nor would it put back one that is undone already, or one that was made before that.
    """
    query = select(Event).where(
        Event.subject_kind == "period", Event.subject_id == period_id, Event.verb.in_((EDIT, Act.UNDO.value))
    )
    undone: set[int] = set()
    for event in session.scalars(query.order_by(Event.id.desc())):
        if event.verb == EDIT:
            is_last = event.id not in undone and (corrects_total_alone(event) or enters_bill(event))
            return event.correlation_id if is_last else None
        undone |= set((event.after or {}).get("undone", ()))
    return None


def corrects_total_alone(edit: Event) -> bool:
    """Tell whether an edit of a period can be put back by itself.

    A bill that was entered made payments (`services.bill_undo`), and a moved due date moved when people are
    asked.
    """
    return (edit.before or {})["total"] is not None and not moves_due_date(edit)


def enters_bill(edit: Event) -> bool:
    """Tell whether an edit gave a period its bill."""
    return (edit.before or {})["total"] is None and (edit.after or {})["total"] is not None


def moves_due_date(edit: Event) -> bool:
    """Tell whether an edit of a period moved its due date."""
    return bool((edit.before or {})["due_on"] != (edit.after or {})["due_on"])
