"""The groups on home: how far the latest period is paid, who is missing, what is out, the first steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from substrack.domain.letters import Span
from substrack.domain.money import Money
from substrack.domain.notices import Notice
from substrack.domain.payments import CLOSED, OPEN, PaymentKind, Status
from substrack.queries.claim_sums import load_sums
from substrack.queries.groups import GroupRow, list_groups
from substrack.queries.namesakes import names_apart
from substrack.queries.owing import LEFT, is_unclaimed
from substrack.store import (
    Attempt,
    AttemptItem,
    AttemptState,
    Contact,
    Group,
    Member,
    Message,
    Payment,
    PayMethod,
    Period,
)

NAMED: Final = 3
"""How many of those who owe are named on a card; the rest is counted."""


@dataclass(frozen=True)
class Progress:
    """The latest period of a group: how many of its payments are settled, and what is missing.

    The payer's own share is never counted. `is_billed` is False while the bill is wanted.
    """

    public_id: str
    span: Span
    settled: int
    count: int
    missing: Money
    is_billed: bool


@dataclass(frozen=True)
class Missing:
    """What a group waits for over all its periods: the sum, the claims to check, and who owes the rest.

    A claim that names payments of several groups is to be checked in each of them.
    """

    total: Money
    to_check: int = 0
    names: tuple[str, ...] = ()
    people: int = 0

    @property
    def others(self) -> int:
        """How many owe besides those named."""
        return self.people - len(self.names)


@dataclass(frozen=True)
class Card:
    """One group, its latest period if it has any, and what is missing over all of them."""

    group: GroupRow
    progress: Progress | None
    missing: Missing

    @property
    def is_all_in(self) -> bool:
        """Tell whether nothing is missing and no bill is wanted."""
        return not self.missing.total.minor and (self.progress is None or self.progress.is_billed)

    @property
    def before(self) -> Money:
        """What is missing from periods before the latest."""
        return self.missing.total - self.progress.missing if self.progress else self.missing.total


@dataclass(frozen=True)
class Out:
    """What is still out in one currency: all of it, and of that what is overdue or waits to be checked."""

    total: Money
    overdue: Money
    to_check: Money


@dataclass(frozen=True)
class FirstSteps:
    """What somebody who starts has done already."""

    has_group: bool
    has_people: bool
    has_way_to_pay: bool
    has_tested: bool
    has_period: bool

    @property
    def are_done(self) -> bool:
        """Tell whether the list has served its purpose."""
        done = (self.has_group, self.has_people, self.has_way_to_pay, self.has_tested)
        return self.has_period or all(done)


def load_cards(session: Session, workspace_id: int, *, today: date) -> list[Card]:
    """Load the groups that are not archived, by name, with what is missing; five statements."""
    groups = list_groups(session, workspace_id, today=today)
    progress = _progress(session, workspace_id)
    sums, people = _sums(session, workspace_id), _people(session, workspace_id)
    return [
        Card(
            group,
            progress.get(group.id),
            _missing(group, sums.get(group.id, (0, 0)), people.get(group.id, ((), 0))),
        )
        for group in groups
    ]


def load_out(session: Session, workspace_id: int) -> list[Out]:
    """Add up what is still out, for each currency by itself; what is to check is what claims stand for."""
    query = (
        select(Payment.currency, Payment.status, func.sum(LEFT))
        .where(
            Payment.workspace_id == workspace_id,
            Payment.kind == PaymentKind.DUES,
            Payment.status.in_(OPEN),
            Payment.voided_at.is_(None),
        )
        .group_by(Payment.currency, Payment.status)
        .order_by(Payment.currency)
    )
    claimed = _claimed(session, workspace_id)
    sums: dict[str, dict[Status, int]] = {}
    for currency, status, minor in session.execute(query):
        sums.setdefault(currency, {})[status] = int(minor)
    return [
        Out(
            total=Money(sum(by_status.values()), currency),
            overdue=Money(by_status.get(Status.OVERDUE, 0), currency),
            to_check=Money(claimed.get(currency, 0), currency),
        )
        for currency, by_status in sums.items()
    ]


def _claimed(session: Session, workspace_id: int) -> dict[str, int]:
    """Add up what the claims that wait stand for, for each currency by itself."""
    waiting = select(Attempt.id).where(
        Attempt.workspace_id == workspace_id, Attempt.state == AttemptState.OPEN
    )
    sums: dict[str, int] = {}
    for money in load_sums(session, session.scalars(waiting).all()).values():
        sums[money.currency] = sums.get(money.currency, 0) + money.minor
    return sums


def load_first_steps(session: Session, workspace_id: int) -> FirstSteps:
    """Tell what a new workspace has already; one statement."""
    groups = select(Group.id).where(Group.workspace_id == workspace_id)
    members = select(Member.id).join(Group, Group.id == Member.group_id)
    tests = select(Message.id).where(Message.workspace_id == workspace_id, Message.notice == Notice.TEST)
    wanted = (
        groups,
        members.where(Group.workspace_id == workspace_id, Member.contact_id != Group.payer_id),
        select(PayMethod.id).where(PayMethod.group_id.in_(groups)),
        tests,
        select(Period.id).where(Period.group_id.in_(groups)),
    )
    row = session.execute(select(*(one.correlate(None).exists() for one in wanted))).one()
    return FirstSteps(*(bool(value) for value in row))


def _progress(session: Session, workspace_id: int) -> dict[int, Progress]:
    latest = (
        select(Period.group_id, func.max(Period.sequence).label("sequence"))
        .join(Group, Group.id == Period.group_id)
        .where(Group.workspace_id == workspace_id, Period.voided_at.is_(None), Group.archived_at.is_(None))
        .group_by(Period.group_id)
        .subquery()
    )
    is_dues = (Payment.period_id == Period.id) & (Payment.kind == PaymentKind.DUES)
    query = (
        select(
            Group,
            Period,
            func.count(Payment.id),
            func.count(Payment.id).filter(Payment.status.in_(CLOSED)),
            func.coalesce(func.sum(LEFT).filter(Payment.status.in_(OPEN)), 0),
        )
        .select_from(Period)
        .join(latest, (latest.c.group_id == Period.group_id) & (latest.c.sequence == Period.sequence))
        .join(Group, Group.id == Period.group_id)
        .outerjoin(Payment, is_dues & Payment.voided_at.is_(None))
        .where(Period.voided_at.is_(None))
        .group_by(Group.id, Period.id)
    )
    return {
        group.id: Progress(
            public_id=period.public_id,
            span=Span(group.unit, group.every, period.starts_on, period.ends_on),
            settled=settled,
            count=count,
            missing=Money(int(missing), group.currency),
            is_billed=period.total_minor is not None,
        )
        for group, period, count, settled, missing in session.execute(query)
    }


def _missing(group: GroupRow, sums: tuple[int, int], people: tuple[tuple[str, ...], int]) -> Missing:
    minor, to_check = sums
    return Missing(Money(minor, group.currency), to_check, *people)


def _sums(session: Session, workspace_id: int) -> dict[int, tuple[int, int]]:
    """Add up what each group waits for, and count the claims that name a payment of it."""
    is_claimed = and_(AttemptItem.payment_id == Payment.id, AttemptItem.state == AttemptState.OPEN)
    query = (
        select(Payment.group_id, func.sum(LEFT), func.count(AttemptItem.attempt_id.distinct()))
        .outerjoin(AttemptItem, is_claimed)
        .where(
            Payment.workspace_id == workspace_id,
            Payment.kind == PaymentKind.DUES,
            Payment.status.in_(OPEN),
            Payment.voided_at.is_(None),
        )
        .group_by(Payment.group_id)
    )
    return {group_id: (int(minor), count) for group_id, minor, count in session.execute(query)}


def _people(session: Session, workspace_id: int) -> dict[int, tuple[tuple[str, ...], int]]:
    """Find who owes in each group, the longest due first: some names, and how many they are."""
    oldest = func.min(Payment.due_on)
    owing = (
        select(
            Payment.group_id,
            Payment.contact_id,
            func.row_number()
            .over(partition_by=Payment.group_id, order_by=(oldest, Payment.contact_id))
            .label("place"),
            func.count().over(partition_by=Payment.group_id).label("people"),
        )
        .where(Payment.workspace_id == workspace_id, *is_unclaimed())
        .group_by(Payment.group_id, Payment.contact_id)
        .subquery()
    )
    query = (
        select(owing.c.group_id, Contact.public_id, Contact.name, owing.c.people)
        .join(Contact, Contact.id == owing.c.contact_id)
        .where(owing.c.place <= NAMED)
        .order_by(owing.c.group_id, owing.c.place)
    )
    rows = session.execute(query).all()
    called = names_apart(session, {public_id: name for _group, public_id, name, _people in rows})
    found: dict[int, tuple[tuple[str, ...], int]] = {}
    for group_id, public_id, _name, people in rows:
        names, _ = found.get(group_id, ((), 0))
        found[group_id] = ((*names, called[public_id]), people)
    return found
