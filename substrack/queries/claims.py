"""Claims, one row a press of "I've paid": who, what sum, for which payments, and what was said with it.

A constant number of statements for any number of claims. Which of them wait for an admin is
`queries.review`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Via
from substrack.domain.claims import expected_for_one
from substrack.domain.money import Money
from substrack.domain.spans import Span
from substrack.queries.claim_sums import GOT, is_void, load_sums
from substrack.queries.finding import NotListed, must_find
from substrack.queries.owing import LEFT
from substrack.queries.prepared import prepared
from substrack.queries.proofs import ProofRow, load_proof_rows
from substrack.store import Attempt, AttemptItem, AttemptState, Contact, Group, Payment, Period, shared_alias

ClaimFound = Row[*tuple[Any, ...]]
"""A selected claim, before its payments and proofs are read."""

_Payer = shared_alias(Contact)


@dataclass(frozen=True)
class ClaimItem:
    """One payment that a claim names; `left` was still to come when it was read, `booked` came."""

    payment_id: int
    public_id: str
    group: str
    group_public_id: str
    span: Span | None
    left: Money
    booked: Money
    due_on: date | None
    requested_on: date | None
    reference: str
    version: int
    state: AttemptState
    reason: str | None

    @property
    def told(self) -> Money:
        """The sum to show beside it: what is still to come, or what was booked once it was confirmed."""
        is_booked = self.state in (AttemptState.CONFIRMED, AttemptState.PART_CONFIRMED)
        return self.booked if is_booked else self.left


@dataclass(frozen=True)
class ClaimRow:
    """One press of "I've paid": who, what sum, for what, and what was said with it.

    `amount` is what it stands for by now: nothing once all that was stated is booked. `account` is where
    *Money in* books it.
    """

    id: int
    public_id: str
    name: str
    contact_public_id: str
    payer_id: int
    payer: str
    account: str
    amount: Money
    items: tuple[ClaimItem, ...]
    made_at: datetime
    via: Via
    paid_on: date | None
    method: str | None
    note: str | None
    is_flagged: bool
    proofs: tuple[ProofRow, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether something of it still waits."""
        return bool(self.waiting)

    @property
    def is_taken_back(self) -> bool:
        """Tell whether the member took all of it back, so that nobody decided anything."""
        return all(item.state is AttemptState.WITHDRAWN for item in self.items)

    @property
    def is_void(self) -> bool:
        """Tell whether all that it was for was taken back, so that nobody looked whether its money came."""
        return is_void({item.state for item in self.items})

    @cached_property
    def waiting(self) -> tuple[ClaimItem, ...]:
        """The items nobody has decided about."""
        return tuple(item for item in self.items if item.state is AttemptState.OPEN)

    @property
    def shown(self) -> tuple[ClaimItem, ...]:
        """The items that wait; all of them once nothing does."""
        return self.waiting or self.items

    @property
    def owed(self) -> Money:
        """What is left of the payments that wait."""
        return sum((item.left for item in self.waiting), Money(0, self.amount.currency))

    def expected_for(self, item: ClaimItem) -> Money:
        """The sum that is booked when this item is confirmed alone."""
        minor = expected_for_one(item.left.minor, stands_for_minor=self.amount.minor)
        return Money(minor, self.amount.currency)

    @property
    def over(self) -> Money:
        """What it stands for beyond what is owed: credit, once it is confirmed."""
        return Money(max(0, self.amount.minor - self.owed.minor), self.amount.currency)

    @property
    def requested_on(self) -> date | None:
        """When any of it was last asked for."""
        return max((item.requested_on for item in self.items if item.requested_on), default=None)

    @property
    def versions(self) -> str:
        """The versions shown, for a form to send back: "payment:version …"."""
        return " ".join(f"{item.public_id}:{item.version}" for item in self.waiting)


def load_claim(session: Session, workspace_id: int, attempt_id: int) -> ClaimRow:
    """Load one claim, decided or not; raises NotListed."""
    query = select_claims(Attempt.workspace_id == workspace_id, Attempt.id == attempt_id)
    rows = rows_of(session, session.execute(query).all())
    if not rows:
        raise NotListed("claim")
    return rows[0]


def load_claims_on(session: Session, workspace_id: int, payment_id: int) -> tuple[ClaimRow, ...]:
    """Load every claim that names a payment, oldest first."""
    naming = select(AttemptItem.attempt_id).where(AttemptItem.payment_id == payment_id)
    query = select_claims(Attempt.workspace_id == workspace_id, Attempt.id.in_(naming))
    return rows_of(session, session.execute(query).all())


