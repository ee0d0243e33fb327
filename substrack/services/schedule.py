"""The schedule: when time acts next on a group or a payment.

`groups.next_open_at` and `payments.next_action_at` are derived from rules in `domain`; whoever changes what
they are derived from calls here, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.asking import ASK, ASK_BY_HAND, STOP_ASKING
from substrack.domain.collecting import Days
from substrack.domain.cycles import at_hour, local_date
from substrack.domain.payments import OPEN, PaymentKind, Status
from substrack.domain.requests import AskedPayment, RequestRules, next_action_at
from substrack.queries.calendars import cycle_of
from substrack.queries.collection_days import collection_day
from substrack.queries.leaving import gone_on, has_left
from substrack.services.locks import lock_contacts
from substrack.store import Address, Contact, Event, Group, Member, Payment, Workspace

Rules = Select[*tuple[Any, ...]]
"""Payments with what their rules need, as `payments_with_rules` selects them."""


def rules_of_group(group: Group) -> RequestRules:
    """Return how a group asks."""
    return RequestRules(
        grace_days=group.grace_days,
        repeat_every_days=group.repeat_every_days,
        maximum=group.max_requests,
        overdue_after_days=group.overdue_after_days,
        hour=group.hour,
        time_zone=group.time_zone,
    )


def asked_from_start(group: Group, starts_on: date, now: datetime, *, first_on: date | None = None) -> date:
    """Say from which day a period that starts on this day, and is not open yet, will be asked for.

    Of whom it is asked that comes within it, on `first_on`.
    """
    ahead = group.collect_days_before
    whole = Days(starts_on + timedelta(days=group.due_days), starts_on - timedelta(days=ahead))
    own = whole.beginning(first_on, collect_days_before=ahead)
    return own.asked_from(in_advance=ahead > 0, today=local_date(now, group.time_zone))


def next_opening(group: Group) -> datetime | None:
    """Say when the next period opens by itself; None while paused, ended or archived."""
    if group.paused_at is not None or group.archived_at is not None:
        return None
    starts_on = cycle_of(group).start_of(group.next_sequence)
    if group.ends_on is not None and starts_on > group.ends_on:
        return None
    return at_hour(starts_on - timedelta(days=group.collect_days_before), group.hour, group.time_zone)


def reschedule_group(session: Session, group: Group) -> None:
    """Write when the group's next period opens; null too while nobody but the payer is in it."""
    session.flush()
    others = select(Member.id).where(
        Member.group_id == group.id,
        Member.contact_id != group.payer_id,
        or_(Member.left_on.is_(None), Member.left_on > cycle_of(group).start_of(group.next_sequence)),
    )
    has_members = session.scalar(select(exists(others)))
    group.next_open_at = next_opening(group) if has_members else None
    session.flush()


class DueRow(NamedTuple):
    """What the rules need of a payment, its contact and its workspace; no more is read of the many."""

    id: int
    workspace_id: int
    group_id: int
    contact_id: int
    kind: PaymentKind
    status: Status
    due_on: date | None
    asked_on: date
    pending_at: datetime
    requests_sent: int
    requests_before: int
    exhausted_at: datetime | None
    requested_on: date | None
    snoozed_until: date | None
    nudged_at: datetime | None
    next_action_at: datetime | None
    voided_at: datetime | None
    gone_on: date | None
    anything_requested_on: date | None
    home_zone: str
    is_reachable: bool
    collection_day: int | None
    asked_by_admins: int


@dataclass(frozen=True)
class DuePayment:
    """A payment with how its group asks, as of `now`: whether and when it is to be asked for.

    `payment.asked_by_admins` counts only while there is a collection day: nothing else asks for it.
    `payment.anything_requested_on` is the day, by its workspace's clock, its contact was asked for anything.
    """

    payment: DueRow
    rules: RequestRules
    now: datetime

    @property
    def today(self) -> date:
        """Which local date it is for its group."""
        return local_date(self.now, self.rules.time_zone)

    @property
    def home_today(self) -> date:
        """Which local date it is for its workspace."""
        return local_date(self.now, self.payment.home_zone)

    @cached_property
    def facts(self) -> AskedPayment:
        """The payment in the words of `domain.requests`."""
        payment, zone = self.payment, self.rules.time_zone
        return AskedPayment(
            status=payment.status,
            asked_on=payment.asked_on,
            pending_on=local_date(payment.pending_at, zone),
            requests_sent=payment.requests_sent,
            requested_on=payment.requested_on,
            snoozed_until=payment.snoozed_until,
            is_reachable=bool(payment.is_reachable),
            is_asked=payment.kind is PaymentKind.DUES and not has_left(payment.gone_on, self.today),
            nudged_on=local_date(payment.nudged_at, zone) if payment.nudged_at else None,
            collection_day=payment.collection_day,
            asked_by_admins=payment.asked_by_admins,
            requests_before=payment.requests_before,
            is_told=payment.exhausted_at is not None,
        )

    def next_action_at(self, *, after: date | None = None) -> datetime | None:
        """Say when time acts on it next."""
        if self.payment.voided_at is not None:
            return None
        return next_action_at(self.facts, self.rules, after=after)

    def changed(self, **values: Any) -> DuePayment:
        """The same payment with other values; nothing is written."""
        return replace(self, payment=self.payment._replace(**values))


