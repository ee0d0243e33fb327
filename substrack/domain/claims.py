"""Claims: what sum a press of "I've paid" stands for, what was booked for it, and why one is rejected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from substrack.domain.money import Money

TOO_QUICK: Final = timedelta(seconds=60)
"""A press this soon after its mail may be that of a program that reads mail."""


class RejectReason(StrEnum):
    """A reason that was picked, not typed: kept as this term, and read in each reader's own language."""

    NOT_RECEIVED = "not-received"
    TOO_LITTLE = "too-little"


@dataclass(frozen=True)
class Booked:
    """Money that was booked for a claim: `elsewhere` of it settles other shares, `credit` nothing yet."""

    amount: Money
    elsewhere: Money
    credit: Money


def stands_for(stated_minor: int, left_minor: int, *, booked_minor: int, is_cut: bool) -> int:
    """Return the sum, in minor units, that confirming a claim books unless an admin enters another.

    It is what was stated, less what was booked of it. Once a payment of the claim was decided without its
    whole money (`is_cut`: rejected, taken back, booked in part), that money is not expected with the others:
    the claim stands for `left_minor`, what they lack, at most.
    """
    rest = max(0, stated_minor - booked_minor)
    return min(left_minor, rest) if is_cut else rest


def expected_for_one(left_minor: int, *, stands_for_minor: int) -> int:
    """Return the sum, in minor units, that confirming one payment of a claim books unless another is entered.

    It is what is left of the payment, and no more than the claim stands for: nobody said that more came. What
    came beyond what the others of the claim needed is credit by now, and settles the rest.
    """
    return min(left_minor, stands_for_minor)
