"""Reads about who shares a period of a group and what each of them will owe."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.cycles import Window
from substrack.domain.shares import ABSENT, FixedAmountsOverTotal, PartPeriod, Sharer, part_days
from substrack.domain.sharing import SharingRules, Stay, first_window, share_out, sharers_in
from substrack.queries.calendars import cycle_of
from substrack.store import Group, Member, Payment, Period


class MemberRow(NamedTuple):
    """What a member's share depends on; there may be tens of thousands in one group."""

    id: int
    group_id: int
    contact_id: int
    joined_on: date
    left_on: date | None
    weight: int
    fixed_minor: int | None


def load_members(session: Session, group_ids: Collection[int]) -> dict[int, list[MemberRow]]:
    """Load the members of groups, by group, in the order they were added."""
    query = select(
        Member.id,
        Member.group_id,
        Member.contact_id,
        Member.joined_on,
        Member.left_on,
        Member.weight,
        Member.fixed_minor,
    )
    found: dict[int, list[MemberRow]] = {}
    for row in session.execute(query.where(Member.group_id.in_(group_ids)).order_by(Member.id)):
        found.setdefault(row.group_id, []).append(MemberRow._make(row))
    return found


def stay_of(member: Member | MemberRow) -> Stay:
    """Put a member's row into a stay; its key is the member's."""
    return Stay(
        key=member.id,
        contact_id=member.contact_id,
        joined_on=member.joined_on,
        left_on=member.left_on,
        weight=member.weight,
        fixed_minor=member.fixed_minor,
    )


def rules_of(group: Group) -> SharingRules:
    """Put what a group says about sharing into rules."""
    return SharingRules(group.split, group.part_period, group.payer_id, group.payer_included)


def sharers_of(session: Session, group: Group, window: Window) -> list[Sharer]:
    """Load who shares a period, in the order in which it will be billed; keys are member ids."""
    members = session.scalars(select(Member).where(Member.group_id == group.id))
    return sharers_in(window, map(stay_of, members), rules_of(group))


def shares_of(session: Session, group: Group, window: Window, total_minor: int) -> dict[int, int]:
    """Work out what everybody but the payer will owe, by member; nothing where fixed amounts exceed it."""
    sharers = sharers_of(session, group, window)
    try:
        shares = share_out(total_minor, sharers, window, payer_included=group.payer_included)
    except FixedAmountsOverTotal:
        return {}
    return dict(shares.amounts)


def first_window_of(group: Group, member: Member) -> Window:
    """Find the first unopened period that a member will share."""
    return first_window(cycle_of(group), group.next_sequence, stay_of(member), rules_of(group))


def first_days(session: Session, group: Group, period: Period) -> dict[int, date | None]:
    """Say of each payment of a period on which day within it its share begins; None at its first.

    Who left and came back shares from the first of their stays that the group bills. What was due before
    somebody's first day was billed before that day was corrected, and begins with the period. Two statements.
    """
    stays: dict[int, list[MemberRow]] = {}
    for row in load_members(session, [group.id]).get(group.id, []):
        stays.setdefault(row.contact_id, []).append(row)
    window = Window(period.sequence, period.starts_on, period.ends_on)
    query = select(Payment.id, Payment.contact_id, Payment.member_id, Payment.due_on)
    return {
        key: first_day(
            window,
            _billed_on(window, stays[contact_id], member_id, group.part_period),
            by=due_on or date.max,
        )
        for key, contact_id, member_id, due_on in session.execute(query.where(Payment.period_id == period.id))
    }


def _billed_on(
    window: Window, stays: Iterable[MemberRow], billed_id: int, rule: PartPeriod
) -> Iterator[date]:
    """List the first days of somebody's stays that are billed together with one of them."""
    for stay in stays:
        days = part_days(rule, stay.joined_on, stay.left_on, window)
        if stay.id == billed_id or days is not ABSENT:
            yield stay.joined_on


def first_day(window: Window, joined_on: Iterable[date], *, by: date = date.max) -> date | None:
    """Find the first day of stays that begin within a period, on a day at the latest; None at its first."""
    days = [day for day in joined_on if day <= min(by, window.ends_on)]
    first_on = min(days, default=window.starts_on)
    return first_on if first_on > window.starts_on else None


def window_from(group: Group, day: date) -> Window:
    """Find the first unopened period that starts on a day or later."""
    cycle = cycle_of(group)
    return cycle.window(max(cycle.sequence_on_or_after(day), group.next_sequence))


def period_from(session: Session, group: Group, day: date) -> Window:
    """Find the first period that starts on a day or later, open already or not."""
    query = select(Period.sequence, Period.starts_on, Period.ends_on).where(
        Period.group_id == group.id, Period.starts_on >= day, Period.voided_at.is_(None)
    )
    found = session.execute(query.order_by(Period.starts_on).limit(1)).first()
    return window_from(group, day) if found is None else Window(*found)


def is_open(group: Group, window: Window) -> bool:
    """Tell whether a period was opened already."""
    return window.sequence < group.next_sequence


def window_of(group: Group, sequence: int) -> Window:
    """Find the dates of an unopened period."""
    return cycle_of(group).window(sequence)
