"""Watches whether the wall clock can be believed. When it was set, nothing is sent or ticked for a while.

Only a process that lives on can tell: it compares the clock with the time since boot between two looks. How
long the clock has been steady it counts by that time too, and by itself: instants that others have read of a
wrong clock prove nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from substrack.bootstrap import Runtime
from substrack.domain.clock import STEADY, ClockReading, jump_between
from substrack.domain.delivery import LONGEST_PAUSE
from substrack.queries.installation import load_installation
from substrack.services.clock_repair import bring_back
from substrack.services.installation import hold_for_jump, release_steady_hold

log = logging.getLogger(__name__)

ONE_MOMENT_SECONDS = 1.0

# Elsewhere than on Linux, CLOCK_MONOTONIC is what runs on during sleep (macOS).
BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_seconds() -> float:
    """Read the seconds since boot, sleep included."""
    return time.clock_gettime(BOOT_CLOCK)


@dataclass(frozen=True)
class Wait:
    """Which hold a process waits with, and since when, in seconds since boot."""

    steady_since: datetime
    begun: float


class ClockWatch:
    """Remembers the last look at both clocks; any thread may ask. A clock fixed on purpose is not watched."""

    def __init__(self, runtime: Runtime, *, boot: Callable[[], float] = boot_seconds) -> None:
        self._runtime, self._boot = runtime, boot
        self._is_fixed = runtime.settings.now is not None
        self._before = self._look()
        self._has_begun = False
        self._waits: Wait | None = None
        self._turn = Lock()

    def has_jumped(self) -> bool:
        """Tell whether the clock was set since the last check; reads no table."""
        return not self._is_fixed and jump_between(self._before, self._look()) is not None

    def may_act(self) -> bool:
        """Hold everything if the clock was set, end that when it has been steady; False while it lasts.

        True during a hold that an operator has set: that one stops sending only.
        """
        return self.believed_now() is not None

    def believed_now(self) -> datetime | None:
        """Read the clock; None when nothing may be done by it (see `may_act`).

        It is the instant that was checked: a clock read once more may have been set in between.
        """
        if self._is_fixed:
            return self._runtime.now()
        with self._turn:
            return self._before.wall if self._check() else None

    def _check(self) -> bool:
        """Look at the clocks; a jump that could not be written down is met again at the next look."""
        reading = self._look()
        jump = jump_between(self._before, reading)
        if jump is not None:
            self._hold(jump, reading)
        self._before = reading
        if jump is not None:
            return False
        if not self._has_begun:
            self._begin()
        return self._is_not_held()

    def _hold(self, jump: timedelta, reading: ClockReading) -> None:
        with self._runtime.transaction() as session:
            reason = hold_for_jump(session, jump, now=reading.wall)
        self._waits = Wait(reading.wall, reading.boot_seconds)
        log.warning("sending is on hold: %s", reason)

    def _begin(self) -> None:
        """Bring back what lies ahead: the clock may have been put right while no worker lived to see it."""
        with self._runtime.transaction() as session:
            bring_back(session, now=self._before.wall, longest_pause=LONGEST_PAUSE)
        self._has_begun = True

    def _is_not_held(self) -> bool:
        """Look before writing: an idle tick writes nothing."""
        with self._runtime.reading() as session:
            row = load_installation(session)
        if row.hold_reason is None or row.steady_since is None:
            return True
        if self._waits is None or self._waits.steady_since != row.steady_since:
            self._waits = Wait(row.steady_since, self._before.boot_seconds)
        if self._before.boot_seconds - self._waits.begun < STEADY.total_seconds():
            return False
        with self._runtime.transaction() as session:
            has_ended = release_steady_hold(session, row.steady_since)
        if has_ended:
            log.info("the clock has been steady: sending goes on")
        return has_ended

    def _look(self) -> ClockReading:
        """Read both clocks at one moment; a process that was stopped between the two reads again."""
        while True:
            begun, wall = self._boot(), self._runtime.now()
            if self._boot() - begun < ONE_MOMENT_SECONDS:
                return ClockReading(wall, begun)
