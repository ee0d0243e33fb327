"""Sending at once what waits: an admin lets the request to somebody go out now, though it is not the hour.

The message that waits is moved, never written again: nobody is asked twice, and no step is counted twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.asking import AT_ANY_HOUR, HURRY
from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS
from substrack.services.contact_rows import UnknownContact, get_contact
from substrack.services.group_rows import is_admin
from substrack.services.journal import record
from substrack.services.locks import lock_contacts
from substrack.services.withholding import resting
from substrack.store import Message


def hurry_request(session: Session, contact_id: int, *, by: Actor, now: datetime) -> bool:
    """Let the request to somebody that waits go out now, each way it goes; False when none waits.

    A second press finds nothing that waits and changes nothing.

    Raises:
        UnknownContact: not there, or not this actor's.
    """
    contact = get_contact(session, contact_id)
    if not is_admin(session, by, contact.workspace_id):
        raise UnknownContact
    lock_contacts(session, [contact_id])
    queued = _queued(session, contact_id, now)
    rests = resting(session, [message.id for message in queued], now=now)
    waiting = [message for message in queued if message.due_at > now or message.id in rests]
    for message in waiting:
        _hurry(session, message, by=by, now=now)
    return bool(waiting)


def _queued(session: Session, contact_id: int, now: datetime) -> list[Message]:
    query = select(Message).where(
        Message.contact_id == contact_id,
        Message.notice.in_(REQUESTS),
        Message.state == MessageState.QUEUED,
        or_(Message.expires_at.is_(None), Message.expires_at > now),
    )
    locked = query.order_by(Message.id).with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(locked))


def _hurry(session: Session, message: Message, *, by: Actor, now: datetime) -> None:
    before = {"due_at": message.due_at.isoformat()}
    message.payload, message.due_at = message.payload | {AT_ANY_HOUR: True}, min(message.due_at, now)
    after: dict[str, Any] = {"due_at": message.due_at.isoformat()}
    record(
        session,
        HURRY,
        by=by,
        now=now,
        workspace_id=message.workspace_id,
        subject_kind="message",
        subject_id=message.id,
        before=before,
        after=after,
        correlation_id=message.correlation_id,
    )
    session.flush()
