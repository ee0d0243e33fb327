"""What a member is told, as it stands when the letter is sent.

Each reader returns None when nothing is left to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.bills import Item, OpenInAll, OwnSentence
from substrack.domain.cycles import SequenceOutOfRange, Window, local_date
from substrack.domain.letters import (
    Answered,
    Asking,
    Decided,
    HeadsUp,
    PriceChange,
    TakenBack,
    Void,
    Welcome,
)
from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE, OPEN, PaymentKind, Status
from substrack.domain.shares import SplitKind
from substrack.domain.spans import Span
from substrack.queries.awaited_bills import load_awaited
from substrack.queries.collection_days import load_collection_days
from substrack.queries.former_prices import former_price
from substrack.queries.freed_credit import load_freed
from substrack.queries.groups import price_on
from substrack.queries.letter_facts import Facts, Reading, about, items_of, money_in, payer_of, person
from substrack.queries.letter_items import Owed, load_owed, own_sentences, span_of
from substrack.queries.letter_totals import is_asked, load_open_in_all
from substrack.queries.restored_letters import counts_again
from substrack.queries.shares_told import SharesTold, is_over
from substrack.queries.sharing import first_window_of, period_from, window_from
from substrack.store import Group, Member, Payment, Price, User


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
    has_left = member.left_on is not None and member.left_on <= local_date(reading.now, group.time_zone)
    if has_left or group.archived_at is not None:
        return None
    payer = payer_of(reading, group)
    window = _first_window(group, member)
    shares = SharesTold(reading, group)
    share = _share_of(reading, group, shares, window) if window else None
    first_on = shares.first_day(window) if window else None
    payments, awaited = _payments_of(reading.session, member), _awaited(reading, group, member)
    content = Welcome(
        group=group.name,
        description=group.description,
        payer=payer,
        unit=group.unit,
        every=group.every,
        first_on=first_on,
        share=money_in(share, group),
        stretch=shares.stretch(window, share) if window else None,
        comes_within=window is not None and first_on != window.starts_on,
        owed=_owed(reading.session, payments),
        awaited=awaited,
        has_begun=bool(payments or awaited),
        asked_after_days=_asked_after_days(reading, group, member),
    )
    return Facts(content, (payer,), (group.name,))


def _first_window(group: Group, member: Member) -> Window | None:
    """Find the first period that waits for a member; None when it never opens."""
    try:
        window = first_window_of(group, member)
    except SequenceOutOfRange:
        return None
    return None if is_over(group, window) else window


def _share_of(reading: Reading, group: Group, shares: SharesTold, window: Window) -> int | None:
    is_variable = group.split is SplitKind.VARIABLE
    return shares.of(window, None if is_variable else price_on(reading.session, group.id, window.starts_on))


def _asked_after_days(reading: Reading, group: Group, member: Member) -> int | None:
    """Count the days from a due day to the first request; None where it has a day of its own."""
    is_told_before = group.tells_opened or group.collect_days_before > 0
    if is_told_before or load_collection_days(reading.session, [member.contact_id]):
        return None
    return group.grace_days


def _payments_of(session: Session, member: Member) -> dict[int, Status]:
    """Load what a member ever had to pay in their group, by the key of the payment."""
    query = select(Payment.id, Payment.status).where(
        Payment.member_id == member.id, Payment.kind == PaymentKind.DUES, Payment.voided_at.is_(None)
    )
    return {row.id: row.status for row in session.execute(query)}


def _owed(session: Session, payments: Mapping[int, Status]) -> tuple[Item, ...]:
    to_pay = [key for key, status in payments.items() if status in ASKABLE]
    return items_of(load_owed(session, to_pay)) if to_pay else ()


def _awaited(reading: Reading, group: Group, member: Member) -> tuple[Span, ...]:
    if group.split is not SplitKind.VARIABLE:
        return ()
    bills = load_awaited(reading.session, member.contact_id)
    return tuple(bill.span for bill in bills if bill.group_id == group.id)


def heads_up(reading: Reading) -> Facts | None:
    """Tell the amount that comes as things stand now; nothing once the period is open, or is another one."""
    payload = reading.message.payload
    group = reading.session.get_one(Group, payload["group_id"])
    starts_on = date.fromisoformat(payload["starts_on"])
    window = window_from(group, starts_on)
    if is_over(group, window) or window.starts_on != starts_on or group.split is SplitKind.VARIABLE:
        return None
    shares = SharesTold(reading, group)
    share = shares.of(window, price_on(reading.session, group.id, starts_on))
    if not share:
        return None
    payer = payer_of(reading, group)
    content = HeadsUp(
        group=group.name,
        payer=payer,
        span=span_of(group, window.starts_on, window.ends_on),
        due_on=max(starts_on + timedelta(days=group.due_days), shares.first_day(window)),
        amount=Money(share, group.currency),
        stretch=shares.stretch(window, share),
    )
    return Facts(content, (payer,), (group.name,))


def price_change(reading: Reading) -> Facts | None:
    """Tell what the price will be, and the reader's share of it as things stand now.

    It is told of the first period at that price, even once that is open: then of what was billed. Nothing is
    told of a price that is no other than until then, or that another comes before.
    """
    payload = reading.message.payload
    group = reading.session.get_one(Group, payload["group_id"])
    price = reading.session.get(Price, payload["price_id"])
    if price is None or price.amount_minor != payload["after_minor"]:
        return None
    window = period_from(reading.session, group, date.fromisoformat(payload["from_on"]))
    if is_over(group, window) or group.split is SplitKind.VARIABLE:
        return None
    before, after = former_price(reading, group, price, window), price.amount_minor
    shares = SharesTold(reading, group)
    share_after, holds = shares.told(window, after), price_on(reading.session, group.id, window.starts_on)
    if before is None or share_after is None or holds != after:
        return None
    payer = payer_of(reading, group)
    content = PriceChange(
        group=group.name,
        payer=payer,
        from_on=window.starts_on,
        before=Money(before, group.currency),
        after=Money(after, group.currency),
        share_before=shares.until(window),
        share_after=Money(share_after, group.currency),
        stretch=shares.stretch(window, share_after),
    )
    return Facts(content, (payer,), (group.name,))


def rejected(reading: Reading) -> Facts | None:
    """Payments settled in the meantime have an answer of their own; that money was taken back, has none.

    What the member has claimed again since is not called open.
    """
    if reading.message.payload.get("counts_again"):
        return counts_again(reading)
    owed = [row for row in reading.payments() if row.payment.status in OPEN and row.payment.voided_at is None]
    to_pay = [row for row in owed if reading.is_preview or row.payment.status in ASKABLE]
    claimed = [row for row in owed if row not in to_pay]
    taken_back = _taken_back(reading)
    reason = reading.message.payload["reason"]
    ways = reading.how_to_pay(to_pay)
    content = Decided(items_of(to_pay), reason, ways, taken_back, items_of(claimed))
    if owed:
        return about(owed, content)
    return Facts(content, (taken_back.payer,)) if taken_back else None


def _taken_back(reading: Reading) -> TakenBack | None:
    facts = reading.message.payload.get("taken_back")
    if facts is None:
        return None
    return TakenBack(
        amount=Money(facts["amount_minor"], facts["currency"]),
        received_on=date.fromisoformat(facts["received_on"]),
        payer=person(reading, facts["payer_id"]),
    )


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
    """Tell only what is still waived, or void: either may have been taken back."""
    payload, void = reading.message.payload, _void(reading)
    stands = _is_waived if void is None else _is_void
    owed = [row for row in reading.payments() if reading.is_preview or stands(row.payment)]
    if not owed:
        return None
    return about(owed, Decided(items_of(owed), payload["reason"], void=void))


def _is_waived(payment: Payment) -> bool:
    return payment.status is Status.WAIVED and payment.voided_at is None


def _is_void(payment: Payment) -> bool:
    return payment.voided_at is not None


def _void(reading: Reading) -> Void | None:
    facts = reading.message.payload.get("void")
    return Void(facts["is_claimed"], _still_credit(reading, facts)) if facts else None


def _still_credit(reading: Reading, facts: dict[str, Any]) -> Money | None:
    """Say what of the money that became credit is credit still, at most; None when it is spent."""
    became = Money(facts["credit_minor"], facts["currency"])
    if not became.minor or reading.is_preview:
        return became if became.minor else None
    free_minor = load_freed(reading.session, [row.payment.id for row in reading.payments()])
    left_minor = min(became.minor, free_minor)
    return Money(left_minor, became.currency) if left_minor else None
