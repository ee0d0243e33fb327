"""What a member is told, as it stands when the letter is sent.

Each reader returns None when nothing is left to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.bills import OpenInAll, OwnSentence
from substrack.domain.cycles import SequenceOutOfRange, Window, local_date
from substrack.domain.letters import (
    Answered,
    Asking,
    Decided,
    HeadsUp,
    PriceChange,
    Welcome,
)
from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE, OPEN
from substrack.domain.shares import SplitKind
from substrack.queries.former_prices import former_price
from substrack.queries.groups import price_on
from substrack.queries.letter_facts import Facts, Reading, about, items_of, money_in, payer_of
from substrack.queries.letter_items import Owed, own_sentences, span_of
from substrack.queries.letter_totals import is_asked, load_open_in_all
from substrack.queries.sharing import first_window_of, shares_of, window_from, window_of
from substrack.store import Group, Member, Payment, Period, Price, User


def asking(reading: Reading) -> Facts | None:
    steps = reading.steps
    if not steps:
        return None
    owed = [row for row in reading.payments(steps) if is_asked(row, reading.now)]
    return _to_pay(reading, owed, load_open_in_all(reading, owed), own_sentences(owed)) if owed else None


def period_opened(reading: Reading) -> Facts | None:
    owed = [row for row in reading.payments() if is_asked(row, reading.now)]
    return _to_pay(reading, owed) if owed else None


def _to_pay(
    reading: Reading,
    owed: Sequence[Owed],
    in_all: tuple[OpenInAll, ...] = (),
    sentences: tuple[OwnSentence, ...] = (),
) -> Facts:
    ways = reading.how_to_pay(owed)
    return about(owed, Asking(items_of(owed), ways, in_all, sentences))


def welcome(reading: Reading) -> Facts | None:
    member = reading.session.get(Member, reading.message.payload["member_id"])
    if member is None:
        return None
    group = reading.session.get_one(Group, member.group_id)
    if member.left_on is not None and member.left_on <= local_date(reading.now, group.time_zone):
        return None
    payer = payer_of(reading, group)
    first_on, share = _first_share(reading.session, group, member)
    content = Welcome(
        group=group.name,
        description=group.description,
        payer=payer,
        unit=group.unit,
        every=group.every,
        first_on=first_on,
        share=share,
        owes_already=_owes(reading.session, member),
    )
    return Facts(content, (payer,), (group.name,))


def _first_share(session: Session, group: Group, member: Member) -> tuple[date | None, Money | None]:
    """Find the first period that waits for a member, and what their share of it will be."""
    try:
        window = first_window_of(group, member)
    except SequenceOutOfRange:
        return None, None
    if group.ends_on is not None and window.starts_on > group.ends_on:
        return None, None
    total = None if group.split is SplitKind.VARIABLE else price_on(session, group.id, window.starts_on)
    if total is None:
        return window.starts_on, None
    return window.starts_on, money_in(shares_of(session, group, window, total).get(member.id), group)


def _owes(session: Session, member: Member) -> bool:
    open_payment = select(Payment.id).where(
        Payment.member_id == member.id, Payment.status.in_(OPEN), Payment.voided_at.is_(None)
    )
    return session.scalar(open_payment.limit(1)) is not None


def heads_up(reading: Reading) -> Facts | None:
    """Tell the amount that comes as things stand now; nothing once the period is open, or is another one."""
    payload = reading.message.payload
    group = reading.session.get_one(Group, payload["group_id"])
    starts_on = date.fromisoformat(payload["starts_on"])
    window = window_from(group, starts_on)
    if is_over(group, starts_on) or window.starts_on != starts_on or group.split is SplitKind.VARIABLE:
        return None
    share = share_of(reading, group, window, price_on(reading.session, group.id, starts_on))
    if not share:
        return None
    payer = payer_of(reading, group)
    content = HeadsUp(
        group=group.name,
        payer=payer,
        span=span_of(group, window.starts_on, window.ends_on),
        due_on=starts_on + timedelta(days=group.due_days),
        amount=Money(share, group.currency),
    )
    return Facts(content, (payer,), (group.name,))


def price_change(reading: Reading) -> Facts | None:
    """Tell what the price will be, and the reader's share of it as things stand now.

    Nothing is told of a price that is no other than until then, or that another comes before.
    """
    payload = reading.message.payload
    group = reading.session.get_one(Group, payload["group_id"])
    price = reading.session.get(Price, payload["price_id"])
    if price is None or price.amount_minor != payload["after_minor"]:
        return None
    from_on = date.fromisoformat(payload["from_on"])
    window = window_from(group, from_on)
    if is_over(group, window.starts_on) or group.split is SplitKind.VARIABLE:
        return None
    before, after = former_price(reading, group, price, from_on), price.amount_minor
    share_after = share_of(reading, group, window, after)
    if before is None or share_after is None or price_on(reading.session, group.id, from_on) != after:
        return None
    payer = payer_of(reading, group)
    content = PriceChange(
        group=group.name,
        payer=payer,
        from_on=from_on,
        before=Money(before, group.currency),
        after=Money(after, group.currency),
        share_before=share_until(reading, group, window),
        share_after=Money(share_after, group.currency),
    )
    return Facts(content, (payer,), (group.name,))


def share_of(reading: Reading, group: Group, window: Window, total_minor: int | None) -> int | None:
    """Work out what the reader will owe of a period's total; None when they will not share it."""
    if total_minor is None:
        return None
    shares = shares_of(reading.session, group, window, total_minor)
    mine = select(Member.id).where(
        Member.group_id == group.id, Member.contact_id == reading.message.contact_id
    )
    return next((shares[key] for key in reading.session.scalars(mine) if key in shares), None)


