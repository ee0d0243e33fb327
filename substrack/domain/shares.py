"""Who bears which part of a period's total, to the last minor unit.

The total is always the sum of the members' amounts and the payer's part. Only integers, no
currencies, no dates of payment: what comes out is frozen into payments by others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, StrEnum
from typing import Final, Literal

from substrack.domain.cycles import Window
from substrack.domain.errors import Refused
from substrack.domain.money import round_half_up

MAX_WEIGHT: Final = 1000


class WeightOutOfRange(Refused):
    """A weight is not a whole number from 1 to `MAX_WEIGHT`."""

    field = "weight"

    def __init__(self, weight: int) -> None:
        self.weight = weight
        super().__init__("A weight must be a whole number from 1 to %(most)s.", most=MAX_WEIGHT)


class FixedAmountNegative(Refused):
    """A fixed amount is below zero."""

    field = "amount"

    def __init__(self, fixed_minor: int) -> None:
        self.fixed_minor = fixed_minor
        super().__init__("A fixed amount cannot be negative; write 0 for somebody who pays nothing.")


class FixedAmountMissing(Refused):
    """In a group of fixed amounts some members have none; `keys` says which."""

    field = "amount"

    def __init__(self, keys: tuple[int, ...]) -> None:
        self.keys = keys
        super().__init__("Everybody in this group pays a fixed amount; give one for each member.")


class FixedAmountsOverTotal(Refused):
    """The fixed amounts alone are more than there is to pay; both in minor units."""

    field = "amount"

    def __init__(self, fixed_minor: int, total_minor: int) -> None:
        self.fixed_minor, self.total_minor = fixed_minor, total_minor
        super().__init__("The fixed amounts are more than the price; lower them or raise the price.")


class PayerShareIsTheRest(Refused):
    """The payer was given a fixed amount, but always bears what the others do not."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("The payer has no fixed amount: their share is what the others leave.")


class LeavesBeforeJoining(Refused):
    """The day of leaving is before the day of joining."""

    field = "left_on"

    def __init__(self, joined_on: date, left_on: date) -> None:
        self.joined_on, self.left_on = joined_on, left_on
        super().__init__("Nobody can leave before joining; choose %(day)s or later.", day=joined_on)


class SplitKind(StrEnum):
    """How a group divides its price; `VARIABLE` goes by weight once the bill is known."""

    EQUAL = "equal"
    WEIGHTS = "weights"
    FIXED = "fixed"
    VARIABLE = "variable"


class PartPeriod(StrEnum):
    """What somebody pays for a period they were not there from end to end."""

    FULL = "full"
    DAYS = "days"
    NEXT = "next"


class Presence(Enum):
    """The one answer of `part_days` that is no number of days."""

    ABSENT = "absent"


ABSENT: Final = Presence.ABSENT


@dataclass(frozen=True, slots=True)
class Sharer:
    """One member's terms for one period.

    `key` is the caller's name for them; `days` is how many days of the period they are there, None
    for all. A fixed amount is for a whole period and shrinks with `days`. `first_on` is the day on which they
    come within the period, None where they are there from its first.

    Raises: WeightOutOfRange, FixedAmountNegative.
    """

    key: int
    weight: int = 1
    fixed_minor: int | None = None
    days: int | None = None
    is_payer: bool = False
    first_on: date | None = None

    def __post_init__(self) -> None:
        check_weight(self.weight)
        if self.fixed_minor is not None and self.fixed_minor < 0:
            raise FixedAmountNegative(self.fixed_minor)


@dataclass(frozen=True, slots=True)
class Shares:
    """What each member owes (key → minor units, in member order, without the payer) and the payer's part."""

    amounts: Mapping[int, int]
    payer_minor: int


def split(
    total_minor: int, sharers: Sequence[Sharer], *, sequence: int, period_days: int, payer_included: bool
) -> Shares:
    """Divide a period's total so that Σ amounts + payer's part == total and nothing is negative.

    Fixed amounts come first (rounded half up by days); the rest goes by weight × days.

    With the payer included, who must be among the sharers, everybody else pays one share rounded
    half up, the same in every period, so a standing order fits; the payer bears the difference. If
    the rounded shares come to more than the rest, each is rounded down instead.

    Without the payer, shares are rounded down and the r units left over are dealt like cards: among
    n sharers by weight, in the order given, period `sequence` (from 1) gives one unit each to
    positions (sequence − 1)·r … sequence·r − 1 mod n. With nobody to carry the rest, the payer does.
    A sharer who is the payer is then ignored.

    Raises: FixedAmountsOverTotal, PayerShareIsTheRest; ValueError for a negative total, days outside
    the period, a sequence below 1, or no payer to include.
    """
    _check_call(total_minor, sharers, sequence, period_days, payer_included)
    members = [sharer for sharer in sharers if not sharer.is_payer]
    amounts = {sharer.key: _fixed_part(sharer, period_days) for sharer in members}
    fixed_minor = sum(amounts.values())
    if fixed_minor > total_minor:
        raise FixedAmountsOverTotal(fixed_minor, total_minor)
    weighted = [sharer for sharer in members if sharer.fixed_minor is None]
    rest = total_minor - fixed_minor
    if payer_included:
        payer_weight = sum(sharer.weight for sharer in sharers if sharer.is_payer)
        amounts |= _constant_shares(rest, weighted, payer_weight, period_days)
    elif weighted:
        amounts |= _dealt_shares(rest, weighted, sequence, period_days)
    return Shares(amounts, total_minor - sum(amounts.values()))


