"""What a change to a group does to everybody's share: two outlooks compared, before and after it.

An outlook is of one unopened period; what is open already is changed by nothing that is simulated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from substrack.domain.collecting import FirstRequest
from substrack.domain.cycles import Window
from substrack.domain.money import Money


class Why(StrEnum):
    """What kind of change it is, as far as those whose share changes are told."""

    PRICE = "price"
    JOIN = "join"
    LEAVE = "leave"
    TERMS = "terms"


class Hearing(StrEnum):
    """Whether somebody hears of a change: it does not touch them, they are told, or nothing reaches them."""

    UNTOUCHED = "untouched"
    TOLD = "told"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Outlook:
    """Who will bear what of one period, by contact, the payer's part included.

    `total_minor` and the shares are None while the bill is not known; `weights` tell them apart then.
    `so_far` is the same at the price of the period before, when that is another. `days` has how many days
    those bear a part for who are not there from end to end, `first_days` the first of who come within it.
    """

    window: Window
    total_minor: int | None
    shares: Mapping[int, int | None]
    weights: Mapping[int, int]
    so_far: Outlook | None = None
    days: Mapping[int, int] = field(default_factory=dict)
    first_days: Mapping[int, date] = field(default_factory=dict)

    @property
    def is_part(self) -> bool:
        """Tell whether somebody bears a part of this period only, so that its shares do not last."""
        return bool(self.days)

    def is_like(self, other: Outlook) -> bool:
        """Tell whether nobody could see a difference in what they pay and for which days."""
        is_weighed = self.total_minor is None or other.total_minor is None
        same_weights = not is_weighed or self.weights == other.weights
        return (self.window, self.total_minor, self.shares) == (
            other.window,
            other.total_minor,
            other.shares,
        ) and same_weights


@dataclass(frozen=True)
class ShareChange:
    """One person's share before and after; None on the side where they bear nothing or it is not known.

    `was_in` and `is_in` tell the two apart; `weights` are those on each side, where a bill is divided.
    `is_own` where it is they who come, go, or are there for other days.
    """

    contact_id: int
    name: str
    is_payer: bool
    was_in: bool
    is_in: bool
    before: Money | None
    after: Money | None
    weights: tuple[int, int]
    hearing: Hearing
    is_own: bool = False

    @property
    def is_changed(self) -> bool:
        """Tell whether this person sees a difference."""
        return (self.was_in, self.before, self.weights[0]) != (self.is_in, self.after, self.weights[1])

    @property
    def weight_of_news(self) -> tuple[bool, bool, int, int]:
        """Say how much there is to see here, to be compared with others."""
        before, after = (share.minor if share else 0 for share in (self.before, self.after))
        by_weight = abs(self.weights[1] - self.weights[0])
        return self.is_payer, self.was_in != self.is_in, abs(after - before), by_weight


@dataclass(frozen=True)
class GroupChange:
    """The first period that a change touches, and what it does to each share of it.

    `first_requests` says when those who owe it then are first asked, by contact; empty while the group rests.
    `lasting` is the first whole period after it, where somebody is there for a part of this one and the
    shares of that one are others.
    """

    window: Window
    total_before: Money | None
    total_after: Money | None
    people: tuple[ShareChange, ...]
    first_requests: Mapping[int, FirstRequest] = field(default_factory=dict)
    lasting: GroupChange | None = None

    def differing_most(self, number: int) -> tuple[ShareChange, ...]:
        """List so many people in their order: the payer, who comes or goes, and whose share differs most."""
        places = sorted(range(len(self.people)), key=lambda place: self.people[place].weight_of_news)
        return tuple(self.people[place] for place in sorted(places[-number:]))

    @property
    def told(self) -> tuple[ShareChange, ...]:
        """List who would hear of it."""
        return tuple(one for one in self.people if one.hearing is Hearing.TOLD)

    @property
    def unreachable(self) -> tuple[ShareChange, ...]:
        """List whom it touches, but nothing reaches."""
        return tuple(one for one in self.people if one.hearing is Hearing.UNREACHABLE)


def first_difference(before: Sequence[Outlook], after: Sequence[Outlook]) -> tuple[Outlook, Outlook] | None:
    """Find the first period that looks otherwise after a change, as known before and as after it.

    None when none does.
    """
    then = {outlook.window.sequence: outlook for outlook in after}
    for now in before:
        found = then.get(now.window.sequence)
        if found is not None and not found.is_like(now):
            return _known_before(now, found), found
    return None


def lasting_difference(
    before: Sequence[Outlook], after: Sequence[Outlook], first: Outlook
) -> tuple[Outlook, Outlook] | None:
    """Find the first whole period after a part period, where others bear other shares of it.

    As it would have been without the change, and as it will be. None where the first period lasts.
    """
    later = [found for found in after if found.window.sequence > first.window.sequence and not found.is_part]
    if not first.is_part or not later or later[0].shares == first.shares:
        return None
    then = next((now for now in before if now.window == later[0].window), None)
    return (then, later[0]) if then else None


def _known_before(now: Outlook, later: Outlook) -> Outlook:
    """Choose what people compare with: what they bear until then, not a price that is only set for that day.

    When that price is taken back, it is what they compare with: they may have been told of it.
    """
    so_far = now.so_far
    return now if so_far is None or so_far.total_minor == later.total_minor else so_far
