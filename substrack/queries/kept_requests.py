"""Whose latest request was only kept: written while no mail server was set, so that nobody got it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS
from substrack.queries.message_lists import IS_KEPT
from substrack.store import Message


def load_kept_requests(session: Session, contact_ids: Collection[int]) -> dict[int, datetime]:
    """Say of whom, and when the request was written; one statement.

    Somebody who got the same request in a chat is not among them.
    """
    kept = func.max(Message.created_at).filter(IS_KEPT)
    gone = func.max(Message.created_at).filter(~IS_KEPT)
    query = (
        select(Message.contact_id, kept)
        .where(
            Message.contact_id.in_(sorted(contact_ids)),
            Message.notice.in_(sorted(REQUESTS)),
            Message.state == MessageState.SENT,
        )
        .group_by(Message.contact_id)
        .having(kept.is_not(None), or_(gone.is_(None), kept > gone))
    )
    return {contact_id: at for contact_id, at in session.execute(query) if contact_id is not None}