def share_until(reading: Reading, group: Group, window: Window) -> Money | None:
    """Find what the reader pays in the period before another; None when they have no part in it.

    What was billed counts where it is open already, else what is set for it by now. Not what the period
    itself would have cost without its last change: nobody ever pays that.
    """
    sequence = window.sequence - 1
    if sequence >= group.next_sequence:
        before = window_of(group, sequence)
        total = price_on(reading.session, group.id, before.starts_on)
        return money_in(share_of(reading, group, before, total), group)
    amount = reading.session.scalar(
        select(Payment.amount_minor)
        .join(Period, Period.id == Payment.period_id)
        .where(
            Period.group_id == group.id,
            Period.sequence == sequence,
            Payment.contact_id == reading.message.contact_id,
            Payment.voided_at.is_(None),
        )
        .limit(1)
    )
    return money_in(amount, group)


def is_over(group: Group, day: date) -> bool:
    """Tell whether nothing opens on a day: the group rests, or has ended by then."""
    is_stopped = group.paused_at is not None or group.archived_at is not None
    return is_stopped or (group.ends_on is not None and day > group.ends_on)


def rejected(reading: Reading) -> Facts | None:
    """Payments settled in the meantime have an answer of their own."""
    owed = [row for row in reading.payments() if row.payment.status in OPEN and row.payment.voided_at is None]
    if not owed:
        return None
    reason = reading.message.payload["reason"]
    ways = reading.how_to_pay(owed)
    return about(owed, Decided(items_of(owed), reason, ways))


def objection_answered(reading: Reading) -> Facts | None:
    """Tell how it stands now: what was settled, claimed or voided since is not to be paid."""
    payload = reading.message.payload
    owed = reading.payments()
    if not owed:
        return None
    user_id = payload["user_id"]
    user = reading.session.get(User, user_id) if user_id is not None else None
    to_pay = [row for row in owed if row.payment.status in ASKABLE and row.payment.voided_at is None]
    content = Answered(
        about=items_of(owed),
        items=items_of(to_pay),
        question=payload["text"],
        answer=payload["answer"],
        by=user.name if user else None,
    )
    return about(owed, content)


def waived(reading: Reading) -> Facts | None:
    owed = [row for row in reading.payments() if row.payment.voided_at is None]
    if not owed:
        return None
    return about(owed, Decided(items_of(owed), reading.message.payload["reason"]))
