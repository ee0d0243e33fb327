"""Whose rows are: for each table with something about people, which rows belong to one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, tuple_
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind
from substrack.domain.notices import Channel
from substrack.store import (
    Address,
    Allocation,
    Attachment,
    Attempt,
    AttemptItem,
    Contact,
    Event,
    Group,
    Identity,
    Inbound,
    Lane,
    Link,
    Member,
    Message,
    MessageItem,
    Payment,
    PayMethod,
    Receipt,
    RecoveryCode,
    RoleGrant,
    SecondFactor,
    User,
    UserSession,
)

Where = ColumnElement[bool]


@dataclass(frozen=True)
class Subject:
    """One person as tables know them: keys of the contact, users and addresses; chats by connection."""

    contact_id: int
    workspace_id: int
    public_id: str
    name: str
    user_ids: tuple[int, ...]
    address_ids: tuple[int, ...]
    mailboxes: tuple[str, ...]
    chats: tuple[tuple[int, int], ...]


def load_subject(session: Session, contact_id: int) -> Subject:
    """Gather under which keys a person is known."""
    contact = session.get_one(Contact, contact_id)
    users = session.scalars(select(RoleGrant.user_id).where(RoleGrant.contact_id == contact_id))
    addresses = session.scalars(
        select(Address).where(Address.contact_id == contact_id).order_by(Address.id)
    ).all()
    return Subject(
        contact_id=contact_id,
        workspace_id=contact.workspace_id,
        public_id=contact.public_id,
        name=contact.name,
        user_ids=tuple(users),
        address_ids=tuple(address.id for address in addresses),
        mailboxes=tuple(one.value for one in addresses if one.channel is Channel.EMAIL and one.value),
        chats=tuple(
            (one.connection_id, int(one.value))
            for one in addresses
            if one.channel is Channel.TELEGRAM and one.value
        ),
    )


def _payments(who: Subject) -> Select[int]:
    return select(Payment.id).where(Payment.contact_id == who.contact_id)


def _attempts(who: Subject) -> Select[int]:
    return select(Attempt.id).where(Attempt.contact_id == who.contact_id)


def _messages(who: Subject) -> Select[int]:
    return select(Message.id).where(Message.contact_id == who.contact_id)


def _groups(who: Subject) -> Select[int]:
    return select(Group.id).where(Group.payer_id == who.contact_id)


def _inbound(who: Subject) -> Where:
    if not who.chats:
        return false()
    return tuple_(Inbound.connection_id, Inbound.chat_id).in_(who.chats)


def _lanes(who: Subject) -> Where:
    """Select the rows by which a bot paces itself in a person's chats; their names end with the chat."""
    paces = (f"{Channel.TELEGRAM.value}:bot%:{chat}" for _connection_id, chat in who.chats)
    return or_(false(), *(Lane.name.like(pace) for pace in paces))


def _links(who: Subject) -> Where:
    return or_(
        Link.contact_id == who.contact_id,
        Link.user_id.in_(who.user_ids),
        Link.address_id.in_(who.address_ids),
    )


def _events(who: Subject) -> Where:
    """Select the lines about a person, and those about what they did."""
    members = select(Member.id).where(Member.contact_id == who.contact_id)
    receipts = select(Receipt.id).where(Receipt.contact_id == who.contact_id)
    subjects = {
        "contact": Event.subject_id == who.contact_id,
        "member": Event.subject_id.in_(members),
        "receipt": Event.subject_id.in_(receipts),
        "message": Event.subject_id.in_(_messages(who)),
        "user": Event.subject_id.in_(who.user_ids),
    }
    acted = or_(
        and_(Event.actor_kind == ActorKind.CONTACT, Event.actor_id == who.contact_id),
        and_(Event.actor_kind == ActorKind.USER, Event.actor_id.in_(who.user_ids)),
    )
    about = [and_(Event.subject_kind == kind, condition) for kind, condition in subjects.items()]
    return and_(
        Event.workspace_id == who.workspace_id, or_(Event.payment_id.in_(_payments(who)), acted, *about)
    )


WHOSE: Final[Mapping[str, Callable[[Subject], Where]]] = MappingProxyType(
    {
        "contacts": lambda who: Contact.id == who.contact_id,
        "addresses": lambda who: Address.contact_id == who.contact_id,
        "users": lambda who: User.id.in_(who.user_ids),
        "roles": lambda who: RoleGrant.contact_id == who.contact_id,
        "user_sessions": lambda who: UserSession.user_id.in_(who.user_ids),
        "identities": lambda who: Identity.user_id.in_(who.user_ids),
        "second_factors": lambda who: SecondFactor.user_id.in_(who.user_ids),
        "recovery_codes": lambda who: RecoveryCode.user_id.in_(who.user_ids),
        "groups": lambda who: Group.payer_id == who.contact_id,
        "pay_methods": lambda who: PayMethod.payer_id == who.contact_id,
        "members": lambda who: Member.contact_id == who.contact_id,
        "payments": lambda who: Payment.contact_id == who.contact_id,
        "attempts": lambda who: Attempt.contact_id == who.contact_id,
        "attempt_items": lambda who: AttemptItem.attempt_id.in_(_attempts(who)),
        "attachments": lambda who: Attachment.attempt_id.in_(_attempts(who)),
        "receipts": lambda who: Receipt.contact_id == who.contact_id,
        "allocations": lambda who: Allocation.payment_id.in_(_payments(who)),
        "messages": lambda who: Message.contact_id == who.contact_id,
        "message_items": lambda who: MessageItem.message_id.in_(_messages(who)),
        "inbound": _inbound,
        "lanes": _lanes,
        "links": _links,
        "events": _events,
    }
)
"""Table → condition for its rows that are one person's, in the order in which an export lists them."""
