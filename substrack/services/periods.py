"""Periods by an admin's hand: opened early, billed, corrected, voided, restored; and by time, in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import TIME, Actor
from substrack.domain.collecting import Days
from substrack.domain.cycles import local_date
from substrack.domain.errors import Conflict, NotFound, Refused
from substrack.domain.money import Money
from substrack.domain.payments import Act, PaymentKind, Status, check_actor
from substrack.domain.requests import lapses_on
from substrack.domain.terms import check_day
from substrack.domain.wording import clean_text
from substrack.queries.batches import in_batches
from substrack.queries.calendars import cycle_of
from substrack.queries.sharing import first_days
from substrack.services.access import check_admin
from substrack.services.billing import bill
from substrack.services.deciding import OtherCurrencyReceived, ReasonForHistoryMissing, check_not_negative
from substrack.services.erased import check_may_owe
from substrack.services.journal import record, record_period
from substrack.services.ledger import Decision, move, payments_now
from substrack.services.locks import lock_contacts
from substrack.services.opening import BATCH, Opened, lock_due_groups, open_next_of
from substrack.services.resharing import share_again
from substrack.services.schedule import (
    due_payments,
    payments_with_rules,
    reschedule_group,
    reschedule_payments,
)
from substrack.services.shown import flag_shown
from substrack.services.totals import sum_of
from substrack.store import Group, Payment, Period, PeriodOrigin


class NoSuchPeriod(NotFound):
    """There is no such period."""

    def __init__(self) -> None:
        super().__init__("There is no such period.")


class GroupClosed(Refused):
    """The group opens no further periods."""

    def __init__(self) -> None:
        super().__init__("This group is paused, ended or archived. Resume or restore it first.")


class OpenedAlready(Conflict):
    """The period that was to be opened is open: somebody, or time, was faster."""

    def __init__(self) -> None:
        super().__init__("This period is open already; nothing was changed.")


class NothingToChange(Refused):
    """An edit of a period needs a new total or a new due date."""

    field = "total"

    def __init__(self) -> None:
        super().__init__("Enter a new total or a new due date.")


class DueBeforeStart(Refused):
    """A due date before the period starts asks for money nobody expects."""

    field = "due_on"

    def __init__(self, opens_on: date) -> None:
        super().__init__("The due date can't be before %(day)s, when the period opens.", day=opens_on)
        self.opens_on = opens_on


class PeriodVoided(Conflict):
    """The period is void; restore it before changing it."""

    def __init__(self) -> None:
        super().__init__("This period is void. Restore it first.")


class PeriodChanged(Conflict):
    """Somebody edited the period since it was shown."""

    def __init__(self) -> None:
        super().__init__("Somebody changed this period in the meantime. Look again before you change it.")


def open_due_periods(session: Session, *, now: datetime, limit: int = BATCH) -> Opened:
    """Open the next period of up to `limit` groups that are due, one period each; call until none is left.

    Raises:
        FixedAmountsOverTotal: one group's terms do not work out; nothing of the batch may be committed.
    """
    groups = lock_due_groups(session, now=now, limit=limit)
    if not groups:
        return Opened(0, 0)
    return open_next_of(session, groups, origin=PeriodOrigin.TIME, by=TIME, now=now)


def open_due_period_of(session: Session, group_id: int, *, now: datetime) -> Opened:
    """Open one group's next period if it is still due: the fallback when its batch failed."""
    query = select(Group).where(Group.id == group_id, Group.next_open_at <= now)
    group = session.scalar(query.with_for_update(key_share=True))
    if group is None:
        return Opened(0, 0)
    return open_next_of(session, [group], origin=PeriodOrigin.TIME, by=TIME, now=now)


def postpone_opening(session: Session, group_id: int, *, reason: str, now: datetime) -> None:
    """Put off by a day a period that cannot be opened as its terms stand, and journal why."""
    group = _group(session, group_id)
    if group.next_open_at is None:
        return
    group.next_open_at = now + timedelta(days=1)
    _record_group(session, "opening_refused", group, Decision(TIME, now, reason))


