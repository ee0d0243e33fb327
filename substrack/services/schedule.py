"""The schedule: when time acts next on a group or a payment.

`groups.next_open_at` and `payments.next_action_at` are derived from rules in `domain`; whoever changes what
they are derived from calls here, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.asking import ASK, ASK_BY_HAND, STOP_ASKING
from substrack.domain.collecting import asked_from
from substrack.domain.cycles import Cycle, at_hour, local_date
from substrack.domain.payments import OPEN, PaymentKind
from substrack.domain.requests import AskedPayment, RequestRules, next_action_at
from substrack.queries.collection_days import collection_day
from substrack.services.ledger import lock_contacts
from substrack.store import Address, Contact, Event, Group, Member, Payment, Workspace

Rules = Select[Payment, Group, date | None, bool, int | None, int]
"""Payments with what their rules need, as `payments_with_rules` selects them."""


def cycle_of(group: Group) -> Cycle:
    """Return the calendar of a group as it stands."""
    return Cycle(group.unit, group.every, group.billing_day, group.anchor_on, group.anchor_sequence)


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


def asked_from_start(group: Group, starts_on: date, now: datetime) -> date:
    """Say from which day a period that starts on this day, and is not open yet, will be asked for."""
    return asked_from(
        due_on=starts_on + timedelta(days=group.due_days),
        opens_on=starts_on - timedelta(days=group.collect_days_before),
        in_advance=group.collect_days_before > 0,
        today=local_date(now, group.time_zone),
    )


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


@dataclass(frozen=True)
class DuePayment:
    """A payment with what its rules need: the group's, and whether and on which day it is to be asked for.

    `asked_by_admins` counts only while there is a collection day: nothing else asks for it.
    """

    payment: Payment
    group: Group
    left_on: date | None
    is_reachable: bool
    collection_day: int | None = None
    asked_by_admins: int = 0

    @property
    def rules(self) -> RequestRules:
        """How its group asks."""
        return rules_of_group(self.group)

    def facts(self, now: datetime) -> AskedPayment:
        """Put the payment into the words of `domain.requests`."""
        payment, zone = self.payment, self.group.time_zone
        today = local_date(now, zone)
        return AskedPayment(
            status=payment.status,
            asked_on=payment.asked_on,
            pending_on=local_date(payment.pending_at, zone),
            requests_sent=payment.requests_sent,
            requested_on=payment.requested_on,
            snoozed_until=payment.snoozed_until,
            is_reachable=self.is_reachable,
            is_asked=payment.kind is PaymentKind.DUES and not (self.left_on and self.left_on <= today),
            nudged_on=local_date(payment.nudged_at, zone) if payment.nudged_at else None,
            collection_day=self.collection_day,
            asked_by_admins=self.asked_by_admins,
        )

    def next_action_at(self, now: datetime, *, after: date | None = None) -> datetime | None:
        """Say when time acts on it next."""
        if self.payment.voided_at is not None:
            return None
        return next_action_at(self.facts(now), self.rules, after=after)


def due_payments(session: Session, query: Rules) -> list[DuePayment]:
    """Load payments with their rules, in one statement; `query` comes from `payments_with_rules`."""
    return read_due(session.execute(query))


def read_due(rows: Iterable[Row[Payment, Group, date | None, bool, int | None, int]]) -> list[DuePayment]:
    """Put rows of `payments_with_rules` into words."""
    return [
        DuePayment(payment, group, left_on, bool(reachable), day, asked_by_admins)
        for payment, group, left_on, reachable, day, asked_by_admins in rows
    ]


def payments_with_rules() -> Rules:
    """Select payments with what `DuePayment` holds, in its order."""
    day = collection_day()
    is_collected = and_(day.is_not(None), Payment.requested_on.is_not(None))
    return (
        select(
            Payment,
            Group,
            Member.left_on,
            takes_requests(),
            day,
            case((is_collected, _asked_by_admins()), else_=0),
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


def reschedule_members_payments(session: Session, group_id: int, *, now: datetime) -> None:
    """Write afresh when time acts on the open payments of a group, as after a change of its rules."""
    session.flush()
    lock_contacts(session, session.scalars(select(Payment.contact_id).where(Payment.group_id == group_id)))
    query = payments_with_rules().where(Payment.group_id == group_id, Payment.status.in_(OPEN))
    _reschedule(session, query, now)


def _reschedule(session: Session, query: Rules, now: datetime) -> None:
    rows = [
        {"id": due.payment.id, "next_action_at": due.next_action_at(now)}
        for due in due_payments(session, query.execution_options(populate_existing=True))
    ]
    if rows:
        session.execute(update(Payment), rows)
