"""How far credit reaches: which shares to come it settles, in the order in which their periods open.

A forecast by what is set today: members' stays and prices from a day on. What really happens is decided when
a period opens. Where a bill varies it promises nothing that this bill could take.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from substrack.domain.cycles import Cycle, Unit, Window
from substrack.domain.sharing import SharingRules, Stay, sharers_in

FORESEEN: Final = 120
"""Periods of one group that are looked at; who paid for longer reads as much."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What one person will bear of each period of one group, from period `sequence` on.

    `purse` names whose credit may settle it: that with one payer in one currency. `share_of` gives the share
    of one period in minor units, None while the bill is not known. `bill_comes_later` where the period opens
    first and is billed after that.
    """

    group_id: int
    purse: Hashable
    cycle: Cycle
    sequence: int
    share_of: Callable[[Window], int | None]
    bill_comes_later: bool = False
    collect_days_before: int = 0
    due_days: int = 0
    ends_on: date | None = None
    stays: tuple[Stay, ...] = ()
    rules: SharingRules | None = None

    def turn_of(self, sequence: int) -> _Turn | None:
        """Say when a period has its turn; None after the end of the group, or of the stay.

        Those of one day are settled by due date; a bill is entered after all of them.
        """
        window = self.cycle.window(sequence)
        if self.ends_on is not None and window.starts_on > self.ends_on:
            return None
        if self.rules is not None and not sharers_in(window, self.stays, self.rules):
            return None
        opens_on = window.starts_on - timedelta(days=self.collect_days_before)
        due_on = window.starts_on + timedelta(days=self.due_days)
        return opens_on, self.bill_comes_later, due_on, self.group_id


_Turn = tuple[date, bool, date, int]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many whole periods credit settles, and how much is left towards the one after them.

    `unless` has the groups whose bills, not known yet, may take from the same credit before that one.
    """

    periods: int = 0
    rest_minor: int = 0
    unless: tuple[int, ...] = ()


@dataclass(slots=True)
class _Purses:
    """The credit there is: free by purse, kept by group, and who may take an unknown part of the free one."""

    free: dict[Hashable, int]
    kept: dict[int, int]
    unsure: dict[Hashable, tuple[int, ...]] = field(default_factory=dict)

    def take(self, share: int, ahead: Ahead) -> int:
        """Take up to a share: first what is kept for the group, then free credit that is sure."""
        from_kept = min(share, self.kept.get(ahead.group_id, 0))
        free = 0 if self.unsure.get(ahead.purse) else self.free.get(ahead.purse, 0)
        from_free = min(share - from_kept, free)
        self.kept[ahead.group_id] = self.kept.get(ahead.group_id, 0) - from_kept
        self.free[ahead.purse] = self.free.get(ahead.purse, 0) - from_free
        return from_kept + from_free

    def doubt(self, purse: Hashable, group_id: int) -> None:
        """Let a bill that nobody knows yet take from the free credit, if there is any."""
        if self.free.get(purse, 0):
            self.unsure[purse] = (*self.unsure.get(purse, ()), group_id)


def cover(
    aheads: Sequence[Ahead],
    *,
    free: Mapping[Hashable, int],
    kept: Mapping[int, int],
    unsure: Sequence[tuple[Hashable, int]] = (),
) -> dict[int, Coverage]:
    """Work out how far credit reaches in each group, by its key; sums in minor units.

    `free` credit settles whatever comes first with its payer; `kept` settles one group only, and before the
    free one does. `unsure` has the purses from which a group's bill may take at any time from now on.
    """
    purses = _Purses(dict(free), dict(kept))
    for purse, group_id in unsure:
        purses.doubt(purse, group_id)
    found: dict[int, Coverage] = {}
    spent: dict[int, int] = {}
    queue = [(turn, place) for place, ahead in enumerate(aheads) if (turn := ahead.turn_of(ahead.sequence))]
    heapq.heapify(queue)
    while queue:
        _turn, place = heapq.heappop(queue)
        ahead = aheads[place]
        so_far = found.get(ahead.group_id, Coverage()).periods
        if so_far >= FORESEEN:
            continue
        share = ahead.share_of(ahead.cycle.window(ahead.sequence + so_far))
        if share is None:
            purses.doubt(ahead.purse, ahead.group_id)
            continue
        taken = purses.take(share, ahead)
        spent[ahead.group_id] = spent.get(ahead.group_id, 0) + taken
        if taken < share:
            found[ahead.group_id] = Coverage(so_far, taken, purses.unsure.get(ahead.purse, ()))
            continue
        found[ahead.group_id] = Coverage(so_far + 1)
        following = ahead.turn_of(ahead.sequence + so_far + 1)
        if following:
            heapq.heappush(queue, (following, place))
    return {key: coverage for key, coverage in found.items() if spent[key] or not coverage.periods}


def periods_a_year(unit: Unit, every: int) -> int:
    """Count the whole periods that fit into a year; 1 when a period is as long as that, or longer."""
    in_a_year = {Unit.WEEK: 52, Unit.MONTH: 12, Unit.YEAR: 1}[unit]
    return max(1, in_a_year // every)
