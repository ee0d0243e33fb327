"""Lines of the journal with the names that belong to their ids, which the journal itself never keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from substrack.domain.actors import ActorKind, Via
from substrack.domain.letters import Span
from substrack.store import Contact, Event, Group, Member, Payment, Period, User

LINES_A_PAGE = 50

_Actor, _Subject = aliased(Contact), aliased(Contact)


@dataclass(frozen=True)
class JournalRow:
    """One line: who did what to whom; `actor` is None for the clock and the command line.

    `person` is whom it is about, `span` the period, `payment_public_id` the payment.
    """

    id: int
    at: datetime
    verb: str
    subject_kind: str
    actor_kind: ActorKind
    actor: str | None
    via: Via
    person: str | None
    span: Span | None
    payment_public_id: str | None
    currency: str | None
    reason: str | None
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True)
class JournalPage:
    """Some lines, the newest first; `older_than` is the id to go on from, if there are more."""

    rows: tuple[JournalRow, ...]
    older_than: int | None


def load_group_journal(session: Session, group_id: int, *, before: int | None = None) -> JournalPage:
    """Load what happened in a group, the newest first, in one statement."""
    return _page(session, _events().where(Event.group_id == group_id), before)


def load_period_journal(session: Session, period_id: int) -> JournalPage:
    """Load what happened to a period itself, the newest first, in one statement."""
    return _page(
        session, _events().where(Event.subject_kind == "period", Event.subject_id == period_id), None
    )


def load_payment_journal(session: Session, payment_id: int) -> tuple[JournalRow, ...]:
    """Load everything that happened to a payment, the newest first, in one statement."""
    found = session.execute(_events().where(Event.payment_id == payment_id).order_by(Event.id.desc()))
    return tuple(_row(*line) for line in found)


def _page(
    session: Session, query: Select[Event, str, str, str, str, Period, Group], before: int | None
) -> JournalPage:
    if before is not None:
        query = query.where(Event.id < before)
    found = session.execute(query.order_by(Event.id.desc()).limit(LINES_A_PAGE + 1)).all()
    rows = tuple(_row(*line) for line in found[:LINES_A_PAGE])
    return JournalPage(rows, rows[-1].id if len(found) > LINES_A_PAGE else None)


def _events() -> Select[Event, str, str, str, str, Period, Group]:
    is_member = and_(Event.subject_kind == "member", Event.subject_id == Member.id)
    is_period = and_(Event.subject_kind == "period", Event.subject_id == Period.id)
    return (
        select(Event, User.name, _Actor.name, _Subject.name, Payment.public_id, Period, Group)
        .outerjoin(Group, Group.id == Event.group_id)
        .outerjoin(
            User, and_(Event.actor_kind.in_([ActorKind.USER, ActorKind.CREDIT]), Event.actor_id == User.id)
        )
        .outerjoin(_Actor, and_(Event.actor_kind == ActorKind.CONTACT, Event.actor_id == _Actor.id))
        .outerjoin(Payment, Payment.id == Event.payment_id)
        .outerjoin(Member, is_member)
        .outerjoin(_Subject, or_(_Subject.id == Payment.contact_id, _Subject.id == Member.contact_id))
        .outerjoin(Period, or_(Period.id == Payment.period_id, is_period))
    )


def _row(
    event: Event,
    user: str | None,
    actor: str | None,
    person: str | None,
    payment: str | None,
    period: Period | None,
    group: Group | None,
) -> JournalRow:
    span = Span(group.unit, group.every, period.starts_on, period.ends_on) if period and group else None
    return JournalRow(
        id=event.id,
        at=event.at,
        verb=event.verb,
        subject_kind=event.subject_kind,
        actor_kind=event.actor_kind,
        actor=user or actor,
        via=event.via,
        person=person,
        span=span,
        payment_public_id=payment,
        currency=group.currency if group else None,
        reason=event.reason,
        before=event.before or {},
        after=event.after or {},
    )
