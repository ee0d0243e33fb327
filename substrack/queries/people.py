"""Reads about people: contacts with where they are reached, and members with their terms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from substrack.domain.errors import NotFound
from substrack.domain.money import Money
from substrack.domain.notices import Channel
from substrack.queries.searching import named_like
from substrack.store import Address, Contact, Group, Member


class UnknownPerson(NotFound):
    """There is no such contact in this workspace."""

    def __init__(self) -> None:
        super().__init__("There is no such person.")


class UnknownMembership(NotFound):
    """There is no such member in this workspace."""

    def __init__(self) -> None:
        super().__init__("There is no such member.")


@dataclass(frozen=True)
class Belonging:
    """One group that somebody is in; `left_on` is the first day they will no longer be, if that is known."""

    group: str
    left_on: date | None


@dataclass(frozen=True)
class ContactRow:
    """One person. `email` is None when none is known any more; `belongs` to the groups they are in.

    `has_chat` while a linked chat takes our messages, `chat_refused_since` while one turns them away.
    """

    id: int
    public_id: str
    name: str
    email: str | None
    address_id: int | None
    unsubscribed_at: datetime | None
    refused_since: datetime | None
    refused_reason: str | None
    language: str | None
    time_zone: str | None
    belongs: tuple[Belonging, ...]
    has_chat: bool
    chat_refused_since: datetime | None
    collection_day: int | None
    note: str

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups they are in."""
        return tuple(one.group for one in self.belongs)

    @property
    def is_mailed(self) -> bool:
        """Tell whether requests reach this person by mail."""
        return self.email is not None and self.refused_since is None and self.unsubscribed_at is None

    @property
    def is_reachable(self) -> bool:
        """Tell whether requests reach this person."""
        return self.is_mailed or self.has_chat


@dataclass(frozen=True)
class MemberRow:
    """One stay of a person in a group; `left_on` is the first day they are no longer there."""

    id: int
    public_id: str
    group_id: int
    group_public_id: str
    group: str
    contact_id: int
    contact_public_id: str
    name: str
    email: str | None
    is_mailed: bool
    has_chat: bool
    is_payer: bool
    weight: int
    fixed: Money | None
    currency: str
    joined_on: date
    left_on: date | None
    told_at: datetime | None

    @property
    def is_reachable(self) -> bool:
        """Tell whether requests reach this person."""
        return self.is_mailed or self.has_chat


def find_contact(session: Session, workspace_id: int, public_id: str) -> int:
    """Find the key of a person of this workspace by their public id.

    Raises:
        UnknownPerson.
    """
    query = select(Contact.id).where(
        Contact.workspace_id == workspace_id, Contact.public_id == public_id, Contact.erased_at.is_(None)
    )
    found = session.scalar(query)
    if found is None:
        raise UnknownPerson
    return found


def find_member(session: Session, workspace_id: int, public_id: str) -> int:
    """Find the key of a member of this workspace by their public id.

    Raises:
        UnknownMembership.
    """
    query = (
        select(Member.id).join(Group).where(Group.workspace_id == workspace_id, Member.public_id == public_id)
    )
    found = session.scalar(query)
    if found is None:
        raise UnknownMembership
    return found


def list_contacts(session: Session, workspace_id: int, *, today: date) -> list[ContactRow]:
    """List the people of a workspace by name, each with their mailbox and the groups they are in today."""
    query = _contacts().where(Contact.workspace_id == workspace_id, Contact.erased_at.is_(None))
    return _load_contacts(session, query.order_by(func.lower(Contact.name), Contact.id), today)


def list_contact_page(
    session: Session, workspace_id: int, *, search: str = "", limit: int, offset: int = 0, today: date
) -> tuple[list[ContactRow], int]:
    """List some of the people whose name holds what is searched for, by name, and count them all."""
    wanted = (Contact.workspace_id == workspace_id, Contact.erased_at.is_(None), named_like(search))
    total = session.scalar(select(func.count()).select_from(Contact).where(*wanted)) or 0
    query = _contacts().where(*wanted).order_by(func.lower(Contact.name), Contact.id)
    return _load_contacts(session, query.limit(limit).offset(offset), today), total


def load_contact(session: Session, contact_id: int, *, today: date | None = None) -> ContactRow:
    """Load one person with the groups they are in today; without a day, those they are not to leave.

    Raises:
        UnknownPerson.
    """
    found = _load_contacts(session, _contacts().where(Contact.id == contact_id), today)
    if not found:
        raise UnknownPerson
    return found[0]


def list_members(
    session: Session,
    workspace_id: int,
    *,
    group_id: int | None = None,
    contact_id: int | None = None,
    today: date | None = None,
) -> list[MemberRow]:
    """List members by group, in the order they joined; with `today`, only those who have not left by then."""
    query = _members().where(Group.workspace_id == workspace_id)
    if group_id is not None:
        query = query.where(Member.group_id == group_id)
    if contact_id is not None:
        query = query.where(Member.contact_id == contact_id)
    if today is not None:
        query = query.where(or_(Member.left_on.is_(None), Member.left_on > today))
    rows = session.execute(query.order_by(func.lower(Group.name), Group.id, Member.joined_on, Member.id))
    return [_member_row(*row) for row in rows]


