"""The groups on home: how far the latest period is paid, what is still out, how far a beginner has got."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.letters import Span
from substrack.domain.money import Money
from substrack.domain.notices import Notice
from substrack.domain.payments import CLOSED, OPEN, PaymentKind, Status
from substrack.queries.groups import GroupRow, list_groups
from substrack.store import Group, Member, Message, Payment, PayMethod, Period


@dataclass(frozen=True)
class Progress:
    """The latest period of a group: how many of its payments are settled, and what is missing.

    The payer's own share is never counted. `is_billed` is False while the bill is wanted.
    """

    public_id: str
    span: Span
    settled: int
    count: int
    to_check: int
    missing: Money
    is_billed: bool


@dataclass(frozen=True)
class Card:
    """One group, and its latest period if it has any."""

    group: GroupRow
    progress: Progress | None


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
    """Load the groups that are not archived, by name, with their latest period; three statements."""
    groups = list_groups(session, workspace_id, today=today)
    progress = _progress(session, workspace_id)
    return [Card(group, progress.get(group.id)) for group in groups]


def load_out(session: Session, workspace_id: int) -> list[Out]:
    """Add up what is still out, for each currency by itself; one statement."""
    query = (
        select(Payment.currency, Payment.status, func.sum(Payment.amount_minor - Payment.received_minor))
        .where(
            Payment.workspace_id == workspace_id,
            Payment.kind == PaymentKind.DUES,
            Payment.status.in_(OPEN),
            Payment.voided_at.is_(None),
        )
        .group_by(Payment.currency, Payment.status)
        .order_by(Payment.currency)
    )
    sums: dict[str, dict[Status, int]] = {}
    for currency, status, minor in session.execute(query):
        sums.setdefault(currency, {})[status] = int(minor)
    return [
        Out(
            total=Money(sum(by_status.values()), currency),
            overdue=Money(by_status.get(Status.OVERDUE, 0), currency),
            to_check=Money(by_status.get(Status.MEMBER_CONFIRMED, 0), currency),
        )
        for currency, by_status in sums.items()
    ]


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
    left = Payment.amount_minor - Payment.received_minor
    query = (
        select(
            Group,
            Period,
            func.count(Payment.id),
            func.count(Payment.id).filter(Payment.status.in_(CLOSED)),
            func.count(Payment.id).filter(Payment.status == Status.MEMBER_CONFIRMED),
            func.coalesce(func.sum(left).filter(Payment.status.in_(OPEN)), 0),
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
            to_check=to_check,
            missing=Money(int(missing), group.currency),
            is_billed=period.total_minor is not None,
        )
        for group, period, count, settled, to_check, missing in session.execute(query)
    }
