"""Mailboxes: where people are reached by email, and what stopped reaching them.

A removed address keeps its row, emptied, so that the letters once sent to it stay readable while nothing is
ever mailed there again. Admins are told about addresses that stopped working, and a mailbox that worked
that it gets no more, whether another takes its place or none.
Locks are taken in the order contact, address, messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import TIME, Actor, ActorKind
from substrack.domain.delivery import MessageState
from substrack.domain.errors import NotFound, Refused
from substrack.domain.notices import NOTICE_RULES, TO_THE_FORMER, Channel, Notice
from substrack.queries.chats import ENVIRONMENT
from substrack.services.correlation import id_after_told
from substrack.services.journal import record
from substrack.services.ledger import check_owner, lock_contacts
from substrack.services.links import revoke_pay_link
from substrack.services.outbox import Draft, admin_contacts, queue, queue_to
from substrack.services.roles import check_whose_account
from substrack.services.schedule import reschedule_contacts
from substrack.services.suppression import ask_about_erased
from substrack.store import Address, Connection, Contact, Message
from substrack.store.upserts import insert_into


class WrongEmail(Refused):
    """What was typed is no email address."""

    field = "email"

    def __init__(self, typed: str, cause: str = "") -> None:
        self.typed = typed[:100]
        super().__init__("“%(typed)s” is not an email address.", typed=self.typed)


class MailboxShared(Refused):
    """A question, not a wall: the address is already another person's (`contact_id`, `name`)."""

    field = "email"

    def __init__(self, contact_id: int, name: str) -> None:
        self.contact_id, self.name = contact_id, name
        super().__init__(
            "%(name)s is already reached at this address. Do two people share this mailbox?", name=name
        )


class UnknownContact(NotFound):
    """There is no such contact."""

    def __init__(self) -> None:
        super().__init__("There is no such person.")


class UnknownAddress(NotFound):
    """There is no such address."""

    def __init__(self) -> None:
        super().__init__("There is no such address.")


def check_email(text: str) -> str:
    """Return an address normalised (RFC 5321, RFC 6531 for other scripts); no server is asked.

    Names of a home network (localhost, .local) are let through.

    Raises:
        WrongEmail: it is none.
    """
    try:
        return validate_email(text.strip(), check_deliverability=False, globally_deliverable=False).normalized
    except EmailNotValidError as error:
        raise WrongEmail(text.strip(), str(error)) from None


def connection_for(session: Session, workspace_id: int, channel: Channel = Channel.EMAIL) -> Connection:
    """Return the workspace's connection that the environment's settings stand for; write it on first use."""
    query = select(Connection).where(
        Connection.workspace_id == workspace_id,
        Connection.channel == channel,
        Connection.name == ENVIRONMENT,
    )
    found = session.scalar(query)
    if found is None:
        row: dict[str, Any] = {
            "workspace_id": workspace_id,
            "channel": channel,
            "name": ENVIRONMENT,
            "settings": {},
            "state": "from_environment",
        }
        session.execute(insert_into(session, Connection).values(row).on_conflict_do_nothing())
        found = session.scalars(query).one()
    return found


def contacts_at(session: Session, workspace_id: int, address: str) -> list[Contact]:
    """Load the people reached at a normalised address, the longest known first."""
    query = (
        select(Contact)
        .join(Address, Address.contact_id == Contact.id)
        .join(Connection, Connection.id == Address.connection_id)
        .where(
            Connection.workspace_id == workspace_id,
            Address.channel == Channel.EMAIL,
            Address.value_key == address.casefold(),
            Contact.erased_at.is_(None),
        )
    )
    return list(session.scalars(query.order_by(Contact.id)))


def ask_about_sharing(others: Sequence[Contact]) -> None:
    """Ask whether a mailbox is shared, when somebody is reached there already.

    Raises:
        MailboxShared: with the first of the others.
    """
    if others:
        raise MailboxShared(others[0].id, others[0].name)


def write_mailbox(session: Session, contact: Contact, value: str, now: datetime) -> None:
    """Write the first mailbox of a person; `value` is normalised."""
    connection = connection_for(session, contact.workspace_id)
    session.add(
        Address(
            contact_id=contact.id,
            connection_id=connection.id,
            channel=Channel.EMAIL,
            value=value,
            value_key=value.casefold(),
            created_at=now,
        )
    )


