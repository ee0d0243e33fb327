"""What services about a person start from: their row, unless they were erased, and lines of the journal.

Who may act on somebody is asked elsewhere, and nothing here changes anybody.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound
from substrack.services.journal import record
from substrack.services.locks import lock_contacts
from substrack.store import Contact


class UnknownContact(NotFound):
    """There is no such contact."""

    def __init__(self) -> None:
        super().__init__("There is no such person.")


def get_contact(session: Session, contact_id: int) -> Contact:
    """Load a person.

    Raises:
        UnknownContact: not there, or erased.
    """
    contact = session.get(Contact, contact_id)
    if contact is None or contact.erased_at is not None:
        raise UnknownContact
    return contact


def hold_contact(session: Session, contact_id: int, *, of: int | None = None) -> Contact:
    """Load a person as they are now, and keep others from changing or erasing them; groups are held before.

    Raises:
        UnknownContact: not there, not of the workspace `of`, or erased, be it while this waited.
    """
    lock_contacts(session, [contact_id])
    contact = session.get(Contact, contact_id, populate_existing=True)
    if contact is None or contact.erased_at is not None or of not in (None, contact.workspace_id):
        raise UnknownContact
    return contact


def record_contact(
    session: Session, verb: str, contact: Contact, *, by: Actor, now: datetime, **facts: Any
) -> None:
    """Append a line about a person: which facts changed, never the facts themselves."""
    record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=contact.workspace_id,
        subject_kind="contact",
        subject_id=contact.id,
        **facts,
    )
