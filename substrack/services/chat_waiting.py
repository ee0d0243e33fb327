"""An admin's chat between the code and the yes: which chat used the code, kept for 10 minutes.

The chat is noted in the link and nowhere else, so it has no authority.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.store import Link, LinkPurpose

WAITS: Final = timedelta(minutes=10)
MAX_SHOWN_NAME: Final = 64


@dataclass(frozen=True)
class WaitingChat:
    """A chat that waits for its admin's yes; `name` is what it calls itself."""

    link_id: int
    chat_id: int
    name: str


def keep_waiting(session: Session, link: Link, *, chat_id: int, chat_name: str, now: datetime) -> None:
    """Note the chat that used a code, and give its admin 10 minutes from now."""
    shown = "".join(one for one in chat_name if one.isprintable()).strip()[:MAX_SHOWN_NAME]
    link.chat_id, link.chat_name, link.expires_at = chat_id, shown, now + WAITS
    session.flush()


def is_waiting_for(link: Link, chat_id: int, now: datetime) -> bool:
    """Tell whether this chat used the code and still waits."""
    waiting = _waiting(link)
    return waiting is not None and waiting.chat_id == chat_id and not _is_over(link, now)


def find_waiting_chat(session: Session, contact_id: int, *, now: datetime) -> WaitingChat | None:
    """Find the chat that waits for somebody's yes; of several, the last."""
    query = select(Link).where(
        Link.contact_id == contact_id,
        Link.purpose == LinkPurpose.CHAT,
        Link.chat_id.is_not(None),
        Link.revoked_at.is_(None),
        Link.expires_at > now,
    )
    link = session.scalars(query.order_by(Link.id.desc()).limit(1)).first()
    return _waiting(link) if link else None


def is_chat_waiting(session: Session, chat_id: int, *, now: datetime) -> bool:
    """Tell whether a chat waits for anybody's yes."""
    query = select(Link.id).where(
        Link.chat_id == chat_id,
        Link.purpose == LinkPurpose.CHAT,
        Link.revoked_at.is_(None),
        Link.expires_at > now,
    )
    return session.scalar(query.limit(1)) is not None


def _waiting(link: Link) -> WaitingChat | None:
    return None if link.chat_id is None else WaitingChat(link.id, link.chat_id, link.chat_name or "")


def _is_over(link: Link, now: datetime) -> bool:
    return link.revoked_at is not None or (link.expires_at is not None and link.expires_at <= now)
