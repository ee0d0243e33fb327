"""What each claim still stands for: the same sum on pages, in mails and when it is booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.claims import stands_for
from substrack.domain.money import Money
from substrack.queries.freed_credit import TAKEN_OFF
from substrack.queries.owing import LEFT
from substrack.queries.prepared import prepared
from substrack.store import Allocation, Attempt, AttemptItem, AttemptState, Payment, Receipt

ClaimedItem = Row[*tuple[Any, ...]]
"""A payment that a claim names, with the claim's sums; one of `select_items`."""

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
    """Load what claims stand for while something of them waits, else what they stated; one statement.

    One that is void (`is_void`) stands for what it stood for when that came.
    """
    if not attempt_ids:
        return {}
    items = by_claim(session.execute(*_items(sorted(attempt_ids))))
    return {key: Money(_stands_for(rows), rows[0].currency) for key, rows in items.items()}


def is_void(states: Collection[AttemptState]) -> bool:
    """Tell whether all that a claim was for was taken back, so that nobody looked whether its money came."""
    return AttemptState.VOIDED in states and not set(states) - {AttemptState.VOIDED, AttemptState.WITHDRAWN}


def by_claim(items: Iterable[ClaimedItem]) -> dict[int, list[ClaimedItem]]:
    """Put selected items together by their claim, in the order in which the claims come."""
    found: dict[int, list[ClaimedItem]] = defaultdict(list)
    for item in items:
        found[item.id].append(item)
    return found


def select_items(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Select each item of claims with what came for its payment since, and the receipts booked for the claim.

    Money that merely came in settles payments without naming their claim; money booked for the claim may be
    more than its payments needed. So both are looked at. What is left of a payment that is void is what was
    left when it became so.
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
            (LEFT - TAKEN_OFF).label("left_minor"),
            _CAME.label("came_minor"),
            booked.correlate(Attempt).scalar_subquery().label("booked_minor"),
        )
        .join(AttemptItem, AttemptItem.attempt_id == Attempt.id)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .where(*conditions)
    )


def expected_of(
    items: Sequence[ClaimedItem], is_expected: Callable[[ClaimedItem], bool], *, booked_minor: int
) -> int:
    """Say what of a claim's money, in minor units, is expected for some of its items and not booked yet."""
    expected = [item for item in items if is_expected(item)]
    others = [item for item in items if not is_expected(item)]
    came = sum(item.came_minor for item in others)
    is_cut = any(item.state is not AttemptState.CONFIRMED for item in others)
    return stands_for(
        items[0].amount_minor,
        int(sum(item.left_minor for item in expected)),
        booked_minor=int(max(came, booked_minor)),
        is_cut=is_cut,
    )


@prepared
def _items(attempt_ids: list[int]) -> Select[*tuple[Any, ...]]:
    return select_items(Attempt.id.in_(attempt_ids))


def _stands_for(items: list[ClaimedItem]) -> int:
    claim, states = items[0], {item.state for item in items}
    if AttemptState.OPEN in states:
        return expected_of(items, _waits, booked_minor=claim.booked_minor)
    if is_void(states):
        return expected_of(items, _is_voided, booked_minor=0)
    return int(claim.amount_minor)


def _waits(item: ClaimedItem) -> bool:
    return item.state is AttemptState.OPEN


def _is_voided(item: ClaimedItem) -> bool:
    return item.state is AttemptState.VOIDED
