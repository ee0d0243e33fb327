"""Chats: linking a person's Telegram chat by a code, undoing it, and how somebody wants to be reached.

A working chat is never replaced in silence: the one that was there is told and may object for a week. The
chat of an admin decides about money, so it counts only after a yes inside their signed-in session. Whether a
chat is private is the bot's to check.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind, Via
from substrack.domain.errors import Refused
from substrack.domain.notices import Channel, ChannelChoice, Notice
from substrack.queries.chats import ChatContact, contacts_of_chat
from substrack.services.chat_codes import (
    ShownCode,
    chat_code,
    end_codes,
    find_code,
    find_live_code,
    issue_admin_code,
    issue_chat_code,
    report_stale_code,
)
from substrack.services.chat_replacing import tell_of_replacement
from substrack.services.chat_rows import chat_of, forget_chat, queue_into, write_chat
from substrack.services.chat_waiting import WaitingChat, find_waiting_chat, is_waiting_for, keep_waiting
from substrack.services.contact_rows import UnknownContact, get_contact, hold_contact, record_contact
from substrack.services.group_rows import is_admin
from substrack.services.links import DeadLink, LinkSigner, use_link
from substrack.services.outbox import Draft, admin_contacts, queue, usable_addresses
from substrack.services.schedule import reschedule_contacts
from substrack.store import Address, Contact, Link

__all__ = [
    "ChatContact",
    "LinkedChat",
    "NoChatYet",
    "NoMailYet",
    "ShownCode",
    "WaitingChat",
    "chat_code",
    "choose_channel",
    "confirm_chat",
    "contacts_of_chat",
    "find_live_code",
    "find_waiting_chat",
    "issue_admin_code",
    "issue_chat_code",
    "link_chat",
    "refuse_waiting_chat",
    "report_stale_code",
    "send_chat_test",
    "unlink_chat",
]


class NothingWaits(Refused):
    """No chat waits for a yes, or no longer."""

    def __init__(self) -> None:
        super().__init__("No chat waits for your yes any more. Make a new code and try again.")


class NoChatYet(Refused):
    """There is no chat to write to."""

    field = "choice"

    def __init__(self) -> None:
        super().__init__("No Telegram chat is linked; link one first.")


class NoMailYet(Refused):
    """There is no mailbox to write to."""

    field = "choice"

    def __init__(self) -> None:
        super().__init__("No email address is known; give one first.")


@dataclass(frozen=True)
class LinkedChat:
    """Whose chat it is now. `replaced`: another was there and is told; `needs_sign_in`: a yes is missing."""

    contact_id: int
    workspace_id: int
    name: str
    replaced: bool
    needs_sign_in: bool


def link_chat(
    session: Session, signer: LinkSigner, payload: str, *, chat_id: int, chat_name: str = "", now: datetime
) -> LinkedChat:
    """Use a code from the chat it was opened in; idempotent for that chat.

    Queues "this chat is linked" into it. For an admin the chat only waits until they say yes on their account
    page, for 10 minutes; `chat_name` is how it is shown there.

    Raises:
        DeadLink: mangled, expired, revoked or used by another chat; carries the contact when there is one.
    """
    link = find_code(session, signer, payload)
    contact = _holder(session, link)
    session.refresh(link)
    address = chat_of(session, contact)
    if _is_done(link, address, chat_id):
        return LinkedChat(contact.id, contact.workspace_id, contact.name, False, False)
    administers = contact.id in admin_contacts(session, contact.workspace_id)
    if is_waiting_for(link, chat_id, now) and administers:
        return LinkedChat(contact.id, contact.workspace_id, contact.name, False, True)
    _use(session, link, now)
    if administers:
        keep_waiting(session, link, chat_id=chat_id, chat_name=chat_name, now=now)
        return LinkedChat(contact.id, contact.workspace_id, contact.name, False, True)
    if link.user_id is not None:
        raise DeadLink  # an admin when it was made, and no longer
    by = Actor.contact(contact.id, Via.TELEGRAM)
    key = f"code:{link.id}"
    replaced = write_chat(session, contact, address, str(chat_id), key=key, by=by, now=now)
    if replaced:
        tell_of_replacement(session, contact, key=key, now=now)
    return LinkedChat(contact.id, contact.workspace_id, contact.name, replaced, False)


def confirm_chat(session: Session, contact_id: int, *, chat_id: int, by: Actor, now: datetime) -> None:
    """Link the chat that waits for its admin's yes; `chat_id` is the one they were shown. Idempotent.

    Raises:
        NothingWaits: none does, or another one, or 10 minutes have passed.
        UnknownContact: it is another admin's.
    """
    contact = _contact(session, contact_id, by)
    address = chat_of(session, contact)
    if address is not None and address.value == str(chat_id) and address.refused_since is None:
        end_codes(session, contact_id, now=now)
        return
    waiting = find_waiting_chat(session, contact_id, now=now)
    if waiting is None or waiting.chat_id != chat_id:
        raise NothingWaits
    key = f"code:{waiting.link_id}"
    if write_chat(session, contact, address, str(chat_id), key=key, by=by, now=now):
        tell_of_replacement(session, contact, key=key, now=now)
    end_codes(session, contact_id, now=now)


def refuse_waiting_chat(session: Session, contact_id: int, *, by: Actor, now: datetime) -> None:
    """Turn away the chat that waits, as when somebody else opened the link. Idempotent.

    Raises:
        UnknownContact.
    """
    _contact(session, contact_id, by)
    end_codes(session, contact_id, now=now)


def unlink_chat(session: Session, contact_id: int, *, by: Actor, now: datetime) -> bool:
    """Forget a person's chat; what waits for it is cancelled, and mail is chosen again. False if none was.

    Admins are told of somebody who did so and is reached by nothing then.

    Raises:
        UnknownContact.
    """
    contact = _contact(session, contact_id, by)
    end_codes(session, contact_id, now=now)
    if not forget_chat(session, contact, by=by, now=now):
        return False
    if by.kind is ActorKind.CONTACT and not usable_addresses(session, [contact_id]):
        _tell_of_silence(session, contact, now)
    return True


def choose_channel(
    session: Session, contact_id: int, choice: ChannelChoice, *, by: Actor, now: datetime
) -> None:
    """Say how a person is reached from now on; what is queued stays where it is. Idempotent.

    Raises:
        NoChatYet, NoMailYet: the one way that was chosen leads nowhere.
        UnknownContact.
    """
    contact = _contact(session, contact_id, by)
    usable = {address.channel for address in usable_addresses(session, [contact_id]).get(contact_id, ())}
    if choice is ChannelChoice.EMAIL and Channel.EMAIL not in usable:
        raise NoMailYet
    if choice in (ChannelChoice.TELEGRAM, ChannelChoice.TELEGRAM_FIRST) and Channel.TELEGRAM not in usable:
        raise NoChatYet
    before = contact.channel_choice
    if before is choice:
        return
    contact.channel_choice = choice
    facts = {"before": {"choice": before.value}, "after": {"choice": choice.value}}
    record_contact(session, "choose_channel", contact, by=by, now=now, **facts)
    reschedule_contacts(session, [contact_id], now=now)


def send_chat_test(session: Session, contact_id: int, *, by: Actor, now: datetime) -> None:
    """Queue a test into a person's chat, and nowhere else.

    Raises:
        NoChatYet, UnknownContact.
    """
    contact = _contact(session, contact_id, by)
    address = chat_of(session, contact)
    if address is None or address.refused_since is not None:
        raise NoChatYet
    queue_into(session, contact, address, Notice.TEST, f"test:{address.id}:{now.isoformat()}", now)
    record_contact(session, "test_chat", contact, by=by, now=now, after={"address_id": address.id})


def _tell_of_silence(session: Session, contact: Contact, now: datetime) -> None:
    address = chat_of(session, contact)
    drafts = [
        Draft(
            workspace_id=contact.workspace_id,
            contact_id=admin,
            notice=Notice.ADDRESS_REFUSED,
            dedupe_key=f"unlinked:{contact.id}:{now.isoformat()}:{admin}",
            due_at=now,
            payload={"address_id": address.id if address else None},
        )
        for admin in admin_contacts(session, contact.workspace_id)
    ]
    queue(session, drafts, now=now)


def _holder(session: Session, link: Link) -> Contact:
    """Load whose code it is, and have others who use a code of theirs wait."""
    try:
        return hold_contact(session, link.contact_id or 0)
    except UnknownContact:
        raise DeadLink from None


def _contact(session: Session, contact_id: int, by: Actor) -> Contact:
    """Load a person for themselves or for an admin of their workspace."""
    contact = get_contact(session, contact_id)
    is_self = by == Actor.contact(contact_id, by.via)
    if not is_self and not is_admin(session, by, contact.workspace_id):
        raise UnknownContact
    return hold_contact(session, contact_id)


def _is_done(link: Link, address: Address | None, chat_id: int) -> bool:
    """Tell whether this code linked this very chat already, as when Telegram delivers the press again."""
    is_used = link.used_at is not None and link.revoked_at is None and link.chat_id is None
    return is_used and address is not None and address.value == str(chat_id)


def _use(session: Session, link: Link, now: datetime) -> None:
    is_expired = link.expires_at is not None and link.expires_at <= now
    if is_expired or link.used_at is not None or link.revoked_at is not None:
        raise DeadLink(link.contact_id)
    use_link(session, link, now=now)
