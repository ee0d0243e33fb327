"""The members of one group, a page at a time: those who are there, or those who left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from substrack.queries.group_periods import PeriodOfGroup
from substrack.queries.namesakes import tell_apart
from substrack.queries.people import MemberRow, list_some_members
from substrack.queries.period_cells import MEMBERS_A_PAGE
from substrack.queries.searching import named_like
from substrack.store import Contact, Group, Member, Payment, Period

CHOICES: Final = 200
"""How many members a form offers at most."""


@dataclass(frozen=True)
class MemberPage:
    """Some members in the order in which they were added; `has_more` when another page follows."""

    rows: tuple[MemberRow, ...]
    number: int
    has_more: bool


def load_member_page(
    session: Session,
    group_id: int,
    *,
    today: date,
    left: bool = False,
    with_payer: bool = True,
    search: str = "",
    number: int = 1,
) -> MemberPage:
    """Load one page of those who are there today or will be, or of those who left, in one statement.

    A payer who does not share is no member to look at; one who shares can be left out.
    """
    is_no_payer = Member.contact_id != Group.payer_id
    found = list_some_members(
        session,
        Member.group_id == group_id,
        Member.left_on <= today if left else _stays_after(today),
        or_(Group.payer_included, is_no_payer) if with_payer else is_no_payer,
        named_like(search),
        limit=MEMBERS_A_PAGE + 1,
        offset=(number - 1) * MEMBERS_A_PAGE,
    )
    return MemberPage(tell_apart(session, found[:MEMBERS_A_PAGE]), number, len(found) > MEMBERS_A_PAGE)


def find_members(
    session: Session, group_id: int, public_ids: Collection[str] | None, *, today: date
) -> list[int]:
    """Find the keys of those who are there, without the payer, by public id; None: all who were not told."""
    wanted = Member.told_at.is_(None) if public_ids is None else Member.public_id.in_(sorted(public_ids))
    query = select(Member.id).join(Group, Group.id == Member.group_id)
    is_there = (Member.group_id == group_id, Member.contact_id != Group.payer_id, _stays_after(today))
    return list(session.scalars(query.where(*is_there, wanted).order_by(Member.id)))


def has_former_members(session: Session, group_id: int, *, today: date) -> bool:
    """Tell whether anybody left a group."""
    query = select(Member.id).where(Member.group_id == group_id, Member.left_on <= today)
    return session.scalar(query.limit(1)) is not None


def list_without_payment(session: Session, period: PeriodOfGroup) -> tuple[MemberRow, ...]:
    """List who had not left before a period began and has no payment in it, but for whom it is paid to.

    Nor has who left and came back one from before.
    """
    voided_at = period.column.voided_at
    is_counted = Payment.voided_at.is_(None) if voided_at is None else Payment.voided_at == voided_at
    in_it = Payment.period_id == period.column.id, Payment.contact_id == Member.contact_id
    pays = exists().where(*in_it, is_counted)
    payer = select(Period.payer_id).where(Period.id == period.column.id)
    found = list_some_members(
        session,
        Member.group_id == period.group_id,
        Member.contact_id != payer.scalar_subquery(),
        Contact.erased_at.is_(None),
        _stays_after(period.column.span.starts_on),
        ~pays,
        limit=CHOICES,
    )
    return tell_apart(session, found)


def _stays_after(day: date) -> ColumnElement[bool]:
    return or_(Member.left_on.is_(None), Member.left_on > day)
