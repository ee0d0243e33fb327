"""The locks under which somebody's money moves.

Every service that touches it first locks that contact, so all acts on one person's payments happen one
after another on PostgreSQL as they do on SQLite. Locks are always taken in the order groups, contacts (by
key), mailboxes, rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy import func, select
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


def lock_mailbox(session: Session, workspace_id: int, address: str) -> None:
    """Let nobody else be written at a mailbox until the transaction ends: whoever asks who is there goes on.

    A mailbox that is nobody's yet is no row, so its lock is a number made of it. SQLite has one writer at a
    time.
    """
    if session.get_bind().dialect.name == "postgresql":
        digest = blake2b(f"{workspace_id} {address.casefold()}".encode(), digest_size=8).digest()
        session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest, signed=True))))
