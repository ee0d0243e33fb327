"""What a reader takes a group to cost until a price begins, as it stands when they are told of it."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import func, select

from substrack.domain.cycles import Window
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.queries.groups import price_on
from substrack.queries.letter_facts import Reading
from substrack.queries.sharing import window_of
from substrack.store import Group, Message, Period, Price


def former_price(reading: Reading, group: Group, price: Price, window: Window) -> int | None:
    """Find the price until a period, open or not, in minor units; None when that is the price itself.

    A price that was announced for that period and is taken back counts as well: the reader expects it. A
    letter that is only shown names what it supposes.
    """
    supposed: int | None = reading.message.payload.get("supposed_minor")
    if supposed is not None:
        return supposed
    former = price_on(reading.session, group.id, _day_before(reading, group, window))
    return _announced(reading, price) if former == price.amount_minor else former


def _day_before(reading: Reading, group: Group, window: Window) -> date:
    """Choose a day whose price is that of the period before another; either may be open already."""
    if window.sequence > group.next_sequence:
        return window_of(group, window.sequence - 1).starts_on
    opened = select(func.max(Period.starts_on)).where(
        Period.group_id == group.id, Period.starts_on < window.starts_on, Period.voided_at.is_(None)
    )
    return reading.session.scalar(opened) or window.starts_on - timedelta(days=1)


def _announced(reading: Reading, price: Price) -> int | None:
    """Find what the reader was last told that this price would be, where it is another now."""
    told = select(Message.payload).where(
        Message.contact_id == reading.message.contact_id,
        Message.notice == Notice.PRICE_CHANGE,
        Message.state.in_((MessageState.SENDING, MessageState.SENT)),
        Message.id < reading.message.id,
    )
    for payload in reading.session.scalars(told.order_by(Message.id.desc())):
        if payload["price_id"] == price.id:
            after: int = payload["after_minor"]
            return None if after == price.amount_minor else after
    return None
