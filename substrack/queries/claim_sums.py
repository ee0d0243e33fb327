"""What each claim still stands for: the same sum on pages, in mails and when it is booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.claims import stands_for
from substrack.domain.money import Money
from substrack.queries.owing import LEFT
from substrack.queries.prepared import prepared
from substrack.store import Allocation, Attempt, AttemptItem, AttemptState, Payment, Receipt

GOT: Final = (
    select(func.coalesce(func.sum(Allocation.amount_minor), 0))
    .where(
        Allocation.payment_id == Payment.id,
        Allocation.voided_at.is_(None),
        Allocation.made_at >= Attempt.made_at,
    )
    .correlate(Payment, Attempt)
    .scalar_subquery()
)
"""What a payment got since the claim that names it, in minor units; for pages."""

_CAME: Final = (
    select(func.coalesce(func.sum(Allocation.amount_minor), 0))
    .join(Receipt, Receipt.id == Allocation.receipt_id)
    .where(
        Allocation.payment_id == Payment.id,
        Allocation.voided_at.is_(None),
        Receipt.created_at >= Attempt.made_at,
    )
    .correlate(Payment, Attempt)
    .scalar_subquery()
)
"""What a payment got of the money booked since the claim that names it, in minor units.

Money booked before is not what the claim tells of, however it is moved to and fro since: by a correction, or
as credit.
"""


def load_sums(session: Session, attempt_ids: Collection[int]) -> dict[int, Money]:
    """Load what claims stand for while something of them waits, else what they stated; one statement."""
    if not attempt_ids:
        return {}
    items: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(*_items(sorted(attempt_ids))):
        items[row.id].append(row)
    return {key: Money(_stands_for(rows), rows[0].currency) for key, rows in items.items()}


@prepared
def _items(attempt_ids: list[int]) -> Select[*tuple[Any, ...]]:
    """Select each item with what came for its payment since the claim, and the receipts booked for the claim.

    Money that merely came in settles payments without naming their claim; money booked for the claim may be
    more than its payments needed. So both are looked at.
    """
    booked = select(func.coalesce(func.sum(Receipt.amount_minor), 0)).where(
        Receipt.attempt_id == Attempt.id, Receipt.voided_at.is_(None)
    )
    return (
        select(
            Attempt.id,
            Attempt.amount_minor,
            Attempt.currency,
            AttemptItem.state,
            LEFT.label("left_minor"),
            _CAME.label("came_minor"),
            booked.correlate(Attempt).scalar_subquery().label("booked_minor"),
        )
        .join(AttemptItem, AttemptItem.attempt_id == Attempt.id)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .where(Attempt.id.in_(attempt_ids))
    )


def _stands_for(items: list[Row[Any]]) -> int:
    claim, states = items[0], {item.state for item in items}
    if AttemptState.OPEN not in states:
        return int(claim.amount_minor)
    came = sum(item.came_minor for item in items if item.state is not AttemptState.OPEN)
    left = sum(item.left_minor for item in items if item.state is AttemptState.OPEN)
    is_cut = bool(states - {AttemptState.OPEN, AttemptState.CONFIRMED})
    booked = int(max(came, claim.booked_minor))
    return stands_for(claim.amount_minor, int(left), booked_minor=booked, is_cut=is_cut)
