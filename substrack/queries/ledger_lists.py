"""Lists of periods and payments, as rows for tables and JSON.

Voided rows are left out unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from substrack.domain.cycles import Unit
from substrack.domain.money import Money
from substrack.domain.payments import PaymentKind, Status
from substrack.domain.references import normalise_reference, possible_references, split_references
from substrack.queries.finding import NotListed, must_find
from substrack.store import (
    Contact,
    Group,
    Payment,
    Period,
)


@dataclass(frozen=True)
class PeriodRow:
    """One period of a group; `total` is None while the bill is wanted."""

    id: int
    public_id: str
    group_id: int
    group_public_id: str
    group: str
    unit: Unit
    every: int
    sequence: int
    starts_on: date
    ends_on: date
    due_on: date
    opens_on: date
    currency: str
    total: Money | None
    payer_part: Money
    voided_at: datetime | None
    version: int


@dataclass(frozen=True)
class PaymentRow:
    """One payment; `left` is what is still to come. `period` is None for one outside any period."""

    id: int
    public_id: str
    group_id: int
    group_public_id: str
    group: str
    contact_id: int
    contact_public_id: str
    member: str
    payer_id: int
    kind: PaymentKind
    period: PeriodRow | None
    amount: Money
    received: Money
    written_off: Money
    left: Money
    status: Status
    reference: str
    due_on: date | None
    requests_sent: int
    snoozed_until: date | None
    version: int
    voided_at: datetime | None


def find_period(session: Session, workspace_id: int, public_id: str) -> int:
    """Find the key of a period by its public id; raises NotListed."""
    query = select(Period.id).join(Group, Group.id == Period.group_id)
    return must_find(
        session.scalar(query.where(Group.workspace_id == workspace_id, Period.public_id == public_id)),
        "period",
    )


def find_payment(session: Session, workspace_id: int, name: str) -> int:
    """Find the key of a payment by its public id, or by its reference code as people type it.

    Raises:
        NotListed: there is none in the workspace.
    """
    named = Payment.public_id == name
    reference = normalise_reference(name)
    if reference is not None:
        named = or_(named, Payment.reference == reference)
    query = select(Payment.id).where(Payment.workspace_id == workspace_id, named)
    return must_find(session.scalar(query), "payment")


def find_payments(session: Session, workspace_id: int, name: str) -> list[int]:
    """Find the keys of the payments that a public id names, or one reference code or several.

    Raises:
        NotListed: there is none in the workspace, or not for each code.
    """
    codes = split_references(name)
    found = _with_references(session, workspace_id, codes)
    if len(codes) > 1 and len(found) == len(codes):
        return [row.id for row in found]
    return [find_payment(session, workspace_id, name)]


def list_payments_named_in(session: Session, workspace_id: int, line: str) -> list[PaymentRow]:
    """List the payments whose reference codes a line of an account statement holds, as they stand in it."""
    return _with_references(session, workspace_id, possible_references(line))


def list_periods(
    session: Session, workspace_id: int, *, group_id: int | None = None, with_voided: bool = False
) -> list[PeriodRow]:
    """List periods by group and in order of time."""
    query = select(Period, Group).join(Group, Group.id == Period.group_id)
    query = query.where(Group.workspace_id == workspace_id)
    if group_id is not None:
        query = query.where(Period.group_id == group_id)
    if not with_voided:
        query = query.where(Period.voided_at.is_(None))
    rows = session.execute(query.order_by(func.lower(Group.name), Group.id, Period.sequence, Period.id))
    return [_period_row(period, group) for period, group in rows]


def load_period(session: Session, period_id: int) -> PeriodRow:
    """Load one period; raises NotListed."""
    query = select(Period, Group).join(Group, Group.id == Period.group_id)
    row = session.execute(query.where(Period.id == period_id)).first()
    if row is None:
        raise NotListed("period")
    return _period_row(*row)


def list_payments(
    session: Session,
    workspace_id: int,
    *,
    group_id: int | None = None,
    contact_id: int | None = None,
    status: Status | None = None,
    with_voided: bool = False,
) -> list[PaymentRow]:
    """List payments by group, period and the order in which they were made."""
    query = _payments().where(Payment.workspace_id == workspace_id)
    if group_id is not None:
        query = query.where(Payment.group_id == group_id)
    if contact_id is not None:
        query = query.where(Payment.contact_id == contact_id)
    if status is not None:
        query = query.where(Payment.status == status)
    if not with_voided:
        query = query.where(Payment.voided_at.is_(None))
    order = (func.lower(Group.name), Group.id, Period.sequence, Payment.id)
    return [_payment_row(*row) for row in session.execute(query.order_by(*order))]


def load_payment(session: Session, payment_id: int) -> PaymentRow:
    """Load one payment; raises NotListed."""
    row = session.execute(_payments().where(Payment.id == payment_id)).first()
    if row is None:
        raise NotListed("payment")
    return _payment_row(*row)


def owed_to(session: Session, contact_id: int) -> set[tuple[int, str]]:
    """List to which payers, and in which currencies, a person has ever owed something."""
    query = select(Payment.payer_id, Payment.currency).where(
        Payment.contact_id == contact_id, Payment.kind == PaymentKind.DUES
    )
    return {(payer_id, currency) for payer_id, currency in session.execute(query.distinct())}


def _with_references(session: Session, workspace_id: int, codes: Sequence[str]) -> list[PaymentRow]:
    if not codes:
        return []
    named = Payment.reference.in_(codes)
    found = session.execute(_payments().where(Payment.workspace_id == workspace_id, named))
    return sorted((_payment_row(*row) for row in found), key=lambda row: codes.index(row.reference))


def _period_row(period: Period, group: Group) -> PeriodRow:
    total = period.total_minor
    return PeriodRow(
        id=period.id,
        public_id=period.public_id,
        group_id=group.id,
        group_public_id=group.public_id,
        group=group.name,
        unit=group.unit,
        every=group.every,
        sequence=period.sequence,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        due_on=period.due_on,
        opens_on=period.opens_on,
        currency=group.currency,
        total=None if total is None else Money(total, group.currency),
        payer_part=Money(period.payer_part_minor, group.currency),
        voided_at=period.voided_at,
        version=period.version,
    )


def _payments() -> Select[Payment, Group, Contact, Period]:
    return (
        select(Payment, Group, Contact, Period)
        .join(Group, Group.id == Payment.group_id)
        .join(Contact, Contact.id == Payment.contact_id)
        .outerjoin(Period, Period.id == Payment.period_id)
    )


def _payment_row(payment: Payment, group: Group, contact: Contact, period: Period | None) -> PaymentRow:
    left_minor = payment.amount_minor - payment.received_minor - payment.written_off_minor
    return PaymentRow(
        id=payment.id,
        public_id=payment.public_id,
        group_id=group.id,
        group_public_id=group.public_id,
        group=group.name,
        contact_id=contact.id,
        contact_public_id=contact.public_id,
        member=contact.name,
        payer_id=payment.payer_id,
        kind=payment.kind,
        period=None if period is None else _period_row(period, group),
        amount=Money(payment.amount_minor, payment.currency),
        received=Money(payment.received_minor, payment.currency),
        written_off=Money(payment.written_off_minor, payment.currency),
        left=Money(left_minor, payment.currency),
        status=payment.status,
        reference=payment.reference,
        due_on=payment.due_on,
        requests_sent=payment.requests_sent,
        snoozed_until=payment.snoozed_until,
        version=payment.version,
        voided_at=payment.voided_at,
    )
