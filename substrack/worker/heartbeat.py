"""The dead man's switch: while all is well, an address that somebody watches is called every few minutes.

Silence is the alarm, so it is called only when what people rely on works: ticks, the database, sending. Each
worker calls by itself; one that works is enough, and then one calls.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from substrack.bootstrap import Runtime
from substrack.channels.heartbeat import call
from substrack.domain.delivery import STUCK_AFTER, DeliveryFailed
from substrack.queries.installation import load_installation
from substrack.queries.watching import load_queues, oldest_due_at
from substrack.services.installation import LATE_AFTER

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 270.0
"""Asked after each tick, this makes every fifth minute, however little the ticks are late."""

TICKED_WITHIN_SECONDS: Final = 180.0
"""A tick is made every minute. One that takes longer than this is told by silence, until it has ended."""


class Heartbeat:
    """Calls for one worker; `trouble` names what of its chores fails now, if anything does."""

    def __init__(self, runtime: Runtime, url: str, *, trouble: Callable[[], str | None]) -> None:
        self._runtime, self._url, self._trouble = runtime, url, trouble
        self._ticked_at: float | None = None
        self._called_at: float | None = None
        self._told: str | None = None

    def note_tick(self) -> None:
        """Remember that a tick has ended well."""
        self._ticked_at = time.monotonic()

    async def beat(self) -> None:
        """Call if it is time and all is well; why not, or that nobody answers, is logged once."""
        if self._called_at is not None and time.monotonic() - self._called_at < EVERY_SECONDS:
            return
        if self._ticked_at is None:
            return  # it has only just begun
        reason = await asyncio.to_thread(self._why_not)
        if reason is None:
            reason = await self._call()
        self._tell(reason)

    async def _call(self) -> str | None:
        try:
            await call(self._url)
        except DeliveryFailed as failure:
            return f"its address can't be reached: {failure.reason}"
        self._called_at = time.monotonic()
        return None

    def _why_not(self) -> str | None:
        """Say what is wrong; None when all is well. The worker's own writing shows that it can write."""
        if time.monotonic() - (self._ticked_at or 0) > TICKED_WITHIN_SECONDS:
            return "the last tick is long ago"
        now = self._runtime.now()
        with self._runtime.reading() as session:
            row = load_installation(session)
            oldest = oldest_due_at(load_queues(session, now=now).values())
        if row.hold_reason is not None:
            return "sending is on hold"
        if _is_older(row.last_tick_at, now - LATE_AFTER):
            return "no worker has written for long"
        if oldest is not None and _is_older(oldest, now - STUCK_AFTER):
            return "the oldest due message has waited for long"
        return self._trouble()

    def _tell(self, reason: str | None) -> None:
        if reason is not None and reason != self._told:
            log.warning("no heartbeat: %s", reason)
        elif reason is None and self._told is not None:
            log.info("the heartbeat goes on")
        self._told = reason


def _is_older(instant: datetime | None, limit: datetime) -> bool:
    return instant is None or instant < limit
