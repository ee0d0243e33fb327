"""One request to one person: its message, and what it counts for in the payments it lists.

Whoever asks, a sweep or an admin, asks by this; the key lets nobody be asked twice on one local day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from substrack.domain.asking import AT_ANY_HOUR
from substrack.domain.cycles import local_date
from substrack.domain.notices import Notice
from substrack.domain.requests import today_of
from substrack.services.correlation import new_correlation_id
from substrack.services.outbox import Draft, Item
from substrack.services.schedule import DuePayment
from substrack.store import Contact, Workspace


def draft_request(
    session: Session,
    contact_id: int,
    entries: Sequence[DuePayment],
    *,
    now: datetime,
    due_at: datetime | None = None,
    correlation_id: str | None = None,
    at_any_hour: bool = False,
) -> Draft:
    """Count these payments as asked for now, and draft the message that does it, to be sent at `due_at`.

    It waits for the hours in which people are asked, unless it is to go `at_any_hour`.
    """
    is_first = all(entry.payment.requests_sent == 0 for entry in entries)
    contact = count_as_asked(session, contact_id, entries, now=now)
    return Draft(
        workspace_id=contact.workspace_id,
        contact_id=contact_id,
        notice=Notice.REQUEST if is_first else Notice.REMINDER,
        dedupe_key=f"request:{contact_id}:{contact.requested_on}",
        due_at=due_at or now,
        payload={AT_ANY_HOUR: True} if at_any_hour else {},
        items=[Item(entry.payment.id, entry.payment.requests_sent) for entry in entries],
        correlation_id=correlation_id or new_correlation_id(),
    )


def count_as_asked(
    session: Session, contact_id: int, entries: Sequence[DuePayment], *, now: datetime
) -> Contact:
    """Let each payment have had one request more, and its next slot follow from today."""
    contact = session.get_one(Contact, contact_id)
    contact.requested_on = workspace_day(session, contact.workspace_id, now)
    for entry in entries:
        payment = entry.payment
        payment.requests_sent += 1
        payment.requested_on = today_of(now, entry.rules)
        payment.next_action_at = entry.next_action_at(now)
    return contact


def workspace_day(session: Session, workspace_id: int, now: datetime) -> date:
    """Say which local date it is for a workspace."""
    return local_date(now, session.get_one(Workspace, workspace_id).time_zone)
