"""Reads for the sweeps: what is due, by the next-action indexes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.store import Group, Payment


def due_group_ids(session: Session, *, now: datetime, limit: int = 200) -> list[int]:
    """List groups whose next period is due, longest due first."""
    query = select(Group.id).where(Group.next_open_at <= now).order_by(Group.next_open_at, Group.id)
    return list(session.scalars(query.limit(limit)))


def due_contact_ids(session: Session, *, now: datetime) -> list[int]:
    """List the people with a payment that time is due to act on."""
    query = select(Payment.contact_id).where(Payment.next_action_at <= now).distinct()
    return sorted(session.scalars(query))
