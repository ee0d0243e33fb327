"""What comes next for one person: the next period of each of their groups, and how far their credit reaches.

By what is set at this moment: who joins and leaves when, and prices from a day on, each in its period. In a
constant number of statements. A group that is paused, ended or archived has nothing to come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.domain.bills import Item
from substrack.domain.collecting import Days, first_request_on
from substrack.domain.coverage import Ahead, Coverage, cover, periods_a_year
from substrack.domain.cycles import Unit, Window
from substrack.domain.money import Money
from substrack.domain.shares import FixedAmountsOverTotal, Sharer, SplitKind
from substrack.domain.sharing import Stay, first_window, share_out, sharers_in
from substrack.domain.spans import Span
from substrack.queries.awaited_bills import Awaited, load_awaited
from substrack.queries.calendars import cycle_of
from substrack.queries.collection_days import load_askable
from substrack.queries.letter_items import span_of
from substrack.queries.pay_credit import Credit, Outlet
from substrack.queries.prepared import prepared
from substrack.queries.purses import load_purses
from substrack.queries.sharing import rules_of
from substrack.store import Contact, Group, Member, Period, Price, shared_alias

_Payer = shared_alias(Contact)

CROWD: Final = 1_000
"""With more members than this, everybody's terms are not read to foretell one member's share."""


@dataclass(frozen=True)
class Coming:
    """The next period of one group; `share` is None while its bill is not known, and in a crowd.

    `covered` periods from this one on are settled by credit; of the first that is not, `there` is there
    already, and what the bills of the groups in `unless` leave of the credit. `collected_on` is when it is
    first asked for, where a collection day decides that. `following` has the shares of the periods of a year
    from this one on, as far as they are known.
    """

    group_public_id: str
    group: str
    payer: str
    unit: Unit
    every: int
    span: Span
    due_on: date
    share: Money | None
    covered: int
    there: Money
    collected_on: date | None = None
    unless: tuple[str, ...] = ()
    following: tuple[Money, ...] = ()

    @property
    def missing(self) -> Money | None:
        """What this period will still want, once credit has settled its part."""
        if self.share is None or self.covered:
            return None
        return self.share - self.there


@dataclass(frozen=True)
class Foreseen:
    """What a person has to expect: bills that are not in yet, and the next period of each of their groups.

    `outlets` are the groups of these, and those that are paused: credit may settle something of them.
    """

    awaited: tuple[Awaited, ...]
    coming: tuple[Coming, ...]
    outlets: tuple[Outlet, ...]


def sum_of_a_year(items: Sequence[Item], coming: Sequence[Coming]) -> Money | None:
    """Add up what is owed and the shares to come until a year is full.

    None where that is not one thing: for several groups, an unknown bill, or periods of a year.
    """
    known = [row for row in coming if row.share is not None]
    if len({item.group for item in items}) != 1 or len(known) != 1 or known[0].group != items[0].group:
        return None
    (row,) = known
    more = periods_a_year(row.unit, row.every) - len(items)
    if not 0 < more <= len(row.following):
        return None
    return sum([*(item.left for item in items[1:]), *row.following[:more]], items[0].left)


@dataclass(frozen=True)
class _Place:
    """One present membership, and the first period that comes."""

    group: Group
    payer: str
    contact_id: int
    window: Window
    stays: tuple[Stay, ...]

    @property
    def days(self) -> Days:
        """Say when its share is due and opens."""
        group, starts_on = self.group, self.window.starts_on
        ahead = group.collect_days_before
        whole = Days(starts_on + timedelta(days=group.due_days), starts_on - timedelta(days=ahead))
        own = next(iter(sharers_in(self.window, self.stays, rules_of(group))), None)
        return whole.beginning(own.first_on if own else None, collect_days_before=ahead)


class _Shares:
    """What a person bears of any period of one group, by the stays and prices that are set."""

    def __init__(self, place: _Place, stays: Sequence[Stay], prices: Sequence[tuple[date, int]]) -> None:
        self._place, self._stays, self._prices = place, stays, prices
        self._whose = {stay.key: stay.contact_id for stay in stays}
        days = [day for stay in stays for day in (stay.joined_on, stay.left_on) if day]
        self._settled_from = max(days, default=date.min)
        self._settled: list[Sharer] | None = None

    def of(self, window: Window) -> int | None:
        """Return the share in minor units; None while it is not known, or cannot be worked out."""
        group = self._place.group
        begun = [minor for from_on, minor in self._prices if from_on <= window.starts_on]
        if group.split is SplitKind.VARIABLE or not begun:
            return None
        try:
            shares = share_out(begun[-1], self._sharers(window), window, payer_included=group.payer_included)
        except FixedAmountsOverTotal:
            return None
        mine = self._place.contact_id
        return next((minor for key, minor in shares.amounts.items() if self._whose[key] == mine), None)

    def _sharers(self, window: Window) -> list[Sharer]:
        """List who shares a period; they stay the same once nobody who is known joins or leaves any more."""
        rules = rules_of(self._place.group)
        if window.starts_on < self._settled_from:
            return sharers_in(window, self._stays, rules)
        if self._settled is None:
            self._settled = sharers_in(window, self._stays, rules)
        return self._settled


def load_coming(
    session: Session,
    contact_id: int,
    credits: Iterable[Credit],
    *,
    today: date,
) -> Foreseen:
    """List what comes next in a person's groups, the soonest first.

    Four statements, and one more for each of a crowd, a bill that is not in yet, and credit.
    """
    shared = session.execute(*_shared_by(contact_id)).all()
    awaited = load_awaited(session, contact_id) if any(is_awaited for *_, is_awaited in shared) else ()
    memberships = [row for row in shared if row[0].paused_at is None and row[0].payer_id != contact_id]
    crowds = {group.id for group, _payer, is_crowd, _is_awaited in memberships if is_crowd}
    group_ids = sorted({group.id for group, *_ in memberships})
    stays, prices = _stays(session, contact_id, group_ids, crowds), _prices(session, group_ids)
    found = [_place(group, payer, contact_id, stays[group.id]) for group, payer, *_ in memberships]
    places = [place for place in found if place]
    shares = {
        place.group.id: _Shares(place, stays[place.group.id], prices[place.group.id])
        for place in places
        if place.group.id not in crowds
    }
    aheads = [_ahead(place, shares.get(place.group.id)) for place in places]
    purses = load_purses(session, contact_id, credits)
    kept = {ahead.group_id: purses.kept.get((ahead.group_id, ahead.purse), 0) for ahead in aheads}
    unsure = [(ahead.purse, ahead.group_id) for ahead in aheads if ahead.group_id in crowds]
    unsure += [((bill.payer_id, bill.currency), bill.group_id) for bill in awaited]
    reached = cover(aheads, free=purses.free, kept=kept, unsure=unsure)
    names = {bill.group_id: bill.group for bill in awaited}
    names |= {place.group.id: place.group.name for place in places}
    day = load_askable(session, [contact_id]).get(contact_id)
    rows = [
        _coming(
            place,
            shares.get(place.group.id),
            reached.get(place.group.id, Coverage()),
            names,
            _collected_on(place, day, today),
        )
        for place in places
    ]
    paused = [group for group, *_ in shared if group.paused_at is not None]
    going_on = (*paused, *(place.group for place in places))
    outlets = [Outlet(group.payer_id, group.currency, group.id) for group in going_on]
    outlets += [Outlet(bill.payer_id, bill.currency, bill.group_id) for bill in awaited]
    return Foreseen(awaited, tuple(sorted(rows, key=lambda row: (row.due_on, row.group))), tuple(outlets))


@prepared
def _shared_by(contact_id: int) -> Select[Group, str, bool, bool]:
    last = select(Member.id).where(Member.group_id == Group.id).order_by(Member.id).limit(1).offset(CROWD)
    unbilled = select(Period.id).where(
        Period.group_id == Group.id,
        Period.payer_id != contact_id,
        Period.billed_at.is_(None),
        Period.voided_at.is_(None),
    )
    return (
        select(Group, _Payer.name, last.correlate(Group).exists(), unbilled.correlate(Group).exists())
        .join(_Payer, _Payer.id == Group.payer_id)
        .where(
            Group.id.in_(select(Member.group_id).where(Member.contact_id == contact_id)),
            Group.archived_at.is_(None),
        )
        .order_by(Group.id)
    )


def _stays(
    session: Session, contact_id: int, group_ids: Sequence[int], crowds: Collection[int]
) -> dict[int, list[Stay]]:
    """Load who is in the groups; of a crowd, only the stays of the person themselves."""
    rows = session.execute(*_members_of([key for key in group_ids if key not in crowds])).all()
    if crowds:
        rows = [*rows, *session.execute(*_members_of(sorted(crowds), contact_id))]
    found: dict[int, list[Stay]] = defaultdict(list)
    for group_id, *terms in rows:
        found[group_id].append(Stay(*terms))
    return found


@prepared
def _members_of(
    group_ids: Sequence[int], contact_id: int | None = None
) -> Select[int, int, int, date, date | None, int, int | None]:
    query = select(
        Member.group_id,
        Member.id,
        Member.contact_id,
        Member.joined_on,
        Member.left_on,
        Member.weight,
        Member.fixed_minor,
    ).where(Member.group_id.in_(group_ids))
    return query if contact_id is None else query.where(Member.contact_id == contact_id)


def _prices(session: Session, group_ids: Sequence[int]) -> dict[int, list[tuple[date, int]]]:
    found: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for group_id, from_on, amount_minor in session.execute(*_prices_of(group_ids)):
        found[group_id].append((from_on, amount_minor))
    return found


@prepared
def _prices_of(group_ids: Sequence[int]) -> Select[int, date, int]:
    query = select(Price.group_id, Price.from_on, Price.amount_minor).where(Price.group_id.in_(group_ids))
    return query.order_by(Price.from_on)


def _place(group: Group, payer: str, contact_id: int, stays: Sequence[Stay]) -> _Place | None:
    """Find the first period that a person shares; None when there is none any more."""
    own = tuple(stay for stay in stays if stay.contact_id == contact_id)
    windows = [first_window(cycle_of(group), group.next_sequence, stay, rules_of(group)) for stay in own]
    shared = [window for window in windows if _is_shared(group, window, own)]
    window = min(shared, key=lambda window: window.sequence, default=None)
    return _Place(group, payer, contact_id, window, own) if window else None


def _is_shared(group: Group, window: Window, own: Sequence[Stay]) -> bool:
    is_over = group.ends_on is not None and window.starts_on > group.ends_on
    return not is_over and bool(sharers_in(window, own, rules_of(group)))


def _ahead(place: _Place, shares: _Shares | None) -> Ahead:
    group = place.group
    return Ahead(
        group_id=group.id,
        purse=(group.payer_id, group.currency),
        cycle=cycle_of(group),
        sequence=place.window.sequence,
        share_of=shares.of if shares else _unknown,
        bill_comes_later=group.split is SplitKind.VARIABLE,
        collect_days_before=group.collect_days_before,
        due_days=group.due_days,
        ends_on=group.ends_on,
        stays=place.stays,
        rules=rules_of(group),
    )


def _unknown(_window: Window) -> None:
    """Say of a crowd's share that it is not known."""
    return


