"""The member's page: what one person owes, what they said, and what became of it.

A constant number of statements, however much is owed. Reads only: opening the page renews nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from substrack.domain.letters import HowToPay, Item
from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE, Act, PaymentKind, Status
from substrack.queries.letter_items import Owed, load_how_to_pay, load_owed
from substrack.queries.proofs import load_proof_rows
from substrack.store import (
    Allocation,
    Attempt,
    AttemptItem,
    AttemptState,
    Contact,
    Direction,
    Event,
    Group,
    Payment,
    Receipt,
    ReceiptSource,
    Workspace,
)

NEWS = 5
"""How many decisions the page still tells."""

_TOLD = (Act.CONFIRM.value, Act.REJECT.value, Act.WAIVE.value, Act.ADJUST.value, Act.WITHDRAW.value)
_RESTS = ("snooze", "object")


@dataclass(frozen=True)
class Owing:
    """One open payment. `asks_again_on` is set while its requests rest; `objection` is what was written."""

    item: Item
    asks_again_on: date | None
    objection: str | None

    @property
    def is_overdue(self) -> bool:
        """Tell whether it is overdue."""
        return self.item.status is Status.OVERDUE


@dataclass(frozen=True)
class Waiting:
    """One press of "I've paid" that nobody has checked yet; `proofs` files came with it."""

    amount: Money
    payer: str
    items: tuple[Item, ...]
    made_at: datetime
    paid_on: date | None
    method: str | None
    note: str | None
    proofs: int


@dataclass(frozen=True)
class News:
    """What became of one payment: `act` is confirm, reject, waive, adjust or withdraw.

    `received` is what it booked, on `received_on`; `amount` and `left` are what was owed and open after it.
    """

    act: Act
    item: Item
    at: datetime
    received: Money
    received_on: date | None
    amount: Money
    left: Money
    reason: str | None


@dataclass(frozen=True)
class Credit:
    """Money of theirs that settles nothing yet; `group` when it is kept for one."""

    amount: Money
    payer: str
    group: str | None


@dataclass(frozen=True)
class PayPage:
    """Everything the page of one person shows."""

    name: str
    language: str
    time_zone: str
    owing: tuple[Owing, ...]
    how_to_pay: tuple[HowToPay, ...]
    waiting: tuple[Waiting, ...]
    news: tuple[News, ...]
    credits: tuple[Credit, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """What is open, oldest first."""
        return tuple(owing.item for owing in self.owing)


def load_pay_page(session: Session, contact_id: int, *, today: date) -> PayPage:
    """Load the page of a contact; `today` tells which snoozes still last."""
    name, language, time_zone = _reader(session, contact_id)
    waiting, events = _open_claims(session, contact_id), _events(session, contact_id)
    keys = _open_payments(session, contact_id) | {key for keys in waiting.values() for key in keys}
    news = _newest(events)
    owed = {row.payment.id: row for row in load_owed(session, keys | {_payment(event) for event in news})}
    open_rows = [row for key, row in owed.items() if key in keys and row.payment.status in ASKABLE]
    proofs = load_proof_rows(session, [attempt.id for attempt in waiting])
    objections = {_payment(event): event for event in reversed(events) if event.verb in _RESTS}
    return PayPage(
        name=name,
        language=language,
        time_zone=time_zone,
        owing=tuple(_owing(row, objections.get(row.payment.id), today) for row in open_rows),
        how_to_pay=load_how_to_pay(session, open_rows),
        waiting=tuple(
            _waiting(attempt, keys, owed, len(proofs.get(attempt.id, ())))
            for attempt, keys in waiting.items()
        ),
        news=_news(session, news, owed),
        credits=_credits(session, contact_id),
    )


def find_own_payments(session: Session, contact_id: int, public_ids: Collection[str]) -> dict[int, str]:
    """Find the keys and currencies of those of the named payments that this contact owes."""
    query = select(Payment.id, Payment.currency).where(
        Payment.contact_id == contact_id,
        Payment.kind == PaymentKind.DUES,
        Payment.public_id.in_(sorted(set(public_ids))),
    )
    return {row.id: row.currency for row in session.execute(query.order_by(Payment.id))}


def zone_of(session: Session, contact_id: int) -> str:
    """Name the time zone a contact lives in: their own, or the workspace's."""
    return _reader(session, contact_id)[2]


def _reader(session: Session, contact_id: int) -> tuple[str, str, str]:
    row = session.execute(
        select(
            Contact.name,
            func.coalesce(Contact.language, Workspace.language),
            func.coalesce(Contact.time_zone, Workspace.time_zone),
        )
        .join(Workspace, Workspace.id == Contact.workspace_id)
        .where(Contact.id == contact_id)
    ).one()
    return row[0], row[1], row[2]


def _open_payments(session: Session, contact_id: int) -> set[int]:
    query = select(Payment.id).where(
        Payment.contact_id == contact_id,
        Payment.status.in_(ASKABLE),
        Payment.kind == PaymentKind.DUES,
        Payment.voided_at.is_(None),
    )
    return set(session.scalars(query))


