"""The locks under which somebody's money moves.

Every service that touches it first locks that contact, so all acts on one person's payments happen one
after another on PostgreSQL as they do on SQLite. Locks are always taken in the order groups, contacts (by
key), rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.queries.batches import in_batches
from substrack.store import Contact


def lock_contacts(session: Session, contact_ids: Iterable[int], *, skip_locked: bool = False) -> list[int]:
    """Take the locks under which these contacts' money may move; return whose were got, in order of key."""
    locked: list[int] = []
    for batch in in_batches(contact_ids):
        query = select(Contact.id).where(Contact.id.in_(batch)).order_by(Contact.id)
        locked += session.scalars(query.with_for_update(key_share=True, skip_locked=skip_locked))
    return locked
