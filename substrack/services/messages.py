"""What admins do with messages: send one again, stop one that waits, send a test to themselves.

What was sent is never touched; the words of a message are not edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.delivery import MessageState
from substrack.domain.errors import Conflict, NotFound, Phrase, Refused
from substrack.domain.notices import Channel, Notice, rules_of
from substrack.services.access import check_admin
from substrack.services.contact_rows import get_contact, record_contact
from substrack.services.correlation import new_correlation_id
from substrack.services.journal import record
from substrack.services.outbox import Draft, queue, queue_to, usable_addresses
from substrack.store import Address, Message

RETRYABLE = frozenset({MessageState.DEAD, MessageState.QUEUED})


class UnknownMessage(NotFound):
    """There is no such message."""

    def __init__(self) -> None:
        super().__init__("There is no such message.")


_PLAIN: Final = {
    MessageState.QUEUED: Phrase("waiting to be sent"),
    MessageState.SENDING: Phrase("being sent"),
    MessageState.SENT: Phrase("sent"),
    MessageState.DEAD: Phrase("given up"),
    MessageState.CANCELLED: Phrase("cancelled"),
}


class MessageMoved(Conflict):
    """The message is in a state in which this can't be done to it (any more)."""

    def __init__(self, state: MessageState) -> None:
        self.state = state
        super().__init__("This message is %(state)s; nothing was changed.", state=_PLAIN[state])


class AddressUnusable(Refused):
    """The address is gone or refuses mail, so sending again would fail again."""

    def __init__(self) -> None:
        super().__init__("The address refuses mail or was removed. Correct it first, then try again.")


class TextGone(Refused):
    """What the message said was deleted with the texts of its time."""

    def __init__(self) -> None:
        super().__init__("The text of this message was deleted, so it can’t be sent again.")


class NowhereToSend(Refused):
    """The person has no address that works."""

    def __init__(self) -> None:
        super().__init__("There is no working address to send to. Add one first.")


def retry_message(session: Session, message_id: int, *, by: Actor, now: datetime) -> None:
    """Queue a dead message again, or one that waits for its next try, due at once and with all its tries.

    Raises:
        UnknownMessage; MessageMoved: it is on its way, sent or cancelled; AddressUnusable; TextGone.
    """
    message = _locked(session, message_id, RETRYABLE, by)
    address = session.get(Address, message.address_id) if message.address_id else None
    if address is None or not address.value or address.refused_since is not None:
        raise AddressUnusable
    if message.emptied_at is not None:
        raise TextGone
    message.state, message.due_at, message.attempts = MessageState.QUEUED, now, 0
    message.expires_at = now + rules_of(message.notice).keeps
    message.rendered = message.last_error = None
    _record(session, "retry", message, by=by, now=now)


def cancel_message(session: Session, message_id: int, *, by: Actor, now: datetime) -> None:
    """Take a message that waits, or that failed for good, out of the list of what is still to be done.

    Raises:
        UnknownMessage; MessageMoved: it is on its way, sent or cancelled.
    """
    message = _locked(session, message_id, RETRYABLE, by)
    message.state, message.last_error = MessageState.CANCELLED, "cancelled by an admin"
    _record(session, "cancel", message, by=by, now=now)


def send_test(session: Session, workspace_id: int, contact_id: int, *, by: Actor, now: datetime) -> int:
    """Queue a test to a person's own addresses; returns how many messages that is.

    Raises:
        NowhereToSend: none of their addresses works.
    """
    check_admin(session, by, workspace_id)
    draft = Draft(
        workspace_id=workspace_id,
        contact_id=contact_id,
        notice=Notice.TEST,
        dedupe_key=f"test:{contact_id}:{new_correlation_id()}",  # each press sends one
        due_at=now,
    )
    count = queue(session, [draft], now=now)
    if count == 0:
        raise NowhereToSend
    record(
        session,
        "test",
        by=by,
        now=now,
        workspace_id=workspace_id,
        subject_kind="contact",
        subject_id=contact_id,
    )
    return count


def send_mail_test(session: Session, contact_id: int, *, by: Actor, now: datetime) -> None:
    """Queue a test to a person's mailbox, and nowhere else.

    Raises:
        NowhereToSend: there is none, or it refuses mail.
    """
    contact = get_contact(session, contact_id)
    check_admin(session, by, contact.workspace_id)
    boxes = usable_addresses(session, [contact_id]).get(contact_id, [])
    mailbox = next((one for one in boxes if one.channel is Channel.EMAIL and one.value), None)
    if mailbox is None:
        raise NowhereToSend
    draft = Draft(
        workspace_id=contact.workspace_id,
        contact_id=contact_id,
        notice=Notice.TEST,
        dedupe_key=f"mail_test:{contact_id}:{new_correlation_id()}",  # each press sends one
        due_at=now,
    )
    queue_to(session, draft, mailbox, now=now)
    record_contact(session, "test", contact, by=by, now=now)


def send_sample(
    session: Session, contact_id: int, words: Mapping[str, dict[str, Any]], *, by: Actor, now: datetime
) -> None:
    """Queue words that are there already, by channel, to a person's own addresses: what a letter looks like.

    It is a test in every other respect. The words are concealed, as all that are stored.

    Raises:
        NowhereToSend: none of their addresses works.
    """
    contact = get_contact(session, contact_id)
    check_admin(session, by, contact.workspace_id)
    key = f"sample:{contact_id}:{new_correlation_id()}"  # each press sends one
    draft = Draft(contact.workspace_id, contact_id, Notice.TEST, key, now)
    if queue(session, [draft], now=now) == 0:
        raise NowhereToSend
    for message in session.scalars(
        select(Message).where(Message.dedupe_key.startswith(key, autoescape=True))
    ):
        message.rendered = words[message.channel.value]
    record_contact(session, "test", contact, by=by, now=now)
    session.flush()


def _locked(session: Session, message_id: int, states: frozenset[MessageState], by: Actor) -> Message:
    message = session.get(Message, message_id, with_for_update=True)
    if message is None:
        raise UnknownMessage
    check_admin(session, by, message.workspace_id)
    if message.state not in states:
        raise MessageMoved(message.state)
    return message


def _record(session: Session, verb: str, message: Message, *, by: Actor, now: datetime) -> None:
    record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=message.workspace_id,
        subject_kind="message",
        subject_id=message.id,
        after={"state": message.state.value},
        correlation_id=message.correlation_id,
    )
    session.flush()
