"""What the form of a group needs besides its terms: who shares it, defaults, what earlier groups had."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from substrack.domain.calendars import Calendar
from substrack.domain.cycles import Window
from substrack.domain.guest_list import Guest
from substrack.domain.money import Money
from substrack.domain.notices import Channel
from substrack.domain.pay_methods import PayMethod
from substrack.domain.shares import Sharer
from substrack.domain.terms import GroupTerms
from substrack.queries.calendars import load_calendar
from substrack.queries.groups import find_group, has_periods, load_pay_methods, load_terms
from substrack.queries.people_choices import PersonChoice
from substrack.queries.sharing import sharers_of
from substrack.store import Address, Contact, Group, Member, Workspace
from substrack.store import PayMethod as PayMethodRow


@dataclass(frozen=True)
class NamedSharer:
    """One member's terms with their name."""

    contact_id: int
    name: str
    sharer: Sharer


@dataclass(frozen=True)
class GroupOnForm:
    """A group that is being edited; nothing opens while it `rests`: paused, or in the archive.

    `sharers` share that period, as if from end to end, the payer perhaps among them; their keys are members'.
    `has_opened` freezes the currency and the start, also when all that was opened is void.
    """

    id: int
    public_id: str
    name: str
    terms: GroupTerms
    version: int
    has_opened: bool
    rests: bool
    calendar: Calendar
    payer_public_id: str
    sharers: tuple[NamedSharer, ...]

    @property
    def next_start(self) -> date:
        """The first day of the next unopened period."""
        return self.calendar.next_start


def load_group_on_form(session: Session, workspace_id: int, public_id: str) -> GroupOnForm:
    """Load a group of this workspace for its form.

    Raises:
        UnknownGroup.
    """
    group_id = find_group(session, workspace_id, public_id)
    terms = load_terms(session, group_id)
    group, payer, has_opened = session.execute(
        select(Group, Contact.public_id, has_periods(Group.id))
        .join(Contact, Contact.id == Group.payer_id)
        .where(Group.id == group_id)
    ).one()
    calendar = load_calendar(session, group)
    window = calendar.cycle.window(group.next_sequence)
    return GroupOnForm(
        id=group.id,
        public_id=group.public_id,
        name=group.name,
        terms=terms,
        version=group.version,
        has_opened=bool(has_opened),
        rests=group.paused_at is not None or group.archived_at is not None,
        calendar=calendar,
        payer_public_id=payer,
        sharers=_sharers(session, group, window),
    )


@dataclass(frozen=True)
class EarlierWays:
    """How a group of a payer is paid for, to be taken over by another group of the same payer."""

    public_id: str
    group: str
    payer_id: int
    payer: str
    methods: tuple[PayMethod, ...]


def load_group_defaults(session: Session, workspace_id: int) -> dict[str, Any]:
    """Load the terms a new group of a workspace begins with, by their names in `GroupTerms`."""
    query = select(Workspace.group_defaults).where(Workspace.id == workspace_id)
    return dict(session.scalars(query).one() or {})


def find_latest_ways(session: Session, workspace_id: int, payer_id: int) -> EarlierWays | None:
    """Find the latest group of a payer that says how to pay; None when there is none."""
    return _find_ways(session, workspace_id, Group.payer_id == payer_id)


def find_ways_of(session: Session, workspace_id: int, public_id: str) -> EarlierWays | None:
    """Find how one group is paid for, whoever is paid; None when it says nothing or is not here."""
    return _find_ways(session, workspace_id, Group.public_id == public_id)


def _find_ways(session: Session, workspace_id: int, which: ColumnElement[bool]) -> EarlierWays | None:
    has_ways = exists().where(PayMethodRow.group_id == Group.id, PayMethodRow.payer_id == Group.payer_id)
    query = (
        select(
            Group.id, Group.public_id, Group.name.label("group"), Group.payer_id, Contact.name.label("payer")
        )
        .join(Contact, Contact.id == Group.payer_id)
        .where(Group.workspace_id == workspace_id, which, has_ways)
    )
    latest = session.execute(query.order_by(Group.id.desc()).limit(1)).one_or_none()
    if latest is None:
        return None
    methods = tuple(load_pay_methods(session, latest.id))
    return EarlierWays(latest.public_id, latest.group, latest.payer_id, latest.payer, methods)


def find_at(
    session: Session, workspace_id: int, email_keys: Collection[str]
) -> dict[str, list[PersonChoice]]:
    """Find who is known at these case-folded mailboxes, the longest known first."""
    query = (
        select(Address.value_key, Contact.id, Contact.public_id, Contact.name)
        .join(Contact, Contact.id == Address.contact_id)
        .where(
            Contact.workspace_id == workspace_id,
            Contact.erased_at.is_(None),
            Address.channel == Channel.EMAIL,
            Address.value_key.in_(email_keys),
        )
    )
    found: dict[str, list[PersonChoice]] = {}
    for key, contact_id, public_id, name in session.execute(query.order_by(Contact.id)):
        found.setdefault(key, []).append(PersonChoice(contact_id, public_id, name))
    return found


def list_guests(session: Session, group: GroupOnForm) -> tuple[Guest, ...]:
    """List those who share a group, without its payer, as they would be typed for another one like it."""
    others = [one for one in group.sharers if one.contact_id != group.terms.payer_id]
    emails = _emails(session, [one.contact_id for one in others])
    return tuple(Guest(one.name, emails.get(one.contact_id), _part(one, group.terms)) for one in others)


def _emails(session: Session, contact_ids: Collection[int]) -> dict[int, str]:
    query = select(Address.contact_id, Address.value).where(
        Address.contact_id.in_(contact_ids), Address.channel == Channel.EMAIL
    )
    return {row.contact_id: row.value for row in session.execute(query.order_by(Address.id))}


def _part(one: NamedSharer, terms: GroupTerms) -> str | None:
    if one.sharer.fixed_minor is not None:
        return Money(one.sharer.fixed_minor, terms.currency).major()
    return str(one.sharer.weight) if one.sharer.weight != 1 else None


def _sharers(session: Session, group: Group, window: Window) -> tuple[NamedSharer, ...]:
    sharers = sharers_of(session, group, window)
    query = (
        select(Member, Contact.name)
        .join(Contact, Contact.id == Member.contact_id)
        .where(Member.id.in_([sharer.key for sharer in sharers]))
        .order_by(Member.id)
    )
    return tuple(
        NamedSharer(member.contact_id, name, Sharer(member.id, member.weight, member.fixed_minor))
        for member, name in session.execute(query)
    )
