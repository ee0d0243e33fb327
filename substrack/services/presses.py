"""Presses that make something: the event of what was made keeps the press as its correlation id.

So a second press of the same form is known, and makes nothing.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.store import Event, RoleGrant


def find_made(session: Session, workspace_id: int, press: str | None, *, by: Actor) -> int | None:
    """Find the key of what an admin's press has made already; waits for the same admin's press before it."""
    if press is None:
        return None
    mine = select(RoleGrant.id).where(RoleGrant.workspace_id == workspace_id, RoleGrant.user_id == by.id)
    session.execute(mine.with_for_update(key_share=True))
    made = select(Event.subject_id).where(
        Event.workspace_id == workspace_id,
        Event.correlation_id == press,
        Event.actor_kind == by.kind,
        Event.actor_id == by.id,
    )
    return session.scalar(made.limit(1))
