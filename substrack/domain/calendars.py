"""Where a group stands in its calendar, and where it goes on: after a rest, and under other terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from substrack.domain.cycles import Cycle
from substrack.domain.terms import GroupTerms


@dataclass(frozen=True, slots=True)
class Calendar:
    """A group's own: period `next_sequence` of `cycle` is the next to open.

    Another rhythm begins on `begins_on`: where what is open ends, or before the first period at the start, or
    where a rest left off.
    """

    cycle: Cycle
    next_sequence: int
    starts_on: date
    ends_on: date | None
    begins_on: date

    @property
    def next_start(self) -> date:
        """The first day of the next period."""
        return self.cycle.start_of(self.next_sequence)

    def going_on(self, today: date) -> Calendar:
        """Let the next period be the first that starts on a day or later; the rhythm stays what it was."""
        if self.next_start >= today:
            return self
        cycle = self.cycle.going_on(self.next_sequence, today)
        return replace(self, cycle=cycle, begins_on=cycle.anchor_on)

    def ending(self, ends_on: date | None, today: date) -> Calendar:
        """Let no period start after another day; a group that was over already goes on from today."""
        was_over = self.ends_on is not None and self.ends_on != ends_on and self.next_start > self.ends_on
        return replace(self.going_on(today) if was_over else self, ends_on=ends_on)

    def under(self, terms: GroupTerms, today: date) -> Calendar:
        """Give the group other terms: what changes is for the periods to come."""
        ending = self.ending(terms.ends_on, today)
        if terms.starts_on != self.starts_on:
            ending = replace(ending, starts_on=terms.starts_on, begins_on=terms.starts_on)
        elif _rhythm(terms.cycle) == _rhythm(self.cycle):
            return ending
        cycle = Cycle.begin(terms.unit, terms.every, terms.billing_day, ending.begins_on, self.next_sequence)
        return replace(ending, cycle=cycle)

    def went_on_from(self, former: Calendar) -> date | None:
        """Say where it goes on after a rest; None if nothing was skipped since it was another."""
        has_skipped = self.starts_on == former.starts_on and self.begins_on != former.begins_on
        return self.begins_on if has_skipped else None

    def ends_later_than(self, former: Calendar) -> bool:
        """Tell whether periods may follow that an end kept off before."""
        if former.ends_on is None:
            return False
        return self.ends_on is None or self.ends_on > former.ends_on


def _rhythm(cycle: Cycle) -> tuple[object, ...]:
    return cycle.unit, cycle.every, cycle.billing_day
