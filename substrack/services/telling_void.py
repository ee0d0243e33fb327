"""Telling people that a period was taken back: whoever knew of their share hears that nothing is owed for it.

Told as a waiver, with which it shares all rules: there is nothing to pay for it any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from substrack.domain.asking import ASK_BY_HAND
from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS, Channel, Notice
from substrack.domain.payments import PaymentKind, Status
from substrack.queries.batches import in_batches
from substrack.services.answers import void_letter
from substrack.services.ledger import Decision
from substrack.services.outbox import Draft, cancel_waiting, queue
from substrack.store import Event, Message, MessageItem, Payment


@dataclass(frozen=True)
class TakenOff:
    """A payment that is void now, and what was taken off it: a claim that waited, money that had come."""

    payment: Payment
    is_claimed: bool
    received_minor: int


def tell_void(session: Session, workspace_id: int, taken: Sequence[TakenOff], decision: Decision) -> None:
    """Queue one letter to each person who had been asked for a share, had said they paid it, or had paid."""
    dues = [one for one in taken if one.payment.kind is PaymentKind.DUES]
    known = _asked(session, [one.payment.id for one in dues if one.payment.status is not Status.WAIVED])
    told: dict[int, list[TakenOff]] = defaultdict(list)
    for one in dues:
        if one.is_claimed or one.received_minor or one.payment.id in known:
            told[one.payment.contact_id].append(one)
    letters = [_letter(workspace_id, mine, decision) for mine in told.values()]
    queue(session, letters, now=decision.now)


def _letter(workspace_id: int, mine: Sequence[TakenOff], decision: Decision) -> Draft:
    return void_letter(
        workspace_id,
        [one.payment for one in mine],
        is_claimed=any(one.is_claimed for one in mine),
        credit_minor=sum(one.received_minor for one in mine),
        decision=decision,
    )


def drop_void_letters(session: Session, payments: Iterable[Payment]) -> None:
    """Cancel what still waits to tell that these payments are void; they no longer are."""
    keys = [payment.id for payment in payments]
    acts = (
        select(Event.correlation_id).where(Event.payment_id.in_(some), Event.verb == "void").distinct()
        for some in in_batches(keys)
    )
    for correlation_id in {one for query in acts for one in session.scalars(query)}:
        cancel_waiting(session, correlation_id)


def _asked(session: Session, payment_ids: Collection[int]) -> set[int]:
    """Find those payments that somebody was asked for, or heard of when their period opened."""
    gone = Message.state.in_((MessageState.SENDING, MessageState.SENT))
    requested = (
        select(MessageItem.id)
        .join(Message, Message.id == MessageItem.message_id)
        .where(MessageItem.payment_id == Payment.id, Message.notice.in_(REQUESTS), gone)
    )
    by_hand = select(Event.id).where(
        Event.payment_id == Payment.id, Event.verb == ASK_BY_HAND, Payment.requests_sent > 0
    )
    found: set[int] = set()
    for some in in_batches(payment_ids):
        query = select(Payment.id).where(Payment.id.in_(some), or_(exists(requested), exists(by_hand)))
        found.update(session.scalars(query))
        found.update(_announced(session, some))
    return found


def _announced(session: Session, payment_ids: Sequence[int]) -> Iterable[int]:
    keys = {f"opened:{key}:{channel.value}": key for key in payment_ids for channel in Channel}
    gone = Message.state.in_((MessageState.SENDING, MessageState.SENT))
    query = select(Message.dedupe_key).where(
        Message.notice == Notice.PERIOD_OPENED, Message.dedupe_key.in_(sorted(keys)), gone
    )
    return [keys[key] for key in session.scalars(query)]
