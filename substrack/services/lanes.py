"""Lanes: pause a way out that fails for everybody, let one message a minute probe it, and open it again.

A lane has a row only once it has failed. What becomes of a single message is `services.delivery`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import LANE_PROBE, LANE_REST, DeliveryFailed, channel_of
from substrack.domain.notices import Channel
from substrack.services.connections import mark_bot_accepted
from substrack.store import Lane
from substrack.store.upserts import insert_into


@dataclass(frozen=True)
class Room:
    """How many messages of a lane may be claimed now, and whether they probe a lane that failed."""

    places: int
    is_probe: bool = False


def find_room(session: Session, lane: str, *, limit: int, now: datetime) -> Room:
    """Say how many messages may be claimed: all of `limit`, none while paused, one as the probe of a minute.

    Taking the probe starts the next minute, so that only one of several workers gets it.
    """
    row = session.scalar(select(Lane).where(Lane.name == lane))
    if row is None or row.failing_since is None:
        return Room(limit)
    taken = session.execute(
        update(Lane)
        .where(Lane.id == row.id, or_(Lane.paused_until.is_(None), Lane.paused_until <= now))
        .values(paused_until=now + LANE_PROBE)
        .returning(Lane.id)
    ).first()
    return Room(0 if taken is None else 1, is_probe=True)


def pause_lane(session: Session, lane: str, failure: DeliveryFailed, *, now: datetime) -> bool:
    """Pause a lane for a minute, or as long as the other side asks; tell whether it was open until now.

    Once it has failed for `LANE_REST` it is looked at every minute whatever was asked, since what waits may
    go another way then; that the bot says nothing meanwhile is kept by `services.pacing`.
    """
    session.execute(insert_into(session, Lane).values(name=lane).on_conflict_do_nothing())
    row = session.scalars(select(Lane).where(Lane.name == lane).with_for_update()).one()
    was_open = row.failing_since is None
    row.failing_since = row.failing_since or now
    left = max(row.failing_since + LANE_REST - now, LANE_PROBE)
    row.paused_until = now + min(failure.retry_after or LANE_PROBE, left)
    row.last_error = failure.reason
    session.flush()
    return was_open


def probe_again(session: Session, lane: str) -> None:
    """Let the next message of a failing lane probe it at once, because the last probe never left."""
    session.execute(
        update(Lane).where(Lane.name == lane, Lane.failing_since.is_not(None)).values(paused_until=None)
    )


def resume_lane(session: Session, lane: str) -> bool:
    """Open a lane again, whose account is accepted then; tell whether it was failing."""
    opened = session.execute(
        update(Lane)
        .where(Lane.name == lane, Lane.failing_since.is_not(None))
        .values(failing_since=None, paused_until=None, last_error=None)
        .returning(Lane.id)
    ).first()
    if opened is not None and channel_of(lane) is Channel.TELEGRAM:
        mark_bot_accepted(session, int(lane.partition(":")[2]))
    return opened is not None
