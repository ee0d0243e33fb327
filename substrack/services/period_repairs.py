"""Putting periods and the calendars of groups right, where the sums and the journal leave no doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.queries.calendars import cycle_of
from substrack.queries.faults import Fault
from substrack.queries.period_faults import journalled_bill, journalled_totals
from substrack.queries.period_places import is_taken
from substrack.services.journal import record_group, record_period
from substrack.services.ledger import Decision
from substrack.services.places import give_back_places
from substrack.services.repaired import NotSafe, Repaired, note_repair
from substrack.services.schedule import reschedule_group
from substrack.services.totals import sum_of
from substrack.store import Event, Group, Period


def mend_sum(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let total, payments and the payer's part of a period fit, by what the other two and the journal say.

    Its bill is the journal's where the total does not follow from the one that it has.

    Raises:
        NotSafe: the journal never knew a total that fits, or knows two. Without an own share nothing bears
            the payer's part out: what is missing may as well be a payment that was lost.
    """
    period, seen = session.get_one(Period, fault.key), fault.facts
    if seen["is_void"]:
        raise NotSafe
    said = journalled_bill(session, period.group_id, period.id)
    total, part = _known_sum(session, period, seen, said)
    fitting = [bill for bill in (period.billed_minor, said) if _comes_to(bill, seen["payments"]) == total]
    if not fitting:
        raise NotSafe
    before = sum_of(period)
    period.total_minor, period.payer_part_minor, period.billed_minor = total, part, fitting[0]
    if total is not None:
        period.billed_at = period.billed_at or decision.now
    return _record(session, period, before, sum_of(period), decision)


def mend_void(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a period be void exactly when the journal says so.

    Raises:
        NotSafe: its payments are live, or another period has its place or is to have it.
    """
    period, is_void = session.get_one(Period, fault.key), fault.facts["is_void"]
    if is_void and _is_taken(session, period):
        raise NotSafe
    if not is_void and fault.facts["live_payments"]:
        raise NotSafe
    period.voided_at = None if is_void else _voided_at(session, period)
    before, after = {"void": is_void}, {"void": not is_void}
    return _record(session, period, before, after, decision)


def mend_sequence(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a group go on with the number after its last period, from when its calendar has it.

    Periods that were void before their time, which is still to come, come again.

    Raises:
        NotSafe: its rhythm begins later than that.
    """
    group = session.get_one(Group, fault.key)
    wanted = fault.facts["last"] + 1
    if wanted < group.anchor_sequence:
        raise NotSafe
    before = _calendar(group)
    group.next_sequence = wanted
    if not give_back_places(session, group, now=decision.now):
        reschedule_group(session, group)
    return _record_calendar(session, group, before, decision)


def mend_opening(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a group's next period open when its calendar has it."""
    group = session.get_one(Group, fault.key)
    before = _calendar(group)
    reschedule_group(session, group)
    return _record_calendar(session, group, before, decision)


def _comes_to(billed_minor: int | None, dues_minor: int) -> int | None:
    return None if billed_minor is None else max(billed_minor, dues_minor)


def _known_sum(
    session: Session, period: Period, seen: Mapping[str, Any], billed_minor: int | None
) -> tuple[int | None, int]:
    """Say what a period that was billed so comes to, and what of it is the payer's part."""
    dues, own, total, part = seen["payments"], seen["own_share"], seen["total"], period.payer_part_minor
    if total is None and billed_minor is None and not seen["live_payments"]:
        return None, 0
    known = journalled_totals(session, period.group_id, period.id)
    if total in known:
        if dues + part == total and own in (None, part):
            return total, part
        if own is not None and dues + own == total:
            return total, own
    elif own in (None, part) and dues + part in known:
        return dues + part, part
    raise NotSafe


def _is_taken(session: Session, period: Period) -> bool:
    group = session.get_one(Group, period.group_id)
    taken = select(is_taken()).where(Period.id == period.id)
    return period.sequence >= group.next_sequence or bool(session.scalar(taken))


def _voided_at(session: Session, period: Period) -> Any:
    """Say when a period was voided: the instant its payments carry too, by which a restore finds them."""
    query = select(Event.at).where(
        Event.group_id == period.group_id,
        Event.subject_kind == "period",
        Event.subject_id == period.id,
        Event.verb == "void_period",
    )
    return session.scalars(query.order_by(Event.id.desc()).limit(1)).one()


def _calendar(group: Group) -> dict[str, Any]:
    return {
        "next_sequence": group.next_sequence,
        "next_starts_on": cycle_of(group).start_of(group.next_sequence).isoformat(),
        "next_open_at": group.next_open_at.isoformat() if group.next_open_at else None,
    }


def _record_calendar(session: Session, group: Group, before: dict[str, Any], decision: Decision) -> Repaired:
    group.version += 1
    return note_repair(session, record_group, group, Repaired(before, _calendar(group)), decision)


def _record(
    session: Session, period: Period, before: dict[str, Any], after: dict[str, Any], decision: Decision
) -> Repaired:
    period.version += 1
    return note_repair(session, record_period, period, Repaired(before, after), decision)
