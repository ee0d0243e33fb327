"""What came of a rush: how late mail was, how soon an outage was made up for, what should not have come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

NEVER: Final = timedelta.max


@dataclass(frozen=True)
class Sent:
    """A mail that was taken, and when, by the books."""

    message: str
    at: datetime


class Fault(StrEnum):
    """What must never be found."""

    LATE = "mail was late"
    SLOW = "an outage was made up for too slowly"
    STALE = "what was settled or stale was sent"
    TWICE = "something was sent twice"
    MISSING = "something was never sent"


@dataclass(frozen=True)
class Found:
    """When each message of the rush was due, what is to have gone out in the end, and what was taken.

    `settled` are requests that were overtaken during the outage, which ended at `ended_at`.
    """

    due: Mapping[str, datetime]
    wanted: frozenset[str]
    settled: frozenset[str]
    sent: Sequence[Sent]
    ended_at: datetime

    def late(self, share: float) -> timedelta:
        """Say how late so large a share of the rush came at most."""
        came = {one.message: one.at for one in reversed(self.sent)}
        waits = sorted(came[one] - at if one in came else NEVER for one, at in self.due.items())
        return waits[min(int(len(waits) * share), len(waits) - 1)]

    @property
    def drained_after(self) -> timedelta:
        """Say how long after the outage the last mail came; for ever when one never did."""
        if self.missing:
            return NEVER
        return max((one.at for one in self.sent), default=self.ended_at) - self.ended_at

    @property
    def missing(self) -> frozenset[str]:
        """What never came."""
        return self.wanted - {one.message for one in self.sent}

    def faults(self) -> set[Fault]:
        """Say what is wrong."""
        came = Counter(one.message for one in self.sent)
        found = {
            Fault.LATE: self.late(0.95) > timedelta(seconds=60) or self.late(0.999) > timedelta(minutes=5),
            Fault.SLOW: self.drained_after > timedelta(minutes=30),
            Fault.STALE: bool(came.keys() & self.settled),
            Fault.TWICE: any(times > 1 for times in came.values()),
            Fault.MISSING: bool(self.missing),
        }
        return {fault for fault, is_so in found.items() if is_so}

    def __str__(self) -> str:
        came = Counter(one.message for one in self.sent)
        return (
            f"{len(self.due):,} due: p95 after {self.late(0.95).total_seconds():.1f} s, "
            f"p99.9 after {self.late(0.999).total_seconds():.1f} s; after six hours without a server "
            f"all was out within {self.drained_after.total_seconds():.0f} s; "
            f"{len(came.keys() & self.settled)} of {len(self.settled)} overtaken ones sent, "
            f"{sum(came.values()) - len(came)} twice, {len(self.missing)} missing"
        )