def get_contact(session: Session, contact_id: int) -> Contact:
    """Load a person.

    Raises:
        UnknownContact: not there, or erased.
    """
    contact = session.get(Contact, contact_id)
    if contact is None or contact.erased_at is not None:
        raise UnknownContact
    return contact


def record_contact(
    session: Session, verb: str, contact: Contact, *, by: Actor, now: datetime, **facts: Any
) -> None:
    """Append a line about a person: which facts changed, never the facts themselves."""
    record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=contact.workspace_id,
        subject_kind="contact",
        subject_id=contact.id,
        **facts,
    )


def set_email(
    session: Session,
    contact_id: int,
    email: str | None,
    *,
    shares_mailbox: bool = False,
    wanted_again: bool = False,
    by: Actor,
    now: datetime,
) -> None:
    """Give a person another mailbox, or none, and work out afresh when they are asked.

    Another mailbox starts clean: not refused, not unsubscribed, and the pay link that went to the old one is
    dead. The same one typed again is tried again. Messages that wait go to the new mailbox; without one they
    are cancelled. A mailbox that worked is told that another takes its place, or none.

    Raises:
        MailboxShared: the address is another person's, and nobody said that the two share it.
        AddressErased: it was that of somebody who was erased, and nobody said that they want that again.
        UnknownContact, WrongEmail, NoSuchPayment (not this actor's to change).
        OwnersOnly: it is another admin's, whose resets and decisions go there.
    """
    check_owner(session, by, contact_id)
    lock_contacts(session, [contact_id])
    contact = get_contact(session, contact_id)
    if by.kind is ActorKind.USER:
        check_whose_account(session, contact_id, by)
    value = check_email(email) if email and email.strip() else None
    if value and not shares_mailbox:
        ask_about_sharing(
            [known for known in contacts_at(session, contact.workspace_id, value) if known != contact]
        )
    if value:
        ask_about_erased(session, contact.workspace_id, value, wanted_again=wanted_again)
    address = _mailbox(session, contact)
    former_key = address.value_key if address else ""
    working = address.value if address is not None and address.refused_since is None else ""
    if value is None:
        changed = address is not None and empty_address(session, address, now=now)
    else:
        changed = _replace(session, contact, address, value, now)
    if not changed:
        return
    if former_key and former_key != (value or "").casefold():
        revoke_pay_link(session, contact_id, now=now)
        if address is not None and working:
            _tell_former(session, contact, address, working, now=now)
    record_contact(session, "email", contact, by=by, now=now, after={"has_email": value is not None})
    reschedule_contacts(session, [contact_id], now=now)


def unsubscribe(session: Session, address_id: int, *, by: Actor, now: datetime) -> None:
    """Stop requests and announcements to an address, never answers; admins are told once. Idempotent.

    Raises:
        UnknownAddress.
    """
    address = _locked_address(session, address_id)
    check_owner(session, by, address.contact_id)
    changed = session.execute(
        update(Address)
        .where(Address.id == address_id, Address.unsubscribed_at.is_(None))
        .values(unsubscribed_at=now)
        .returning(Address.id)
    ).first()
    if changed is None:
        return
    asking = [notice for notice, rules in NOTICE_RULES.items() if rules.is_asking]
    _close_waiting(session, address_id, MessageState.CANCELLED, "the address was unsubscribed", only=asking)
    _settle(session, address, "unsubscribe", Notice.UNSUBSCRIBED, {"address_id": address_id}, by=by, now=now)


def resubscribe(session: Session, address_id: int, *, by: Actor, now: datetime) -> None:
    """Let requests go to an address again. Idempotent.

    Raises:
        UnknownAddress.
    """
    address = _locked_address(session, address_id)
    check_owner(session, by, address.contact_id)
    if address.unsubscribed_at is None:
        return
    address.unsubscribed_at = None
    contact = get_contact(session, address.contact_id)
    record_contact(session, "resubscribe", contact, by=by, now=now, after={"address_id": address_id})
    reschedule_contacts(session, [contact.id], now=now)


