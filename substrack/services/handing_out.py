"""Handing out: all that is known of a person leaves the house, and the journal says who took it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.services.access import check_owner
from substrack.services.contact_rows import get_contact, record_contact
from substrack.services.roles import check_whose_account


def note_handed_out(session: Session, contact_id: int, *, by: Actor, now: datetime) -> None:
    """Note that somebody takes everything known of a person.

    Call it before it is read; where it goes into a file that may fail to be written, once that is there.

    Raises:
        UnknownContact, NotFound, OwnersOnly.
    """
    check_owner(session, by, contact_id)
    check_whose_account(session, contact_id, by)
    record_contact(session, "export", get_contact(session, contact_id), by=by, now=now)