def _collected_on(place: _Place, collection_day: int | None, today: date) -> date | None:
    """Say on which collection day a period is first asked for; None without such a day."""
    if collection_day is None:
        return None
    group = place.group
    asked_on = place.days.asked_from(in_advance=group.collect_days_before > 0, today=today)
    return first_request_on(asked_on, grace_days=group.grace_days, collection_day=collection_day)


def _coming(
    place: _Place,
    shares: _Shares | None,
    coverage: Coverage,
    names: Mapping[int, str],
    collected_on: date | None,
) -> Coming:
    group, window = place.group, place.window
    following = _following(place, shares) if shares else ()
    return Coming(
        group_public_id=group.public_id,
        group=group.name,
        payer=place.payer,
        unit=group.unit,
        every=group.every,
        span=span_of(group, window.starts_on, window.ends_on),
        due_on=place.days.due_on,
        share=following[0] if following else None,
        covered=coverage.periods,
        there=Money(coverage.rest_minor, group.currency),
        collected_on=None if coverage.periods else collected_on,
        unless=tuple(sorted({names[key] for key in coverage.unless})),
        following=following,
    )


def _following(place: _Place, shares: _Shares) -> tuple[Money, ...]:
    """List the shares of a year, up to the first that is not known or not theirs any more."""
    group, first = place.group, place.window.sequence
    found = []
    for sequence in range(first, first + periods_a_year(group.unit, group.every)):
        window = cycle_of(group).window(sequence)
        minor = shares.of(window) if _is_shared(group, window, place.stays) else None
        if minor is None:
            break
        found.append(Money(minor, group.currency))
    return tuple(found)
