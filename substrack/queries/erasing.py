"""What stands in the way of erasing somebody: what is open with them, or that nobody else owns the house."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from substrack.domain.money import Money
from substrack.domain.payments import OPEN, PaymentKind, Status
from substrack.queries.people_page import load_balances
from substrack.store import Contact, Group, Member, Payment, Role, RoleGrant, User


@dataclass(frozen=True)
class Standing:
    """What is open with a person, in both directions, and whether they are the last owner.

    `open` counts payments they owe, `owed_to` those owed to them; `claims` of the former wait for a decision.
    `groups` are those that go on and in which they are paid, `shares` those they are a member of.
    """

    open: int
    owed: tuple[Money, ...]
    claims: int
    credit: tuple[Money, ...]
    owed_to: int
    groups: tuple[str, ...]
    shares: tuple[str, ...]
    is_last_owner: bool
    is_admin: bool

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is open with them."""
        return not (self.open or self.credit or self.owed_to or self.groups)


def load_standing(session: Session, contact_id: int) -> Standing:
    """Work out what is open with a person; eight statements."""
    balances = load_balances(session, contact_id)
    statuses = list(session.scalars(select(Payment.status).where(*_open(Payment.contact_id == contact_id))))
    owed_to = select(func.count()).select_from(Payment).where(*_open(Payment.payer_id == contact_id))
    groups = select(Group.name).where(Group.payer_id == contact_id, Group.archived_at.is_(None))
    shares = (
        select(Group.name)
        .join(Member, Member.group_id == Group.id)
        .where(Member.contact_id == contact_id, Member.left_on.is_(None), Group.archived_at.is_(None))
        .where(Group.payer_id != contact_id)
    )
    role = session.scalar(
        select(RoleGrant.role)
        .join(User, User.id == RoleGrant.user_id)
        .where(RoleGrant.contact_id == contact_id, User.deactivated_at.is_(None))
    )
    return Standing(
        open=len(statuses),
        owed=tuple(one.owed for one in balances if one.owed.minor),
        claims=statuses.count(Status.MEMBER_CONFIRMED),
        credit=tuple(one.credit for one in balances if one.credit.minor),
        owed_to=session.scalar(owed_to) or 0,
        groups=tuple(session.scalars(groups.order_by(func.lower(Group.name)))),
        shares=tuple(session.scalars(shares.order_by(func.lower(Group.name)))),
        is_last_owner=role is Role.OWNER and not _has_other_owner(session, contact_id),
        is_admin=role is not None,
    )


def _open(whose: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    return (
        whose,
        Payment.status.in_(OPEN),
        Payment.kind == PaymentKind.DUES,
        Payment.voided_at.is_(None),
    )


def _has_other_owner(session: Session, contact_id: int) -> bool:
    mine = aliased(Contact)
    others = (
        select(RoleGrant.id)
        .join(User, User.id == RoleGrant.user_id)
        .join(mine, mine.workspace_id == RoleGrant.workspace_id)
        .where(
            mine.id == contact_id,
            RoleGrant.role == Role.OWNER,
            RoleGrant.contact_id != contact_id,
            User.deactivated_at.is_(None),
        )
    )
    return session.scalar(others.limit(1)) is not None