def due_payments(session: Session, query: Rules, *, now: datetime) -> list[DuePayment]:
    """Load payments with their rules, in one statement; `query` comes from `payments_with_rules`."""
    return read_due(session.execute(query), now=now)


def read_due(rows: Iterable[Row[*tuple[Any, ...]]], *, now: datetime) -> list[DuePayment]:
    """Put rows of `payments_with_rules` into words."""
    rules: dict[int, RequestRules] = {}
    found = []
    for row in rows:
        payment = DueRow._make(row[: len(DueRow._fields)])
        if payment.group_id not in rules:
            rules[payment.group_id] = RequestRules(*row[len(DueRow._fields) :])
        found.append(DuePayment(payment, rules[payment.group_id], now))
    return found


@cache
def payments_with_rules() -> Rules:
    """Select payments with what a `DueRow` holds, and then the rules of their groups, in their order."""
    day = collection_day()
    is_collected = and_(day.is_not(None), Payment.requested_on.is_not(None))
    return (
        select(
            Payment.id,
            Payment.workspace_id,
            Payment.group_id,
            Payment.contact_id,
            Payment.kind,
            Payment.status,
            Payment.due_on,
            Payment.asked_on,
            Payment.pending_at,
            Payment.requests_sent,
            Payment.requests_before,
            Payment.exhausted_at,
            Payment.requested_on,
            Payment.snoozed_until,
            Payment.nudged_at,
            Payment.next_action_at,
            Payment.voided_at,
            gone_on(),
            Contact.requested_on,
            Workspace.time_zone,
            takes_requests(),
            day,
            case((is_collected, _asked_by_admins()), else_=0),
            Group.grace_days,
            Group.repeat_every_days,
            Group.max_requests,
            Group.overdue_after_days,
            Group.hour,
            Group.time_zone,
        )
        .join(Group, Group.id == Payment.group_id)
        .join(Member, Member.id == Payment.member_id)
        .join(Contact, Contact.id == Payment.contact_id)
        .join(Workspace, Workspace.id == Payment.workspace_id)
    )


def takes_requests() -> ColumnElement[bool]:
    """Tell whether a request would arrive at the contact of a payment."""
    return exists().where(
        Address.contact_id == Payment.contact_id,
        Address.refused_since.is_(None),
        Address.unsubscribed_at.is_(None),
    )


def _asked_by_admins() -> ColumnElement[int]:
    """Count how often admins asked for a payment, without what they took back."""
    counts = case((Event.verb == STOP_ASKING, -1), else_=1)
    asks = Event.verb.in_((ASK, ASK_BY_HAND, STOP_ASKING))
    query = select(func.coalesce(func.sum(counts), 0)).where(Event.payment_id == Payment.id, asks)
    return query.scalar_subquery()


def reschedule_payments(session: Session, payment_ids: Sequence[int], *, now: datetime) -> None:
    """Write afresh when time acts next on these payments."""
    if not payment_ids:
        return
    session.flush()
    _reschedule(session, payments_with_rules().where(Payment.id.in_(payment_ids)), now)


def reschedule_contacts(session: Session, contact_ids: Iterable[int], *, now: datetime) -> None:
    """Write afresh when time acts on the open payments of contacts, as after a change of an address."""
    session.flush()
    locked = lock_contacts(session, contact_ids)
    query = payments_with_rules().where(Payment.contact_id.in_(locked), Payment.status.in_(OPEN))
    _reschedule(session, query, now)


def reschedule_stays(session: Session, group_id: int, contact_id: int, *, now: datetime) -> None:
    """Write afresh when time acts on what somebody owes in a group, as after they left it or came back.

    All their stays count together, so it is not only what they owe of the one that changed.
    """
    session.flush()
    lock_contacts(session, [contact_id])
    theirs = Payment.group_id == group_id, Payment.contact_id == contact_id
    _reschedule(session, payments_with_rules().where(*theirs, Payment.status.in_(OPEN)), now)


def reschedule_members_payments(session: Session, group_id: int, *, now: datetime) -> None:
    """Write afresh when time acts on the open payments of a group, as after a change of its rules."""
    session.flush()
    lock_contacts(session, owers_in(session, group_id))
    are_open = (Payment.group_id == group_id, Payment.status.in_(OPEN))
    _reschedule(session, payments_with_rules().where(*are_open), now)


def owers_in(session: Session, group_id: int) -> Sequence[int]:
    """List whose payments of a group are open; what waits for a check counts."""
    query = select(Payment.contact_id).where(Payment.group_id == group_id, Payment.status.in_(OPEN))
    return session.scalars(query.distinct()).all()


def _reschedule(session: Session, query: Rules, now: datetime) -> None:
    rows = [
        {"id": due.payment.id, "next_action_at": due.next_action_at()}
        for due in due_payments(session, query, now=now)
    ]
    if rows:
        session.execute(update(Payment), rows)
