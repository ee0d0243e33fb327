"""The whole story of one payment: its history, what was sent about it, claims, and the money behind it.

A constant number of statements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import Fate, fate_of
from substrack.domain.money import Money
from substrack.domain.notices import Notice, rules_of
from substrack.domain.payments import TRANSITIONS, Act, PaymentKind, Status
from substrack.domain.spans import Span
from substrack.queries.claims import ClaimRow, load_claims_on
from substrack.queries.journal import JournalRow, load_payment_journal
from substrack.queries.ledger_lists import PaymentRow, find_payment, load_payment
from substrack.queries.letter_items import span_of
from substrack.queries.objections import ENDINGS, OBJECT
from substrack.store import (
    Allocation,
    Contact,
    Event,
    Group,
    Message,
    MessageItem,
    Payment,
    Period,
    Receipt,
    ReceiptSource,
)


@dataclass(frozen=True)
class MoneyLine:
    """One part of a receipt that settles, or settled, the payment; `is_live` tells which."""

    receipt_public_id: str
    amount: Money
    received_on: date
    method: str | None
    note: str | None
    source: ReceiptSource
    is_live: bool


@dataclass(frozen=True)
class MessageLine:
    """One message that names the payment, or answers a decision about it."""

    public_id: str
    notice: Notice
    to: str | None
    fate: Fate
    at: datetime


@dataclass(frozen=True)
class SettledToo:
    """Another payment that the money of this one settled, and with how much of it."""

    public_id: str
    group: str
    span: Span | None
    amount: Money


@dataclass(frozen=True)
class PaymentStory:
    """One payment with everything that happened to it, newest first.

    `opens_too` are the payments that open with it when the receipt that gave it money last is void.
    """

    row: PaymentRow
    events: tuple[JournalRow, ...]
    claims: tuple[ClaimRow, ...]
    money: tuple[MoneyLine, ...]
    messages: tuple[MessageLine, ...]
    opens_too: tuple[SettledToo, ...]

    @property
    def span(self) -> Span | None:
        """The period it is for."""
        period = self.row.period
        return Span(period.unit, period.every, period.starts_on, period.ends_on) if period else None

    @property
    def is_void_alone(self) -> bool:
        """Tell whether it became void without its period: its bill was taken back."""
        period = self.row.period
        return bool(period and self.row.voided_at and period.voided_at != self.row.voided_at)

    @property
    def acts(self) -> frozenset[Act]:
        """What an admin may do with it now."""
        if self.row.kind is PaymentKind.OWN or self.row.voided_at is not None:
            return frozenset()
        return frozenset(act for act, rule in TRANSITIONS.items() if self.row.status in rule.sources)

    @property
    def confirms(self) -> Money:
        """The sum one press confirms: what a claim on this payment alone states, else what is expected."""
        own = next((claim for claim in self.claims if self._is_its_own(claim)), None)
        return own.amount if own and own.amount.minor else self.expected

    @property
    def expected(self) -> Money:
        """The sum that is booked when none is entered: what is left, or what a claim still brings of it."""
        waiting = ((claim, item) for claim in self.claims for item in claim.waiting)
        of_claims = (claim.expected_for(item) for claim, item in waiting if item.payment_id == self.row.id)
        return next(of_claims, self.row.left)

    def _is_its_own(self, claim: ClaimRow) -> bool:
        return claim.is_open and [item.payment_id for item in claim.items] == [self.row.id]

    @property
    def note(self) -> JournalRow | None:
        """What its member wrote because something is off, while nobody has answered."""
        last = next((event for event in self.events if event.verb in (OBJECT, *ENDINGS)), None)
        return last if last and last.verb == OBJECT else None

    @property
    def is_claimed(self) -> bool:
        """Tell whether a claim waits on it."""
        return self.row.status is Status.MEMBER_CONFIRMED


def load_story(session: Session, workspace_id: int, public_id: str) -> PaymentStory:
    """Load one payment of a workspace with its history; raises NotListed."""
    payment_id = find_payment(session, workspace_id, public_id)
    events, row = load_payment_journal(session, payment_id), load_payment(session, payment_id)
    return PaymentStory(
        row=row,
        events=events,
        claims=load_claims_on(session, workspace_id, payment_id),
        money=_money(session, payment_id),
        messages=_messages(session, payment_id, row.contact_id),
        opens_too=_settled_too(session, payment_id),
    )


def _money(session: Session, payment_id: int) -> tuple[MoneyLine, ...]:
    query = (
        select(Allocation, Receipt)
        .join(Receipt, Receipt.id == Allocation.receipt_id)
        .where(Allocation.payment_id == payment_id)
        .order_by(Allocation.id.desc())
    )
    return tuple(
        MoneyLine(
            receipt_public_id=receipt.public_id,
            amount=Money(allocation.amount_minor, receipt.currency),
            received_on=receipt.received_on,
            method=receipt.method,
            note=receipt.note,
            source=receipt.source,
            is_live=allocation.voided_at is None,
        )
        for allocation, receipt in session.execute(query)
    )


def _settled_too(session: Session, payment_id: int) -> tuple[SettledToo, ...]:
    live = (Allocation.payment_id == payment_id, Allocation.voided_at.is_(None))
    last = select(Allocation.receipt_id).where(*live).order_by(Allocation.id.desc()).limit(1)
    query = (
        select(Payment, Group, Period, Allocation.amount_minor)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .join(Group, Group.id == Payment.group_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(
            Allocation.receipt_id == last.scalar_subquery(),
            Allocation.voided_at.is_(None),
            Payment.id != payment_id,
        )
        .order_by(Payment.due_on, Payment.id)
    )
    return tuple(
        SettledToo(
            public_id=payment.public_id,
            group=group.name,
            span=span_of(group, period.starts_on, period.ends_on) if period else None,
            amount=Money(amount_minor, payment.currency),
        )
        for payment, group, period, amount_minor in session.execute(query)
    )


def _messages(session: Session, payment_id: int, contact_id: int) -> tuple[MessageLine, ...]:
    """List what went to this member and to admins; one opening or bill writes to other members as well."""
    named = select(MessageItem.message_id).where(MessageItem.payment_id == payment_id)
    decided = select(Event.correlation_id).where(Event.payment_id == payment_id)
    query = (
        select(Message, Contact.name)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(or_(Message.id.in_(named), Message.correlation_id.in_(decided)))
        .order_by(Message.id.desc())
    )
    found = session.execute(query).all()
    return tuple(_line((message, name) for message, name in found if _is_for(message, contact_id)))


def _is_for(message: Message, contact_id: int) -> bool:
    return message.contact_id == contact_id or not rules_of(message.notice).carries_pay_link


def _line(found: Iterable[tuple[Message, str | None]]) -> Iterable[MessageLine]:
    for message, name in found:
        at = message.sent_at or message.due_at
        fate = fate_of(message.state, message.provider_id)
        yield MessageLine(message.public_id, message.notice, name, fate, at)
