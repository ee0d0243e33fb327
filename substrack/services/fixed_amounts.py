"""Whether fixed amounts fit what there is to pay, now and in every later period in which either changes.

What is accepted here and does not fit later would keep the group from opening any further period.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.cycles import Window
from substrack.domain.errors import Refused
from substrack.domain.shares import FixedAmountsOverTotal, SplitKind
from substrack.domain.sharing import Stay, first_window, share_out, sharers_in
from substrack.queries.calendars import cycle_of
from substrack.queries.sharing import load_members, rules_of, stay_of, window_from, window_of
from substrack.services.plans import price_on
from substrack.store import Group, Price


class FixedAmountsOverLater(Refused):
    """The fixed amounts fit at first, but not from the period on that starts on `starts_on`."""

    field = "amount"

    def __init__(self, starts_on: date) -> None:
        self.starts_on = starts_on
        super().__init__(
            "From %(day)s on the fixed amounts are more than the price then; lower them or raise that price.",
            day=starts_on,
        )


def check_fixed_amounts(session: Session, group: Group, first: Window, *, until: date | None = None) -> None:
    """Check that fixed amounts fit the price of a period and of those after it that start before `until`.

    Three statements, however many periods there are to come.

    Raises:
        FixedAmountsOverTotal: not in the first. FixedAmountsOverLater: not in one after it.
    """
    session.flush()
    stays = [stay_of(member) for member in load_members(session, [group.id]).get(group.id, [])]
    prices = session.scalars(select(Price).where(Price.group_id == group.id)).all()
    for window in _windows(group, first, stays, prices, until):
        total_minor = price_on(prices, window.starts_on)
        if total_minor is None:
            continue
        sharers = sharers_in(window, stays, rules_of(group))
        try:
            share_out(total_minor, sharers, window, payer_included=group.payer_included)
        except FixedAmountsOverTotal:
            if window == first:
                raise
            raise FixedAmountsOverLater(window.starts_on) from None


def check_what_comes(session: Session, group: Group) -> None:
    """Check that fixed amounts fit the price of every period that a group is still to open.

    Raises:
        FixedAmountsOverTotal, FixedAmountsOverLater.
    """
    first = window_of(group, group.next_sequence)
    if group.split is SplitKind.VARIABLE or first.starts_on > (group.ends_on or date.max):
        return
    check_fixed_amounts(session, group, first)


def _windows(
    group: Group, first: Window, stays: Sequence[Stay], prices: Sequence[Price], until: date | None
) -> list[Window]:
    """List the first period and those after it in which a price or a fixed amount begins, in order."""
    turns = {price.from_on for price in prices} | set(_begins(group, stays))
    later = {window_from(group, day) for day in turns if day > first.starts_on}
    in_order = sorted(later - {first}, key=lambda window: window.starts_on)
    last = min(until or date.max, (group.ends_on or date.max - timedelta(days=1)) + timedelta(days=1))
    return [first, *(window for window in in_order if window.starts_on < last)]


def _begins(group: Group, stays: Sequence[Stay]) -> Iterator[date]:
    """Say when fixed amounts begin to count: in part, and from the period after that for the whole."""
    for stay in stays:
        if stay.fixed_minor is not None:
            window = first_window(cycle_of(group), group.next_sequence, stay, rules_of(group))
            yield window.starts_on
            yield window.ends_on + timedelta(days=1)
