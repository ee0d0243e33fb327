"""What the pages about people show: who owes what over all groups, and one person with what is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import Fate, fate_of
from substrack.domain.money import Money
from substrack.domain.notices import Channel, Notice
from substrack.domain.payments import OPEN, PaymentKind, Status
from substrack.domain.spans import Span
from substrack.queries.by_hand import find_asked_by_hand
from substrack.queries.namesakes import tell_apart
from substrack.queries.owing import LEFT
from substrack.queries.people import (
    ContactRow,
    MemberRow,
    find_contact,
    list_contact_page,
    list_members,
    load_contact,
)
from substrack.queries.statements import list_years
from substrack.queries.unallocated import UNALLOCATED, is_money_in
from substrack.store import (
    Group,
    Link,
    LinkPurpose,
    Message,
    Payment,
    Period,
    Receipt,
)

CLOSED_SHOWN = 24
MESSAGES_SHOWN = 5
PEOPLE_A_PAGE = 30


@dataclass(frozen=True)
class Balance:
    """Where a person stands in one currency: what is to come, and what was paid ahead."""

    owed: Money
    credit: Money


@dataclass(frozen=True)
class PersonRow:
    """One person of the list, with a balance for each currency in which anything is owed or credited.

    `is_invited`: a link to Telegram was made for them that still works and nobody has used.
    """

    contact: ContactRow
    balances: tuple[Balance, ...]
    is_invited: bool = False


@dataclass(frozen=True)
class PeoplePage:
    """Some people by name; `last` is the number of the last page, `total` counts all that were found."""

    rows: tuple[PersonRow, ...]
    number: int
    last: int
    total: int


@dataclass(frozen=True)
class OwnPaymentRow:
    """One payment of a person; `left` is None when nothing is to come any more."""

    public_id: str
    group_public_id: str
    group: str
    span: Span | None
    amount: Money
    left: Money | None
    status: Status
    due_on: date | None
    is_own: bool


@dataclass(frozen=True)
class SentRow:
    """One message to a person."""

    public_id: str
    notice: Notice
    channel: Channel
    fate: Fate
    at: datetime
    last_error: str | None


@dataclass(frozen=True)
class PersonPage:
    """One person; `closed` are the latest of what is settled or forgiven.

    `by_hand_on` is when an admin asked them in their own words, if that is the last they were asked.
    """

    contact: ContactRow
    memberships: tuple[MemberRow, ...]
    balances: tuple[Balance, ...]
    open: tuple[OwnPaymentRow, ...]
    closed: tuple[OwnPaymentRow, ...]
    messages: tuple[SentRow, ...]
    years: tuple[int, ...]
    by_hand_on: date | None


def load_people_page(
    session: Session, workspace_id: int, *, search: str = "", number: int = 1, today: date, now: datetime
) -> PeoplePage:
    """Load one page of the people of a workspace with what each owes over all groups (6 statements)."""
    start = (number - 1) * PEOPLE_A_PAGE
    contacts, total = list_contact_page(
        session, workspace_id, search=search, limit=PEOPLE_A_PAGE, offset=start, today=today
    )
    keys = [contact.id for contact in contacts]
    balances = _balances(session, Payment.contact_id.in_(keys), Receipt.contact_id.in_(keys))
    invited = _invited(session, keys, now)
    named = tell_apart(session, contacts)
    rows = [PersonRow(one, balances.get(one.id, ()), one.id in invited) for one in named]
    return PeoplePage(tuple(rows), number, max(1, -(-total // PEOPLE_A_PAGE)), total)


def load_person(session: Session, workspace_id: int, public_id: str) -> PersonPage:
    """Load one person of this workspace with all their page shows, `years` being those with a statement.

    Raises:
        UnknownPerson.
    """
    contact_id = find_contact(session, workspace_id, public_id)
    mine = _payments().where(Payment.contact_id == contact_id, Payment.voided_at.is_(None))
    still_open = mine.where(Payment.status.in_(OPEN)).order_by(Payment.due_on, Payment.id)
    done = mine.where(Payment.status.not_in(OPEN)).order_by(Payment.due_on.desc(), Payment.id.desc())
    return PersonPage(
        contact=load_contact(session, contact_id),
        memberships=tuple(list_members(session, workspace_id, contact_id=contact_id)),
        balances=load_balances(session, contact_id),
        open=_load(session, still_open),
        closed=_load(session, done.limit(CLOSED_SHOWN)),
        messages=_messages_to(session, contact_id),
        years=list_years(session, contact_id),
        by_hand_on=find_asked_by_hand(session, contact_id),
    )


def load_balances(session: Session, contact_id: int) -> tuple[Balance, ...]:
    """Work out where one person stands, by currency (2 statements)."""
    found = _balances(session, Payment.contact_id == contact_id, Receipt.contact_id == contact_id)
    return found.get(contact_id, ())


def _invited(session: Session, contact_ids: Sequence[int], now: datetime) -> set[int]:
    query = select(Link.contact_id).where(
        Link.contact_id.in_(contact_ids),
        Link.purpose == LinkPurpose.CHAT,
        Link.used_at.is_(None),
        Link.revoked_at.is_(None),
        Link.expires_at > now,
    )
    return {key for key in session.scalars(query) if key is not None}


def _balances(
    session: Session, of_payments: ColumnElement[bool], of_receipts: ColumnElement[bool]
) -> dict[int, tuple[Balance, ...]]:
    """Work out balances by contact, in two statements; members' dues only, never a payer's own share."""
    owed, credit = _owed(session, of_payments), _credit(session, of_receipts)
    found: dict[int, tuple[Balance, ...]] = {}
    for contact_id, currency in sorted(owed.keys() | credit.keys()):
        key = (contact_id, currency)
        balance = Balance(Money(owed.get(key, 0), currency), Money(credit.get(key, 0), currency))
        found[contact_id] = (*found.get(contact_id, ()), balance)
    return found


def _owed(session: Session, condition: ColumnElement[bool]) -> dict[tuple[int, str], int]:
    query = (
        select(Payment.contact_id, Payment.currency, func.sum(LEFT))
        .where(
            condition,
            Payment.kind == PaymentKind.DUES,
            Payment.status.in_(OPEN),
            Payment.voided_at.is_(None),
        )
        .group_by(Payment.contact_id, Payment.currency)
    )
    return _nonzero(session.execute(query))


def _credit(session: Session, condition: ColumnElement[bool]) -> dict[tuple[int, str], int]:
    query = (
        select(Receipt.contact_id, Receipt.currency, func.sum(UNALLOCATED))
        .where(condition, *is_money_in())
        .group_by(Receipt.contact_id, Receipt.currency)
    )
    return _nonzero(session.execute(query))


def _nonzero(rows: Iterable[tuple[int, str, int]]) -> dict[tuple[int, str], int]:
    """Keep the sums that say something; PostgreSQL adds bigints up to a decimal."""
    return {(contact_id, currency): int(minor) for contact_id, currency, minor in rows if minor}


def _payments() -> Select[Payment, Group, Period]:
    return (
        select(Payment, Group, Period)
        .join(Group, Group.id == Payment.group_id)
        .outerjoin(Period, Period.id == Payment.period_id)
    )


def _load(session: Session, query: Select[Payment, Group, Period]) -> tuple[OwnPaymentRow, ...]:
    return tuple(_payment_row(payment, group, period) for payment, group, period in session.execute(query))


def _payment_row(payment: Payment, group: Group, period: Period | None) -> OwnPaymentRow:
    left_minor = payment.amount_minor - payment.received_minor - payment.written_off_minor
    is_left = left_minor > 0 and payment.status in OPEN
    return OwnPaymentRow(
        public_id=payment.public_id,
        group_public_id=group.public_id,
        group=group.name,
        span=Span(group.unit, group.every, period.starts_on, period.ends_on) if period else None,
        amount=Money(payment.amount_minor, payment.currency),
        left=Money(left_minor, payment.currency) if is_left else None,
        status=payment.status,
        due_on=payment.due_on,
        is_own=payment.kind is PaymentKind.OWN,
    )


def _messages_to(session: Session, contact_id: int) -> tuple[SentRow, ...]:
    query = (
        select(Message)
        .where(Message.contact_id == contact_id)
        .order_by(Message.id.desc())
        .limit(MESSAGES_SHOWN)
    )
    return tuple(
        SentRow(
            public_id=row.public_id,
            notice=row.notice,
            channel=row.channel,
            fate=fate_of(row.state, row.provider_id),
            at=row.sent_at or row.due_at,
            last_error=row.last_error,
        )
        for row in session.scalars(query)
    )
