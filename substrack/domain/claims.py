"""Claims: what sum a press of "I've paid" still stands for, and the reasons to reject one that are chosen."""

from __future__ import annotations

from enum import StrEnum


class RejectReason(StrEnum):
    """A reason that was picked, not typed: kept as this term, and read in each reader's own language."""

    NOT_RECEIVED = "not-received"
    TOO_LITTLE = "too-little"


def stands_for(stated_minor: int, left_minor: int, *, waits_whole: bool) -> int:
    """Return the sum, in minor units, that confirming a claim books unless an admin enters another.

    It is the sum that was stated, as long as every payment of the claim waits. Once one was decided by
    itself, its money is booked already, and the claim stands for what is left of the others, at most for
    what was stated.
    """
    return stated_minor if waits_whole else min(left_minor, stated_minor)
