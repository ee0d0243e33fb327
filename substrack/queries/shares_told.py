"""The shares that letters name: what somebody bears of a period, until when it holds, and what it was before.

The rule of the three (docs/decisions/0018-shares-told.md): a share is what the terms of a group give, for a
whole period. What is for one period alone is called so: a part of a period, and what others bear beside one.
What an admin typed into one payment is no share.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Select, select

from substrack.domain.cycles import Window
from substrack.domain.letters import Stretch
from substrack.domain.money import Money
from substrack.domain.payments import Act
from substrack.domain.shares import FixedAmountsOverTotal, Sharer
from substrack.domain.sharing import Stay, share_out, sharers_in
from substrack.queries.groups import price_on
from substrack.queries.letter_facts import Reading, money_in
from substrack.queries.letter_items import span_of
from substrack.queries.prepared import prepared
from substrack.queries.sharing import is_open, rules_of, stay_of, window_of
from substrack.store import Event, Group, Member, Payment, Period

WINDOWS_AHEAD: Final = 12
"""How many periods are looked at for the first whole one."""

DEALT: Final = 1
"""By how many minor units shares may differ and still be the same: left-over units go round."""


class SharesTold:
    """What the reader of a letter bears of periods of one group, by the stays of this moment."""

    def __init__(self, reading: Reading, group: Group) -> None:
        self._reading, self._group = reading, group
        members = reading.session.scalars(select(Member).where(Member.group_id == group.id))
        self._stays: Sequence[Stay] = [stay_of(member) for member in members]
        self._own = [stay for stay in self._stays if stay.contact_id == reading.message.contact_id]

    def told(self, window: Window, total_minor: int | None) -> int | None:
        """Find what the reader bears of a period: what was billed where it is open, else what will be."""
        if is_open(self._group, window):
            return self._billed(window.sequence, with_parts=True)
        return self.of(window, total_minor)

    def of(self, window: Window, total_minor: int | None) -> int | None:
        """Work out what the reader will owe of a period's total; None when they will not share it."""
        if total_minor is None:
            return None
        group = self._group
        try:
            shares = share_out(
                total_minor, self._sharers(window), window, payer_included=group.payer_included
            )
        except FixedAmountsOverTotal:
            return None
        keys = [stay.key for stay in self._own]
        return next((shares.amounts[key] for key in keys if key in shares.amounts), None)

    def is_in(self, window: Window) -> bool:
        """Tell whether the reader shares a period, whatever it costs."""
        return self._mine(window) is not None

    def first_day(self, window: Window) -> date:
        """Say from which day of a period on the reader shares it."""
        mine = self._mine(window)
        return (mine.first_on if mine else None) or window.starts_on

    @property
    def left_on(self) -> date | None:
        """The first day on which the reader is gone for good; None while they stay."""
        last = max(self._own, key=lambda stay: stay.joined_on, default=None)
        return last.left_on if last else None

    def until(self, window: Window) -> Money | None:
        """Find the reader's share of the period before another; None when they had none of a whole one.

        Of a period that is open already it is what was billed: not what one payment, or the total, was
        corrected to. Not what the period itself would have cost without its last change either: nobody ever
        pays that.
        """
        group, sequence = self._group, window.sequence - 1
        if sequence < group.next_sequence:
            return money_in(self._billed(sequence), group)
        before = window_of(group, sequence)
        mine = self._mine(before)
        if mine is None or mine.days is not None:
            return None
        total = price_on(self._reading.session, group.id, before.starts_on)
        return money_in(self.of(before, total), group)

    def stretch(self, window: Window, share_minor: int | None) -> Stretch | None:
        """Say how far a share of a period holds; None while it lasts, or is not known."""
        mine = self._mine(window)
        if mine is None or share_minor is None:
            return None
        full = self._first_whole_after(window)
        then = self._at_its_price(full) if full else None
        lasts = full is None or (then is not None and abs(then - share_minor) <= DEALT)
        if mine.days is None and lasts:
            return None
        stays = [stay for stay in self._own if stay.joined_on <= window.ends_on]
        last = max(stays, key=lambda stay: stay.joined_on)
        after = window.ends_on + timedelta(days=1)
        return Stretch(
            span=span_of(self._group, window.starts_on, window.ends_on),
            first_on=max(window.starts_on, last.joined_on),
            last_on=min(last.left_on or after, after) - timedelta(days=1),
            is_part=mine.days is not None,
            left_on=last.left_on if then is None else None,
            then_on=full.starts_on if full and then is not None else None,
            then=money_in(then, self._group),
        )

    def _first_whole_after(self, window: Window) -> Window | None:
        """Find the first period after another in which nobody is there for a part only."""
        first = max(window.sequence + 1, self._group.next_sequence)
        for sequence in range(first, first + WINDOWS_AHEAD):
            later = window_of(self._group, sequence)
            if is_over(self._group, later):
                return None
            if all(sharer.days is None for sharer in self._sharers(later)):
                return later
        return None

    def _at_its_price(self, window: Window) -> int | None:
        return self.of(window, price_on(self._reading.session, self._group.id, window.starts_on))

    def _sharers(self, window: Window) -> list[Sharer]:
        return sharers_in(window, self._stays, rules_of(self._group))

    def _mine(self, window: Window) -> Sharer | None:
        return next(iter(sharers_in(window, self._own, rules_of(self._group))), None)

    def _billed(self, sequence: int, *, with_parts: bool = False) -> int | None:
        """Find what the reader was billed for an open period, not what was typed later; a part if wanted."""
        contact_id = self._reading.message.contact_id
        if contact_id is None:
            return None
        found = self._reading.session.execute(*_billed_of(self._group.id, sequence, contact_id)).first()
        if found is None:
            return None
        amount_minor, part_days, billed_at, opened_at, after = found
        if (part_days is not None and not with_parts) or (opened_at is not None and opened_at != billed_at):
            return None
        return int((after or {}).get("amount", amount_minor))


def is_over(group: Group, window: Window) -> bool:
    """Tell whether a period never opens: the group rests, or has ended by then."""
    if is_open(group, window):
        return False
    is_stopped = group.paused_at is not None or group.archived_at is not None
    return is_stopped or (group.ends_on is not None and window.starts_on > group.ends_on)


@prepared
def _billed_of(group_id: int, sequence: int, contact_id: int) -> Select[*tuple[object, ...]]:
    return (
        select(Payment.amount_minor, Payment.part_days, Period.billed_at, Event.at, Event.after)
        .join(Period, Period.id == Payment.period_id)
        .outerjoin(Event, (Event.payment_id == Payment.id) & (Event.verb == Act.OPEN.value))
        .where(
            Period.group_id == group_id,
            Period.sequence == sequence,
            Payment.contact_id == contact_id,
            Payment.voided_at.is_(None),
        )
        .order_by(Payment.id, Event.id)
        .limit(1)
    )