def open_next_period(
    session: Session, group_id: int, *, expected_sequence: int | None = None, by: Actor, now: datetime
) -> Period:
    """Open the group's next period now, whenever it would have opened by itself; repeatable.

    `expected_sequence` is the period that a page showed as the next, so that a second tap opens no other.

    Raises:
        NotAllowed, GroupClosed, OpenedAlready, FixedAmountsOverTotal.
    """
    check_actor(Act.ADJUST, by)
    group = _group(session, group_id)
    check_admin(session, by, group.workspace_id)
    sequence = group.next_sequence
    if expected_sequence not in (None, sequence):
        raise OpenedAlready
    starts_on = cycle_of(group).start_of(sequence)
    is_over = group.ends_on is not None and starts_on > group.ends_on
    if group.paused_at is not None or group.archived_at is not None or is_over:
        raise GroupClosed
    open_next_of(session, [group], origin=PeriodOrigin.ADMIN, by=by, now=now)
    period = session.scalars(
        select(Period).where(
            Period.group_id == group_id, Period.sequence == sequence, Period.voided_at.is_(None)
        )
    ).one()
    reschedule_group(session, _group(session, group_id))
    return period


def edit_period(
    session: Session,
    period_id: int,
    *,
    total: Money | None = None,
    due_on: date | None = None,
    reason: str = "",
    by: Actor,
    now: datetime,
    version: int | None = None,
) -> Period:
    """Enter the bill of a variable period, or correct a period's total or due date.

    A corrected total is shared among the same members on the terms of the day it was opened; single amounts
    that were corrected by hand, fixed amounts, waived payments and those of erased people stay, but what
    erased people were forgiven falls with the total. Every payment that changes gets its Event; what somebody
    paid too much then settles what else they owe. Entering a bill needs no reason; one that comes after the
    due date moves it to the day it comes.

    Raises:
        NoSuchPeriod, PeriodVoided, PeriodChanged, NotAllowed, NothingToChange, ReasonMissing,
        OtherCurrencyReceived, NegativeAmount, DueBeforeStart, DateOutOfRange, FixedAmountsOverTotal,
        NobodyToPay.
    """
    check_actor(Act.ADJUST, by)
    period, group = _locked(session, period_id, version)
    check_admin(session, by, group.workspace_id)
    if period.voided_at is not None:
        raise PeriodVoided
    _check_edit(period, group, total, due_on)
    decision = Decision(by, now, clean_text(reason, field="reason", maximum=500) or None)
    if decision.reason is None and (period.billed_at is not None or total is None):
        raise ReasonForHistoryMissing
    before = _facts(period)
    if due_on is not None:
        _move_due_date(session, period, group, due_on, decision)
    if total is not None:
        _set_total(session, period, group, total.minor, decision)
    period.version += 1
    session.flush()
    record_period(
        session,
        "edit_period",
        period,
        by=by,
        now=now,
        reason=decision.reason,
        before=before,
        after=_facts(period),
        correlation_id=decision.correlation_id,
    )
    return period


def _check_edit(period: Period, group: Group, total: Money | None, due_on: date | None) -> None:
    if total is None and due_on is None:
        raise NothingToChange
    if total is not None and total.currency != group.currency:
        raise OtherCurrencyReceived(group.currency)
    if total is not None:
        check_not_negative(total, "total")
    earliest = min(period.opens_on, period.starts_on)
    if due_on is not None and check_day(due_on, "due_on") < earliest:
        raise DueBeforeStart(earliest)


def _set_total(session: Session, period: Period, group: Group, total_minor: int, decision: Decision) -> None:
    if period.billed_at is None:
        check_may_owe(session, None, period.payer_id)
        period.total_minor = period.billed_minor = total_minor
        period.billed_at = decision.now
        session.flush()
        plan = bill(session, group, period, total_minor, by=decision.by, now=decision.now)
        period.due_on = plan.due_on
        period.payer_part_minor = _payer_part(session, period)
        session.flush()
    else:
        share_again(session, period, total_minor, decision)


def _payer_part(session: Session, period: Period) -> int:
    dues = payments_now(session, Payment.period_id == period.id, Payment.kind == PaymentKind.DUES)
    return (period.total_minor or 0) - sum(payment.amount_minor for payment in dues)


