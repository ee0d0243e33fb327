"""One chat in the place of another: the one before is told, and may say within a week that it was not them.

Which chat was there before stands in the notice that it was sent, so several replacements in a row keep every
former chat's right, and who was there first wins. An admin's chat decides about money: an objection only puts
it out, and what comes instead needs a yes inside their signed-in session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, Via
from substrack.domain.errors import Refused
from substrack.domain.notices import Channel, Notice
from substrack.services.chat_codes import end_codes
from substrack.services.chat_rows import forget_chat, point_to
from substrack.services.contact_rows import get_contact, record_contact
from substrack.services.links import revoke_pay_link
from substrack.services.locks import lock_contacts
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.services.schedule import reschedule_contacts
from substrack.store import Address, Contact, Message

OBJECTION_TIME: Final = timedelta(days=7)


class TooLateToObject(Refused):
    """This chat was not there before, or a week has passed."""

    def __init__(self) -> None:
        super().__init__("This can’t be taken back any more. Ask for a new link on your page.")


def tell_of_replacement(session: Session, contact: Contact, *, key: str, now: datetime) -> None:
    """Tell the other admins that somebody's chat gave way to another; `key` names the replacement."""
    facts = {"is_out": False, "is_back": False}
    admins = admin_contacts(session, contact.workspace_id)
    _tell(session, contact, [one for one in admins if one != contact.id], f"taken:{key}", facts, now)


def object_to_replacement(session: Session, address_id: int, *, chat_id: int, now: datetime) -> bool:
    """Put a former chat back, which says that it was not them; the chat that came instead is out.

    What may have leaked dies with it: unused codes, the link to their page, and the objections of chats that
    came later. Every admin is told. False for an admin, whose former chat is not put back without a sign-in.
    Idempotent.

    Raises:
        TooLateToObject: this chat was not there before, or a week has passed.
    """
    address = session.get(Address, address_id)
    if address is None or address.channel is not Channel.TELEGRAM:
        raise TooLateToObject
    contact = get_contact(session, address.contact_id)
    lock_contacts(session, [contact.id])
    session.refresh(address)
    told = _told_at(session, address_id, chat_id, now)
    if told is None:
        raise TooLateToObject
    administers = contact.id in admin_contacts(session, contact.workspace_id)
    if not told.payload.get("objected"):
        _undo(session, contact, address, told, administers=administers, now=now)
    return not administers


def _undo(
    session: Session, contact: Contact, address: Address, told: Message, *, administers: bool, now: datetime
) -> None:
    by = Actor.contact(contact.id, Via.TELEGRAM)
    end_codes(session, contact.id, now=now)
    revoke_pay_link(session, contact.id, now=now)
    if administers:
        forget_chat(session, contact, by=by, now=now)
    else:
        point_to(session, address, str(told.payload["former"]))
    _end_later_objections(session, told)
    record_contact(session, "restore_chat", contact, by=by, now=now, after={"address_id": address.id})
    facts = {"is_out": True, "is_back": not administers}
    _tell(session, contact, admin_contacts(session, contact.workspace_id), f"objected:{told.id}", facts, now)
    reschedule_contacts(session, [contact.id], now=now)


def _tell(
    session: Session,
    contact: Contact,
    admins: Sequence[int],
    key: str,
    facts: Mapping[str, bool],
    now: datetime,
) -> None:
    drafts = [
        Draft(
            workspace_id=contact.workspace_id,
            contact_id=admin,
            notice=Notice.CHAT_DISPUTED,
            dedupe_key=f"chat_disputed:{key}:{admin}",
            due_at=now,
            payload={"contact_id": contact.id, **facts},
        )
        for admin in admins
    ]
    queue(session, drafts, now=now)


def _told_at(session: Session, address_id: int, chat_id: int, now: datetime) -> Message | None:
    """Find the last notice that told this chat of its replacement, while it may object."""
    query = (
        select(Message)
        .where(
            Message.address_id == address_id,
            Message.notice == Notice.CHAT_REPLACED,
            Message.created_at > now - OBJECTION_TIME,
        )
        .order_by(Message.id.desc())
    )
    told = (message for message in session.scalars(query) if message.payload.get("former") == str(chat_id))
    return next(told, None)


def _end_later_objections(session: Session, told: Message) -> None:
    """Note that this one objected; chats that came after it have no say any more."""
    told.payload = {**told.payload, "objected": True}
    later = (
        Message.address_id == told.address_id,
        Message.notice == Notice.CHAT_REPLACED,
        Message.id > told.id,
    )
    session.execute(update(Message).where(*later).values(payload={}))
    session.flush()
