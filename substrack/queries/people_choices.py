"""People to choose from in a form: all of a few; of a crowd those at hand, and who fits what was typed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel
from substrack.queries.namesakes import tell_apart
from substrack.queries.searching import named_like
from substrack.store import Address, Contact, Group, Member, RoleGrant

FEW: Final = 60
"""As many as a person looks through; more are a crowd."""

FITTING: Final = 5
"""How many who fit what was typed are named at most."""


@dataclass(frozen=True)
class PersonChoice:
    """One person of the workspace, for a select."""

    id: int
    public_id: str
    name: str


@dataclass(frozen=True)
class PeopleChoices:
    """People by name; `is_cut` when there are others, who are found by typing."""

    rows: tuple[PersonChoice, ...]
    is_cut: bool


def load_people_choices(
    session: Session, workspace_id: int, wanted: Collection[str] = (), *, not_in: int | None = None
) -> PeopleChoices:
    """Load everybody of a few; of a crowd admins, payers and those `wanted` by public id (two statements).

    Who is in the group `not_in` already is left out.
    """
    administer = select(RoleGrant.contact_id).where(RoleGrant.workspace_id == workspace_id)
    paid = select(Group.payer_id).where(Group.workspace_id == workspace_id)
    is_at_hand = or_(Contact.id.in_(administer), Contact.id.in_(paid), Contact.public_id.in_(sorted(wanted)))
    present = select(Member.contact_id).where(Member.group_id == not_in, Member.left_on.is_(None))
    others = [] if not_in is None else [Contact.id.not_in(present)]
    at_hand = _load(session, workspace_id, is_at_hand, *others, limit=FEW)
    first = _load(session, workspace_id, *others, limit=FEW + 1)
    is_cut = len(first) > FEW
    return PeopleChoices(tell_apart(session, at_hand if is_cut else first), is_cut)


def find_person(session: Session, workspace_id: int, public_id: str) -> PersonChoice | None:
    """Find one person by public id."""
    return next(iter(_load(session, workspace_id, Contact.public_id == public_id, limit=1)), None)


def find_fitting(session: Session, workspace_id: int, typed: str) -> tuple[PersonChoice, ...]:
    """Find who is meant by a typed address or name, told apart: whoever has just that, else a part of it.

    At most `FITTING` and one more; up to three statements.
    """
    has_address = select(Address.contact_id).where(
        Address.channel == Channel.EMAIL, Address.value_key == typed.strip().casefold()
    )
    is_called = func.lower(Contact.name) == func.lower(typed.strip())
    for fits in (Contact.id.in_(has_address), is_called, named_like(typed)):
        if found := _load(session, workspace_id, fits, limit=FITTING + 1):
            return tell_apart(session, found)
    return ()


def _load(
    session: Session, workspace_id: int, *conditions: ColumnElement[bool], limit: int
) -> list[PersonChoice]:
    query = (
        select(Contact.id, Contact.public_id, Contact.name)
        .where(Contact.workspace_id == workspace_id, Contact.erased_at.is_(None), *conditions)
        .order_by(func.lower(Contact.name), Contact.id)
        .limit(limit)
    )
    return [PersonChoice(*row) for row in session.execute(query)]
