"""Who shares a period, in which order, and what each of them owes: one answer for bills and letters.

Takes what is known of the members' stays; knows no prices by date and writes nothing down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from substrack.domain.cycles import Cycle, Window
from substrack.domain.shares import ABSENT, PartPeriod, Sharer, Shares, SplitKind, part_days, split


@dataclass(frozen=True, slots=True)
class Stay:
    """One member's time in a group, from `joined_on` until the day before `left_on`, and their terms.

    `key` is the caller's name for the stay; one person may have several that do not overlap.
    """

    key: int
    contact_id: int
    joined_on: date
    left_on: date | None = None
    weight: int = 1
    fixed_minor: int | None = None


@dataclass(frozen=True, slots=True)
class SharingRules:
    """What a group says about who shares: `payer_id` is a contact, who shares in full or not at all."""

    split: SplitKind
    part_period: PartPeriod
    payer_id: int
    payer_included: bool


def overlaps(joined_on: date, left_on: date | None, other: Stay) -> bool:
    """Tell whether two stays have a day in common; one may begin on the day the other ended."""
    begins_before_end = left_on is None or other.joined_on < left_on
    ends_after_begin = other.left_on is None or joined_on < other.left_on
    return begins_before_end and ends_after_begin


def sharers_in(window: Window, stays: Iterable[Stay], rules: SharingRules) -> list[Sharer]:
    """List who shares a period, one share a person, ordered by key; the order in which cards are dealt.

    Somebody who left and came back within the period shares on the terms of the later stay, for the days of
    both.
    """
    by_contact: dict[int, Sharer] = {}
    for stay in sorted(stays, key=lambda stay: (stay.joined_on, stay.key)):
        sharer = _sharer(window, stay, rules)
        if sharer is not None:
            earlier = by_contact.get(stay.contact_id)
            by_contact[stay.contact_id] = _joined(earlier, sharer, window) if earlier else sharer
    return sorted(by_contact.values(), key=lambda sharer: sharer.key)


def days_of(
    starts_on: date, ends_on: date, days: int | None, *, joined_on: date, left_on: date | None
) -> tuple[date, date] | None:
    """Say from when to when somebody shares who shares `days` of a period; None for all of it.

    None too where these days are not in a row, because they left and came back.
    """
    if days is None:
        return None
    first_on = max(starts_on, joined_on)
    last_on = first_on + timedelta(days=days - 1)
    ends = {ends_on, left_on - timedelta(days=1) if left_on else ends_on}
    return (first_on, last_on) if last_on in ends else None


def share_out(total_minor: int, sharers: Sequence[Sharer], window: Window, *, payer_included: bool) -> Shares:
    """Divide the total of a period among its sharers; a payer who is not there bears nothing.

    Raises:
        FixedAmountsOverTotal: the fixed amounts exceed the total.
    """
    return split(
        total_minor,
        sharers,
        sequence=window.sequence,
        period_days=window.days,
        payer_included=payer_included and any(sharer.is_payer for sharer in sharers),
    )


def first_window(cycle: Cycle, next_sequence: int, stay: Stay, rules: SharingRules) -> Window:
    """Find the first unopened period in which a stay counts, by the group's rule for part periods.

    Raises:
        SequenceOutOfRange: it would lie beyond the year 9999.
    """
    whole = max(next_sequence, cycle.sequence_on_or_after(stay.joined_on))
    earlier = cycle.window(max(next_sequence, whole - 1))
    return earlier if _sharer(earlier, stay, rules) else cycle.window(whole)


def _sharer(window: Window, stay: Stay, rules: SharingRules) -> Sharer | None:
    weight = 1 if rules.split is SplitKind.EQUAL else stay.weight
    if stay.contact_id == rules.payer_id:
        is_here = stay.left_on is None or stay.joined_on <= window.starts_on < stay.left_on
        return Sharer(stay.key, weight, is_payer=True) if rules.payer_included and is_here else None
    days = part_days(rules.part_period, stay.joined_on, stay.left_on, window)
    if days is ABSENT:
        return None
    first_on = stay.joined_on if stay.joined_on > window.starts_on else None
    return Sharer(stay.key, weight, stay.fixed_minor, days, first_on=first_on)


def _joined(earlier: Sharer, later: Sharer, window: Window) -> Sharer:
    """Join the shares of two stays of one person: stays don't overlap, so their days add up."""
    days = None if earlier.days is None or later.days is None else earlier.days + later.days
    whole = days is None or days >= window.days
    shared = None if whole else days
    return Sharer(later.key, later.weight, later.fixed_minor, shared, later.is_payer, earlier.first_on)
