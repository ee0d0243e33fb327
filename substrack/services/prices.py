"""Prices: what a group costs from a date on. That it changes is told by `services.announcing`.

A price never touches a period that is open already: those are corrected by editing their total.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.cycles import local_date
from substrack.domain.delivery import MessageState
from substrack.domain.errors import Refused
from substrack.domain.money import CurrencyMismatch, Money
from substrack.domain.notices import Notice
from substrack.domain.shares import SplitKind
from substrack.domain.terms import PriceUnknown, check_day, check_price
from substrack.queries.groups import price_on
from substrack.queries.sharing import window_from
from substrack.services.announcing import announce_price, announced_at
from substrack.services.fixed_amounts import check_fixed_amounts
from substrack.services.group_rows import hold_group, next_start
from substrack.services.journal import record_group
from substrack.services.schedule import reschedule_group
from substrack.store import Group, Message, Price


class PriceAlreadyOpen(Refused):
    """The price would change a period that is open already; `next_start` is the earliest day possible."""

    field = "from_on"

    def __init__(self, next_start: date) -> None:
        self.next_start = next_start
        super().__init__(
            "Periods before %(day)s are already open; edit their total instead, or let the price begin "
            "on that day.",
            day=next_start,
        )


def set_price(
    session: Session,
    group_id: int,
    *,
    amount: Money,
    from_on: date | None = None,
    announces: bool = True,
    by: Actor,
    now: datetime,
) -> Price:
    """Set what the group costs from a date on; without one, from the next unopened period.

    A price set before for that very date is replaced; it has to bear the fixed amounts until the next price
    begins. A period whose opening was refused is tried again at once. Members hear of a change a week before
    the first period it is for opens, or at once when that is nearer, unless it is not announced here; the
    first price of a group is no change.

    Raises:
        PriceAlreadyOpen, PriceUnknown (variable group), CurrencyMismatch, FixedAmountsOverTotal,
        FixedAmountsOverLater, Refused.
    """
    group = hold_group(session, group_id, by)
    opens_next = next_start(group)
    begins = check_day(from_on or opens_next, "from_on")
    if begins < opens_next:
        raise PriceAlreadyOpen(opens_next)
    _check_amount(group, amount)
    before = price_on(session, group_id, begins)
    price = _write(session, group, amount, begins)
    check_fixed_amounts(session, group, window_from(group, begins), until=_next_price_on(session, price))
    group.version += 1
    record_group(
        session,
        "price",
        group,
        by=by,
        now=now,
        before={"amount_minor": before},
        after={"amount_minor": amount.minor, "from_on": begins.isoformat(), "is_announced": announces},
    )
    reschedule_group(session, group)
    if announces:
        announce_price(session, group, price, now=now)
    return price


def announced_on(session: Session, group_id: int, starts_on: date, *, now: datetime) -> date | None:
    """Say on which day members hear of a price whose first period starts on a day; None for at once."""
    group = session.get_one(Group, group_id)
    due_at = announced_at(group, starts_on)
    return local_date(due_at, group.time_zone) if due_at > now else None


def _check_amount(group: Group, amount: Money) -> None:
    if group.split is SplitKind.VARIABLE:
        raise PriceUnknown
    if amount.currency != group.currency:
        raise CurrencyMismatch(amount.currency, group.currency)
    check_price(amount)


def _next_price_on(session: Session, price: Price) -> date | None:
    later = select(func.min(Price.from_on)).where(
        Price.group_id == price.group_id, Price.from_on > price.from_on
    )
    return session.scalar(later)


def _write(session: Session, group: Group, amount: Money, begins: date) -> Price:
    price = session.scalar(select(Price).where(Price.group_id == group.id, Price.from_on == begins))
    if price is None:
        price = Price(group_id=group.id, from_on=begins, amount_minor=amount.minor)
        session.add(price)
        return price
    price.amount_minor = amount.minor
    _cancel_announcements(session, group, price)
    return price


def _cancel_announcements(session: Session, group: Group, price: Price) -> None:
    """Take back what was queued about a price that is not coming; the new one is announced afresh."""
    waiting = select(Message.id, Message.payload).where(
        Message.workspace_id == group.workspace_id,
        Message.notice == Notice.PRICE_CHANGE,
        Message.state == MessageState.QUEUED,
    )
    stale = [key for key, payload in session.execute(waiting) if payload.get("price_id") == price.id]
    session.execute(
        update(Message)
        .where(Message.id.in_(stale), Message.state == MessageState.QUEUED)
        .values(state=MessageState.CANCELLED, last_error="the price changed again")
    )