def find_claim(session: Session, workspace_id: int, public_id: str) -> int:
    """Find the key of a claim by its public id; raises NotListed."""
    query = select(Attempt.id).where(Attempt.workspace_id == workspace_id, Attempt.public_id == public_id)
    return must_find(session.scalar(query), "claim")


def payments_of_claim(session: Session, attempt_id: int) -> dict[str, int]:
    """Map the public ids of a claim's payments to their keys."""
    query = (
        select(Payment.public_id, Payment.id)
        .join(AttemptItem, AttemptItem.payment_id == Payment.id)
        .where(AttemptItem.attempt_id == attempt_id)
    )
    return {row.public_id: row.id for row in session.execute(query)}


def claim_currency(session: Session, attempt_id: int) -> str:
    """Name the currency of a claim."""
    return session.scalars(select(Attempt.currency).where(Attempt.id == attempt_id)).one()


def select_claims(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Select claims with the names of who made them and who gets the money, oldest first."""
    return (
        select(
            Attempt,
            Contact.name,
            Contact.public_id.label("contact_public_id"),
            _Payer.name.label("payer"),
            _Payer.public_id.label("payer_public_id"),
        )
        .join(Contact, Contact.id == Attempt.contact_id)
        .join(_Payer, _Payer.id == Attempt.payer_id)
        .where(*conditions)
        .order_by(Attempt.made_at, Attempt.id)
    )


def rows_of(session: Session, found: Sequence[ClaimFound]) -> tuple[ClaimRow, ...]:
    """Make the rows of selected claims, with all payments they name and what was added as proof."""
    keys = [row.Attempt.id for row in found]
    if not keys:
        return ()
    items, proofs, sums = _items(session, keys), load_proof_rows(session, keys), load_sums(session, keys)
    return tuple(
        _claim(row, sums[key], items[key], proofs.get(key, ())) for key, row in zip(keys, found, strict=True)
    )


def _items(session: Session, attempt_ids: Collection[int]) -> dict[int, tuple[ClaimItem, ...]]:
    found: dict[int, tuple[ClaimItem, ...]] = {}
    for row in session.execute(*_items_of(sorted(attempt_ids))):
        found[row.attempt_id] = (*found.get(row.attempt_id, ()), _item(row))
    return found


@prepared
def _items_of(attempt_ids: list[int]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            AttemptItem.attempt_id,
            AttemptItem.state,
            AttemptItem.reason,
            Payment.id,
            Payment.public_id,
            Payment.currency,
            LEFT.label("left_minor"),
            GOT.label("got_minor"),
            Payment.due_on,
            Payment.requested_on,
            Payment.reference,
            Payment.version,
            Group.name.label("group"),
            Group.public_id.label("group_public_id"),
            Group.unit,
            Group.every,
            Period.starts_on,
            Period.ends_on,
        )
        .join(Attempt, Attempt.id == AttemptItem.attempt_id)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .join(Group, Group.id == Payment.group_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(AttemptItem.attempt_id.in_(attempt_ids))
        .order_by(Payment.due_on, Payment.id)
    )


def _item(row: Row[*tuple[Any, ...]]) -> ClaimItem:
    return ClaimItem(
        payment_id=row.id,
        public_id=row.public_id,
        group=row.group,
        group_public_id=row.group_public_id,
        span=Span(row.unit, row.every, row.starts_on, row.ends_on) if row.starts_on else None,
        left=Money(row.left_minor, row.currency),
        booked=Money(int(row.got_minor), row.currency),
        due_on=row.due_on,
        requested_on=row.requested_on,
        reference=row.reference,
        version=row.version,
        state=row.state,
        reason=row.reason,
    )


def _claim(
    row: ClaimFound, amount: Money, items: Sequence[ClaimItem], proofs: tuple[ProofRow, ...]
) -> ClaimRow:
    attempt = row.Attempt
    return ClaimRow(
        id=attempt.id,
        public_id=attempt.public_id,
        name=row.name,
        contact_public_id=row.contact_public_id,
        payer_id=attempt.payer_id,
        payer=row.payer,
        account=f"{row.contact_public_id}.{row.payer_public_id}.{attempt.currency}",
        amount=amount,
        items=tuple(items),
        made_at=attempt.made_at,
        via=attempt.via,
        paid_on=attempt.paid_on,
        method=attempt.method,
        note=attempt.note,
        is_flagged=attempt.flagged,
        proofs=proofs,
    )
