"""What was said and decided about a person's payments, for the history on their page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from substrack.domain.bills import Item
from substrack.domain.money import Money
from substrack.domain.payments import Act, PaymentKind
from substrack.queries.letter_items import Owed
from substrack.queries.prepared import prepared
from substrack.store import Allocation, Event, Payment, Period, Receipt

NEWS: Final = 12
"""How many decisions the page still tells."""

ANSWER: Final = "answer"
TAKEN_BACK: Final = "taken_back"
OBJECT: Final = "object"
VOID: Final = "void"
RESTORE: Final = "restore"
_TOLD: Final = (
    Act.CONFIRM.value,
    Act.REJECT.value,
    Act.WAIVE.value,
    Act.ADJUST.value,
    Act.WITHDRAW.value,
    ANSWER,
)
_TAKING: Final = (Act.RELEASE.value, Act.REOPEN.value, Act.ADJUST.value)
SNOOZE: Final = "snooze"
RESTS: Final = (SNOOZE, OBJECT)


@dataclass(frozen=True)
class News:
    """What became of one payment.

    `verb` is confirm, reject, waive, adjust, withdraw, answer, taken_back, void or restore.

    `received` is what it booked, took off or gave back, of the money of `received_on`; `amount` and `left`
    are what was owed and open after it. `question` is what was written, where `reason` is the answer to it.
    `was_claimed` where a claim of it waited when it became void.
    """

    verb: str
    item: Item
    at: datetime
    received: Money
    received_on: date | None
    amount: Money
    left: Money
    reason: str | None
    question: str
    was_claimed: bool = False


def load_events(session: Session, contact_id: int) -> list[Event]:
    """Load what was said and decided about a person's payments, newest first, without what was undone.

    Of one that is void with its period, only that it became so; of one whose bill was taken back, nothing.
    """
    events = list(session.scalars(*_said(contact_id)))
    undoing = [event for event in events if event.verb == Act.UNDO.value]
    undone = {key for event in undoing for key in (event.after or {}).get("undone", ())}
    return [event for event in events if event.id not in undone and event.verb != Act.UNDO.value]


@prepared
def _said(contact_id: int) -> Select[Event]:
    return (
        select(Event)
        .join(Payment, Payment.id == Event.payment_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(
            Payment.contact_id == contact_id,
            Payment.kind == PaymentKind.DUES,
            or_(
                and_(
                    Payment.voided_at.is_(None),
                    Event.verb.in_((*_TOLD, *RESTS, *_TAKING, Act.UNDO.value, VOID, RESTORE)),
                ),
                and_(Payment.voided_at == Period.voided_at, Event.verb == VOID),
            ),
        )
        .order_by(Event.id.desc())
        .limit(10 * NEWS)
    )


def newest(events: Iterable[Event]) -> list[Event]:
    """Choose what the history tells; money that was taken off a payment again is not told as received.

    That one counts again is told where it is told that it became void.
    """
    events, off = list(events), set[int]()
    told, void = [], {payment_of(event) for event in events if _took_something(event)}
    for event in events:
        made = set(_allocations(event, "made"))
        is_off = event.verb == Act.CONFIRM.value and bool(made) and made <= off
        if is_off or takes_back(event):
            # What credit joined to an earlier part is off with it.
            off.update(_allocations(event, "voided"))
        is_back = event.verb == RESTORE and payment_of(event) in void
        is_told = event.verb in _TOLD and not is_off
        if is_told or is_back or takes_back(event) or _took_something(event):
            told.append(event)
    return told[:NEWS]


def takes_back(event: Event) -> bool:
    """Tell whether an event took received money off a payment whose amount stayed.

    By what it did: a release, a reopening, or, in journals of before, a correction to the same amount.
    """
    before, after = event.before or {}, event.after or {}
    return (
        event.verb in _TAKING
        and before.get("amount") == after.get("amount")
        and after.get("received", 0) < before.get("received", 0)
    )


def _took_something(event: Event) -> bool:
    """Tell whether a payment became void that somebody had paid, or said they had, or knew of."""
    is_paid, is_known = (event.before or {}).get("received"), (event.after or {}).get("known")
    return event.verb == VOID and bool(is_paid or is_known or _closed_a_claim(event))


def _closed_a_claim(event: Event) -> bool:
    return bool((event.after or {}).get("rows", {}).get("items_closed"))


def payment_of(event: Event) -> int:
    """Return the key of the payment an event is about."""
    return event.payment_id or 0


def load_news(
    session: Session, events: Sequence[Event], owed: Mapping[int, Owed], questions: Mapping[str, str]
) -> tuple[News, ...]:
    """Put events into the facts of a history; `questions` are those that some of them answer."""
    days = _days_received(session, events)
    told = [event for event in events if payment_of(event) in owed]
    return tuple(_one_news(event, owed[payment_of(event)], days, questions) for event in told)


def questions_in(events: Iterable[Event]) -> dict[str, str]:
    """Collect what was written about payments, by the act that it was."""
    return {event.correlation_id: event.reason or "" for event in events if event.verb == OBJECT}


def wishes_in(events: Iterable[Event]) -> set[tuple[int, str]]:
    """Collect until which days, written as ISO dates, a person wished not to be asked, by payment."""
    return {
        (payment_of(event), (event.after or {}).get("until") or "")
        for event in events
        if event.verb == SNOOZE
    }


def question_of(event: Event, questions: Mapping[str, str]) -> str:
    """Find what an event answers; empty when it answers nothing."""
    return questions.get((event.after or {}).get("objection", ""), "")


def _one_news(event: Event, row: Owed, days: dict[int, date], questions: Mapping[str, str]) -> News:
    after, currency = event.after or {}, row.payment.currency
    is_back = takes_back(event)
    moved = _allocations(event, "voided" if is_back else "made")
    came_minor = after.get("allocated", 0)
    if is_back or event.verb in (VOID, RESTORE):
        came_minor = abs((event.before or {}).get("received", 0) - after.get("received", 0))
    left_minor = after.get("amount", 0) - after.get("received", 0) - after.get("written_off", 0)
    return News(
        verb=TAKEN_BACK if is_back else event.verb,
        item=row.item,
        at=event.at,
        received=Money(came_minor, currency),
        received_on=next((days[key] for key in moved if key in days), None),
        amount=Money(after.get("amount", 0), currency),
        left=Money(left_minor, currency),
        reason=event.reason,
        question=question_of(event, questions),
        was_claimed=event.verb == VOID and _closed_a_claim(event),
    )


def _days_received(session: Session, events: Iterable[Event]) -> dict[int, date]:
    keys = [key for event in events for fate in ("made", "voided") for key in _allocations(event, fate)]
    return {row.id: row.received_on for row in session.execute(*_days_of(keys))} if keys else {}


@prepared
def _days_of(allocation_ids: list[int]) -> Select[int, date]:
    query = select(Allocation.id, Receipt.received_on).join(Receipt, Receipt.id == Allocation.receipt_id)
    return query.where(Allocation.id.in_(allocation_ids))


def _allocations(event: Event, fate: str) -> list[int]:
    """List the allocations that were `made` or `voided` by an act."""
    return list((event.after or {}).get("rows", {}).get(f"allocations_{fate}", ()))
