"""One tick: all work that is due at an instant, in transactions of bounded size.

Opens periods, then acts on payments, forgets old tries to sign in, and purges what was kept long enough. An
idle tick reads an index of each and writes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy.orm import Session

from substrack.bootstrap import DatabaseTrouble, Runtime
from substrack.domain.errors import Refused
from substrack.queries.due import due_contact_ids, due_group_ids
from substrack.services.asking import postpone_contact, sweep_contact, sweep_payments
from substrack.services.opening import Opened
from substrack.services.periods import open_due_period_of, open_due_periods, postpone_opening
from substrack.services.tries import forget_old_tries, has_old_tries
from substrack.worker.purging import purge_old

log = logging.getLogger(__name__)

MAX_BATCHES = 100_000
Result = TypeVar("Result")
Stop = Callable[[], bool]


DONE: Final = (
    ("period opened", "periods opened"),
    ("payment lapsed", "payments lapsed"),
    ("message queued", "messages queued"),
    ("opening refused", "openings refused"),
    ("row purged", "rows purged"),
)


@dataclass(frozen=True)
class TickReport:
    """What a tick did."""

    periods_opened: int = 0
    payments_lapsed: int = 0
    messages_queued: int = 0
    openings_refused: int = 0
    rows_purged: int = 0

    def __str__(self) -> str:
        """Say in words what was done, and nothing of what was not."""
        named = zip(DONE, astuple(self), strict=True)
        return ", ".join(f"{count} {one if count == 1 else many}" for (one, many), count in named if count)


def tick(runtime: Runtime, *, now: datetime, stop: Stop = lambda: False) -> TickReport:
    """Do everything that is due at `now`; catches up in order after downtime of any length.

    `stop` is asked between batches, so that a long catch-up can end early; the rest stays due.
    """
    opened, messages, refused = _open_all(runtime, now, stop)
    lapsed, asked = _sweep_all(runtime, now, stop)
    _forget_tries(runtime, now)
    purged = purge_old(runtime, now=now, stop=stop)
    return TickReport(opened, lapsed, messages + asked, refused, purged)


def _open_all(runtime: Runtime, now: datetime, stop: Stop) -> tuple[int, int, int]:
    periods = messages = refused = 0
    for _ in range(MAX_BATCHES):
        if stop():
            break
        try:
            batch = _run(runtime, lambda session: open_due_periods(session, now=now))
        except DatabaseTrouble:
            raise  # the database's fault, not a group's
        except Exception as error:
            is_bug = not isinstance(error, Refused)
            log.warning("a batch of periods failed; opening each by itself", exc_info=is_bug)
            batch, postponed = _open_one_by_one(runtime, now)
            refused += postponed
            if not batch.periods and not postponed:
                break
        else:
            if not batch.periods:
                break
        periods, messages = periods + batch.periods, messages + batch.messages
    return periods, messages, refused


def _open_one_by_one(runtime: Runtime, now: datetime) -> tuple[Opened, int]:
    """Open each due group by itself, so that one that can't be opened holds nobody else up."""
    periods = messages = refused = 0
    with runtime.reading() as session:
        group_ids = due_group_ids(session, now=now)
    for group_id in group_ids:
        try:
            opened = _open_one(runtime, group_id, now)
        except DatabaseTrouble:
            raise
        except Exception as error:
            is_bug = not isinstance(error, Refused)
            log.warning("group %s could not open its period", group_id, exc_info=is_bug)
            _postpone(runtime, group_id, error, now)
            refused += 1
        else:
            periods, messages = periods + opened.periods, messages + opened.messages
    return Opened(periods, messages), refused


def _open_one(runtime: Runtime, group_id: int, now: datetime) -> Opened:
    with runtime.transaction() as session:
        return open_due_period_of(session, group_id, now=now)


def _postpone(runtime: Runtime, group_id: int, error: Exception, now: datetime) -> None:
    reason = str(error) if isinstance(error, Refused) else type(error).__name__
    with runtime.transaction() as session:
        postpone_opening(session, group_id, reason=reason, now=now)


def _sweep_all(runtime: Runtime, now: datetime, stop: Stop) -> tuple[int, int]:
    lapsed = messages = 0
    for _ in range(MAX_BATCHES):
        if stop():
            break
        try:
            swept = _run(runtime, lambda session: sweep_payments(session, now=now))
        except DatabaseTrouble:
            raise  # the database's fault, not somebody's payment's
        except Exception:
            log.exception("a batch of payments failed; acting on each person by themselves")
            one_by_one = _sweep_one_by_one(runtime, now)
            return lapsed + one_by_one[0], messages + one_by_one[1]
        if not swept.seen:
            break
        lapsed, messages = lapsed + swept.lapsed, messages + swept.messages
    return lapsed, messages


def _sweep_one_by_one(runtime: Runtime, now: datetime) -> tuple[int, int]:
    """Act on each person by themselves, so that one who can't be acted on holds nobody else up."""
    lapsed = messages = 0
    with runtime.reading() as session:
        contact_ids = due_contact_ids(session, now=now)
    for contact_id in contact_ids:
        try:
            with runtime.transaction() as session:
                swept = sweep_contact(session, contact_id, now=now)
        except DatabaseTrouble:
            raise
        except Exception:
            log.exception("payments of contact %s are left alone for an hour", contact_id)
            with runtime.transaction() as session:
                postpone_contact(session, contact_id, now=now)
        else:
            lapsed, messages = lapsed + swept.lapsed, messages + swept.messages
    return lapsed, messages


def _forget_tries(runtime: Runtime, now: datetime) -> None:
    """Look before writing: an idle worker writes nothing."""
    with runtime.reading() as session:
        is_due = has_old_tries(session, now=now)
    if is_due:
        _run(runtime, lambda session: forget_old_tries(session, now=now))


def _run(runtime: Runtime, work: Callable[[Session], Result]) -> Result:
    with runtime.transaction() as session:
        return work(session)
