"""How far credit reaches: which shares to come it settles, in the order in which their periods open.

A forecast by the shares of today. What really happens is decided when a period opens.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from substrack.domain.cycles import Cycle, Unit
from substrack.domain.sharing import SharingRules, Stay, sharers_in

FORESEEN: Final = 120
"""Periods of one group that are looked at; who paid for longer reads as much."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What one person will bear of each period of one group, from period `sequence` on.

    `purse` names whose credit may settle it: that with one payer in one currency. `share_minor` is None while
    the bill is not known.
    """

    group_id: int
    purse: Hashable
    cycle: Cycle
    sequence: int
    share_minor: int | None
    collect_days_before: int = 0
    ends_on: date | None = None
    stays: tuple[Stay, ...] = ()
    rules: SharingRules | None = None

    def opens_on(self, sequence: int) -> date | None:
        """Return the day on which a period is asked for; None after the end of the group, or of the stay."""
        window = self.cycle.window(sequence)
        if self.ends_on is not None and window.starts_on > self.ends_on:
            return None
        if self.rules is not None and not sharers_in(window, self.stays, self.rules):
            return None
        return window.starts_on - timedelta(days=self.collect_days_before)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many whole periods credit settles, and how much is left towards the one after them."""

    periods: int = 0
    rest_minor: int = 0


def cover(
    aheads: Sequence[Ahead], *, free: Mapping[Hashable, int], kept: Mapping[int, int]
) -> dict[int, Coverage]:
    """Work out how far credit reaches in each group, by its key; sums in minor units.

    `free` credit settles whatever comes first with its payer; `kept` settles one group only, and before the
    free one does.
    """
    purses, held = dict(free), dict(kept)
    found: dict[int, Coverage] = {}
    queue = [(day, place) for place, ahead in enumerate(aheads) if (day := ahead.opens_on(ahead.sequence))]
    heapq.heapify(queue)
    while queue:
        _day, place = heapq.heappop(queue)
        ahead = aheads[place]
        so_far = found.get(ahead.group_id, Coverage()).periods
        share = ahead.share_minor
        if not share or so_far >= FORESEEN:
            continue
        taken = _take(share, ahead, purses, held)
        if taken < share:
            found[ahead.group_id] = Coverage(so_far, taken)
            continue
        found[ahead.group_id] = Coverage(so_far + 1)
        following = ahead.opens_on(ahead.sequence + so_far + 1)
        if following:
            heapq.heappush(queue, (following, place))
    return found


def periods_a_year(unit: Unit, every: int) -> int:
    """Count the whole periods that fit into a year; 1 when a period is as long as that, or longer."""
    in_a_year = {Unit.WEEK: 52, Unit.MONTH: 12, Unit.YEAR: 1}[unit]
    return max(1, in_a_year // every)


def _take(share: int, ahead: Ahead, purses: dict[Hashable, int], held: dict[int, int]) -> int:
    """Take up to a share out of what is kept for the group, then out of the free credit."""
    from_kept = min(share, held.get(ahead.group_id, 0))
    from_free = min(share - from_kept, purses.get(ahead.purse, 0))
    held[ahead.group_id] = held.get(ahead.group_id, 0) - from_kept
    purses[ahead.purse] = purses.get(ahead.purse, 0) - from_free
    return from_kept + from_free
