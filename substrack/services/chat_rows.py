"""The row that says which chat a person has, and what goes into that chat alone.

Who may change it is `services.chats`' to say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, Via
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel, ChannelChoice, Notice, rules_of
from substrack.queries.chats import ENVIRONMENT, refused_chats
from substrack.services.addresses import empty_address, mark_refused
from substrack.services.connections import connection_for
from substrack.services.contact_rows import record_contact
from substrack.services.locks import lock_contacts
from substrack.services.outbox import fall_back_to_mail, lane_of
from substrack.services.schedule import reschedule_contacts
from substrack.store import Address, Connection, Contact, Message


def chat_of(session: Session, contact: Contact) -> Address | None:
    """Load a person's chat, emptied or not, and hold it."""
    query = (
        select(Address)
        .join(Connection, Connection.id == Address.connection_id)
        .where(
            Address.contact_id == contact.id,
            Connection.channel == Channel.TELEGRAM,
            Connection.name == ENVIRONMENT,
        )
    )
    return session.scalar(query.execution_options(populate_existing=True).with_for_update(of=Address))


def write_chat(
    session: Session, contact: Contact, address: Address | None, value: str, *, key: str, by: Actor,
    now: datetime,
) -> bool:  # fmt: skip
    """Write where the chat is, tell it and the one before; True when a working one was replaced."""
    if address is None:
        connection = connection_for(session, contact.workspace_id, Channel.TELEGRAM)
        address = Address(
            contact_id=contact.id,
            connection_id=connection.id,
            channel=Channel.TELEGRAM,
            value="",
            value_key="",
            created_at=now,
        )
        session.add(address)
    works = bool(address.value) and address.refused_since is None
    former = address.value if works and address.value != value else None
    point_to(session, address, value)
    if former is not None:
        told = {"former": former}
        queue_into(session, contact, address, Notice.CHAT_REPLACED, f"chat_replaced:{key}", now, payload=told)
    queue_into(session, contact, address, Notice.CHAT_LINKED, f"chat_linked:{key}", now)
    facts = {"address_id": address.id, "replaced": former is not None}
    record_contact(session, "link_chat", contact, by=by, now=now, after=facts)
    reschedule_contacts(session, [contact.id], now=now)
    return former is not None


def forget_chat(session: Session, contact: Contact, *, by: Actor, now: datetime) -> bool:
    """Empty a person's chat; what waits for it is cancelled, and both ways count again. False if none was."""
    lock_contacts(session, [contact.id])
    address = chat_of(session, contact)
    if address is None or not empty_address(session, address, now=now):
        return False
    contact.channel_choice = ChannelChoice.BOTH
    leave_as_shown(session, address)
    record_contact(session, "unlink_chat", contact, by=by, now=now, after={"address_id": address.id})
    reschedule_contacts(session, [contact.id], now=now)
    return True


def lose_chat(session: Session, address_id: int, *, reason: str, now: datetime) -> None:
    """Note that a chat turns us away; what waits goes by mail, and admins are told once. Idempotent."""
    lock_contacts(session, [session.get_one(Address, address_id).contact_id])
    query = select(Message).where(Message.address_id == address_id, Message.state == MessageState.QUEUED)
    waiting = session.scalars(query.order_by(Message.id)).all()
    mark_refused(session, address_id, reason=reason, now=now)
    fall_back_to_mail(session, waiting, now=now)


def welcome_back(session: Session, chat_id: int, connection_id: int, *, now: datetime) -> None:
    """Reach people in a chat again that had turned us away, once it speaks to us. Idempotent.

    What went by mail meanwhile stays there; a chat that was unlinked or replaced leads nowhere and stays out.
    """
    keys = refused_chats(session, chat_id, connection_id)
    contact_ids = list(session.scalars(select(Address.contact_id).where(Address.id.in_(keys))))
    lock_contacts(session, contact_ids)
    back = update(Address).where(Address.id.in_(keys), Address.value_key == str(chat_id))
    session.execute(back.values(refused_since=None, reason=None))
    for contact in session.scalars(select(Contact).where(Contact.id.in_(contact_ids))):
        by = Actor.contact(contact.id, Via.TELEGRAM)
        record_contact(session, "reachable", contact, by=by, now=now)
    reschedule_contacts(session, contact_ids, now=now)


def point_to(session: Session, address: Address, value: str) -> None:
    """Let an address lead to a chat, which starts clean."""
    is_other = address.value != value
    address.value = address.value_key = value
    address.refused_since = address.reason = address.unsubscribed_at = None
    session.flush()
    if is_other:
        leave_as_shown(session, address)


def leave_as_shown(session: Session, address: Address) -> None:
    """Edit nothing any more that the former chat shows: its numbers name other messages in another chat."""
    session.execute(
        update(Message)
        .where(Message.address_id == address.id, Message.provider_id.is_not(None))
        .values(provider_id=None, edit_at=None)
    )


def queue_into(
    session: Session,
    contact: Contact,
    address: Address,
    notice: Notice,
    key: str,
    now: datetime,
    *,
    payload: dict[str, Any] | None = None,
) -> None:
    """Queue a notice for one chat alone, whatever the person chose.

    CHAT_REPLACED goes to the chat that its payload names as `former`, wherever the address leads by then.
    """
    message = Message(
        workspace_id=contact.workspace_id,
        contact_id=contact.id,
        address_id=address.id,
        channel=Channel.TELEGRAM,
        lane=lane_of(address),
        notice=notice,
        payload=payload or {},
        dedupe_key=key,
        state=MessageState.QUEUED,
        due_at=now,
        expires_at=now + rules_of(notice).keeps,
        created_at=now,
    )
    session.add(message)
    session.flush()