def _move_due_date(session: Session, period: Period, group: Group, due_on: date, decision: Decision) -> None:
    """Move the due date of a period; everybody is asked from then on, nobody asked already any sooner.

    What was asked for before a later due date is asked for afresh, as often as the group asks.
    """
    payments = payments_now(session, Payment.period_id == period.id)
    today = local_date(decision.now, group.time_zone)
    days_of = _days_of(session, period, group, due_on)
    is_later, period.due_on = due_on > period.due_on, due_on
    in_advance = group.collect_days_before > 0
    asked = {key: days.asked_from(in_advance=in_advance, today=today) for key, days in days_of.items()}
    rows: list[dict[str, Any]] = [
        {"id": one.id, "due_on": days_of[one.id].due_on}
        | {"asked_on": max(asked[one.id], one.asked_on) if one.requests_sent else asked[one.id]}
        | _round_of(one, begins=is_later and days_of[one.id].due_on > (one.requested_on or date.max))
        for one in payments
    ]
    if rows:
        session.execute(update(Payment), rows)
    overdue = {one.id: days_of[one.id].due_on for one in payments if one.status is Status.OVERDUE}
    _extend(session, overdue, decision)
    keys = [payment.id for payment in payments]
    for batch in in_batches(keys):
        flag_shown(session, batch, now=decision.now)
    reschedule_payments(session, keys, now=decision.now)


def _days_of(session: Session, period: Period, group: Group, due_on: date) -> dict[int, Days]:
    """Say of each payment of a period when it is due and opens; no share is due before it begins."""
    whole, before = Days(due_on, period.opens_on), group.collect_days_before
    return {
        key: whole.beginning(first_on, collect_days_before=before)
        for key, first_on in first_days(session, group, period).items()
    }


def _round_of(payment: Payment, *, begins: bool) -> dict[str, Any]:
    """Say which requests were of rounds before, and when the admins heard that those of this one are gone."""
    if begins:
        return {"requests_before": payment.requests_sent, "exhausted_at": None}
    return {"requests_before": payment.requests_before, "exhausted_at": payment.exhausted_at}


def _extend(session: Session, due_days: Mapping[int, date], decision: Decision) -> None:
    """Let what is overdue be pending again where, counted from the new due date, it would not lapse yet."""
    query = payments_with_rules().where(Payment.id.in_(due_days))
    for entry in due_payments(session, query, now=decision.now):
        facts = replace(entry.facts, status=Status.PENDING, asked_on=due_days[entry.payment.id])
        lapse_on = lapses_on(facts, entry.rules)
        if lapse_on is None or lapse_on > entry.today:
            payment = session.get_one(Payment, entry.payment.id, populate_existing=True)
            move(session, payment, Act.EXTEND, decision, target=Status.PENDING)


def _locked(session: Session, period_id: int, version: int | None) -> tuple[Period, Group]:
    found = session.get(Period, period_id)
    if found is None:
        raise NoSuchPeriod
    group = _group(session, found.group_id)
    owners = session.scalars(select(Payment.contact_id).where(Payment.period_id == period_id))
    lock_contacts(session, owners)
    period = session.get_one(Period, period_id, with_for_update={"key_share": True}, populate_existing=True)
    if version is not None and period.version != version:
        raise PeriodChanged
    return period, group


def _group(session: Session, group_id: int) -> Group:
    group = session.get(Group, group_id, with_for_update={"key_share": True}, populate_existing=True)
    if group is None:
        raise NoSuchPeriod
    return group


def _facts(period: Period) -> dict[str, Any]:
    return sum_of(period) | {"due_on": period.due_on.isoformat(), "version": period.version}


def _record_group(session: Session, verb: str, group: Group, decision: Decision) -> None:
    record(
        session,
        verb,
        by=decision.by,
        now=decision.now,
        workspace_id=group.workspace_id,
        group_id=group.id,
        subject_kind="group",
        subject_id=group.id,
        reason=decision.reason,
        correlation_id=decision.correlation_id,
    )
