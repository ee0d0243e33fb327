"""Tries: reserve one before a password or code is looked at, and refuse when there were too many lately.

Whoever reserves first holds for any number of tries at once, in any number of processes: those at one subject
wait for each other at its row, so commit right after it. What is refused is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from sqlalchemy import Select, delete, exists, select, update
from sqlalchemy.orm import Session

from substrack.domain.errors import Refused
from substrack.queries.prepared import prepared
from substrack.services.sealing import Purpose, Sealer
from substrack.store import Tries
from substrack.store.upserts import insert_into

KEPT_FOR: Final = timedelta(days=1)
"""The longest span of any limit; older tries say nothing."""


@dataclass(frozen=True)
class Limit:
    """At most so many tries within any span of time."""

    most: int
    within: timedelta


SIGN_IN: Final = (Limit(10, timedelta(minutes=5)),)
CODE: Final = (Limit(10, timedelta(minutes=5)), Limit(50, timedelta(days=1)))
"""Of a million codes three are right at a time: at 50 wrong ones a day, a guess takes years."""

RESET: Final = (Limit(20, timedelta(hours=1)),)


class TooManyTries(Refused):
    """Something was tried too often; `seconds` is how long the next try has to wait."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = ceil(wait.total_seconds())
        if wait > timedelta(minutes=90):
            super().__init__(
                "Too many tries. The next is possible in %(hours)s h.", hours=ceil(self.seconds / 3600)
            )
        else:
            super().__init__(
                "Too many tries. The next is possible in %(minutes)s min.", minutes=ceil(self.seconds / 60)
            )


@dataclass(frozen=True)
class Try:
    """One try that was reserved: at what, and when (milliseconds since 1970)."""

    subject: str
    at: int


def subject_of(sealer: Sealer, kind: str, *names: object) -> str:
    """Name what tries are counted by: a kind, such as "account", and which one; it tells neither."""
    return sealer.blind(Purpose.TRIES, "\n".join((kind, *map(str, names))))


def reserve_try(session: Session, subject: str, limits: Sequence[Limit], *, now: datetime) -> Try:
    """Count one more try at a subject within all limits.

    Raises:
        TooManyTries: nothing was counted, once the transaction is rolled back.
    """
    at, tried = _milliseconds(now), _lock(session, subject, now)
    waits = [wait for limit in limits if (wait := _wait(tried, limit, at)) is not None]
    if waits:
        raise TooManyTries(timedelta(milliseconds=max(waits)))
    recent = [each for each in tried if abs(at - each) < _span(KEPT_FOR)]
    _write(session, subject, sorted([*recent, at]))
    return Try(subject, at)


def give_back(session: Session, tries: Sequence[Try], *, now: datetime) -> None:
    """Forget tries that were right: they are nobody's guesses."""
    for each in tries:
        tried = _lock(session, each.subject, now)
        if each.at in tried:
            tried.remove(each.at)
        _write(session, each.subject, tried)


def has_old_tries(session: Session, *, now: datetime) -> bool:
    """Tell whether there is something for `forget_old_tries`; reads only."""
    return bool(session.scalar(*_is_one_old(now - KEPT_FOR)))


@prepared
def _is_one_old(limit: datetime) -> Select[bool]:
    return select(exists().where(Tries.last_at <= limit))


def forget_old_tries(session: Session, *, now: datetime) -> int:
    """Delete up to 1,000 rows that say nothing any more, but for those in use; return how many."""
    old = select(Tries.id).where(Tries.last_at <= now - KEPT_FOR).order_by(Tries.id).limit(1000)
    keys = session.scalars(old.with_for_update(skip_locked=True)).all()
    session.execute(delete(Tries).where(Tries.id.in_(keys)))
    return len(keys)


def _lock(session: Session, subject: str, now: datetime) -> list[int]:
    """Take the row of a subject for this transaction, written if there is none, and read its tries."""
    row = insert_into(session, Tries).values(subject=subject, tried_at=[], last_at=now)
    taken = row.on_conflict_do_update(index_elements=["subject"], set_={"last_at": row.excluded.last_at})
    return list(session.scalar(taken.returning(Tries.tried_at)) or [])


def _write(session: Session, subject: str, tried: list[int]) -> None:
    session.execute(update(Tries).where(Tries.subject == subject).values(tried_at=tried))


def _wait(tried: Sequence[int], limit: Limit, at: int) -> int | None:
    """Say how many milliseconds a limit has the next try wait; None when it need not.

    Machines' clocks differ a little, so a try may lie ahead; one far ahead was made by a wrong clock.
    """
    counted = sorted(each for each in tried if abs(at - each) < _span(limit.within))
    if len(counted) < limit.most:
        return None
    return counted[-limit.most] + _span(limit.within) - at


def _span(within: timedelta) -> int:
    return int(within.total_seconds() * 1000)


def _milliseconds(now: datetime) -> int:
    return int(now.timestamp() * 1000)
