"""How admins answer "something's off": with words the member reads, or by letting a note be without any.

What is wrong with a payment is mended by decisions about payments (adjust, waive); nothing here moves one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.cycles import local_date
from substrack.domain.errors import Conflict, NotFound
from substrack.domain.notices import Notice
from substrack.domain.requests import ANSWER_REST_DAYS
from substrack.domain.wording import clean_text
from substrack.services.access import check_admin
from substrack.services.journal import record_payment
from substrack.services.ledger import Decision
from substrack.services.locks import lock_contacts
from substrack.services.outbox import Draft, queue
from substrack.services.putting_off import OBJECT, SNOOZE
from substrack.services.schedule import reschedule_payments
from substrack.services.shown import flag_shown
from substrack.store import Event, Payment, Workspace

ANSWER: Final = "answer"
DISMISS: Final = "dismiss"
"""The verbs by which a note is done with; `after` names the act that it was."""

MAX_ANSWER: Final = 1000


class NoSuchObjection(NotFound):
    """There is no such note, or it is another workspace's."""

    def __init__(self) -> None:
        super().__init__("There is no such note.")


class ObjectionAnswered(Conflict):
    """Another admin was there first, or the member has written again since."""

    def __init__(self) -> None:
        super().__init__("Somebody answered this in the meantime, or it was written anew; nothing was sent.")


def answer_objection(session: Session, objection: str, *, text: str, by: Actor, now: datetime) -> str:
    """Answer what a member wrote; they are told at once, and asked again three days later at the earliest.

    Returns the correlation id of the answer. One journal line for each payment and one message.

    Raises:
        TextMissing, TextTooLong, CharacterRefused; NoSuchObjection, ObjectionAnswered.
    """
    words = clean_text(text, field="text", maximum=MAX_ANSWER, required=True)
    noted = _events_of(session, objection)
    payments = _take(session, objection, noted, by)
    decision = Decision(by, now, words)
    _end_rests(session, payments, now)
    _close(session, payments, objection, ANSWER, decision)
    _tell(session, payments, noted[0].reason or "", decision)
    return decision.correlation_id


def dismiss_objection(session: Session, objection: str, *, by: Actor, now: datetime) -> list[Payment]:
    """Let a note be without an answer, as after a talk; nobody is told, and requests rest as they did.

    Raises:
        NoSuchObjection, ObjectionAnswered.
    """
    payments = _take(session, objection, _events_of(session, objection), by)
    _close(session, payments, objection, DISMISS, Decision(by, now))
    return payments


def _events_of(session: Session, objection: str) -> list[Event]:
    query = select(Event).where(Event.correlation_id == objection, Event.verb == OBJECT)
    return list(session.scalars(query.order_by(Event.id)))


def _take(session: Session, objection: str, noted: Sequence[Event], by: Actor) -> list[Payment]:
    """Lock whose note it is, and find the payments for which nobody has answered it."""
    if not noted:
        raise NoSuchObjection
    check_admin(session, by, noted[0].workspace_id)
    keys = [event.payment_id for event in noted]
    lock_contacts(session, set(session.scalars(select(Payment.contact_id).where(Payment.id.in_(keys)))))
    query = select(Payment).where(Payment.id.in_(keys), Payment.objection == objection)
    payments = session.scalars(query.order_by(Payment.id).execution_options(populate_existing=True)).all()
    if not payments:
        raise ObjectionAnswered
    return list(payments)


def _end_rests(session: Session, payments: Sequence[Payment], now: datetime) -> None:
    """Let requests begin again three days from now, or when the member wished for if that is later."""
    zone = session.get_one(Workspace, payments[0].workspace_id).time_zone
    begins = local_date(now, zone) + timedelta(days=ANSWER_REST_DAYS)
    wishes = _wishes(session, [payment.id for payment in payments])
    for payment in payments:
        payment.snoozed_until = max(begins, wishes.get(payment.id, begins))


def _wishes(session: Session, payment_ids: Sequence[int]) -> dict[int, date]:
    """Find until when members put payments off last, by payment: "not yet" says so itself, no note does."""
    query = select(Event.payment_id, Event.after).where(
        Event.payment_id.in_(payment_ids), Event.verb == SNOOZE
    )
    return {
        key: date.fromisoformat(after["until"]) for key, after in session.execute(query.order_by(Event.id))
    }


def _close(
    session: Session, payments: Sequence[Payment], objection: str, verb: str, decision: Decision
) -> None:
    for payment in payments:
        payment.objection = None
        record_payment(
            session,
            verb,
            payment,
            by=decision.by,
            now=decision.now,
            reason=decision.reason,
            after={"objection": objection},
            correlation_id=decision.correlation_id,
        )
    keys = [payment.id for payment in payments]
    flag_shown(session, keys, now=decision.now)
    reschedule_payments(session, keys, now=decision.now)


def _tell(session: Session, payments: Sequence[Payment], note: str, decision: Decision) -> None:
    contact_id = payments[0].contact_id
    user_id = decision.by.id if decision.by.kind is ActorKind.USER else None
    draft = Draft(
        workspace_id=payments[0].workspace_id,
        contact_id=contact_id,
        notice=Notice.OBJECTION_ANSWERED,
        dedupe_key=f"objection_answered:{decision.correlation_id}:{contact_id}",
        due_at=decision.now,
        payload={
            "payment_ids": [payment.id for payment in payments],
            "text": note,
            "answer": decision.reason,
            "user_id": user_id,
        },
        correlation_id=decision.correlation_id,
    )
    queue(session, [draft], now=decision.now)
