"""Telling people that a period was taken back: whoever knew of their share hears that nothing is owed for it.

Who was asked for it, said that they paid it, or had an answer about it knew of it.

Told as a waiver, with which it shares all rules: there is nothing to pay for it any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from substrack.domain.asking import ASK_BY_HAND
from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS, Channel, Notice
from substrack.domain.payments import Act, PaymentKind, Status
from substrack.queries.batches import in_batches
from substrack.services.answers import void_letter
from substrack.services.ledger import Decision
from substrack.services.outbox import Draft, cancel_waiting, queue
from substrack.services.putting_off import OBJECT
from substrack.store import AttemptItem, Event, Message, MessageItem, Payment


@dataclass(frozen=True)
class TakenOff:
    """A payment that is void now, and what was taken off it: a claim that waited, money that had come.

    `is_known` where its member knew of it before.
    """

    payment: Payment
    is_claimed: bool
    received_minor: int
    is_known: bool = False


def tell_void(session: Session, workspace_id: int, taken: Sequence[TakenOff], decision: Decision) -> None:
    """Queue one letter to each person who knew of a share, or whose money had come for it.

    Whoever was asked while the period was being voided is told as well, and the journal says that they knew.
    """
    taken = _looked_at_again(session, taken, decision)
    told: dict[int, list[TakenOff]] = defaultdict(list)
    for one in taken:
        if one.payment.kind is PaymentKind.DUES and (one.is_claimed or one.received_minor or one.is_known):
            told[one.payment.contact_id].append(one)
    letters = [_letter(workspace_id, mine, decision) for mine in told.values()]
    queue(session, letters, now=decision.now)


def _looked_at_again(session: Session, taken: Sequence[TakenOff], decision: Decision) -> Sequence[TakenOff]:
    """Find who came to know meanwhile: a worker that had a request in hand waits for nobody."""
    known = find_known(session, [one.payment for one in taken if not one.is_known])
    for some in in_batches(known):
        voids = select(Event).where(Event.payment_id.in_(some), Event.verb == "void")
        for event in session.scalars(voids.where(Event.correlation_id == decision.correlation_id)):
            event.after = (event.after or {}) | {"known": True}
    return [replace(one, is_known=one.is_known or one.payment.id in known) for one in taken]


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


def find_known(session: Session, payments: Iterable[Payment]) -> set[int]:
    """Find those payments, of some that count or did, of which their members know; two statements a batch.

    What is waived is none of them: nothing was owed for it.
    """
    dues = (one for one in payments if one.kind is PaymentKind.DUES and one.status is not Status.WAIVED)
    found: set[int] = set()
    for some in in_batches([payment.id for payment in dues]):
        heard = or_(exists(_requests()), exists(_spoken_of()), exists(_claims()), exists(_answers()))
        found.update(session.scalars(select(Payment.id).where(Payment.id.in_(some), heard)))
        found.update(_announced(session, some))
    return found


def _requests() -> Select[int]:
    return (
        select(MessageItem.id)
        .join(Message, Message.id == MessageItem.message_id)
        .where(MessageItem.payment_id == Payment.id, Message.notice.in_(REQUESTS), _is_gone())
    )


def _spoken_of() -> Select[int]:
    """Select what was asked by hand, and what members wrote that something is off about."""
    by_hand = and_(Event.verb == ASK_BY_HAND, Payment.requests_sent > 0)
    return select(Event.id).where(Event.payment_id == Payment.id, or_(by_hand, Event.verb == OBJECT))


def _claims() -> Select[int]:
    return select(AttemptItem.id).where(AttemptItem.payment_id == Payment.id)


def _answers() -> Select[int]:
    """Select the letters that told of money for a payment: that it came, or was taken back."""
    return (
        select(Message.id)
        .join(Event, Event.correlation_id == Message.correlation_id)
        .where(
            Event.payment_id == Payment.id,
            Event.verb.in_((Act.CONFIRM, Act.REOPEN, Act.RELEASE)),
            Message.contact_id == Payment.contact_id,
            Message.notice.in_((Notice.RECEIVED, Notice.PART_RECEIVED, Notice.REJECTED)),
            _is_gone(),
        )
    )


def _is_gone() -> ColumnElement[bool]:
    return Message.state.in_((MessageState.SENDING, MessageState.SENT))


def _announced(session: Session, payment_ids: Sequence[int]) -> Iterable[int]:
    keys = {f"opened:{key}:{channel.value}": key for key in payment_ids for channel in Channel}
    query = select(Message.dedupe_key).where(
        Message.notice == Notice.PERIOD_OPENED, Message.dedupe_key.in_(sorted(keys)), _is_gone()
    )
    return [keys[key] for key in session.scalars(query)]
