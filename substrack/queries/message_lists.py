"""Lists of messages: what was said to whom, and how far it got."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import Fate, MessageState, fate_of
from substrack.domain.notices import Channel, Notice
from substrack.queries.delivery import is_waiting
from substrack.queries.finding import NotListed, must_find
from substrack.queries.held import may_have_gone_out
from substrack.queries.installation import load_installation
from substrack.queries.searching import named_like
from substrack.store import Address, Contact, Event, Message, MessageItem, Payment

IS_KEPT: Final = func.coalesce(Message.provider_id, "").like("________T______Z-%.eml")
"""In SQL, roughly what `KEPT_NAME` says: no server's answer looks like that."""


@dataclass(frozen=True)
class MessageRow:
    """One message on its way; subject and text are known once it was built.

    `address` is where it was really sent, or where it would go as things stand. `attempts` counts the one
    that succeeded as well; the table counts those that failed.
    """

    id: int
    public_id: str
    notice: Notice
    contact_public_id: str | None
    to: str | None
    address: str | None
    state: MessageState
    fate: Fate
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
    attempts: int
    last_error: str | None
    subject: str | None
    text: str | None
    channel: Channel


def find_message(session: Session, workspace_id: int, public_id: str) -> int:
    """Find the key of a message by its public id; raises NotListed."""
    query = select(Message.id).where(Message.workspace_id == workspace_id, Message.public_id == public_id)
    return must_find(session.scalar(query), "message")


def list_messages(
    session: Session,
    workspace_id: int,
    *,
    state: MessageState | None = None,
    fate: Fate | None = None,
    notice: Notice | None = None,
    contact_id: int | None = None,
    called: str = "",
    group_id: int | None = None,
    limit: int = 100,
    before_id: int | None = None,
) -> list[MessageRow]:
    """List messages, the newest first; `before_id` goes on where a page ended."""
    query = _messages().where(Message.workspace_id == workspace_id, named_like(called))
    if contact_id is not None:
        query = query.where(Message.contact_id == contact_id)
    if group_id is not None:
        query = query.where(_is_about_group(group_id))
    if state is not None:
        query = query.where(Message.state == state)
    if fate is not None:
        query = query.where(has_fate(fate))
    if notice is not None:
        query = query.where(Message.notice == notice)
    if before_id is not None:
        query = query.where(Message.id < before_id)
    return [_message_row(*row) for row in session.execute(query.order_by(Message.id.desc()).limit(limit))]


def list_held(session: Session, *, limit: int = 100) -> list[MessageRow]:
    """List what may have gone out before the last restore, of all workspaces, the first due first."""
    row = load_installation(session)
    if row.restored_from is None:
        return []
    query = _messages().where(may_have_gone_out(row)).order_by(Message.due_at, Message.id).limit(limit)
    return [_message_row(*found) for found in session.execute(query)]


def has_fate(fate: Fate) -> ColumnElement[bool]:
    """Select what became of messages as people are told it."""
    if fate is Fate.KEPT:
        return and_(Message.state == MessageState.SENT, IS_KEPT)
    is_in_state = Message.state == MessageState(fate.value)
    return and_(is_in_state, ~IS_KEPT) if fate is Fate.SENT else is_in_state


def count_due(session: Session, *, now: datetime) -> int:
    """Count the messages of all workspaces that are to be sent by now."""
    due = select(func.count()).select_from(Message).where(is_waiting(), Message.due_at <= now)
    return session.scalar(due.where(Message.state == MessageState.QUEUED)) or 0


def load_message(session: Session, message_id: int) -> MessageRow:
    """Load one message; raises NotListed."""
    row = session.execute(_messages().where(Message.id == message_id)).first()
    if row is None:
        raise NotListed("message")
    return _message_row(*row)


def _is_about_group(group_id: int) -> ColumnElement[bool]:
    """Select messages that name a payment of a group, or the group, or answer an act in it."""
    items = (
        select(MessageItem.message_id)
        .join(Payment, Payment.id == MessageItem.payment_id)
        .where(Payment.group_id == group_id)
    )
    acts = select(Event.correlation_id).where(Event.group_id == group_id)
    return or_(
        Message.id.in_(items),
        Message.correlation_id.in_(acts),
        Message.payload["group_id"].as_integer() == group_id,
    )


def _messages() -> Select[Message, str, str, str]:
    return (
        select(Message, Contact.public_id, Contact.name, Address.value)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .outerjoin(Address, Address.id == Message.address_id)
    )


def _message_row(message: Message, contact: str | None, to: str | None, address: str | None) -> MessageRow:
    rendered = message.rendered or {}
    return MessageRow(
        id=message.id,
        public_id=message.public_id,
        notice=message.notice,
        contact_public_id=contact,
        to=to,
        address=rendered.get("to") or message.payload.get("former") or address or None,
        state=message.state,
        fate=fate_of(message.state, message.provider_id),
        due_at=message.due_at,
        created_at=message.created_at,
        sent_at=message.sent_at,
        attempts=message.attempts + (message.state is MessageState.SENT),
        last_error=message.last_error,
        subject=rendered.get("subject"),
        text=rendered.get("text"),
        channel=message.channel,
    )
