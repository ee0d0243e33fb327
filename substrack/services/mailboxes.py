"""Mailboxes: where people are reached by email, and who else is reached there.

A mailbox that worked is told that it gets no more, whether another takes its place or none. What stops an
address of any channel is `services.addresses`. Locks are taken in the order contact, mailbox, address,
messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.errors import Refused
from substrack.domain.notices import Channel, Notice
from substrack.services.access import check_owner
from substrack.services.addresses import empty_address
from substrack.services.connections import connection_for
from substrack.services.contact_rows import hold_contact, record_contact
from substrack.services.links import revoke_pay_link
from substrack.services.locks import lock_mailbox
from substrack.services.outbox import Draft, queue_to
from substrack.services.roles import check_whose_account
from substrack.services.schedule import reschedule_contacts
from substrack.services.suppression import ask_about_erased
from substrack.store import Address, Connection, Contact


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
    contact = hold_contact(session, contact_id)
    if by.kind is ActorKind.USER:
        check_whose_account(session, contact_id, by)
    value = check_email(email) if email and email.strip() else None
    if value:
        lock_mailbox(session, contact.workspace_id, value)
        _ask_about_others(session, contact, value, shares_mailbox=shares_mailbox, wanted_again=wanted_again)
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


def keep_first_email(
    session: Session,
    contact_id: int,
    email: str | None,
    *,
    shares_mailbox: bool = False,
    wanted_again: bool = False,
    by: Actor,
    now: datetime,
) -> None:
    """Keep an address that is given for somebody of whom there is none; one that is there stays.

    Raises:
        What `set_email` raises.
    """
    if not (email or "").strip():
        return
    mailbox = _mailbox(session, hold_contact(session, contact_id))
    if mailbox is None or not mailbox.value:
        answers = {"shares_mailbox": shares_mailbox, "wanted_again": wanted_again}
        set_email(session, contact_id, email, **answers, by=by, now=now)


def _ask_about_others(
    session: Session, contact: Contact, value: str, *, shares_mailbox: bool, wanted_again: bool
) -> None:
    """Ask whether a mailbox is shared with those reached there, or wanted again by somebody erased."""
    if not shares_mailbox:
        others = contacts_at(session, contact.workspace_id, value)
        ask_about_sharing([known for known in others if known != contact])
    ask_about_erased(session, contact.workspace_id, value, wanted_again=wanted_again)


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
