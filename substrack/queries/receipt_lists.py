"""Lists of receipts with what they settle, as rows for tables and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.queries.finding import NotListed, must_find
from substrack.queries.searching import named_like
from substrack.store import (
    Allocation,
    Contact,
    Direction,
    Group,
    Payment,
    Receipt,
    ReceiptSource,
    shared_alias,
)


@dataclass(frozen=True)
class AllocationRow:
    """Which part of a receipt settles which payment."""

    payment_public_id: str
    reference: str
    amount: Money


@dataclass(frozen=True)
class ReceiptRow:
    """One receipt and what it settles; `credit` is what of it settles nothing yet."""

    id: int
    public_id: str
    contact: str
    contact_public_id: str
    payer: str
    group: str | None
    amount: Money
    credit: Money
    direction: Direction
    received_on: date
    method: str | None
    source: ReceiptSource
    note: str | None
    voided_at: datetime | None
    void_reason: str | None
    allocations: tuple[AllocationRow, ...]


def find_receipt(session: Session, workspace_id: int, public_id: str) -> int:
    """Find the key of a receipt by its public id; raises NotListed."""
    query = select(Receipt.id).where(Receipt.workspace_id == workspace_id, Receipt.public_id == public_id)
    return must_find(session.scalar(query), "receipt")


def list_receipts(
    session: Session,
    workspace_id: int,
    *,
    group_id: int | None = None,
    contact_id: int | None = None,
    search: str = "",
    with_voided: bool = False,
    limit: int | None = None,
) -> list[ReceiptRow]:
    """List receipts, the newest first, without those of payers' own shares.

    With a group: those that are kept for it or settle something of it. With a search: of whose name holds it.
    """
    query = _receipts().where(Receipt.workspace_id == workspace_id, Receipt.source != ReceiptSource.OWN)
    query = query.where(named_like(search))
    if contact_id is not None:
        query = query.where(Receipt.contact_id == contact_id)
    if group_id is not None:
        settles = select(Allocation.receipt_id).join(Payment, Payment.id == Allocation.payment_id)
        here = settles.where(Payment.group_id == group_id, Allocation.voided_at.is_(None))
        query = query.where((Receipt.group_id == group_id) | Receipt.id.in_(here))
    if not with_voided:
        query = query.where(Receipt.voided_at.is_(None))
    return _load_receipts(session, query.order_by(Receipt.received_on.desc(), Receipt.id.desc()).limit(limit))


def load_receipt(session: Session, receipt_id: int) -> ReceiptRow:
    """Load one receipt; raises NotListed."""
    found = _load_receipts(session, _receipts().where(Receipt.id == receipt_id))
    if not found:
        raise NotListed("receipt")
    return found[0]


_Payer = shared_alias(Contact)


def _receipts() -> Select[Receipt, Contact, Contact, str]:
    return (
        select(Receipt, Contact, _Payer, Group.name)
        .join(Contact, Contact.id == Receipt.contact_id)
        .join(_Payer, _Payer.id == Receipt.payer_id)
        .outerjoin(Group, Group.id == Receipt.group_id)
    )


def _load_receipts(session: Session, query: Select[Receipt, Contact, Contact, str]) -> list[ReceiptRow]:
    found = list(session.execute(query))
    allocations = _allocations_of(session, [receipt.id for receipt, _, _, _ in found])
    return [
        _receipt_row(receipt, contact, payer, group, allocations.get(receipt.id, ()))
        for receipt, contact, payer, group in found
    ]


def _allocations_of(session: Session, receipt_ids: Iterable[int]) -> dict[int, tuple[AllocationRow, ...]]:
    query = (
        select(
            Allocation.receipt_id,
            Payment.public_id,
            Payment.reference,
            Allocation.amount_minor,
            Payment.currency,
        )
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(Allocation.receipt_id.in_(sorted(receipt_ids)), Allocation.voided_at.is_(None))
        .order_by(Allocation.id)
    )
    found: dict[int, tuple[AllocationRow, ...]] = {}
    for receipt_id, public_id, reference, minor, currency in session.execute(query):
        row = AllocationRow(public_id, reference, Money(minor, currency))
        found[receipt_id] = (*found.get(receipt_id, ()), row)
    return found


def _receipt_row(
    receipt: Receipt, contact: Contact, payer: Contact, group: str | None, parts: tuple[AllocationRow, ...]
) -> ReceiptRow:
    is_void = receipt.voided_at is not None
    credit = 0 if is_void else receipt.amount_minor - sum(part.amount.minor for part in parts)
    return ReceiptRow(
        id=receipt.id,
        public_id=receipt.public_id,
        contact=contact.name,
        contact_public_id=contact.public_id,
        payer=payer.name,
        group=group,
        amount=Money(receipt.amount_minor, receipt.currency),
        credit=Money(credit, receipt.currency),
        direction=receipt.direction,
        received_on=receipt.received_on,
        method=receipt.method,
        source=receipt.source,
        note=receipt.note,
        voided_at=receipt.voided_at,
        void_reason=receipt.void_reason,
        allocations=parts,
    )
