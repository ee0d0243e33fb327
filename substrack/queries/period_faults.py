"""Periods whose parts do not make their total, that are half void, or that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Row, Subquery, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from substrack.domain.payments import PaymentKind, Status
from substrack.queries.faults import Fault, FaultKind, Window
from substrack.store import Event, Group, Payment, Period

REANCHORING: Final = ("resume", "restore", "end", "edit", "join")
"""Acts after which a group may go on with a later day."""

REPAIR: Final = "repair"
"""The verb of what the doctor puts right."""


def period_faults(session: Session, window: Window) -> Iterator[Fault]:
    """Find periods of which bill, total, payments and the payer's part do not fit together."""
    sums, last = _sums(window), _last_event(window)
    dues, live = func.coalesce(sums.c.dues, 0), func.coalesce(sums.c.live, 0)
    is_live = Period.voided_at.is_(None)
    said_void = case((Event.verb == "void_period", 1), else_=0)
    total = func.coalesce(Period.total_minor, -1)
    wanted = case((Period.billed_minor > dues, Period.billed_minor), else_=dues)
    is_unbilled = Period.billed_minor.is_(None)
    query = (
        select(
            Period.id,
            Period.public_id,
            Group.currency,
            Period.total_minor.label("total"),
            Period.billed_minor.label("billed"),
            Period.payer_part_minor.label("payer_part"),
            Period.voided_at,
            dues.label("dues"),
            sums.c.own,
            func.coalesce(sums.c.own_open, 0).label("own_open"),
            live.label("live"),
            said_void.label("said_void"),
        )
        .join(Group, Group.id == Period.group_id)
        .outerjoin(sums, sums.c.period_id == Period.id)
        .outerjoin(last, last.c.period_id == Period.id)
        .outerjoin(Event, Event.id == last.c.event_id)
        .where(
            window.holds(Period.id),
            or_(
                and_(is_live, Period.total_minor.is_(None), live > 0),
                and_(is_live, Period.total_minor.is_not(None), dues + Period.payer_part_minor != total),
                and_(is_live, Period.total_minor.is_(None) != is_unbilled),
                and_(is_live, ~is_unbilled, wanted != total),
                and_(is_live, sums.c.own != Period.payer_part_minor),
                and_(is_live, sums.c.own_open > 0),
                and_(~is_live, live > 0),
                is_live == (said_void == 1),
            ),
        )
        .order_by(Period.id)
    )
    for row in session.execute(query):
        yield _fault_of(row)


def missing_periods(session: Session, window: Window) -> Iterator[Fault]:
    """Find groups in whose sequence a number was left out or is gone, or which go on with a wrong one.

    A group that goes on later than its last period has lost those between, if the journal knows of more:
    opened once again, they would be asked for once again. What was void before its time may be opened again.
    """
    latest_opening = _days_after(session, Period.opens_on, 2)  # whatever the hour, anywhere on Earth
    is_kept = or_(Period.voided_at.is_(None), Period.voided_at >= latest_opening)
    numbers = (
        select(
            Period.group_id,
            func.count(Period.sequence.distinct()).label("count"),
            func.max(Period.sequence).label("last"),
            func.max(case((is_kept, Period.sequence), else_=0)).label("kept"),
        )
        .where(window.holds(Period.group_id), Period.member_id.is_(None))
        .group_by(Period.group_id)
        .subquery()
    )
    count, last = func.coalesce(numbers.c.count, 0), func.coalesce(numbers.c.last, 0)
    kept = func.coalesce(numbers.c.kept, 0)
    goes_on_right = Group.next_sequence.between(kept + 1, last + 1)
    is_lost = exists().where(
        Event.group_id == Group.id,
        Event.subject_kind == "period",
        ~exists().where(Period.id == Event.subject_id),
    )
    query = (
        select(
            Group.id,
            Group.public_id,
            Group.next_sequence,
            count.label("count"),
            last.label("last"),
            goes_on_right.label("goes_on_right"),
            is_lost.label("is_lost"),
        )
        .outerjoin(numbers, numbers.c.group_id == Group.id)
        .where(window.holds(Group.id), or_(count != last, ~goes_on_right))
        .order_by(Group.id)
    )
    for row in session.execute(query):
        facts = {"periods": row.count, "last": row.last, "next": row.next_sequence}
        is_short = row.is_lost and row.next_sequence > row.last + 1
        if row.count != row.last or is_short:
            yield Fault(FaultKind.PERIOD_MISSING, "group", row.id, row.public_id, None, facts)
        if not row.goes_on_right and not is_short:
            yield Fault(FaultKind.SEQUENCE_WRONG, "group", row.id, row.public_id, None, facts)


