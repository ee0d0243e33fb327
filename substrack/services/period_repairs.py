"""Putting periods and the calendars of groups right, where the sums and the journal leave no doubt."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.queries.faults import Fault
from substrack.queries.period_faults import journalled_totals
from substrack.services.journal import record_group, record_period
from substrack.services.ledger import Decision
from substrack.services.repaired import NotSafe, Repaired, note_repair
from substrack.services.schedule import cycle_of, reschedule_group
from substrack.store import Event, Group, Period


def mend_sum(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let total, payments and the payer's part of a period fit, by what the other two and the journal say.

    Raises:
        NotSafe: the journal never knew a total that fits, or knows two. Without an own share nothing bears
            the payer's part out: what is missing may as well be a payment that was lost.
    """
    period, seen = session.get_one(Period, fault.key), fault.facts
    if seen["is_void"]:
        raise NotSafe
    dues, own, total = seen["payments"], seen["own_share"], seen["total"]
    known = journalled_totals(session, period.group_id, period.id)
    if total in known:
        if own is None or dues + own != total:
            raise NotSafe
        return _write_sum(session, period, total, own, decision)
    if own in (None, period.payer_part_minor) and dues + period.payer_part_minor in known:
        return _write_sum(session, period, dues + period.payer_part_minor, period.payer_part_minor, decision)
    raise NotSafe


def mend_void(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a period be void exactly when the journal says so.

    Raises:
        NotSafe: its payments are live, or another period has its place.
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

    Raises:
        NotSafe: its rhythm begins later than that.
    """
    group = session.get_one(Group, fault.key)
    wanted = fault.facts["last"] + 1
    if wanted < group.anchor_sequence:
        raise NotSafe
    before = _calendar(group)
    group.next_sequence = wanted
    reschedule_group(session, group)
    return _record_calendar(session, group, before, decision)


def mend_opening(session: Session, fault: Fault, decision: Decision) -> Repaired:
    """Let a group's next period open when its calendar has it."""
    group = session.get_one(Group, fault.key)
    before = _calendar(group)
    reschedule_group(session, group)
    return _record_calendar(session, group, before, decision)


def _write_sum(
    session: Session, period: Period, total_minor: int, part_minor: int, decision: Decision
) -> Repaired:
    before = {"total": period.total_minor, "payer_part": period.payer_part_minor}
    period.total_minor, period.payer_part_minor = total_minor, part_minor
    period.billed_at = period.billed_at or decision.now
    after = {"total": total_minor, "payer_part": part_minor}
    return _record(session, period, before, after, decision)


def _is_taken(session: Session, period: Period) -> bool:
    taken = select(Period.id).where(
        Period.group_id == period.group_id,
        Period.voided_at.is_(None),
        (Period.sequence == period.sequence) | (Period.starts_on == period.starts_on),
    )
    return session.scalar(taken.limit(1)) is not None


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
