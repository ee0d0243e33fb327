"""The journal: one Event for every act, in the transaction of the act."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.services.correlation import new_correlation_id
from substrack.store import Event, Group, Member, Payment, Period, RoleGrant


def record(
    session: Session,
    verb: str,
    *,
    by: Actor,
    now: datetime,
    workspace_id: int,
    subject_kind: str,
    subject_id: int,
    group_id: int | None = None,
    payment_id: int | None = None,
    reason: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    correlation_id: str | None = None,
) -> Event:
    """Append one line. `before` and `after` hold ids, amounts and statuses, never names or addresses."""
    event = Event(
        workspace_id=workspace_id,
        group_id=group_id,
        payment_id=payment_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        verb=verb,
        actor_kind=by.kind,
        actor_id=by.id,
        via=by.via,
        at=now,
        reason=reason,
        before=before,
        after=after,
        correlation_id=correlation_id or new_correlation_id(),
    )
    session.add(event)
    return event


def record_user(session: Session, verb: str, user_id: int, *, by: Actor, now: datetime) -> None:
    """Append a line about how somebody gets in, in each workspace they have a role in."""
    for workspace_id in session.scalars(select(RoleGrant.workspace_id).where(RoleGrant.user_id == user_id)):
        record(
            session, verb, by=by, now=now, workspace_id=workspace_id, subject_kind="user", subject_id=user_id
        )
    session.flush()


def record_group(
    session: Session, verb: str, group: Group, *, by: Actor, now: datetime, **facts: Any
) -> Event:
    """Append a line about a group."""
    return record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=group.workspace_id,
        group_id=group.id,
        subject_kind="group",
        subject_id=group.id,
        **facts,
    )


def record_member(
    session: Session, verb: str, group: Group, member: Member, *, by: Actor, now: datetime, **facts: Any
) -> Event:
    """Append a line about a member of a group."""
    return record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=group.workspace_id,
        group_id=group.id,
        subject_kind="member",
        subject_id=member.id,
        **facts,
    )


def record_payment(
    session: Session, verb: str, payment: Payment, *, by: Actor, now: datetime, **facts: Any
) -> Event:
    """Append a line to a payment's history."""
    return record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=payment.workspace_id,
        group_id=payment.group_id,
        payment_id=payment.id,
        subject_kind="payment",
        subject_id=payment.id,
        **facts,
    )


def record_period(
    session: Session, verb: str, period: Period, *, by: Actor, now: datetime, **facts: Any
) -> Event:
    """Append a line about a period to its group's history."""
    return record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=session.get_one(Group, period.group_id).workspace_id,
        group_id=period.group_id,
        subject_kind="period",
        subject_id=period.id,
        **facts,
    )