def _open_claims(session: Session, contact_id: int) -> dict[Attempt, list[int]]:
    """Load the attempts that wait, newest first, with the payments that each still names."""
    found: dict[Attempt, list[int]] = {}
    query = (
        select(Attempt, AttemptItem.payment_id)
        .join(AttemptItem, AttemptItem.attempt_id == Attempt.id)
        .where(
            Attempt.contact_id == contact_id,
            Attempt.state == AttemptState.OPEN,
            AttemptItem.state == AttemptState.OPEN,
        )
        .order_by(Attempt.made_at.desc(), Attempt.id.desc(), AttemptItem.id)
    )
    for attempt, payment_id in session.execute(query):
        found.setdefault(attempt, []).append(payment_id)
    return found


def _events(session: Session, contact_id: int) -> list[Event]:
    """Load what was said and decided about a person's payments, newest first, without what was undone."""
    query = (
        select(Event)
        .join(Payment, Payment.id == Event.payment_id)
        .where(
            Payment.contact_id == contact_id,
            Payment.kind == PaymentKind.DUES,
            Payment.voided_at.is_(None),
            Event.verb.in_((*_TOLD, *_RESTS, Act.UNDO.value)),
        )
        .order_by(Event.id.desc())
        .limit(10 * NEWS)
    )
    events = list(session.scalars(query))
    undone = {key for event in events for key in (event.after or {}).get("undone", ())}
    return [event for event in events if event.id not in undone and event.verb != Act.UNDO.value]


def _newest(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.verb in _TOLD][:NEWS]


def _payment(event: Event) -> int:
    return event.payment_id or 0


def _owing(row: Owed, last_rest: Event | None, today: date) -> Owing:
    until = row.payment.snoozed_until
    rests = until is not None and until > today
    has_objected = rests and last_rest is not None and last_rest.verb == "object"
    return Owing(
        item=row.item,
        asks_again_on=until if rests else None,
        objection=last_rest.reason if has_objected and last_rest else None,
    )


def _waiting(attempt: Attempt, payment_ids: Sequence[int], owed: dict[int, Owed], proofs: int) -> Waiting:
    items = tuple(owed[key].item for key in owed if key in payment_ids)
    return Waiting(
        amount=Money(attempt.amount_minor, attempt.currency),
        payer=items[0].payer.name,
        items=items,
        made_at=attempt.made_at,
        paid_on=attempt.paid_on,
        method=attempt.method,
        note=attempt.note,
        proofs=proofs,
    )


def _news(session: Session, events: Sequence[Event], owed: dict[int, Owed]) -> tuple[News, ...]:
    days = _days_received(session, events)
    return tuple(_one_news(event, owed[_payment(event)], days) for event in events if _payment(event) in owed)


def _one_news(event: Event, row: Owed, days: dict[int, date]) -> News:
    after, currency = event.after or {}, row.payment.currency
    made = _allocations_made(event)
    left_minor = after.get("amount", 0) - after.get("received", 0) - after.get("written_off", 0)
    return News(
        act=Act(event.verb),
        item=row.item,
        at=event.at,
        received=Money(after.get("allocated", 0), currency),
        received_on=next((days[key] for key in made if key in days), None),
        amount=Money(after.get("amount", 0), currency),
        left=Money(left_minor, currency),
        reason=event.reason,
    )


def _days_received(session: Session, events: Iterable[Event]) -> dict[int, date]:
    keys = [key for event in events for key in _allocations_made(event)]
    query = select(Allocation.id, Receipt.received_on).join(Receipt, Receipt.id == Allocation.receipt_id)
    return {row.id: row.received_on for row in session.execute(query.where(Allocation.id.in_(keys)))}


def _allocations_made(event: Event) -> list[int]:
    return list((event.after or {}).get("rows", {}).get("allocations_made", ()))


_Payer = aliased(Contact)


def _credits(session: Session, contact_id: int) -> tuple[Credit, ...]:
    settled = (
        select(func.coalesce(func.sum(Allocation.amount_minor), 0))
        .where(Allocation.receipt_id == Receipt.id, Allocation.voided_at.is_(None))
        .scalar_subquery()
    )
    free = func.sum(Receipt.amount_minor - settled)
    rows = session.execute(
        select(_Payer.name, Group.name, Receipt.currency, free)
        .join(_Payer, _Payer.id == Receipt.payer_id)
        .outerjoin(Group, Group.id == Receipt.group_id)
        .where(
            Receipt.contact_id == contact_id,
            Receipt.voided_at.is_(None),
            Receipt.direction == Direction.IN,
            Receipt.source != ReceiptSource.OWN,
        )
        .group_by(_Payer.id, _Payer.name, Group.id, Group.name, Receipt.currency)
        .order_by(_Payer.name, Receipt.currency)
    )
    return tuple(
        Credit(Money(int(minor), currency), payer, group) for payer, group, currency, minor in rows if minor
    )
