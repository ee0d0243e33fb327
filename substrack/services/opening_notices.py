"""What is announced when a period opens: the period itself, a bill that is wanted, the period to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from substrack.domain.cycles import Window, at_hour
from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.domain.shares import FixedAmountsOverTotal
from substrack.queries.calendars import cycle_of
from substrack.services.outbox import Draft, admin_contacts
from substrack.services.plans import Dues, Plan, dues_of, price_on
from substrack.services.schedule import next_opening
from substrack.store import Group


def opened_notice(plan: Plan, part: Dues, payment_id: int, *, not_before: datetime) -> Draft:
    """Tell a member that a period is open and what they owe for it."""
    return Draft(
        workspace_id=plan.group.workspace_id,
        contact_id=part.member.contact_id,
        notice=Notice.PERIOD_OPENED,
        dedupe_key=f"opened:{payment_id}",
        due_at=max(at_hour(plan.today, plan.group.hour, plan.group.time_zone), not_before),
        payload={"payment_ids": [payment_id]},
        correlation_id=plan.correlation_id,
    )


def bills_wanted(
    session: Session, plans: Sequence[Plan], period_ids: Sequence[int], now: datetime
) -> list[Draft]:
    """Ask the admins of each workspace for the bills of periods without a total."""
    wanted = [(plan, key) for plan, key in zip(plans, period_ids, strict=True) if plan.total_minor is None]
    workspaces = {plan.group.workspace_id for plan, _key in wanted}
    admins = {workspace_id: admin_contacts(session, workspace_id) for workspace_id in workspaces}
    return [
        _bill_wanted(plan, key, admin, now)
        for plan, key in wanted
        for admin in admins[plan.group.workspace_id]
    ]


def _bill_wanted(plan: Plan, period_id: int, admin_contact_id: int, now: datetime) -> Draft:
    return Draft(
        workspace_id=plan.group.workspace_id,
        contact_id=admin_contact_id,
        notice=Notice.BILL_WANTED,
        dedupe_key=f"bill:{period_id}:{admin_contact_id}",
        due_at=now,
        payload={"period_id": period_id},
        correlation_id=plan.correlation_id,
    )


def heads_up(plan: Plan, now: datetime) -> list[Draft]:
    """Announce the period after this one to those who will share it, `heads_up_days` before it opens.

    Nothing is said of a period that opens at once as well, after downtime, nor of one whose shares do not
    work out yet: that is a question for its own opening and must not hold up this one.
    """
    group = plan.group
    opens_at = next_opening(group)
    if not group.heads_up_days or plan.total_minor is None or opens_at is None or opens_at <= now:
        return []
    window = cycle_of(group).window(plan.window.sequence + 1)
    coming = replace(
        plan,
        window=window,
        due_on=window.starts_on + timedelta(days=group.due_days),
        opens_on=window.starts_on - timedelta(days=group.collect_days_before),
        total_minor=price_on(plan.prices, window.starts_on),
    )
    try:
        dues = dues_of(coming)[0]
    except FixedAmountsOverTotal:
        return []
    return [
        heads_up_draft(group, window, part.member.contact_id)
        for part in dues
        if part.status is Status.PENDING
    ]


def heads_up_draft(group: Group, window: Window, contact_id: int) -> Draft:
    """Announce a period to one person, `heads_up_days` before it opens; each day it may start on, once."""
    days_ahead = timedelta(days=group.collect_days_before + group.heads_up_days)
    starts_on = window.starts_on.isoformat()
    return Draft(
        workspace_id=group.workspace_id,
        contact_id=contact_id,
        notice=Notice.HEADS_UP,
        dedupe_key=f"heads_up:{group.id}:{window.sequence}:{starts_on}:{contact_id}",
        due_at=at_hour(window.starts_on - days_ahead, group.hour, group.time_zone),
        payload={"group_id": group.id, "starts_on": starts_on},
    )
