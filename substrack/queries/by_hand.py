"""When somebody was last asked in an admin's own words, as far as that is the last they were asked at all."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from substrack.domain.asking import ASK_BY_HAND
from substrack.store import Contact, Event, Payment


def last_by_hand() -> ScalarSelect[str]:
    """Select the last day on which a contact was noted as asked by hand, in ISO form, taken back or not."""
    days = func.max(Event.after["contact_requested_on"].as_string())
    by_hand = select(days).join(Payment, Payment.id == Event.payment_id)
    of_contact = by_hand.where(Payment.contact_id == Contact.id, Event.verb == ASK_BY_HAND)
    return of_contact.correlate(Contact).scalar_subquery()


def asked_by_hand_on(requested_on: date | None, by_hand: str | None) -> date | None:
    """Say on which day somebody was asked by hand; None where they were last asked otherwise, or never."""
    is_last = requested_on is not None and requested_on.isoformat() == by_hand
    return requested_on if is_last else None


def find_asked_by_hand(session: Session, contact_id: int) -> date | None:
    """Find the day on which a person was asked by hand, if that is the last they were asked."""
    row = session.execute(
        select(Contact.requested_on, last_by_hand().label("by_hand")).where(Contact.id == contact_id)
    ).one()
    return asked_by_hand_on(row.requested_on, row.by_hand)
