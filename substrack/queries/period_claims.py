"""The claims that would close with a period if it were voided, or that closed when it was.

One statement for any number of claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.queries.owing import LEFT
from substrack.store import Attempt, AttemptItem, AttemptState, Contact, Payment

NAMED: Final = 10


@dataclass(frozen=True)
class PeriodClaim:
    """One claim, by the id of its page, and what of this period it says is paid."""

    public_id: str
    name: str
    amount: Money


@dataclass(frozen=True)
class PeriodClaims:
    """The oldest claims of a period; `count` and `amount` are of all of them."""

    named: tuple[PeriodClaim, ...]
    count: int
    amount: Money


def load_period_claims(
    session: Session, period_id: int, currency: str, *, voided_at: datetime | None = None
) -> PeriodClaims:
    """Load the claims that wait in a period, or of a void one those that closed with it (`voided_at`)."""
    closed = (AttemptItem.state == AttemptState.VOIDED, AttemptItem.closed_at == voided_at)
    which = closed if voided_at else (AttemptItem.state == AttemptState.OPEN,)
    of_claim = func.sum(LEFT)
    rows = session.execute(
        select(
            Attempt.public_id,
            Contact.name,
            of_claim.label("minor"),
            func.count().over().label("claims"),
            func.sum(of_claim).over().label("total"),
        )
        .join(AttemptItem, AttemptItem.attempt_id == Attempt.id)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .join(Contact, Contact.id == Attempt.contact_id)
        .where(Payment.period_id == period_id, *which)
        .group_by(Attempt.id, Attempt.public_id, Attempt.made_at, Contact.name)
        .order_by(Attempt.made_at, Attempt.id)
        .limit(NAMED)
    ).all()
    named = tuple(PeriodClaim(row.public_id, row.name, Money(int(row.minor), currency)) for row in rows)
    claims, total = (int(rows[0].claims), int(rows[0].total)) if rows else (0, 0)
    return PeriodClaims(named, claims, Money(total, currency))
