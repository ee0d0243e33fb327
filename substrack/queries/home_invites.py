"""Invitations that nobody has used yet, and links to hand to people whom nothing of ours reaches.

Rows carry the ids that a signer makes addresses of; nothing here can be opened.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from substrack.domain.notices import Channel
from substrack.queries.namesakes import tell_apart
from substrack.queries.prepared import prepared
from substrack.store import Address, Contact, Link, LinkPurpose
from substrack.store.links import FADING

SHOWN: Final = 20


@dataclass(frozen=True)
class ChatInvite:
    """A code for linking a chat that was given to somebody and still waits to be used."""

    public_id: str
    name: str
    jti: str
    made_at: datetime


def load_chat_invites(session: Session, workspace_id: int, *, now: datetime) -> tuple[ChatInvite, ...]:
    """List the last code of everybody who has one and no chat, the oldest first; one statement."""
    chat = aliased(Address)
    has_chat = exists().where(
        chat.contact_id == Contact.id, chat.channel == Channel.TELEGRAM, chat.refused_since.is_(None)
    )
    query = (
        select(Contact.public_id, Contact.name, Link.jti, Link.created_at)
        .join(Contact, Contact.id == Link.contact_id)
        .where(
            FADING,
            Contact.workspace_id == workspace_id,
            Contact.erased_at.is_(None),
            Link.purpose == LinkPurpose.CHAT,
            Link.user_id.is_(None),
            Link.used_at.is_(None),
            Link.revoked_at.is_(None),
            Link.expires_at > now,
            ~has_chat,
        )
        .order_by(Link.id)
    )
    last = {row.public_id: ChatInvite(*row) for row in session.execute(query)}
    return tell_apart(session, list(last.values())[:SHOWN])


def load_pay_links(session: Session, public_ids: Collection[str], *, now: datetime) -> dict[str, Link]:
    """Find the pay links of people that still open, by the people's public ids; one statement."""
    return dict(session.execute(*_pay_links(sorted(public_ids), now)).all())


@prepared
def _pay_links(public_ids: list[str], now: datetime) -> Select[str, Link]:
    return (
        select(Contact.public_id, Link)
        .join(Contact, Contact.id == Link.contact_id)
        .where(
            Contact.public_id.in_(public_ids),
            Link.purpose == LinkPurpose.PAY,
            Link.revoked_at.is_(None),
            func.coalesce(Link.expires_at, now) >= now,
        )
    )