def list_some_members(
    session: Session, *conditions: ColumnElement[bool], limit: int, offset: int = 0
) -> list[MemberRow]:
    """List some of the members that meet conditions, in the order in which they were added."""
    query = _members().where(*conditions).order_by(Member.id).limit(limit).offset(offset)
    return [_member_row(*row) for row in session.execute(query)]


def load_member(session: Session, member_id: int) -> MemberRow:
    """Load one member.

    Raises:
        UnknownMembership.
    """
    row = session.execute(_members().where(Member.id == member_id)).first()
    if row is None:
        raise UnknownMembership
    return _member_row(*row)


def _contacts() -> Select[Contact, Address, bool, datetime | None]:
    return select(Contact, Address, _has_chat(), _chat_refused_since()).outerjoin(Address, _is_mailbox())


def _members() -> Select[Member, Group, Contact, Address, bool, datetime | None]:
    return (
        select(Member, Group, Contact, Address, _has_chat(), _chat_refused_since())
        .join(Group, Group.id == Member.group_id)
        .join(Contact, Contact.id == Member.contact_id)
        .outerjoin(Address, _is_mailbox())
    )


def _is_mailbox() -> ColumnElement[bool]:
    return and_(Address.contact_id == Contact.id, Address.channel == Channel.EMAIL)


def _has_chat() -> ColumnElement[bool]:
    chat = aliased(Address)
    return exists().where(
        chat.contact_id == Contact.id, chat.channel == Channel.TELEGRAM, chat.refused_since.is_(None)
    )


def _chat_refused_since() -> ScalarSelect[datetime | None]:
    chat = aliased(Address)
    is_one = (chat.contact_id == Contact.id, chat.channel == Channel.TELEGRAM, chat.value != "")
    return select(func.min(chat.refused_since)).where(*is_one).correlate(Contact).scalar_subquery()


def _load_contacts(
    session: Session, query: Select[Contact, Address, bool, datetime | None], today: date | None
) -> list[ContactRow]:
    found = list(session.execute(query))
    groups = _groups_of(session, [row[0].id for row in found], today)
    return [
        _contact_row(contact, address, groups.get(contact.id, ()), has_chat, refused_since)
        for contact, address, has_chat, refused_since in found
    ]


def _groups_of(
    session: Session, contact_ids: Iterable[int], today: date | None
) -> dict[int, tuple[Belonging, ...]]:
    stays = Member.left_on.is_(None)
    belongs = stays if today is None else or_(stays, Member.left_on > today)
    query = (
        select(Member.contact_id, Group.name, Member.left_on)
        .join(Group, Group.id == Member.group_id)
        .where(Member.contact_id.in_(sorted(contact_ids)), belongs)
        .where(Group.archived_at.is_(None))
        .order_by(func.lower(Group.name))
    )
    found: dict[int, tuple[Belonging, ...]] = {}
    for contact_id, name, left_on in session.execute(query):
        found[contact_id] = (*found.get(contact_id, ()), Belonging(name, left_on))
    return found


def _contact_row(
    contact: Contact,
    address: Address | None,
    belongs: tuple[Belonging, ...],
    has_chat: bool,
    chat_refused_since: datetime | None,
) -> ContactRow:
    known = address if address is not None and address.value else None
    return ContactRow(
        id=contact.id,
        public_id=contact.public_id,
        name=contact.name,
        email=known.value if known else None,
        address_id=known.id if known else None,
        unsubscribed_at=known.unsubscribed_at if known else None,
        refused_since=known.refused_since if known else None,
        refused_reason=known.reason if known else None,
        language=contact.language,
        time_zone=contact.time_zone,
        belongs=belongs,
        has_chat=bool(has_chat),
        chat_refused_since=None if has_chat else chat_refused_since,
        collection_day=contact.collection_day,
        note=contact.note,
    )


def _member_row(
    member: Member,
    group: Group,
    contact: Contact,
    address: Address | None,
    has_chat: bool,
    chat_refused_since: datetime | None,
) -> MemberRow:
    person = _contact_row(contact, address, (), has_chat, chat_refused_since)
    fixed, is_payer = member.fixed_minor, contact.id == group.payer_id
    return MemberRow(
        id=member.id,
        public_id=member.public_id,
        group_id=group.id,
        group_public_id=group.public_id,
        group=group.name,
        contact_id=contact.id,
        contact_public_id=contact.public_id,
        name=contact.name,
        email=person.email,
        is_mailed=person.is_mailed,
        has_chat=person.has_chat,
        is_payer=is_payer,
        weight=member.weight,
        fixed=None if is_payer or fixed is None else Money(fixed, group.currency),
        currency=group.currency,
        joined_on=member.joined_on,
        left_on=member.left_on,
        told_at=member.told_at,
    )
