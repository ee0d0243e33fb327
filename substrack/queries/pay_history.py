"""What was said and decided about a person's payments, for the history on their page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.domain.bills import Item
from substrack.domain.money import Money
from substrack.domain.payments import Act, PaymentKind
from substrack.queries.letter_items import Owed
from substrack.queries.prepared import prepared
from substrack.store import Allocation, Event, Payment, Receipt

NEWS: Final = 12
"""How many decisions the page still tells."""

ANSWER: Final = "answer"
OBJECT: Final = "object"
_TOLD: Final = (
    Act.CONFIRM.value,
    Act.REJECT.value,
    Act.WAIVE.value,
    Act.ADJUST.value,
    Act.WITHDRAW.value,
    ANSWER,
)
RESTS: Final = ("snooze", OBJECT)


@dataclass(frozen=True)
class News:
    """What became of one payment: `verb` is confirm, reject, waive, adjust, withdraw or answer.

    `received` is what it booked, on `received_on`; `amount` and `left` are what was owed and open after it.
    `question` is what was written, where `reason` is the answer to it.
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


def load_events(session: Session, contact_id: int) -> list[Event]:
    """Load what was said and decided about a person's payments, newest first, without what was undone."""
    events = list(session.scalars(*_said(contact_id)))
    undoing = [event for event in events if event.verb == Act.UNDO.value]
    undone = {key for event in undoing for key in (event.after or {}).get("undone", ())}
    return [event for event in events if event.id not in undone and event.verb != Act.UNDO.value]


@prepared
def _said(contact_id: int) -> Select[Event]:
    return (
        select(Event)
        .join(Payment, Payment.id == Event.payment_id)
        .where(
            Payment.contact_id == contact_id,
            Payment.kind == PaymentKind.DUES,
            Payment.voided_at.is_(None),
            Event.verb.in_((*_TOLD, *RESTS, Act.REOPEN.value, Act.RELEASE.value, Act.UNDO.value)),
        )
        .order_by(Event.id.desc())
        .limit(10 * NEWS)
    )


def newest(events: Iterable[Event]) -> list[Event]:
    """Choose what the history tells; money that was taken off a payment again is not told as received."""
    reopened: set[int] = set()
    released: set[int] = set()
    told = []
    for event in events:
        if event.verb == Act.REOPEN.value:
            reopened.add(payment_of(event))
        elif event.verb == Act.RELEASE.value:
            released.update(_allocations(event, "voided"))
        elif event.verb in _TOLD and not _is_taken_off(event, reopened, released):
            told.append(event)
    return told[:NEWS]


def _is_taken_off(event: Event, reopened: set[int], released: set[int]) -> bool:
    """Tell whether what an event booked was taken off its payment later: all of it, or these allocations."""
    if event.verb != Act.CONFIRM.value:
        return False
    return payment_of(event) in reopened or not released.isdisjoint(_allocations(event, "made"))


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


def question_of(event: Event, questions: Mapping[str, str]) -> str:
    """Find what an event answers; empty when it answers nothing."""
    return questions.get((event.after or {}).get("objection", ""), "")


def _one_news(event: Event, row: Owed, days: dict[int, date], questions: Mapping[str, str]) -> News:
    after, currency = event.after or {}, row.payment.currency
    made = _allocations(event, "made")
    left_minor = after.get("amount", 0) - after.get("received", 0) - after.get("written_off", 0)
    return News(
        verb=event.verb,
        item=row.item,
        at=event.at,
        received=Money(after.get("allocated", 0), currency),
        received_on=next((days[key] for key in made if key in days), None),
        amount=Money(after.get("amount", 0), currency),
        left=Money(left_minor, currency),
        reason=event.reason,
        question=question_of(event, questions),
    )


def _days_received(session: Session, events: Iterable[Event]) -> dict[int, date]:
    keys = [key for event in events for key in _allocations(event, "made")]
    return {row.id: row.received_on for row in session.execute(*_days_of(keys))} if keys else {}


@prepared
def _days_of(allocation_ids: list[int]) -> Select[int, date]:
    query = select(Allocation.id, Receipt.received_on).join(Receipt, Receipt.id == Allocation.receipt_id)
    return query.where(Allocation.id.in_(allocation_ids))


def _allocations(event: Event, fate: str) -> list[int]:
    """List the allocations that were `made` or `voided` by an act."""
    return list((event.after or {}).get("rows", {}).get(f"allocations_{fate}", ()))
