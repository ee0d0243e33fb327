"""Claims that name nothing, or that are over while something they name still waits."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from substrack.queries.faults import Fault, FaultKind, Window
from substrack.store import Attempt, AttemptItem, AttemptState


def claim_faults(session: Session, window: Window) -> Iterator[Fault]:
    """Find claims that are open without anything to decide, or closed with something to decide."""
    items = (
        select(
            AttemptItem.attempt_id,
            func.count().label("named"),
            func.count().filter(AttemptItem.state == AttemptState.OPEN).label("waiting"),
        )
        .where(window.holds(AttemptItem.attempt_id))
        .group_by(AttemptItem.attempt_id)
        .subquery()
    )
    waiting = func.coalesce(items.c.waiting, 0)
    is_open = Attempt.state == AttemptState.OPEN
    query = (
        select(
            Attempt.id,
            Attempt.public_id,
            Attempt.state,
            waiting.label("waiting"),
            func.coalesce(items.c.named, 0).label("named"),
        )
        .outerjoin(items, items.c.attempt_id == Attempt.id)
        .where(window.holds(Attempt.id), or_(and_(is_open, waiting == 0), and_(~is_open, waiting > 0)))
        .order_by(Attempt.id)
    )
    for row in session.execute(query):
        kind = FaultKind.ATTEMPT_EMPTY if row.state is AttemptState.OPEN else FaultKind.ATTEMPT_CLOSED
        facts = {"state": row.state.value, "named": row.named, "waiting": row.waiting}
        yield Fault(kind, "claim", row.id, row.public_id, None, facts)
