"""Whether the wall clock can be believed: compare how far it moved with how long the machine was up.

Boot time runs on while the machine sleeps, so neither suspend nor downtime is a jump; only a clock that was
set is. Nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

TOLERANCE = timedelta(seconds=60)
"""More than time services slew by, less than any step of an hour."""

STEADY = timedelta(minutes=30)
"""A clock that jumped is believed again after running so long, by time since boot, without another jump."""


@dataclass(frozen=True)
class ClockReading:
    """The wall clock (aware UTC) and the seconds since boot, read at the same moment."""

    wall: datetime
    boot_seconds: float


def jump_between(before: ClockReading, after: ClockReading) -> timedelta | None:
    """Say by how much the wall clock was set between two readings; None within the tolerance."""
    passed = timedelta(seconds=after.boot_seconds - before.boot_seconds)
    jump = (after.wall - before.wall) - passed
    return jump if abs(jump) > TOLERANCE else None


def seconds_since(then: datetime | None, now: datetime) -> int | None:
    """Count the whole seconds from an instant until now, never below 0; None since no instant."""
    return None if then is None else max(0, (now - then) // timedelta(seconds=1))
