"""Taking back an "ask now" while its messages wait: nobody was asked, and the slots are where they were."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.asking import ASK, ASK_BY_HAND, STOP_ASKING
from substrack.services.journal import record_payment
from substrack.services.ledger import payments_now
from substrack.services.locks import lock_contacts
from substrack.services.outbox import cancel_waiting
from substrack.services.schedule import reschedule_payments
from substrack.services.staleness import last_day_asked
from substrack.services.undo import TooLateToUndo
from substrack.store import Contact, Event, Message, MessageItem, Payment


def stop_asking(session: Session, correlation_id: str, *, by: Actor, now: datetime) -> bool:
    """Cancel the request to one person and count it as never made; False when this was no asking.

    Raises:
        TooLateToUndo: not the same actor, too late, on its way, or they were asked again since.
    """
    query = select(Event).where(Event.correlation_id == correlation_id, Event.verb.in_((ASK, ASK_BY_HAND)))
    events = list(session.scalars(query.order_by(Event.id)))
    if not events:
        return False
    since = now - timedelta(seconds=by.undo_seconds)
    is_theirs = all((one.actor_kind, one.actor_id) == (by.kind, by.id) and one.at >= since for one in events)
    if not by.undo_seconds or not is_theirs:
        raise TooLateToUndo
    keys = [event.subject_id for event in events]
    lock_contacts(session, session.scalars(select(Payment.contact_id).where(Payment.id.in_(keys))))
    payments = {payment.id: payment for payment in payments_now(session, Payment.id.in_(keys))}
    if not cancel_waiting(session, correlation_id):
        raise TooLateToUndo
    _free_the_day(session, correlation_id)
    for event in events:
        _put_back(session, payments.get(event.subject_id), event, by=by, now=now)
    _put_persons_day_back(session, events[0], next(iter(payments.values())).contact_id)
    reschedule_payments(session, keys, now=now)
    return True


def _put_back(session: Session, payment: Payment | None, event: Event, *, by: Actor, now: datetime) -> None:
    before, after = event.before or {}, event.after or {}
    if payment is None or payment.requests_sent != after["requests_sent"]:
        raise TooLateToUndo
    payment.requests_sent = before["requests_sent"]
    payment.requests_before = min(payment.requests_before, payment.requests_sent)
    told_at = _instant(before.get("exhausted_at"))
    if told_at is None or told_at >= payment.pending_at:  # else a round of requests has begun since
        payment.exhausted_at = told_at
    payment.requested_on = _day(before["requested_on"])
    record_payment(session, STOP_ASKING, payment, by=by, now=now, before=after, after=before)
    session.flush()


def _put_persons_day_back(session: Session, event: Event, contact_id: int) -> None:
    """Let somebody count as asked when they were before, or on the day of what they were asked for since.

    A day that came from an asking which was taken back meanwhile is no longer one.
    """
    contact = session.get_one(Contact, contact_id)
    earlier = _day((event.before or {})["contact_requested_on"])
    if earlier is not None and _was_taken_back(session, contact_id, earlier):
        earlier = None
    contact.requested_on = max(filter(None, (last_day_asked(session, contact), earlier)), default=None)


def _was_taken_back(session: Session, contact_id: int, day: date) -> bool:
    """Tell whether the asking that made a day the last on which somebody was asked was taken back."""
    key = "contact_requested_on"
    return bool(
        session.scalar(
            select(Event.id)
            .join(Payment, Payment.id == Event.payment_id)
            .where(Payment.contact_id == contact_id, Event.verb == STOP_ASKING)
            .where(Event.before[key].as_string() == day.isoformat())
            .where(Event.after[key].as_string().is_distinct_from(day.isoformat()))
            .limit(1)
        )
    )


def _free_the_day(session: Session, correlation_id: str) -> None:
    """Let the same people be asked on the same day after all: give up the keys of what is never sent."""
    stopped = select(Message.id, Message.dedupe_key).where(Message.correlation_id == correlation_id)
    for key, dedupe_key in session.execute(stopped).all():
        session.execute(
            update(Message).where(Message.id == key).values(dedupe_key=f"{dedupe_key}:stopped:{key}")
        )
        session.execute(update(MessageItem).where(MessageItem.message_id == key).values(step=-key))


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