def part_days(
    rule: PartPeriod, joined_on: date, left_on: date | None, window: Window
) -> int | Literal[Presence.ABSENT] | None:
    """Return the days of the period a member pays for; None for the whole, ABSENT for none of it.

    `left_on` is the first day they are no longer there. `NEXT`: who is there on the first day pays
    the whole period, others nothing. `FULL`: any day there costs the whole. `DAYS`: by days there.
    """
    after = window.ends_on + timedelta(days=1)
    there_until = after if left_on is None else min(left_on, after)
    if rule is PartPeriod.NEXT:
        return None if joined_on <= window.starts_on < there_until else ABSENT
    days = (there_until - max(joined_on, window.starts_on)).days
    if days <= 0:
        return ABSENT
    return days if rule is PartPeriod.DAYS and days < window.days else None


def check_terms(kind: SplitKind, sharers: Sequence[Sharer]) -> None:
    """Check that the members' terms fit the group's kind of split.

    Raises: PayerShareIsTheRest; FixedAmountMissing when the split is fixed and a member has no amount.
    """
    _check_payer_bears_the_rest(sharers)
    missing = tuple(sharer.key for sharer in sharers if sharer.fixed_minor is None and not sharer.is_payer)
    if kind is SplitKind.FIXED and missing:
        raise FixedAmountMissing(missing)


def check_weight(weight: int) -> int:
    """Return the weight when it is one of 1 to 1000.

    Raises: WeightOutOfRange.
    """
    if not 1 <= weight <= MAX_WEIGHT:
        raise WeightOutOfRange(weight)
    return weight


def check_stay(joined_on: date, left_on: date | None) -> None:
    """Check a member's dates; leaving on the day of joining means never having been there.

    Raises: LeavesBeforeJoining.
    """
    if left_on is not None and left_on < joined_on:
        raise LeavesBeforeJoining(joined_on, left_on)


def _check_call(
    total_minor: int, sharers: Sequence[Sharer], sequence: int, period_days: int, payer_included: bool
) -> None:
    if total_minor < 0 or sequence < 1 or period_days < 1:
        raise ValueError("a total is not negative; sequences and days count from 1")
    if any(not 1 <= sharer.days <= period_days for sharer in sharers if sharer.days is not None):
        raise ValueError("days must lie within the period")
    if len({sharer.key for sharer in sharers}) < len(sharers):
        raise ValueError("every sharer needs a key of their own")
    if payer_included and sum(sharer.is_payer for sharer in sharers) != 1:
        raise ValueError("a payer to include must be among the sharers, once")
    _check_payer_bears_the_rest(sharers)


def _check_payer_bears_the_rest(sharers: Sequence[Sharer]) -> None:
    if any(sharer.is_payer and sharer.fixed_minor is not None for sharer in sharers):
        raise PayerShareIsTheRest


def _fixed_part(sharer: Sharer, period_days: int) -> int:
    return round_half_up((sharer.fixed_minor or 0) * _days(sharer, period_days), period_days)


def _days(sharer: Sharer, period_days: int) -> int:
    return period_days if sharer.days is None else sharer.days


def _constant_shares(
    rest: int, weighted: Sequence[Sharer], payer_weight: int, period_days: int
) -> dict[int, int]:
    all_weights = payer_weight + sum(sharer.weight for sharer in weighted)
    whole = all_weights * period_days
    parts = {sharer.key: rest * sharer.weight * _days(sharer, period_days) for sharer in weighted}
    rounded = {key: round_half_up(part, whole) for key, part in parts.items()}
    if sum(rounded.values()) <= rest:
        return rounded
    return {key: part // whole for key, part in parts.items()}


def _dealt_shares(rest: int, weighted: Sequence[Sharer], sequence: int, period_days: int) -> dict[int, int]:
    units = [sharer.weight * _days(sharer, period_days) for sharer in weighted]
    amounts = [rest * unit // sum(units) for unit in units]
    left_over, hands = rest - sum(amounts), len(amounts)
    for card in range((sequence - 1) * left_over, sequence * left_over):
        amounts[card % hands] += 1
    return {sharer.key: amount for sharer, amount in zip(weighted, amounts, strict=True)}
