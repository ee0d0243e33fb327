"""The claims that would close with a period if it were voided, or that closed when it was.

One statement for any number of claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.queries.claim_sums import ClaimedItem, by_claim, expected_of, is_void, select_items
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
    """Load the claims that wait in a period, or of a void one those that closed with it (`voided_at`).

    Of what closed, only what nobody has booked yet.
    """
    closed = (AttemptItem.state == AttemptState.VOIDED, AttemptItem.closed_at == voided_at)
    which = closed if voided_at else (AttemptItem.state == AttemptState.OPEN,)
    naming = (
        select(AttemptItem.attempt_id)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .where(Payment.period_id == period_id, *which)
    )
    is_named = and_(Payment.period_id == period_id, *which).label("is_named")
    query = (
        select_items(Attempt.id.in_(naming))
        .add_columns(Attempt.public_id, Contact.name, is_named)
        .join(Contact, Contact.id == Attempt.contact_id)
        .order_by(Attempt.made_at, Attempt.id)
    )
    items = by_claim(session.execute(query))
    claims = [_claim(rows, currency, is_closed=voided_at is not None) for rows in items.values()]
    shown = [claim for claim in claims if voided_at is None or claim.amount.minor]
    total = sum((claim.amount for claim in shown), Money(0, currency))
    return PeriodClaims(tuple(shown[:NAMED]), len(shown), total)


def _claim(items: list[ClaimedItem], currency: str, *, is_closed: bool) -> PeriodClaim:
    claim = items[0]
    is_answered = is_closed and claim.booked_minor and is_void({item.state for item in items})
    minor = expected_of(items, _is_named, booked_minor=claim.booked_minor)
    return PeriodClaim(claim.public_id, claim.name, Money(0 if is_answered else minor, currency))


def _is_named(item: ClaimedItem) -> bool:
    return bool(item.is_named)
