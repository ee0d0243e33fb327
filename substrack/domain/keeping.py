"""How long what people wrote, and traces of what they did, are kept; what concerns money always is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FADING_SUBJECTS: Final = ("connection", "contact", "message", "user")
"""What lines of the journal that are not about money, periods, groups or members are about."""


@dataclass(frozen=True)
class KeepDays:
    """Days for texts of messages; for what came from outside; for other traces (events, sign-ins, links)."""

    texts: int
    inbound: int
    events: int


def kept_since(now: datetime, days: int) -> datetime:
    """Say since when things are kept: a number of whole UTC days back, so that it changes once a night."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
