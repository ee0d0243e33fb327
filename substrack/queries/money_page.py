"""Money in: who owes or has credit, what a sum would settle, and what came lately.

A constant number of statements.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, union
from sqlalchemy.orm import Session, aliased

from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE, OPEN, PaymentKind, Status
from substrack.domain.spans import Span
from substrack.queries.booked import booked_by
from substrack.queries.finding import NotListed
from substrack.queries.namesakes import tell_apart
from substrack.queries.owing import LEFT
from substrack.queries.searching import named_like
from substrack.queries.unallocated import UNALLOCATED, is_money_in, unallocated_minor
from substrack.store import (
    Attempt,
    Contact,
    Event,
    Group,
    Member,
    Payment,
    Period,
    Receipt,
    ReceiptSource,
)


@dataclass(frozen=True)
class Account:
    """Where one person stands with one payer in one currency; `key` names all three in a form."""

    contact_id: int
    payer_id: int
    key: str
    name: str
    payer: str
    owed: Money
    credit: Money
    last_receipt_id: int

    @property
    def contact_public_id(self) -> str:
        """Whose account it is."""
        return self.key.partition(".")[0]

    @property
    def version(self) -> str:
        """What a form sends back, so that the same money is not recorded by a second tap."""
        return f"{self.owed.minor}.{self.credit.minor}.{self.last_receipt_id}"


@dataclass(frozen=True)
class OpenRow:
    """One open payment, in the order in which money settles them."""

    id: int
    public_id: str
    reference: str
    group: str
    group_public_id: str
    span: Span | None
    left: Money
    due_on: date | None
    status: Status

    @property
    def is_askable(self) -> bool:
        """Whether credit may settle it: what is under a claim is left to the claim."""
        return self.status in ASKABLE


@dataclass(frozen=True)
class GroupChoice:
    """One group that money can be kept for."""

    id: int
    public_id: str
    name: str


def load_accounts(
    session: Session, workspace_id: int, *, search: str = "", limit: int
) -> tuple[Account, ...]:
    """List the first people by name, and where each stands with each payer; seven statements."""
    query = (
        select(Contact.id)
        .where(Contact.workspace_id == workspace_id, named_like(search), or_(*_has_account()))
        .order_by(func.lower(Contact.name), Contact.id)
        .limit(limit)
    )
    return tell_apart(session, _accounts(session, list(session.scalars(query))))


def load_account(session: Session, workspace_id: int, key: str) -> Account:
    """Load one account by its key; raises NotListed."""
    query = select(Contact.id).where(
        Contact.workspace_id == workspace_id, Contact.public_id == key.partition(".")[0]
    )
    for account in _accounts(session, list(session.scalars(query))):
        if account.key == key:
            return account
    raise NotListed("person")


def likely_account(session: Session, contact_id: int) -> str | None:
    """Name the account that money of this person is most likely for: where they owe most, else any."""
    sender, payer = aliased(Contact), aliased(Contact)
    is_owed = and_(
        Payment.member_id == Member.id,
        Payment.payer_id == Group.payer_id,
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(OPEN),
        Payment.voided_at.is_(None),
    )
    is_sharing = and_(Member.left_on.is_(None), Group.archived_at.is_(None))
    owed = func.coalesce(func.sum(LEFT), 0)
    query = (
        select(sender.public_id, payer.public_id, Group.currency)
        .select_from(Member)
        .join(Group, Group.id == Member.group_id)
        .join(sender, sender.id == Member.contact_id)
        .join(payer, payer.id == Group.payer_id)
        .outerjoin(Payment, is_owed)
        .where(Member.contact_id == contact_id, Member.contact_id != Group.payer_id)
        .where(or_(is_sharing, Payment.id.is_not(None)))
        .group_by(sender.public_id, payer.public_id, Group.currency)
        .order_by(owed.desc(), payer.public_id)
    )
    found = session.execute(query.limit(1)).first()
    return ".".join(found) if found else None


def load_open(session: Session, account: Account) -> list[OpenRow]:
    """List what an account owes, in the order in which money settles it: by due date."""
    query = (
        select(Payment, Group, Period)
        .join(Group, Group.id == Payment.group_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(
            Payment.contact_id == account.contact_id,
            Payment.payer_id == account.payer_id,
            Payment.currency == account.owed.currency,
            Payment.kind == PaymentKind.DUES,
            Payment.status.in_(OPEN),
            Payment.voided_at.is_(None),
        )
        .order_by(Payment.due_on, Payment.id)
    )
    return [_open_row(*row) for row in session.execute(query)]


def load_choices(session: Session, account: Account) -> list[GroupChoice]:
    """List the groups that money of an account can be kept for."""
    query = (
        select(Group.id, Group.public_id, Group.name)
        .join(Member, Member.group_id == Group.id)
        .where(
            Member.contact_id == account.contact_id,
            Group.payer_id == account.payer_id,
            Group.currency == account.owed.currency,
            Group.archived_at.is_(None),
        )
        .distinct()
        .order_by(Group.name)
    )
    return [GroupChoice(*row) for row in session.execute(query)]


def correlation_of_receipt(session: Session, receipt_id: int) -> str | None:
    """Find the correlation id of the decision that recorded a receipt."""
    return session.scalar(
        select(Event.correlation_id).where(
            Event.subject_kind == "receipt", Event.subject_id == receipt_id, Event.verb == "receive"
        )
    )


def credit_of_decision(session: Session, correlation_id: str) -> Money | None:
    """Say what of the money that a decision booked settles nothing; None when nothing is left over."""
    receipt = session.scalar(select(Receipt).where(Receipt.id.in_(booked_by(correlation_id))))
    if receipt is None:
        return None
    left_minor = unallocated_minor(session, receipt.id)
    return Money(left_minor, receipt.currency) if left_minor else None


def _has_account() -> tuple[ColumnElement[bool], ...]:
    """Select contacts who may owe or be owed: those who share something of somebody else's, or sent money."""
    shares = exists().where(
        Member.contact_id == Contact.id, Group.id == Member.group_id, Group.payer_id != Contact.id
    )
    sent = exists().where(Receipt.contact_id == Contact.id, Receipt.source != ReceiptSource.OWN)
    return shares, sent