def mark_refused(session: Session, address_id: int, *, reason: str, now: datetime) -> None:
    """Note that a provider refuses an address for good; admins are told once, by their other addresses.

    What waits for it becomes dead, visible and ready to be retried once the address is corrected. Idempotent.

    Raises:
        UnknownAddress.
    """
    address = _locked_address(session, address_id)
    changed = session.execute(
        update(Address)
        .where(Address.id == address_id, Address.refused_since.is_(None))
        .values(refused_since=now, reason=reason[:500])
        .returning(Address.id)
    ).first()
    if changed is None:
        return
    _close_waiting(session, address_id, MessageState.DEAD, "the address refuses mail")
    facts = {"address_id": address_id, "reason": reason[:500]}
    _settle(session, address, "refused", Notice.ADDRESS_REFUSED, facts, by=TIME, now=now)


def empty_address(session: Session, address: Address, *, now: datetime) -> bool:
    """Forget where an address leads, and cancel what waits for it; False when it was empty already."""
    if not address.value:
        return False
    address.value = address.value_key = ""
    address.refused_since, address.reason = now, "removed"
    _close_waiting(session, address.id, MessageState.CANCELLED, "the address was removed")
    return True


def _tell_former(session: Session, contact: Contact, address: Address, former: str, *, now: datetime) -> None:
    """Queue the last letter to a mailbox; the message names it, for the address leads elsewhere by now."""
    draft = Draft(
        workspace_id=contact.workspace_id,
        contact_id=contact.id,
        notice=Notice.MAILBOX_REPLACED,
        dedupe_key=f"mailbox_replaced:{address.id}:{now.isoformat()}",
        due_at=now,
        payload={"former": former},
    )
    queue_to(session, draft, address, now=now)


def _settle(
    session: Session,
    address: Address,
    verb: str,
    notice: Notice,
    payload: dict[str, Any],
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Do what follows when an address is lost for requests: the journal, the admins, the schedule."""
    contact, correlation_id = get_contact(session, address.contact_id), id_after_told()
    facts = {"address_id": address.id}
    record_contact(session, verb, contact, by=by, now=now, after=facts, correlation_id=correlation_id)
    drafts = [
        Draft(
            workspace_id=contact.workspace_id,
            contact_id=admin,
            notice=notice,
            dedupe_key=f"{verb}:{address.id}:{now.isoformat()}:{admin}",
            due_at=now,
            payload=payload,
            correlation_id=correlation_id,
        )
        for admin in admin_contacts(session, contact.workspace_id)
    ]
    queue(session, drafts, now=now)
    reschedule_contacts(session, [contact.id], now=now)


def _mailbox(session: Session, contact: Contact) -> Address | None:
    connection = connection_for(session, contact.workspace_id)
    return session.scalar(
        select(Address)
        .where(Address.contact_id == contact.id, Address.connection_id == connection.id)
        .with_for_update()
    )


def _replace(session: Session, contact: Contact, address: Address | None, value: str, now: datetime) -> bool:
    if address is None:
        write_mailbox(session, contact, value, now)
        return True
    is_same = address.value_key == value.casefold()
    if is_same and address.refused_since is None and address.value == value:
        return False
    address.value, address.value_key = value, value.casefold()
    address.refused_since = address.reason = None
    if not is_same:
        address.unsubscribed_at = None
    return True


def _close_waiting(
    session: Session,
    address_id: int,
    state: MessageState,
    why: str,
    *,
    only: Sequence[Notice] | None = None,
) -> None:
    """Take what is queued for an address out of the queue; what a worker holds already is on its way."""
    waiting = update(Message).where(
        Message.address_id == address_id,
        Message.state == MessageState.QUEUED,
        Message.notice.not_in(TO_THE_FORMER),
    )
    if only is not None:
        waiting = waiting.where(Message.notice.in_(only))
    session.execute(waiting.values(state=state, last_error=why))


def _locked_address(session: Session, address_id: int) -> Address:
    contact_id = session.scalar(select(Address.contact_id).where(Address.id == address_id))
    if contact_id is None:
        raise UnknownAddress
    lock_contacts(session, [contact_id])
    return session.get_one(Address, address_id, populate_existing=True)
