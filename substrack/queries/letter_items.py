"""Payments as letters name them: items with their period and payer, and how to pay what is open.

A constant number of queries, however many payments. Which payments belong into a letter is decided by
`queries.letters`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, Select, case, select
from sqlalchemy.orm import Session

from substrack.domain.bills import HowToPay, Item, OwnSentence, Person, Way
from substrack.domain.cycles import local_date
from substrack.domain.ibans import iban_in_fours
from substrack.domain.money import Money
from substrack.domain.notices import Channel
from substrack.domain.pay_methods import PayKind, fill
from substrack.domain.payments import ASKABLE
from substrack.domain.paypal import with_sum
from substrack.domain.sharing import days_of
from substrack.domain.spans import Span
from substrack.domain.upi import upi_link
from substrack.queries.known_ways import load_who_knows
from substrack.queries.leaving import gone_on
from substrack.queries.prepared import prepared
from substrack.store import (
    Address,
    Contact,
    Group,
    Member,
    Payment,
    PayMethod,
    Period,
    RoleGrant,
    User,
    shared_alias,
)

_Admin = shared_alias(Contact)

NEW_FOR: Final = timedelta(days=60)
"""How long another way to pay is called new."""


@dataclass(frozen=True)
class Owed:
    """One payment with what decides whether it is still worth writing about.

    `gone_on` is the first day its person is in the group no more, in any stay.
    """

    payment: Payment
    group: Group
    gone_on: date | None
    item: Item
    joined_on: date = date.min


@dataclass(frozen=True)
class OwedRow:
    """One payment and all it takes to write about it, as read; `dates` are those of its period.

    `keeper` decides about it, where its payer does not administer.
    """

    payment: Payment
    group: Group
    dates: tuple[date, date] | None
    gone_on: date | None
    payer: Person
    joined_on: date
    left_on: date | None
    keeper: str | None


def load_owed(
    session: Session, payment_ids: Iterable[int], steps: Mapping[int, int] | None = None
) -> list[Owed]:
    """Load payments, oldest first; `steps` says how often each was asked for."""
    return [owed_of(row, steps or {}) for row in load_owed_rows(session, payment_ids)]


def load_owed_rows(session: Session, payment_ids: Iterable[int]) -> list[OwedRow]:
    """Load payments with what their letters tell, oldest first; one statement."""
    return [_owed_row(*row) for row in session.execute(*_owed(sorted(payment_ids)))]


def _owed_row(
    payment: Payment,
    group: Group,
    starts_on: date | None,
    ends_on: date | None,
    gone_on: date | None,
    joined_on: date,
    left_on: date | None,
    payer: str,
    mailbox: str | None,
    keeper: str | None,
) -> OwedRow:
    dates = (starts_on, ends_on) if starts_on and ends_on else None
    return OwedRow(payment, group, dates, gone_on, Person(payer, mailbox), joined_on, left_on, keeper)


@prepared
def _owed(payment_ids: list[int]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Payment,
            Group,
            Period.starts_on,
            Period.ends_on,
            gone_on(),
            Member.joined_on,
            Member.left_on,
            Contact.name,
            _mailbox(),
            _keeper(),
        )
        .join(Group, Group.id == Payment.group_id)
        .join(Member, Member.id == Payment.member_id)
        .join(Contact, Contact.id == Payment.payer_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(Payment.id.in_(payment_ids))
        .order_by(Payment.asked_on, Payment.id)
    )


def _keeper() -> ColumnElement[str | None]:
    """Select who decides about a payment where its payer does not: the first who administers."""
    admins = (
        select(_Admin.name)
        .join(RoleGrant, RoleGrant.contact_id == _Admin.id)
        .join(User, User.id == RoleGrant.user_id)
        .where(RoleGrant.workspace_id == Payment.workspace_id, User.deactivated_at.is_(None))
        .correlate(Payment)
    )
    payer = admins.where(_Admin.id == Payment.payer_id).exists()
    return case((~payer, admins.order_by(RoleGrant.id).limit(1).scalar_subquery()))


def owed_of(row: OwedRow, steps: Mapping[int, int]) -> Owed:
    """Tell of a payment what a letter that asks for it so often tells."""
    item = _item(row, steps)
    return Owed(row.payment, row.group, row.gone_on, item, row.joined_on)


def _mailbox() -> ScalarSelect[str]:
    """Select the email address that a reply to a contact would reach: the first they gave that works."""
    found = select(Address.value).where(Address.contact_id == Contact.id, *_takes_replies())
    return found.order_by(Address.id).limit(1).correlate(Contact).scalar_subquery()


def load_people(session: Session, contacts: Iterable[Contact]) -> dict[int, Person]:
    """Add to each contact the email address a reply would reach, by contact id."""
    by_id = {contact.id: contact for contact in contacts}
    found = session.execute(*_mailboxes(sorted(by_id)))
    emails = {row.contact_id: row.value for row in found}
    return {key: Person(contact.name, emails.get(key)) for key, contact in by_id.items()}


@prepared
def _mailboxes(contact_ids: list[int]) -> Select[int, str]:
    return (
        select(Address.contact_id, Address.value)
        .where(Address.contact_id.in_(contact_ids), *_takes_replies())
        .order_by(Address.id.desc())
    )


def _takes_replies() -> tuple[ColumnElement[bool], ...]:
    return Address.channel == Channel.EMAIL, Address.refused_since.is_(None)


def load_how_to_pay(
    session: Session, owed: Sequence[Owed], *, today: date | None = None
) -> tuple[HowToPay, ...]:
    """Load the ways to pay, and work out the transfers of `how_to_pay`."""
    askable = {row.group.id for row in owed if row.payment.status in ASKABLE}
    news = load_news_of_ways(session, owed, today)
    return how_to_pay(owed, load_methods(session, askable), news=news)


def how_to_pay(
    owed: Sequence[Owed], methods: Mapping[tuple[int, int], Sequence[PayMethod]], *, news: Mapping[int, date]
) -> tuple[HowToPay, ...]:
    """Work out one transfer per payer, currency and set of ways: what two groups share is paid at once.

    `methods` are the ways by group and payer: nobody is told to pay one payer into the account of another.
    The `news` say of a payment since when its ways are new to who owes it.
    """
    bundles: dict[tuple[int, str, str], list[Owed]] = {}
    for row in owed:
        if row.payment.status in ASKABLE:
            ways = repr([(way.kind, sorted(way.fields.items())) for way in methods.get(_account(row), ())])
            bundles.setdefault((row.payment.payer_id, row.payment.currency, ways), []).append(row)
    return tuple(_how_to_pay(rows, methods.get(_account(rows[0]), ()), news) for rows in bundles.values())


def _account(row: Owed) -> tuple[int, int]:
    return row.group.id, row.payment.payer_id


def own_sentences(owed: Sequence[Owed]) -> tuple[OwnSentence, ...]:
    """Collect what the groups of these payments say in their requests, each once."""
    groups = {row.group.id: row.group for row in owed}
    return tuple(
        OwnSentence(one.name, one.request_sentence) for one in groups.values() if one.request_sentence
    )


def _item(row: OwedRow, steps: Mapping[int, int]) -> Item:
    payment, group = row.payment, row.group
    left = payment.amount_minor - payment.received_minor - payment.written_off_minor
    return Item(
        payment_id=payment.public_id,
        group=group.name,
        payer=row.payer,
        span=None if row.dates is None else span_of(group, *row.dates),
        amount=Money(payment.amount_minor, payment.currency),
        left=Money(left, payment.currency),
        due_on=payment.due_on,
        reference=payment.reference,
        status=payment.status,
        step=steps.get(payment.id, 0),
        days=_days_of(row),
        checked_by=row.keeper,
    )


def _days_of(row: OwedRow) -> tuple[date, date] | None:
    if row.dates is None:
        return None
    return days_of(*row.dates, row.payment.part_days, joined_on=row.joined_on, left_on=row.left_on)


def span_of(group: Group, starts_on: date, ends_on: date) -> Span:
    """Name the dates of a period by the rhythm of its group."""
    return Span(group.unit, group.every, starts_on, ends_on)


def load_methods(session: Session, group_ids: Iterable[int]) -> dict[tuple[int, int], list[PayMethod]]:
    """Load the ways to pay of groups, by group and payer, in their order; former payers have theirs."""
    found: dict[tuple[int, int], list[PayMethod]] = {}
    for method in session.scalars(*_methods_of(sorted(group_ids))):
        found.setdefault((method.group_id, method.payer_id), []).append(method)
    return found


@prepared
def _methods_of(group_ids: list[int]) -> Select[PayMethod]:
    query = select(PayMethod).where(PayMethod.group_id.in_(group_ids))
    return query.order_by(PayMethod.group_id, PayMethod.position)


def _how_to_pay(rows: Sequence[Owed], methods: Sequence[PayMethod], news: Mapping[int, date]) -> HowToPay:
    items = [row.item for row in rows]
    total = sum((item.left for item in items[1:]), items[0].left)
    references = tuple(item.reference for item in items)
    return HowToPay(
        payer=items[0].payer.name,
        groups=tuple(dict.fromkeys(item.group for item in items)),
        total=total,
        references=references,
        ways=tuple(_way(method, items[0].payer.name, total, " ".join(references)) for method in methods),
        changed_on=max((news[row.payment.id] for row in rows if row.payment.id in news), default=None),
    )


def load_news_of_ways(session: Session, owed: Sequence[Owed], today: date | None) -> dict[int, date]:
    """Say by payment since when how to pay is another way, for two months and to who was there before.

    For what is owed to a former payer nothing is new, nor for who knows the ways of a payer who is paid
    again. One statement at most, and nothing without a day.
    """
    changed = [(row, day) for row in owed if (day := _changed_on(row, today))]
    if not changed:
        return {}
    who, groups = {row.payment.contact_id for row, _ in changed}, {row.group.id for row, _ in changed}
    known = load_who_knows(session, groups, who)
    return {
        row.payment.id: day for row, day in changed if (row.group.id, row.payment.contact_id) not in known
    }


def _changed_on(row: Owed, today: date | None) -> date | None:
    changed_at = row.group.pay_changed_at
    if today is None or changed_at is None or row.payment.payer_id != row.group.payer_id:
        return None
    day = local_date(changed_at, row.group.time_zone)
    return day if row.joined_on <= day and today - day <= NEW_FOR else None


def _way(method: PayMethod, payer: str, total: Money, reference: str) -> Way:
    fields, label = method.fields, method.fields.get("label")
    match PayKind(method.kind):
        case PayKind.LINK:
            url = fill(fields["url"], amount=total.major(), currency=total.currency, reference=reference)
            return Way("link", with_sum(url, total), label=label)
        case PayKind.IBAN:
            return Way("iban", iban_in_fours(fields["iban"]), holder=fields["holder"], label=label)
        case PayKind.UPI:
            name = fields["holder"] or payer
            opens = upi_link(fields["vpa"], name=name, amount=total, note=reference)
            return Way("upi", fields["vpa"], holder=name, label=label, url=opens)
        case PayKind.TEXT:
            return Way("text", fields["text"], label=label)
