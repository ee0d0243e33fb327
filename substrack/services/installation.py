"""The installation itself: the worker's heartbeat and the hold on sending.

A hold stops what leaves the house. One that an operator sets leaves the ledger going: periods open, people
are put down to be asked. One that a clock jump has set stops the worker's ticks as well, since a wrong date
would open periods that have not begun; it ends by itself once the clock has been steady for a while. An
operator may end any. The one after a restore begins with a question: what may have gone out before?
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, or_, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.errors import Refused
from substrack.queries.held import Held, load_held, may_have_gone_out
from substrack.queries.installation import InstallationRow, load_installation
from substrack.services.clock_repair import bring_back
from substrack.store import Installation, Message

BEAT_EVERY = timedelta(minutes=5)
LATE_AFTER = 2 * BEAT_EVERY
"""When no worker has written for so long, none runs, or none can write."""

MAY_HAVE_GONE_OUT = "may have gone out before the restore"


class Waiting(StrEnum):
    """What becomes of messages that may have gone out before a restore."""

    CANCEL = "cancel"
    SEND = "send"


class WaitingUndecided(Refused):
    """Messages may have gone out before the restore, and nobody has said what becomes of them."""

    field = "waiting"

    def __init__(self, held: Held) -> None:
        self.held = held
        super().__init__(
            "Messages may have gone out before the restore (%(count)s). Say if they are cancelled or sent.",
            count=held.total,
        )


__all__ = [
    "BEAT_EVERY",
    "LATE_AFTER",
    "InstallationRow",
    "Waiting",
    "WaitingUndecided",
    "beat",
    "forget_key",
    "hold_after_restore",
    "hold_for_jump",
    "hold_sending",
    "hold_status",
    "release_hold",
    "release_steady_hold",
]


def beat(session: Session, *, now: datetime, longest_tick: timedelta | None = None) -> bool:
    """Write that the worker lives, at most every five minutes, so that an idle tick writes nothing.

    With it goes how long its longest tick took since it last wrote. True when it was written.
    """
    beaten = session.execute(
        update(Installation)
        .where(
            or_(
                Installation.last_tick_at.is_(None),
                Installation.last_tick_at <= now - BEAT_EVERY,
                Installation.last_tick_at > now,
            )
        )
        .values(last_tick_at=now, tick_ms=longest_tick // timedelta(milliseconds=1) if longest_tick else None)
        .returning(Installation.id)
    ).first()
    return beaten is not None


def hold_sending(session: Session, reason: str, *, now: datetime) -> None:
    """Stop all sending until an operator releases it; a hold that is set already keeps its beginning."""
    _hold(session, reason, now=now, steady_since=None)


def hold_for_jump(session: Session, jump: timedelta, *, now: datetime) -> str:
    """Stop all sending and ticking because the clock was set by `jump`; return the reason that is shown.

    Each further jump renews the hold, which its `steady_since` tells from the one before. A clock that was
    set back may have run ahead before: what it left behind is brought back to now.
    """
    if jump < timedelta(0):
        bring_back(session, now=now)
    reason = f"the clock of this machine jumped {_spoken(jump)}"
    _hold(session, reason, now=now, steady_since=now)
    return reason


def hold_after_restore(session: Session, *, made_at: datetime, upto: int, now: datetime) -> str:
    """Stop all sending because the books were put back to a backup made at `made_at`; return the reason.

    `upto` is the last message of the backup. What was noted about holds and backups before is forgotten.
    """
    reason = _restored_reason(made_at)
    if session.get(Installation, 1) is None:
        session.add(Installation(id=1))
        session.flush()
    session.execute(
        update(Installation).values(
            hold_reason=reason,
            held_since=now,
            steady_since=None,
            restored_at=now,
            restored_from=made_at,
            restored_upto=upto,
            last_tick_at=None,
            tick_ms=None,
            backup_at=None,
            backup_until=None,
            backup_error=None,
        )
    )
    return reason


def forget_key(session: Session) -> None:
    """Let the next process that starts say which key signs links from now on."""
    session.execute(update(Installation).values(secret_fingerprint=None))


def release_hold(session: Session, *, waiting: Waiting | None = None) -> bool:
    """End any hold; False when there was none.

    After a restore, `waiting` says what becomes of messages that may have gone out before it.

    Raises:
        WaitingUndecided: there are such messages, and nobody has said.
    """
    held = load_held(session)
    if held is not None and held.total:
        if waiting is None:
            raise WaitingUndecided(held)
        if waiting is Waiting.CANCEL:
            _cancel_held(session)
    return _release(session, Installation.hold_reason.is_not(None))


def release_steady_hold(session: Session, steady_since: datetime) -> bool:
    """End a hold that a clock jump has set, for a process that has seen the clock run steadily ever since.

    `steady_since` is the hold that it has waited with: one that another jump has renewed stays. So does a
    hold that was there since a restore.
    """
    is_the_same = Installation.steady_since == steady_since
    row = load_installation(session)
    if row.restored_from is not None:
        reason = _restored_reason(row.restored_from)
        session.execute(update(Installation).where(is_the_same).values(hold_reason=reason, steady_since=None))
        return False
    return _release(session, is_the_same)


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
        .values(
            hold_reason=None,
            held_since=None,
            steady_since=None,
            restored_at=None,
            restored_from=None,
            restored_upto=None,
        )
        .returning(Installation.id)
    ).first()
    return released is not None


def _cancel_held(session: Session) -> None:
    """Cancel what may have gone out; it counts as sent, so that the next request keeps its distance."""
    session.execute(
        update(Message)
        .where(may_have_gone_out(load_installation(session)))
        .values(
            state=MessageState.CANCELLED,
            last_error=MAY_HAVE_GONE_OUT,
            lease_token=None,
            lease_until=None,
        )
        .execution_options(synchronize_session=False)
    )


def _restored_reason(made_at: datetime) -> str:
    return f"restored from the backup of {made_at:%Y-%m-%d %H:%M} UTC"


def _spoken(jump: timedelta) -> str:
    way = "ahead" if jump > timedelta(0) else "back"
    seconds = abs(jump).total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{way} by {count} {unit}{'' if count == 1 else 's'}"
    return f"{way} by {round(seconds)} seconds"
