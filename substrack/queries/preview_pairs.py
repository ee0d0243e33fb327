"""Whom a kind of message can be looked at for: a person and a group about whom there is something to say."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from substrack.domain.notices import Notice
from substrack.domain.payments import ASKABLE, PaymentKind
from substrack.store import Attempt, AttemptItem, AttemptState, Contact, Group, Member, Payment, Period


@dataclass(frozen=True)
class Pair:
    """One person and one group, by public ids and names."""

    person: str
    name: str
    group: str
    group_name: str


Keys = Select[int, int]
"""Selects the keys of people and groups, the best first."""


def find_pair(session: Session, workspace_id: int, notice: Notice) -> Pair | None:
    """Find about whom a message of this kind has something to say; else anybody in a group, or None."""
    for keys in (_BEST.get(notice, _owing)(workspace_id), _members(workspace_id)):
        found = session.execute(keys.limit(1)).first()
        if found is not None:
            contact, group = session.get_one(Contact, found[0]), session.get_one(Group, found[1])
            return Pair(contact.public_id, contact.name, group.public_id, group.name)
    return None


def _owing(workspace_id: int) -> Keys:
    """Who owes comes first, then who paid last."""
    owes = case((Payment.status.in_(ASKABLE), 0), else_=1)
    return (
        select(Payment.contact_id, Payment.group_id)
        .where(
            Payment.workspace_id == workspace_id,
            Payment.kind == PaymentKind.DUES,
            Payment.voided_at.is_(None),
        )
        .order_by(owes, Payment.id.desc())
    )


def _claiming(workspace_id: int) -> Keys:
    return (
        select(Payment.contact_id, Payment.group_id)
        .join(AttemptItem, AttemptItem.payment_id == Payment.id)
        .join(Attempt, Attempt.id == AttemptItem.attempt_id)
        .where(Attempt.workspace_id == workspace_id, Attempt.state == AttemptState.OPEN)
        .order_by(Attempt.id.desc(), Payment.id)
    )


def _billed(workspace_id: int) -> Keys:
    return (
        _members(workspace_id)
        .join(Period, Period.group_id == Group.id)
        .where(Period.total_minor.is_(None), Period.voided_at.is_(None))
    )


def _members(workspace_id: int) -> Keys:
    return (
        select(Member.contact_id, Member.group_id)
        .join(Group, Group.id == Member.group_id)
        .where(Group.workspace_id == workspace_id, Member.contact_id != Group.payer_id)
        .order_by(Member.left_on.is_not(None), Member.id.desc())
    )


_BEST = {
    Notice.WELCOME: _members,
    Notice.HEADS_UP: _members,
    Notice.PRICE_CHANGE: _members,
    Notice.SHARE_CHANGED: _members,
    Notice.CLAIM_RECEIVED: _claiming,
    Notice.BILL_WANTED: _billed,
}
