"""The credit that is there for what comes: with whom, kept for which group, less what is open already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.payments import ASKABLE, PaymentKind
from substrack.queries.owing import LEFT
from substrack.queries.pay_credit import Credit
from substrack.queries.prepared import prepared
from substrack.store import Allocation, Payment


@dataclass(frozen=True)
class Purses:
    """Sums in minor units: free by purse, and what is kept for a group by its key and purse.

    A purse is a payer's key and a currency.
    """

    free: dict[Hashable, int] = field(default_factory=lambda: defaultdict(int))
    kept: dict[tuple[int, Hashable], int] = field(default_factory=lambda: defaultdict(int))

    def settle(self, purse: Hashable, group_id: int, left_minor: int) -> None:
        """Take off what settles something of a group: first of what is kept for it, then of what is free."""
        from_kept = min(left_minor, self.kept.get((group_id, purse), 0))
        from_free = min(left_minor - from_kept, self.free.get(purse, 0))
        self.kept[group_id, purse] -= from_kept
        self.free[purse] -= from_free


def load_purses(session: Session, contact_id: int, credits: Iterable[Credit]) -> Purses:
    """Gather a person's credit, less what it settles first when it next moves; one statement."""
    purses = Purses()
    for credit in credits:
        purse = credit.payer_id, credit.amount.currency
        if credit.group_id is None:
            purses.free[purse] += credit.amount.minor
        else:
            purses.kept[credit.group_id, purse] += credit.amount.minor
    if purses.free or purses.kept:
        for payer_id, currency, group_id, left_minor in session.execute(*_open_sums(contact_id)):
            purses.settle((payer_id, currency), group_id, int(left_minor))
    return purses


@prepared
def _open_sums(contact_id: int) -> Select[int, str, int, int]:
    """What is open by payer, currency and group, without what money was taken off as "for something else"."""
    kept_away = select(Allocation.id).where(Allocation.payment_id == Payment.id, Allocation.keeps_away)
    return (
        select(Payment.payer_id, Payment.currency, Payment.group_id, func.sum(LEFT))
        .where(
            Payment.contact_id == contact_id,
            Payment.kind == PaymentKind.DUES,
            Payment.status.in_(ASKABLE),
            Payment.voided_at.is_(None),
            ~kept_away.exists(),
        )
        .group_by(Payment.payer_id, Payment.currency, Payment.group_id)
    )
