"""The installation itself: the worker's heartbeat and the hold on sending.

A hold stops what leaves the house. One that an operator sets leaves the ledger going: periods open, people
are put down to be asked. One that a clock jump has set stops the worker's ticks as well, since a wrong date
would open periods that have not begun; it ends by itself once the clock has been steady for a while. An
operator may end any.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, update
from sqlalchemy.orm import Session

from substrack.domain.clock import STEADY
from substrack.queries.installation import InstallationRow, load_installation
from substrack.store import Installation

BEAT_EVERY = timedelta(minutes=5)

__all__ = [
    "BEAT_EVERY",
    "InstallationRow",
    "beat",
    "hold_for_jump",
    "hold_sending",
    "hold_status",
    "release_hold",
    "release_steady_hold",
]


def beat(session: Session, *, now: datetime) -> bool:
    """Write that the worker lives, at most every five minutes, so that an idle tick writes nothing."""
    beaten = session.execute(
        update(Installation)
        .where(
            or_(
                Installation.last_tick_at.is_(None),
                Installation.last_tick_at <= now - BEAT_EVERY,
                Installation.last_tick_at > now,
            )
        )
        .values(last_tick_at=now)
        .returning(Installation.id)
    ).first()
    return beaten is not None


def hold_sending(session: Session, reason: str, *, now: datetime) -> None:
    """Stop all sending until an operator releases it; a hold that is set already keeps its beginning."""
    _hold(session, reason, now=now, steady_since=None)


def hold_for_jump(session: Session, jump: timedelta, *, now: datetime) -> str:
    """Stop all sending and ticking because the clock was set by `jump`; return the reason that is shown.

    Each further jump starts the wait for a steady clock afresh.
    """
    reason = f"the clock of this machine jumped {_spoken(jump)}"
    _hold(session, reason, now=now, steady_since=now)
    return reason


def release_hold(session: Session) -> bool:
    """End any hold; False when there was none."""
    return _release(session, Installation.hold_reason.is_not(None))


def release_steady_hold(session: Session, *, now: datetime) -> bool:
    """End a hold that a clock jump has set, once the clock has been steady for 30 minutes.

    A wait that began later than now starts afresh: the clock was set back while no process watched it, and
    the hold would last until that time has come again.
    """
    session.execute(update(Installation).where(Installation.steady_since > now).values(steady_since=now))
    return _release(session, Installation.steady_since <= now - STEADY)


def hold_status(session: Session) -> InstallationRow:
    """Load why sending is on hold and since when; both None when it is not."""
    return load_installation(session)


def _hold(session: Session, reason: str, *, now: datetime, steady_since: datetime | None) -> None:
    row = load_installation(session)
    session.execute(
        update(Installation).values(
            hold_reason=reason[:500], held_since=row.held_since or now, steady_since=steady_since
        )
    )


def _release(session: Session, condition: ColumnElement[bool]) -> bool:
    released = session.execute(
        update(Installation)
        .where(condition)
        .values(hold_reason=None, held_since=None, steady_since=None)
        .returning(Installation.id)
    ).first()
    return released is not None


def _spoken(jump: timedelta) -> str:
    way = "ahead" if jump > timedelta(0) else "back"
    seconds = abs(jump).total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{way} by {count} {unit}{'' if count == 1 else 's'}"
    return f"{way} by {round(seconds)} seconds"
