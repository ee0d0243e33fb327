"""The calendar of a group, from its row."""

from __future__ import annotations

from substrack.domain.cycles import Cycle
from substrack.store import Group


def cycle_of(group: Group) -> Cycle:
    """Return the calendar of a group as it stands."""
    return Cycle(group.unit, group.every, group.billing_day, group.anchor_on, group.anchor_sequence)
