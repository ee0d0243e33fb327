"""Who owes, and how much: every unclaimed debt of one person to one payer in one currency, the oldest first.

What waits to be checked is not in it: it has been claimed, and is decided where claims are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, Row, Select, case, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE, PaymentKind, Status
from substrack.queries.namesakes import tell_apart
from substrack.queries.prepared import prepared
from substrack.queries.searching import named_like
from substrack.store import Contact, Group, Payment, shared_alias

LEFT: Final = Payment.amount_minor - Payment.received_minor - Payment.written_off_minor
"""What is still to come of a payment that is open, in minor units."""

PER_GROUP: Final = 200
"""How many payments of either status are looked at in a group where it is one of many."""

LAST_KEY: Final = 2**63 - 1

_Payer = shared_alias(Contact)


@dataclass(frozen=True)
class OwingRow:
    """What one person owes one payer in one currency; `key` names the three in a form, as for an Account.

    `is_asked` once they were asked for any of it, or it is overdue. `version` changes with every payment of
    it, so that the same money is not booked by a second press.
    """

    key: str
    contact_id: int
    contact_public_id: str
    name: str
    payer_id: int
    payer: str
    owed: Money
    count: int
    oldest_due_on: date | None
    is_asked: bool
    version: str


@dataclass(frozen=True)
class OwingPage:
    """Some of those who owe, and how many there are in all; None where they are too many to be counted."""

    rows: tuple[OwingRow, ...]
    total: int | None


def load_owing(
    session: Session, workspace_id: int, *, limit: int, offset: int = 0, search: str = ""
) -> OwingPage:
    """List who owes, the longest due first; one statement."""
    query = _owing(Payment.workspace_id == workspace_id, Payment.closed_at.is_(None))
    counted = query.where(named_like(search)).add_columns(func.count().over().label("total"))
    query = counted.limit(limit).offset(offset)
    found = session.execute(query).all()
    rows = tell_apart(session, [_row(row) for row in found])
    return OwingPage(rows, found[0].total if found else 0)


def load_owing_of(session: Session, contact_ids: Collection[int]) -> list[OwingRow]:
    """Load all that some people owe, the longest due first; one statement, none for nobody."""
    if not contact_ids:
        return []
    return [_row(row) for row in session.execute(*_owing_of(sorted(contact_ids)))]


@prepared
def _owing_of(contact_ids: list[int]) -> Select[*tuple[Any, ...]]:
    return _owing(Payment.contact_id.in_(contact_ids))


def find_owing(session: Session, workspace_id: int, key: str) -> OwingRow | None:
    """Find what one person owes one payer by the key of a row; None when nothing is owed there any more."""
    contact, _, rest = key.partition(".")
    payer, _, currency = rest.partition(".")
    chosen = (Contact.public_id == contact, _Payer.public_id == payer, Payment.currency == currency)
    found = session.execute(_owing(Payment.workspace_id == workspace_id, *chosen)).first()
    return _row(found) if found else None


def owed_payment_ids(session: Session, owing: OwingRow) -> list[int]:
    """List the payments that a row is about."""
    query = select(Payment.id).where(
        *is_unclaimed(),
        Payment.contact_id == owing.contact_id,
        Payment.payer_id == owing.payer_id,
        Payment.currency == owing.owed.currency,
    )
    return list(session.scalars(query))


def is_unclaimed() -> tuple[ColumnElement[bool], ...]:
    """Select members' dues that are owed and that nobody says to have paid."""
    return (
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(ASKABLE),
        Payment.voided_at.is_(None),
    )


def first_owed(group_ids: list[int]) -> CompoundSelect[int]:
    """Select what is owed in groups: in each, of either status, as many as are looked at, those made first.

    Each group by itself, so that a large one hides no small one, and each status, so that what is overdue
    hides nothing that is asked for sooner.
    """
    return union_all(*(_first_in_status(group_ids, status) for status in sorted(ASKABLE)))


def _first_in_status(group_ids: list[int], status: Status) -> Select[int]:
    """Select up to the last that is looked at: one step in an index, where LATERAL is PostgreSQL's alone."""
    group, owed, last = aliased(Group), aliased(Payment), aliased(Payment)
    last_id = (
        select(last.id)
        .where(last.group_id == group.id, *_is_due(last, status))
        .order_by(last.id)
        .limit(1)
        .offset(PER_GROUP - 1)
        .correlate(group)
        .scalar_subquery()
    )
    return (
        select(owed.id)
        .select_from(group)
        .join(owed, owed.group_id == group.id)
        .where(group.id.in_(group_ids), *_is_due(owed, status), owed.id <= func.coalesce(last_id, LAST_KEY))
    )


def _is_due(payment: type[Payment], status: Status) -> tuple[ColumnElement[bool], ...]:
    return (payment.status == status, payment.kind == PaymentKind.DUES, payment.voided_at.is_(None))


def _is_asked() -> ColumnElement[bool]:
    return or_(Payment.requested_on.is_not(None), Payment.status == Status.OVERDUE)


def _owing(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    whose = (Contact.id, Contact.public_id, Contact.name, _Payer.id, _Payer.public_id, _Payer.name)
    oldest, owed = func.min(Payment.due_on), func.sum(LEFT)
    return (
        select(
            Contact.id.label("contact_id"),
            Contact.public_id.label("contact"),
            Contact.name.label("name"),
            _Payer.id.label("payer_id"),
            _Payer.public_id.label("payer_public_id"),
            _Payer.name.label("payer"),
            Payment.currency,
            owed.label("owed"),
            func.count().label("payments"),
            oldest.label("oldest"),
            func.max(case((_is_asked(), 1), else_=0)).label("asked"),
            func.sum(Payment.version).label("versions"),
            func.max(Payment.id).label("newest"),
        )
        .join(Contact, Contact.id == Payment.contact_id)
        .join(_Payer, _Payer.id == Payment.payer_id)
        .where(*conditions, *is_unclaimed())
        .group_by(*whose, Payment.currency)
        .order_by(oldest.is_(None), oldest, owed.desc(), Contact.id, _Payer.id, Payment.currency)
    )


def _row(found: Row[*tuple[Any, ...]]) -> OwingRow:
    return OwingRow(
        key=f"{found.contact}.{found.payer_public_id}.{found.currency}",
        contact_id=found.contact_id,
        contact_public_id=found.contact,
        name=found.name,
        payer_id=found.payer_id,
        payer=found.payer,
        owed=Money(int(found.owed), found.currency),
        count=found.payments,
        oldest_due_on=found.oldest,
        is_asked=bool(found.asked),
        version=f"{found.payments}.{found.owed}.{found.versions}.{found.newest}",
    )
