"""Plans: a period that is about to be written, who shares it, and what each of them owes.

Reads and works out; writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.collecting import Days
from substrack.domain.cycles import Window, local_date
from substrack.domain.payments import PaymentKind, Status
from substrack.domain.shares import Sharer, Shares
from substrack.domain.sharing import share_out, sharers_in
from substrack.queries.calendars import cycle_of
from substrack.queries.sharing import MemberRow, load_members, rules_of, stay_of
from substrack.services.correlation import new_correlation_id
from substrack.store import Contact, Event, Group, Member, Period, Price


@dataclass(frozen=True)
class Plan:
    """One period about to be written: its dates, its total if known, and the members who share it.

    `payer_id` is whom it is paid to and `payer_included` whether they share it, as of its opening.
    """

    group: Group
    payer_id: int
    payer_included: bool
    window: Window
    today: date
    due_on: date
    opens_on: date
    total_minor: int | None
    members: Sequence[MemberRow]
    correlation_id: str
    prices: Sequence[Price] = ()

    def due_on_for(self, sharer: Sharer) -> date:
        """The day on which a share is due, at the earliest the first day that it is for."""
        return self._days_of(sharer).due_on

    def asked_on_for(self, sharer: Sharer) -> date:
        """The day requests and lapse of a share count from, so that nothing is born overdue."""
        in_advance = self.group.collect_days_before > 0
        return self._days_of(sharer).asked_from(in_advance=in_advance, today=self.today)

    def _days_of(self, sharer: Sharer) -> Days:
        whole = Days(self.due_on, self.opens_on)
        return whole.beginning(sharer.first_on, collect_days_before=self.group.collect_days_before)


@dataclass(frozen=True)
class Dues:
    """One member's part of a plan."""

    member: MemberRow
    sharer: Sharer
    amount_minor: int
    kind: PaymentKind

    @property
    def status(self) -> Status:
        """Own shares and amounts of zero are settled from the start."""
        done = self.kind is PaymentKind.OWN or self.amount_minor == 0
        return Status.CONFIRMED if done else Status.PENDING


def shares_of(plan: Plan) -> tuple[list[Sharer], Shares]:
    """Work out who shares a plan and what each owes; the plan has a total.

    Raises:
        FixedAmountsOverTotal: the fixed amounts exceed the total.
    """
    rules = replace(rules_of(plan.group), payer_id=plan.payer_id, payer_included=plan.payer_included)
    sharers = sharers_in(plan.window, map(stay_of, plan.members), rules)
    total_minor = plan.total_minor or 0
    return sharers, share_out(total_minor, sharers, plan.window, payer_included=plan.payer_included)


def dues_of(plan: Plan) -> tuple[list[Dues], int]:
    """List what each sharer of a plan owes, the payer's own part included, and that part.

    Raises:
        FixedAmountsOverTotal: the fixed amounts exceed the total.
    """
    sharers, shares = shares_of(plan)
    by_key = {member.id: member for member in plan.members}
    dues = []
    for sharer in sharers:
        kind = PaymentKind.OWN if sharer.is_payer else PaymentKind.DUES
        amount = shares.payer_minor if sharer.is_payer else shares.amounts[sharer.key]
        dues.append(Dues(by_key[sharer.key], sharer, amount, kind))
    return dues, shares.payer_minor


def plans_for(session: Session, groups: Sequence[Group], now: datetime) -> list[Plan]:
    """Plan the next period of each group, in four statements at most."""
    keys = [group.id for group in groups]
    members, prices = load_members(session, keys), _prices_of(session, keys)
    return [_plan(group, members.get(group.id, []), prices.get(group.id, []), now) for group in groups]


def _plan(group: Group, members: Sequence[MemberRow], prices: Sequence[Price], now: datetime) -> Plan:
    window = cycle_of(group).window(group.next_sequence)
    return Plan(
        group=group,
        payer_id=group.payer_id,
        payer_included=group.payer_included,
        window=window,
        today=local_date(now, group.time_zone),
        due_on=window.starts_on + timedelta(days=group.due_days),
        opens_on=window.starts_on - timedelta(days=group.collect_days_before),
        total_minor=price_on(prices, window.starts_on),
        members=members,
        correlation_id=new_correlation_id(),
        prices=prices,
    )


def plan_of_bill(session: Session, group: Group, period: Period, total_minor: int, now: datetime) -> Plan:
    """Plan the payments of a period that is open and whose bill has come.

    It is paid to whom it was opened for, and shared by them if they shared then, whoever pays for the group
    by now. Who was erased since shares nothing. It is due on the day that the bill came at the earliest.
    """
    members = load_members(session, [group.id]).get(group.id, [])
    erased = _erased_in(session, group.id)
    today = local_date(now, group.time_zone)
    return Plan(
        group=group,
        payer_id=period.payer_id,
        payer_included=_payer_was_included(session, group, period),
        window=Window(period.sequence, period.starts_on, period.ends_on),
        today=today,
        due_on=max(period.due_on, today),
        opens_on=period.opens_on,
        total_minor=total_minor,
        members=[member for member in members if member.contact_id not in erased],
        correlation_id=new_correlation_id(),
    )


def _payer_was_included(session: Session, group: Group, period: Period) -> bool:
    """Tell whether the payer shared when a period was opened: the first change since says what was so."""
    of_group = Event.group_id == group.id, Event.at >= period.opened_at
    opening = select(func.max(Event.id)).where(
        *of_group, Event.subject_kind == "period", Event.subject_id == period.id, Event.verb == "open"
    )
    edits = select(Event.before).where(
        *of_group,
        Event.subject_kind == "group",
        Event.verb == "edit",
        Event.id > func.coalesce(opening.scalar_subquery(), 0),
    )
    for before in session.scalars(edits.order_by(Event.id)):
        if before and "payer_included" in before:
            return bool(before["payer_included"])
    return group.payer_included


def _erased_in(session: Session, group_id: int) -> set[int]:
    query = select(Contact.id).join(Member, Member.contact_id == Contact.id)
    return set(session.scalars(query.where(Member.group_id == group_id, Contact.erased_at.is_not(None))))


def price_on(prices: Iterable[Price], day: date) -> int | None:
    """Return what a group costs on a day (minor units): its latest price from that day or before."""
    known = [price for price in prices if price.from_on <= day]
    return max(known, key=lambda price: price.from_on).amount_minor if known else None


def _prices_of(session: Session, group_ids: Collection[int]) -> dict[int, list[Price]]:
    found: dict[int, list[Price]] = {}
    for price in session.scalars(select(Price).where(Price.group_id.in_(group_ids))):
        found.setdefault(price.group_id, []).append(price)
    return found


def has_members(plan: Plan) -> bool:
    """Tell whether anybody but the payer is still there when the next period starts."""
    starts_on = cycle_of(plan.group).start_of(plan.group.next_sequence)
    return any(
        member.contact_id != plan.group.payer_id and (member.left_on is None or member.left_on > starts_on)
        for member in plan.members
    )
