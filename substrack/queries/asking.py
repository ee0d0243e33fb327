"""Who could be asked for money now: the people who owe anything, and those of a group who owe nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from substrack.domain.payments import OPEN, PaymentKind
from substrack.queries.namesakes import names_apart
from substrack.store import Contact, Group, Member, Payment

PEOPLE_A_PAGE: Final = 40
NAMES_SHOWN: Final = 12


@dataclass(frozen=True)
class OwingPeople:
    """The keys of some people who owe, by name; `total` counts all of them."""

    contact_ids: tuple[int, ...]
    number: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // PEOPLE_A_PAGE))


@dataclass(frozen=True)
class Settled:
    """Members who owe nothing in a group: the first few by name, and how many there are."""

    names: tuple[str, ...]
    total: int


def load_owing_people(
    session: Session, workspace_id: int, *, group_id: int | None = None, number: int = 1
) -> OwingPeople:
    """Load one page of those who owe anything, to a group or at all; what waits for a check counts.

    Past the last page is the last one.
    """
    query = (
        select(Contact.id, func.count().over().label("total"))
        .where(*_owes(workspace_id, group_id))
        .order_by(func.lower(Contact.name), Contact.id)
        .limit(PEOPLE_A_PAGE)
        .offset((number - 1) * PEOPLE_A_PAGE)
    )
    found = session.execute(query).all()
    if not found and number > 1:
        total = len(list_owing_people(session, workspace_id, group_id=group_id))
        last = max(1, -(-total // PEOPLE_A_PAGE))
        return load_owing_people(session, workspace_id, group_id=group_id, number=min(last, number - 1))
    return OwingPeople(tuple(row.id for row in found), number, found[0].total if found else 0)


def list_owing_people(session: Session, workspace_id: int, *, group_id: int | None = None) -> list[int]:
    """List the keys of everybody who owes anything, to a group or at all."""
    query = select(Contact.id).where(*_owes(workspace_id, group_id)).order_by(Contact.id)
    return list(session.scalars(query))


def find_people(session: Session, workspace_id: int, public_ids: Iterable[str]) -> list[int]:
    """Find people of this workspace by what a form says of them; others are left out."""
    query = select(Contact.id).where(
        Contact.workspace_id == workspace_id, Contact.public_id.in_(sorted(set(public_ids)))
    )
    return list(session.scalars(query.order_by(Contact.id)))


def load_settled(session: Session, group_id: int, *, today: date) -> Settled:
    """Say who of a group's members owes nothing; the payer is not one of them."""
    owes = exists().where(Payment.contact_id == Contact.id, _is_of(group_id), *_is_open())
    query = (
        select(Contact.public_id, Contact.name, func.count().over().label("total"))
        .join(Member, Member.contact_id == Contact.id)
        .join(Group, Group.id == Member.group_id)
        .where(
            Member.group_id == group_id,
            Member.contact_id != Group.payer_id,
            or_(Member.left_on.is_(None), Member.left_on > today),
            ~owes,
        )
        .order_by(func.lower(Contact.name), Contact.id)
        .limit(NAMES_SHOWN)
    )
    found = session.execute(query).all()
    called = names_apart(session, {row.public_id: row.name for row in found})
    return Settled(tuple(called.values()), found[0].total if found else 0)


def load_request_sentence(session: Session, group_id: int) -> str:
    """Load the sentence of its own that a group puts into its requests; empty when it has none."""
    return session.scalar(select(Group.request_sentence).where(Group.id == group_id)) or ""


def _owes(workspace_id: int, group_id: int | None) -> tuple[ColumnElement[bool], ...]:
    in_group = () if group_id is None else (_is_of(group_id),)
    owes = exists().where(Payment.contact_id == Contact.id, *_is_open(), *in_group)
    return Contact.workspace_id == workspace_id, Contact.erased_at.is_(None), owes


def _is_of(group_id: int) -> ColumnElement[bool]:
    """Select a group's payments among a person's; "+ 0" keeps SQLite from reading all of the group's."""
    return Payment.group_id + 0 == group_id


def _is_open() -> tuple[ColumnElement[bool], ...]:
    return (
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(OPEN),
        Payment.voided_at.is_(None),
    )
