"""Messages that wait for nobody or for nothing, and links of people who were erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import WAITING
from substrack.domain.notices import REQUESTS, Notice
from substrack.queries.faults import Fault, FaultKind, Window
from substrack.store import Contact, Event, Link, Message, MessageItem, Payment

PATIENCE: Final = timedelta(days=1)
ANSWERS: Final = (
    Notice.RECEIVED,
    Notice.PART_RECEIVED,
    Notice.REJECTED,
    Notice.WAIVED,
    Notice.CLAIM_RECEIVED,
)
"""What only an act with a line in the journal brings about."""


def message_faults(session: Session, window: Window, *, now: datetime) -> Iterator[Fault]:
    """Find messages that wait and should not: to nobody, to somebody erased, about nothing, without cause.

    What a request names may be voided while it waits; a worker sees that and lets it go, within a day.
    """
    erased = exists().where(Contact.id == Message.contact_id, Contact.erased_at.is_not(None))
    to_nobody = or_(erased, and_(Message.contact_id.is_(None), Message.address_id.is_(None)))
    names_nothing = or_(
        ~_names(), and_(~_names(Payment.voided_at.is_(None)), Message.due_at < now - PATIENCE)
    )
    kinds = (
        (FaultKind.MESSAGE_TO_NOBODY, to_nobody),
        (
            FaultKind.REQUEST_FOR_NOTHING,
            and_(~to_nobody, Message.notice.in_(REQUESTS), names_nothing),
        ),
        (FaultKind.ANSWER_WITHOUT_CAUSE, and_(~to_nobody, Message.notice.in_(ANSWERS), ~_has_cause())),
    )
    for kind, condition in kinds:
        query = select(Message.id, Message.public_id, Message.notice, Message.state)
        waiting = (window.holds(Message.id), Message.state.in_(WAITING), condition)
        for key, public_id, notice, state in session.execute(query.where(*waiting).order_by(Message.id)):
            facts: dict[str, Any] = {"notice": notice.value, "state": state.value}
            yield Fault(kind, "message", key, public_id, None, facts)


def link_faults(session: Session, window: Window) -> Iterator[Fault]:
    """Find links of erased people that still open something."""
    query = (
        select(Link.id, Contact.public_id, Link.purpose)
        .join(Contact, Contact.id == Link.contact_id)
        .where(window.holds(Link.id), Link.revoked_at.is_(None), Contact.erased_at.is_not(None))
        .order_by(Link.id)
    )
    for key, public_id, purpose in session.execute(query):
        yield Fault(FaultKind.LINK_OF_ERASED, "contact", key, public_id, None, {"purpose": purpose.value})


def _names(*also: ColumnElement[bool]) -> ColumnElement[bool]:
    """Tell whether a message names a payment for which this holds too."""
    return exists().where(MessageItem.message_id == Message.id, Payment.id == MessageItem.payment_id, *also)


def _has_cause() -> ColumnElement[bool]:
    return exists().where(Event.correlation_id == Message.correlation_id)