def _accounts(session: Session, contact_ids: Collection[int]) -> list[Account]:
    owed, credit = _owed(session, contact_ids), _credit(session, contact_ids)
    last = _last_receipts(session, contact_ids)
    keys = sorted({*owed, *credit, *_members(session, contact_ids)})
    people = _people(session, {key for contact, payer, _currency in keys for key in (contact, payer)})
    rows = [
        Account(
            contact_id=contact,
            payer_id=payer,
            key=f"{people[contact][0]}.{people[payer][0]}.{currency}",
            name=people[contact][1],
            payer=people[payer][1],
            owed=Money(owed.get((contact, payer, currency), 0), currency),
            credit=Money(credit.get((contact, payer, currency), 0), currency),
            last_receipt_id=last.get((contact, payer, currency), 0),
        )
        for contact, payer, currency in keys
    ]
    return sorted(rows, key=lambda row: (row.name.casefold(), row.key))


def _members(session: Session, contact_ids: Collection[int]) -> set[tuple[int, int, str]]:
    """Find with whom people share, or once said that they had paid: money for either may still come."""
    shared = (
        select(Member.contact_id, Group.payer_id, Group.currency)
        .join(Group, Group.id == Member.group_id)
        .where(
            Member.contact_id.in_(contact_ids),
            Group.archived_at.is_(None),
            Member.left_on.is_(None),
            Member.contact_id != Group.payer_id,
        )
    )
    said = select(Attempt.contact_id, Attempt.payer_id, Attempt.currency).where(
        Attempt.contact_id.in_(contact_ids)
    )
    found = session.execute(union(shared, said))
    return {(contact, payer, currency) for contact, payer, currency in found}


def _last_receipts(session: Session, contact_ids: Collection[int]) -> dict[tuple[int, int, str], int]:
    query = (
        select(Receipt.contact_id, Receipt.payer_id, Receipt.currency, func.max(Receipt.id))
        .where(Receipt.contact_id.in_(contact_ids))
        .group_by(Receipt.contact_id, Receipt.payer_id, Receipt.currency)
    )
    return {(contact, payer, currency): key for contact, payer, currency, key in session.execute(query)}


def _open_row(payment: Payment, group: Group, period: Period | None) -> OpenRow:
    return OpenRow(
        id=payment.id,
        public_id=payment.public_id,
        reference=payment.reference,
        group=group.name,
        group_public_id=group.public_id,
        span=Span(group.unit, group.every, period.starts_on, period.ends_on) if period else None,
        left=Money(
            payment.amount_minor - payment.received_minor - payment.written_off_minor, payment.currency
        ),
        due_on=payment.due_on,
        status=payment.status,
    )


def _owed(session: Session, contact_ids: Collection[int]) -> dict[tuple[int, int, str], int]:
    query = (
        select(Payment.contact_id, Payment.payer_id, Payment.currency, func.sum(LEFT))
        .where(
            Payment.contact_id.in_(contact_ids),
            Payment.kind == PaymentKind.DUES,
            Payment.status.in_(OPEN),
            Payment.voided_at.is_(None),
        )
        .group_by(Payment.contact_id, Payment.payer_id, Payment.currency)
    )
    return {
        (contact, payer, currency): int(minor) for contact, payer, currency, minor in session.execute(query)
    }


def _credit(session: Session, contact_ids: Collection[int]) -> dict[tuple[int, int, str], int]:
    query = (
        select(Receipt.contact_id, Receipt.payer_id, Receipt.currency, func.sum(UNALLOCATED))
        .where(Receipt.contact_id.in_(contact_ids), *is_money_in())
        .group_by(Receipt.contact_id, Receipt.payer_id, Receipt.currency)
    )
    found = session.execute(query)
    return {(contact, payer, currency): int(minor) for contact, payer, currency, minor in found if minor}


def _people(session: Session, keys: set[int]) -> dict[int, tuple[str, str]]:
    query = select(Contact.id, Contact.public_id, Contact.name).where(Contact.id.in_(sorted(keys)))
    return {row.id: (row.public_id, row.name) for row in session.execute(query)}
