"""Codes that link a chat: the payload of a deep link into Telegram, good once.

A code says whose it is and nothing else. What using it does is `services.chats`; who may have one is decided
by the pages that show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel, Notice
from substrack.services.contact_rows import get_contact
from substrack.services.links import LIFETIMES, DeadLink, LinkSigner, issue_link
from substrack.services.outbox import Draft, admin_contacts, queue, usable_addresses
from substrack.store import Contact, Link, LinkPurpose

ONLY_WAY_LIFETIME: Final = timedelta(days=30)
"""For somebody whom nothing else reaches: nobody could send them another soon."""

ADMIN_LIFETIME: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class ShownCode:
    """A code that can still be used, and until when."""

    code: str
    expires_at: datetime | None


def issue_chat_code(session: Session, contact_id: int, *, now: datetime) -> Link:
    """Write a code that links a chat to a person: good for 7 days, for 30 when nothing else reaches them.

    Earlier codes of theirs that nobody has used are dead.

    Raises:
        UnknownContact.
    """
    others = usable_addresses(session, [contact_id]).get(contact_id, [])
    has_other = any(address.channel is not Channel.TELEGRAM for address in others)
    lifetime = LIFETIMES[LinkPurpose.CHAT] if has_other else ONLY_WAY_LIFETIME
    return _issue(session, contact_id, lifetime, now=now)


def issue_admin_code(session: Session, user_id: int, contact_id: int, *, now: datetime) -> Link:
    """Write a code for an admin's own chat, good for 10 minutes; earlier codes of theirs are dead.

    Raises:
        UnknownContact.
    """
    return _issue(session, contact_id, ADMIN_LIFETIME, now=now, user_id=user_id)


def chat_code(signer: LinkSigner, link: Link) -> str:
    """Write what follows `?start=` in a deep link: 60 characters of `A-Za-z0-9_-`."""
    return signer.start_code(link.jti)


def find_live_code(
    session: Session, signer: LinkSigner, contact_id: int, *, user_id: int | None = None, now: datetime
) -> ShownCode | None:
    """Find the code a person was given and has not used; an admin's own only when asked for by `user_id`."""
    query = select(Link).where(
        Link.contact_id == contact_id,
        Link.purpose == LinkPurpose.CHAT,
        Link.user_id.is_(None) if user_id is None else Link.user_id == user_id,
        Link.used_at.is_(None),
        Link.revoked_at.is_(None),
        Link.expires_at > now,
    )
    link = session.scalars(query.order_by(Link.id.desc()).limit(1)).first()
    return ShownCode(chat_code(signer, link), link.expires_at) if link else None


def find_code(session: Session, signer: LinkSigner, payload: str) -> Link:
    """Find the link of a code, alive or not.

    Raises:
        DeadLink: mangled, or not ours.
    """
    jti = signer.read_start_code(payload)
    query = select(Link).where(Link.jti == jti, Link.purpose == LinkPurpose.CHAT)
    link = session.scalar(query) if jti else None
    if link is None or link.contact_id is None:
        raise DeadLink
    return link


def report_stale_code(session: Session, contact_id: int, now: datetime) -> int:
    """Tell the admins, once per code, that a person came with one that no longer works.

    Nobody is told of somebody who has a working chat, nor of an admin: they help themselves. Returns how many
    messages were queued.
    """
    addresses = usable_addresses(session, [contact_id]).get(contact_id, [])
    workspace_id = session.scalar(select(Contact.workspace_id).where(Contact.id == contact_id))
    if workspace_id is None or any(address.channel is Channel.TELEGRAM for address in addresses):
        return 0
    admins = admin_contacts(session, workspace_id)
    if contact_id in admins:
        return 0
    newest = select(Link.id).where(Link.contact_id == contact_id, Link.purpose == LinkPurpose.CHAT)
    link_id = session.scalar(newest.order_by(Link.id.desc()).limit(1))
    drafts = [
        Draft(
            workspace_id=workspace_id,
            contact_id=admin,
            notice=Notice.STALE_CODE,
            dedupe_key=f"stale_code:{link_id}:{admin}",
            due_at=now,
            payload={"contact_id": contact_id},
        )
        for admin in admins
    ]
    return queue(session, drafts, now=now)


def end_codes(session: Session, contact_id: int, *, now: datetime) -> None:
    """Make a person's codes dead: those nobody used, and those that wait for an admin's yes."""
    session.execute(
        update(Link)
        .where(Link.contact_id == contact_id, Link.purpose == LinkPurpose.CHAT, Link.revoked_at.is_(None))
        .where(Link.used_at.is_(None) | Link.chat_id.is_not(None))
        .values(revoked_at=now, chat_id=None, chat_name=None)
    )


def _issue(
    session: Session, contact_id: int, lifetime: timedelta, *, now: datetime, user_id: int | None = None
) -> Link:
    contact = get_contact(session, contact_id)
    end_codes(session, contact_id, now=now)
    link = issue_link(
        session,
        LinkPurpose.CHAT,
        now=now,
        workspace_id=contact.workspace_id,
        contact_id=contact_id,
        user_id=user_id,
    )
    link.expires_at = now + lifetime
    session.flush()
    return link
