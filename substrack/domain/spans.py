"""What a period is called after: its dates and the rhythm that made them. Saying it is for `texts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from substrack.domain.cycles import Unit


@dataclass(frozen=True)
class Span:
    """The dates of a period and the rhythm that made them, from which its name follows."""

    unit: Unit
    every: int
    starts_on: date
    ends_on: date
