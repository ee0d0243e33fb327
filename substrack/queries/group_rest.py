"""What a group leaves open when it is put away: what is owed, what is to check, what was paid ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.domain.payments import OPEN, PaymentKind
from substrack.domain.spans import Span
from substrack.queries.groups import GroupRow
from substrack.queries.namesakes import names_of
from substrack.queries.owing import LEFT
from substrack.queries.unallocated import UNALLOCATED, is_money_in
from substrack.store import Attempt, AttemptItem, AttemptState, Payment, Period, Receipt

NAMED: Final = 3
"""How many of those who owe are named; the rest is counted."""

BILLS_NAMED: Final = 12


@dataclass(frozen=True)
class MissingBill:
    """An open period of which nobody owes anything yet, because its bill is not in."""

    public_id: str
    span: Span


@dataclass(frozen=True)
class GroupRest:
    """What is still owed for a group, by whom, in how many claims of it somebody says to have paid.

    `kept` is credit that settles payments of this group only; `bills` are the oldest that are not in.
    """

    owed: Money
    people: int
    names: tuple[str, ...]
    to_check: int
    kept: Money
    bills: tuple[MissingBill, ...]

    @property
    def others(self) -> int:
        """How many owe besides those named."""
        return self.people - len(self.names)


def load_rest(session: Session, group: GroupRow) -> GroupRest:
    """Load what stays open of a group; five statements."""
    owing = (
        select(Payment.contact_id, func.sum(func.sum(LEFT)).over(), func.count().over())
        .where(
            Payment.group_id == group.id,
            Payment.status.in_(OPEN),
            Payment.kind == PaymentKind.DUES,
            Payment.voided_at.is_(None),
        )
        .group_by(Payment.contact_id)
        .order_by(func.sum(LEFT).desc(), Payment.contact_id)
        .limit(NAMED)
    )
    found = session.execute(owing).all()
    _first, total, people = found[0] if found else (0, 0, 0)
    called = names_of(session, [contact_id for contact_id, *_ in found])
    return GroupRest(
        owed=Money(int(total), group.currency),
        people=people,
        names=tuple(called[contact_id] for contact_id, *_ in found),
        to_check=_to_check(session, group.id),
        kept=Money(_kept(session, group.id), group.currency),
        bills=_bills(session, group),
    )


def _to_check(session: Session, group_id: int) -> int:
    query = (
        select(func.count(Attempt.id.distinct()))
        .join(AttemptItem, AttemptItem.attempt_id == Attempt.id)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .where(Payment.group_id == group_id, AttemptItem.state == AttemptState.OPEN)
    )
    return session.scalar(query) or 0


def _bills(session: Session, group: GroupRow) -> tuple[MissingBill, ...]:
    query = select(Period.public_id, Period.starts_on, Period.ends_on).where(
        Period.group_id == group.id, Period.total_minor.is_(None), Period.voided_at.is_(None)
    )
    found = session.execute(query.order_by(Period.starts_on).limit(BILLS_NAMED))
    return tuple(MissingBill(key, Span(group.unit, group.every, *dates)) for key, *dates in found)


def _kept(session: Session, group_id: int) -> int:
    query = select(func.sum(UNALLOCATED)).where(Receipt.group_id == group_id, *is_money_in())
    return int(session.scalar(query) or 0)
