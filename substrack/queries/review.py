"""Claims that wait for an admin, one row a press; and who decided what about a claim.

A constant number of statements a page.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind, Via
from substrack.domain.letters import Span
from substrack.domain.money import Money
from substrack.domain.payments import Status
from substrack.queries.claim_sums import GOT, load_sums
from substrack.queries.finding import NotListed, must_find
from substrack.queries.namesakes import tell_apart
from substrack.queries.owing import LEFT
from substrack.queries.prepared import prepared, written
from substrack.queries.proofs import ProofRow, load_proof_rows
from substrack.store import (
    Attempt,
    AttemptItem,
    AttemptState,
    Contact,
    Event,
    Group,
    Payment,
    Period,
    RoleGrant,
    User,
    Workspace,
    shared_alias,
)

ClaimFound = Row[*tuple[Any, ...]]

CLAIMS_A_PAGE: Final = 25

DECIDING: Final = (
    "confirm",
    "reject",
    "withdraw",
    "waive",
    "unwaive",
    "reopen",
    "adjust",
    "undo",
    "void",
    "restore",
)
"""The verbs that decide; a claim, a snooze, an objection or the lapse that follow one take nothing back."""

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
    """One press of "I've paid": who, what sum, for what, and what was said with it."""

    id: int
    public_id: str
    name: str
    contact_public_id: str
    payer: str
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


@dataclass(frozen=True)
class ClaimPage:
    """Some of the claims that wait, oldest first, and how many there are in all."""

    rows: tuple[ClaimRow, ...]
    total: int
    number: int

    @property
    def last_number(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // CLAIMS_A_PAGE))


@dataclass(frozen=True)
class LastDecision:
    """What was decided last; `actor` is a name, None for the clock and the operator."""

    verb: str
    kind: ActorKind
    actor_id: int | None
    actor: str | None
    via: Via
    at: datetime
    reason: str | None
    correlation_id: str


@dataclass(frozen=True)
class Decider:
    """The admin whom a link to one claim was sent to, and how they read."""

    name: str
    language: str
    time_zone: str


def load_claims(
    session: Session,
    workspace_id: int,
    *,
    group_id: int | None = None,
    number: int = 1,
    limit: int = CLAIMS_A_PAGE,
) -> ClaimPage:
    """Load one page of the claims that wait, or of those that name a payment of a group, oldest first.

    A page past the end shows the last one.
    """
    total, found = _waiting_page(session, workspace_id, group_id, number, limit)
    if not found and number > 1:
        number = max(1, -(-total // limit))
        total, found = _waiting_page(session, workspace_id, group_id, number, limit)
    return ClaimPage(tell_apart(session, _with_items(session, found)), total, number)


def _waiting_page(
    session: Session, workspace_id: int, group_id: int | None, number: int, limit: int
) -> tuple[int, Sequence[ClaimFound]]:
    """Read how many claims wait, and a page of them; past the end there is none."""
    found = session.execute(
        *_waiting_claims(workspace_id, group_id, size=limit, skipped=(number - 1) * limit)
    ).all()
    if found or number == 1:
        return (found[0].total if found else 0), found
    return session.scalar(*_waiting(workspace_id, group_id)) or 0, found


@prepared
def _waiting(workspace_id: int, group_id: int | None) -> Select[int]:
    return select(func.count()).select_from(Attempt).where(*_waits(workspace_id, group_id))


@prepared
def _waiting_claims(
    workspace_id: int, group_id: int | None, *, size: int, skipped: int
) -> Select[*tuple[Any, ...]]:
    waits = _waits(workspace_id, group_id)
    total = select(func.count()).select_from(Attempt).where(*waits).correlate(None).scalar_subquery()
    return _claims(*waits).add_columns(total.label("total")).limit(size).offset(skipped)


def _waits(workspace_id: int, group_id: int | None) -> tuple[ColumnElement[bool], ...]:
    is_open = Attempt.state == written(AttemptState.OPEN)
    if group_id is None:
        return Attempt.workspace_id == workspace_id, is_open
    # "+ 0" keeps SQLite from looking through all claims of the workspace for the group's
    return (Attempt.workspace_id + 0) == workspace_id, is_open, Attempt.id.in_(_naming(group_id))


def load_claim(session: Session, workspace_id: int, attempt_id: int) -> ClaimRow:
    """Load one claim, decided or not; raises NotListed."""
    query = _claims(Attempt.workspace_id == workspace_id, Attempt.id == attempt_id)
    rows = _with_items(session, session.execute(query).all())
    if not rows:
        raise NotListed("claim")
    return rows[0]


def load_claims_on(session: Session, workspace_id: int, payment_id: int) -> tuple[ClaimRow, ...]:
    """Load every claim that names a payment, oldest first."""
    naming = select(AttemptItem.attempt_id).where(AttemptItem.payment_id == payment_id)
    query = _claims(Attempt.workspace_id == workspace_id, Attempt.id.in_(naming))
    return _with_items(session, session.execute(query).all())


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


def last_decision_on_claim(session: Session, attempt_id: int) -> LastDecision | None:
    """Find what was decided last about any payment of a claim since it was made."""
    payments = select(AttemptItem.payment_id).where(AttemptItem.attempt_id == attempt_id)
    made_at = select(Attempt.made_at).where(Attempt.id == attempt_id).scalar_subquery()
    return _last(session, Event.payment_id.in_(payments), Event.at >= made_at)


def last_decision_on_payment(session: Session, payment_id: int) -> LastDecision | None:
    """Find what was decided last about a payment."""
    return _last(session, Event.payment_id == payment_id)


def name_of(session: Session, kind: ActorKind | None, actor_id: int | None) -> str | None:
    """Name a user or contact who acted."""
    if actor_id is None or kind not in (ActorKind.USER, ActorKind.CONTACT):
        return None
    if kind is ActorKind.USER:
        return session.scalar(select(User.name).where(User.id == actor_id))
    return session.scalar(select(Contact.name).where(Contact.id == actor_id))


def find_decider(session: Session, workspace_id: int, user_id: int) -> Decider | None:
    """Find an admin of the workspace who is still active."""
    row = session.execute(
        select(User.name, func.coalesce(User.language, Workspace.language), Workspace.time_zone)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .join(Workspace, Workspace.id == RoleGrant.workspace_id)
        .where(Workspace.id == workspace_id, User.id == user_id, User.deactivated_at.is_(None))
    ).first()
    return Decider(*row) if row else None


def _naming(group_id: int) -> Select[int]:
    return (
        select(AttemptItem.attempt_id)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .where(
            Payment.group_id == group_id,
            Payment.status == Status.MEMBER_CONFIRMED,
            AttemptItem.state == AttemptState.OPEN,
        )
    )


def _last(session: Session, *conditions: ColumnElement[bool]) -> LastDecision | None:
    deciding = select(Event).where(Event.verb.in_(DECIDING), *conditions)
    event = session.scalar(deciding.order_by(Event.id.desc()).limit(1))
    if event is None:
        return None
    name = name_of(session, event.actor_kind, event.actor_id)
    return LastDecision(
        verb=event.verb,
        kind=event.actor_kind,
        actor_id=event.actor_id,
        actor=name,
        via=event.via,
        at=event.at,
        reason=event.reason,
        correlation_id=event.correlation_id,
    )


def _claims(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Attempt,
            Contact.name,
            Contact.public_id.label("contact_public_id"),
            _Payer.name.label("payer"),
        )
        .join(Contact, Contact.id == Attempt.contact_id)
        .join(_Payer, _Payer.id == Attempt.payer_id)
        .where(*conditions)
        .order_by(Attempt.made_at, Attempt.id)
    )


def _with_items(session: Session, found: Sequence[ClaimFound]) -> tuple[ClaimRow, ...]:
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
        payer=row.payer,
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
