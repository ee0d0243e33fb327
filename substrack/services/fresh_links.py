"""A fresh link to the member's page, sent to the address on file: the old one is dead, or is to be.

Whoever asks by a dead link hears the same, whether or not there is anybody to send to.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.notices import Notice
from substrack.services.access import check_owner
from substrack.services.contact_rows import get_contact, record_contact
from substrack.services.links import DeadLink, LinkSigner, renew_pay_link, revoke_pay_link
from substrack.services.locks import lock_contacts
from substrack.services.outbox import Draft, queue
from substrack.services.visits import open_pay
from substrack.store import Contact, Link, LinkPurpose

FRESH_EVERY: Final = timedelta(hours=1)
REPLACED_A_DAY: Final = 3


class LinkReplacedOften(Refused):
    """Somebody's link was made dead too often within a day, by whomever."""

    def __init__(self) -> None:
        super().__init__(
            "This link was replaced three times today. Give it a day, or write to the person you pay."
        )


def may_be_ours(signer: LinkSigner, token: str) -> bool:
    """Tell whether a token carries our signature, so that made-up ones cost the database nothing."""
    return signer.read(LinkPurpose.PAY, token) is not None


def send_fresh_link(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> None:
    """Queue a mail with a fresh link to the person whose page this token opens or once opened.

    At most once an hour for each person; does nothing for tokens that were never ours.
    """
    contact_id = _owner(session, signer, token, now)
    if contact_id is None:
        return
    workspace_id = session.scalar(
        update(Contact)
        .where(
            Contact.id == contact_id,
            Contact.erased_at.is_(None),
            Contact.fresh_link_at.is_(None) | (Contact.fresh_link_at <= now - FRESH_EVERY),
        )
        .values(fresh_link_at=now)
        .returning(Contact.workspace_id)
        .execution_options(synchronize_session=False)
    )
    if workspace_id is None:
        return
    draft = Draft(
        workspace_id=workspace_id,
        contact_id=contact_id,
        notice=Notice.FRESH_LINK,
        dedupe_key=f"fresh:{contact_id}:{now:%Y%m%dT%H%M%S}",
        due_at=now,
    )
    queue(session, [draft], now=now)


def replace_own_link(session: Session, contact_id: int, *, by: Actor, now: datetime) -> Link | None:
    """Make the link that a person holds dead, and send them another; where to, nobody on the page can say.

    Returns the new link only when nothing reaches the person by itself: then they are led to it directly.
    The limit counts links that were made dead, not fresh ones asked for: otherwise who holds a link that got
    about could keep its owner from replacing it, by asking for a fresh one every hour.

    Raises:
        UnknownContact, LinkReplacedOften.
    """
    contact = get_contact(session, contact_id)
    check_owner(session, by, contact_id)
    lock_contacts(session, [contact_id])
    if _replaced_today(session, contact_id, now) >= REPLACED_A_DAY:
        raise LinkReplacedOften
    revoke_pay_link(session, contact_id, now=now)
    record_contact(session, "revoke_link", contact, by=by, now=now)
    link = renew_pay_link(session, contact_id, workspace_id=contact.workspace_id, now=now)
    draft = Draft(
        workspace_id=contact.workspace_id,
        contact_id=contact_id,
        notice=Notice.FRESH_LINK,
        dedupe_key=f"replaced:{link.id}",
        due_at=now,
    )
    return None if queue(session, [draft], now=now) else link


def _replaced_today(session: Session, contact_id: int, now: datetime) -> int:
    query = select(func.count()).where(
        Link.contact_id == contact_id,
        Link.purpose == LinkPurpose.PAY,
        Link.revoked_at > now - timedelta(days=1),
    )
    return session.scalar(query) or 0


def _owner(session: Session, signer: LinkSigner, token: str, now: datetime) -> int | None:
    try:
        return open_pay(session, signer, token, now=now).contact_id
    except DeadLink as dead:
        return dead.contact_id