def periods_apart(session: Session, window: Window) -> Iterator[Fault]:
    """Find periods between which days are missing or counted twice, though nothing was changed meanwhile."""
    later = aliased(Period)
    changed = exists().where(
        Event.group_id == Period.group_id,
        Event.subject_kind.in_(("group", "member")),
        Event.verb.in_(REANCHORING),
        Event.at >= Period.opened_at,
        Event.at <= later.opened_at,
    )
    query = (
        select(Period.id, Period.public_id, Period.ends_on, later.starts_on)
        .join(
            later,
            and_(
                later.group_id == Period.group_id,
                later.sequence == Period.sequence + 1,
                later.voided_at.is_(None),
                later.member_id.is_(None),
            ),
        )
        .where(
            window.holds(Period.id),
            Period.voided_at.is_(None),
            Period.member_id.is_(None),
            later.starts_on != _days_after(session, Period.ends_on, 1),
            ~changed,
        )
        .order_by(Period.id)
    )
    for key, public_id, ends_on, starts_on in session.execute(query):
        facts = {"ends_on": ends_on.isoformat(), "next_starts_on": starts_on.isoformat()}
        yield Fault(FaultKind.PERIODS_APART, "period", key, public_id, None, facts)


def journalled_totals(session: Session, group_id: int, period_id: int) -> set[int]:
    """List the totals that the journal says a period of a group ever had."""
    lines = select(Event.before, Event.after).where(
        Event.group_id == group_id,
        Event.subject_kind == "period",
        Event.subject_id == period_id,
        Event.verb != REPAIR,
    )
    told = (part.get("total") for line in session.execute(lines) for part in line if part)
    return {int(total) for total in told if total is not None}


def journalled_bill(session: Session, group_id: int, period_id: int) -> int | None:
    """Find what the journal says that a period of a group was billed last; None while its bill is wanted.

    Lines that say nothing of a bill are of when it was the total.
    """
    lines = select(Event.after).where(
        Event.group_id == group_id,
        Event.subject_kind == "period",
        Event.subject_id == period_id,
        Event.verb != REPAIR,
    )
    told = [after for after in session.scalars(lines.order_by(Event.id.desc())) if after]
    bills = (after[name] for name in ("billed", "total") for after in told if name in after)
    bill = next(bills, None)
    return None if bill is None else int(bill)


def _fault_of(row: Row[*tuple[Any, ...]]) -> Fault:
    is_void = row.voided_at is not None
    if is_void != bool(row.said_void):
        kind = FaultKind.PERIOD_VOID_DIFFERS
    elif row.own is not None and row.own_open:
        kind = FaultKind.PERIOD_OWN_SHARE
    else:
        kind = FaultKind.PERIOD_SUM
    own = None if row.own is None else int(row.own)
    facts = {
        "total": row.total,
        "billed": row.billed,
        "payer_part": row.payer_part,
        "payments": int(row.dues),
        "own_share": own,
        "is_void": is_void,
        "live_payments": row.live,
    }
    return Fault(kind, "period", row.id, row.public_id, row.currency, facts)


def _sums(window: Window) -> Subquery:
    is_own = Payment.kind == PaymentKind.OWN
    return (
        select(
            Payment.period_id,
            func.sum(case((Payment.kind == PaymentKind.DUES, Payment.amount_minor), else_=0)).label("dues"),
            func.sum(Payment.amount_minor).filter(is_own).label("own"),
            func.count().filter(is_own, Payment.status != Status.CONFIRMED).label("own_open"),
            func.count().label("live"),
        )
        .where(window.holds(Payment.period_id), Payment.voided_at.is_(None))
        .group_by(Payment.period_id)
        .subquery()
    )


def _last_event(window: Window) -> Subquery:
    """Find the last line that says whether a period is void, by the index of their groups' lines."""
    groups = select(Period.group_id).where(window.holds(Period.id))
    return (
        select(Event.subject_id.label("period_id"), func.max(Event.id).label("event_id"))
        .where(
            Event.group_id.in_(groups),
            Event.subject_kind == "period",
            Event.verb.in_(("void_period", "restore_period")),
            window.holds(Event.subject_id),
        )
        .group_by(Event.subject_id)
        .subquery()
    )


def _days_after(session: Session, day: Any, count: int) -> Any:
    if session.get_bind().dialect.name == "sqlite":
        return func.date(day, f"+{count} day")
    return day + count
