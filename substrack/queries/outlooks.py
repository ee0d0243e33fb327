"""Reads about what everybody will bear of the periods to come, as a group stands at this moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.cycles import Window
from substrack.domain.shares import FixedAmountsOverTotal, Sharer, SplitKind
from substrack.domain.sharing import share_out, sharers_in
from substrack.domain.simulation import Outlook
from substrack.queries.calendars import cycle_of
from substrack.queries.groups import price_on
from substrack.queries.sharing import rules_of, stay_of
from substrack.store import Group, Member


def load_outlooks(session: Session, group: Group, day: date) -> list[Outlook]:
    """Load the next two unopened periods and those around a day, in order; none after the group's end."""
    members = list(session.scalars(select(Member).where(Member.group_id == group.id).order_by(Member.id)))
    windows = [window for window in _windows(group, day) if not _is_over(group, window)]
    return [_outlook(session, group, members, window) for window in windows]


def _windows(group: Group, day: date) -> list[Window]:
    cycle = cycle_of(group)
    first = group.next_sequence
    around = max(cycle.sequence_on_or_after(day), first)
    return [cycle.window(k) for k in sorted({first, first + 1, max(around - 1, first), around, around + 1})]


def _is_over(group: Group, window: Window) -> bool:
    return group.ends_on is not None and window.starts_on > group.ends_on


def _outlook(session: Session, group: Group, members: list[Member], window: Window) -> Outlook:
    is_variable = group.split is SplitKind.VARIABLE
    total = None if is_variable else price_on(session, group.id, window.starts_on)
    former = None if is_variable else price_on(session, group.id, _day_before(group, window))
    outlook = _at_price(group, members, window, total)
    if former is None or former == total:
        return outlook
    return replace(outlook, so_far=_at_price(group, members, window, former))


def _day_before(group: Group, window: Window) -> date:
    """Find a day whose price the period before has: its first, or its last when another cycle made it."""
    if window.sequence > group.anchor_sequence:
        return cycle_of(group).start_of(window.sequence - 1)
    return window.starts_on - timedelta(days=1)


def _at_price(group: Group, members: list[Member], window: Window, total: int | None) -> Outlook:
    sharers = sharers_in(window, map(stay_of, members), rules_of(group))
    contacts = {member.id: member.contact_id for member in members}
    shares: dict[int, int | None] = {contacts[sharer.key]: None for sharer in sharers}
    return Outlook(
        window=window,
        total_minor=total,
        shares=shares | _shares(group, sharers, contacts, window, total),
        weights={contacts[sharer.key]: sharer.weight for sharer in sharers},
        days={contacts[sharer.key]: sharer.days for sharer in sharers if sharer.days is not None},
        first_days={contacts[one.key]: one.first_on for one in sharers if one.first_on is not None},
    )


def _shares(
    group: Group, sharers: list[Sharer], contacts: dict[int, int], window: Window, total_minor: int | None
) -> dict[int, int]:
    """Work out who bears what, by contact, with what is left to the payer; nothing while it is not known."""
    if total_minor is None:
        return {}
    try:
        shares = share_out(total_minor, sharers, window, payer_included=group.payer_included)
    except FixedAmountsOverTotal:
        return {}
    amounts = {contacts[key]: amount for key, amount in shares.amounts.items()}
    is_sharing = any(sharer.is_payer for sharer in sharers)
    return amounts | ({group.payer_id: shares.payer_minor} if is_sharing or shares.payer_minor else {})
