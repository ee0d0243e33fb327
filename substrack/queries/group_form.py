"""What the form of a group needs besides its terms: who could be the payer, and who shares it already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.cycles import Cycle, Window
from substrack.domain.shares import Sharer
from substrack.domain.terms import GroupTerms
from substrack.queries.groups import find_group, load_terms
from substrack.queries.sharing import sharers_of
from substrack.store import Contact, Group, Member


@dataclass(frozen=True)
class PersonChoice:
    """One person of the workspace, for a select."""

    id: int
    public_id: str
    name: str


@dataclass(frozen=True)
class NamedSharer:
    """One member's terms with their name."""

    contact_id: int
    name: str
    sharer: Sharer


@dataclass(frozen=True)
class GroupOnForm:
    """A group that is being edited; `next_start` is the first day of the next unopened period.

    `sharers` share that period, as if from end to end, the payer perhaps among them; their keys are members'.
    `has_opened` freezes the currency and the start.
    """

    id: int
    public_id: str
    name: str
    terms: GroupTerms
    version: int
    has_opened: bool
    next_start: date
    next_sequence: int
    cycle: Cycle
    payer_public_id: str
    sharers: tuple[NamedSharer, ...]


def list_people(session: Session, workspace_id: int) -> list[PersonChoice]:
    """List everybody the workspace knows by name."""
    query = select(Contact.id, Contact.public_id, Contact.name).where(
        Contact.workspace_id == workspace_id, Contact.erased_at.is_(None)
    )
    rows = session.execute(query.order_by(func.lower(Contact.name), Contact.id))
    return [PersonChoice(*row) for row in rows]


def load_group_on_form(session: Session, workspace_id: int, public_id: str) -> GroupOnForm:
    """Load a group of this workspace for its form.

    Raises:
        UnknownGroup.
    """
    group_id = find_group(session, workspace_id, public_id)
    terms = load_terms(session, group_id)
    group, payer = session.execute(
        select(Group, Contact.public_id)
        .join(Contact, Contact.id == Group.payer_id)
        .where(Group.id == group_id)
    ).one()
    cycle = Cycle(group.unit, group.every, group.billing_day, group.anchor_on, group.anchor_sequence)
    window = cycle.window(group.next_sequence)
    return GroupOnForm(
        id=group.id,
        public_id=group.public_id,
        name=group.name,
        terms=terms,
        version=group.version,
        has_opened=group.next_sequence > 1,
        next_start=window.starts_on,
        next_sequence=group.next_sequence,
        cycle=cycle,
        payer_public_id=payer,
        sharers=_sharers(session, group, window),
    )


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
