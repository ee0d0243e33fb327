"""A member's pay link in an admin's hands: shown for copying, renewed, or made dead.

Showing changes nothing; only renewing and sending prolong a link.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.services.contact_rows import UnknownContact, get_contact, record_contact
from substrack.services.group_rows import is_admin
from substrack.services.links import LinkSigner, renew_pay_link, revoke_pay_link
from substrack.store import Contact, Link, LinkPurpose


@dataclass(frozen=True)
class ShownLink:
    """The absolute URL of somebody's pay link, and until when it opens."""

    url: str
    expires_at: datetime | None
    is_expired: bool


def find_pay_link(
    session: Session, signer: LinkSigner, contact_id: int, *, now: datetime
) -> ShownLink | None:
    """Find the pay link a person has, expired or not; None when they never had one or it was revoked."""
    query = select(Link).where(
        Link.contact_id == contact_id, Link.purpose == LinkPurpose.PAY, Link.revoked_at.is_(None)
    )
    link = session.scalar(query)
    if link is None:
        return None
    is_expired = link.expires_at is not None and link.expires_at <= now
    return ShownLink(signer.url(link), link.expires_at, is_expired)


def give_pay_link(session: Session, contact_id: int, *, by: Actor, now: datetime) -> None:
    """Make a person's pay link good for 14 days from now; write one if they have none.

    Raises:
        UnknownContact: not there, or not this actor's to know.
    """
    contact = _contact(session, contact_id, by)
    renew_pay_link(session, contact_id, workspace_id=contact.workspace_id, now=now)
    record_contact(session, "give_link", contact, by=by, now=now)
    session.flush()


def take_pay_link(session: Session, contact_id: int, *, by: Actor, now: datetime) -> None:
    """Make a person's pay link dead; the next message to them carries another. Idempotent.

    Raises:
        UnknownContact: not there, or not this actor's to know.
    """
    contact = _contact(session, contact_id, by)
    revoke_pay_link(session, contact_id, now=now)
    record_contact(session, "revoke_link", contact, by=by, now=now)
    session.flush()


def _contact(session: Session, contact_id: int, by: Actor) -> Contact:
    contact = get_contact(session, contact_id)
    if not is_admin(session, by, contact.workspace_id):
        raise UnknownContact
    return contact
