"""Opening: turn what is due into periods, with their events and messages, in batches.

Written with Core in a handful of statements for up to 200 groups; what exists already costs nothing. The
unique keys (group + sequence, group + start) are the last word against a double period. What each member owes
is `services.billing`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.queries.prepared import prepared
from substrack.services.billing import write_bills
from substrack.services.opening_notices import bills_wanted, heads_up
from substrack.services.opening_rows import EVENTS, in_lots, insert_rows, opening_event
from substrack.services.outbox import queue
from substrack.services.plans import Plan, has_members, plans_for, shares_of
from substrack.services.schedule import next_opening
from substrack.store import Group, Period, PeriodOrigin, new_public_id

BATCH = 200


@dataclass(frozen=True)
class Opened:
    """How many periods were opened and messages queued."""

    periods: int
    messages: int


def lock_due_groups(session: Session, *, now: datetime, limit: int = BATCH) -> list[Group]:
    """Lock groups whose next period is due; those that another worker has in hand are left to it."""
    return list(session.scalars(*_due_groups(now, limit)))


@prepared
def _due_groups(now: datetime, at_most: int) -> Select[Group]:
    due = select(Group).where(Group.next_open_at <= now).order_by(Group.next_open_at, Group.id)
    return due.limit(at_most).with_for_update(skip_locked=True, key_share=True)


def open_next_of(
    session: Session, groups: Sequence[Group], *, origin: PeriodOrigin, by: Actor, now: datetime
) -> Opened:
    """Open the next period of each locked group.

    Raises:
        FixedAmountsOverTotal: a group's fixed amounts exceed its price; nothing of the batch is to be kept.
    """
    plans = plans_for(session, groups, now)
    period_ids = _insert_periods(session, plans, origin, now)
    _advance_groups(session, plans)
    _insert_period_events(session, plans, period_ids, by, now)
    told = write_bills(session, plans, period_ids, by, now)
    told += queue(session, bills_wanted(session, plans, period_ids, now), now=now)
    coming = [draft for plan in plans for draft in heads_up(plan, now)]
    return Opened(len(plans), told + sum(queue(session, lot, now=now) for lot in in_lots(coming)))


def _insert_periods(
    session: Session, plans: Sequence[Plan], origin: PeriodOrigin, now: datetime
) -> list[int]:
    rows = [
        {
            "public_id": new_public_id(),
            "group_id": plan.group.id,
            "sequence": plan.window.sequence,
            "starts_on": plan.window.starts_on,
            "ends_on": plan.window.ends_on,
            "due_on": plan.due_on,
            "opens_on": plan.opens_on,
            "total_minor": plan.total_minor,
            "billed_minor": plan.total_minor,
            "payer_part_minor": 0 if plan.total_minor is None else shares_of(plan)[1].payer_minor,
            "payer_id": plan.payer_id,
            "origin": origin,
            "opened_at": now,
            "billed_at": None if plan.total_minor is None else now,
            "version": 1,
        }
        for plan in plans
    ]
    return insert_rows(session, Period, rows)


def _advance_groups(session: Session, plans: Sequence[Plan]) -> None:
    rows = []
    for plan in plans:
        plan.group.next_sequence += 1
        rows.append(
            {
                "id": plan.group.id,
                "next_sequence": plan.group.next_sequence,
                "next_open_at": next_opening(plan.group) if has_members(plan) else None,
            }
        )
        session.expunge(plan.group)
    session.execute(update(Group), rows)


def _insert_period_events(
    session: Session, plans: Sequence[Plan], period_ids: Sequence[int], by: Actor, now: datetime
) -> None:
    rows = [
        opening_event(
            plan,
            "period",
            key,
            {"sequence": plan.window.sequence, "total": plan.total_minor},
            by=by,
            now=now,
        )
        for plan, key in zip(plans, period_ids, strict=True)
    ]
    session.execute(insert(EVENTS), rows)
