"""Lines of the journal with the names that belong to their ids, which the journal itself never keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind, Via
from substrack.domain.journal_kinds import ACTS, JournalKind
from substrack.domain.payments import Act, PaymentKind
from substrack.domain.spans import Span
from substrack.queries.searching import named_like
from substrack.store import (
    Contact,
    Event,
    Group,
    Member,
    Message,
    Payment,
    Period,
    Receipt,
    RoleGrant,
    User,
    shared_alias,
)

LINES_A_PAGE: Final = 40

_Actor, _SubjectUser = shared_alias(Contact), shared_alias(User)


@dataclass(frozen=True)
class JournalRow:
    """One line: who did what to whom; `actor` is None for the clock and the command line.

    `person` is whom it is about, `span` the period, `payment_public_id` the payment; `is_own` tells that
    this is the payer's own share.
    """

    id: int
    at: datetime
    verb: str
    subject_kind: str
    actor_kind: ActorKind
    actor: str | None
    via: Via
    person: str | None
    group: str | None
    group_public_id: str | None
    span: Span | None
    payment_public_id: str | None
    is_own: bool
    currency: str | None
    reason: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    correlation_id: str


@dataclass(frozen=True)
class JournalPage:
    """Some lines, the newest first; `older_than` is the id to go on from, if there are more."""

    rows: tuple[JournalRow, ...]
    older_than: int | None


@dataclass(frozen=True)
class JournalFilter:
    """What is looked for: everything, unless something is said.

    `person` is a piece of the name of whom it is about; `actor` a kind of actor, `user` the public id of an
    admin who acted.
    """

    group: str = ""
    person: str = ""
    kind: JournalKind | None = None
    actor: ActorKind | None = None
    user: str = ""


class Named(NamedTuple):
    """Something to choose: its public id and name."""

    public_id: str
    name: str


def load_journal(
    session: Session, workspace_id: int, wanted: JournalFilter, *, before: int | None = None
) -> JournalPage:
    """Load what happened in a workspace, the newest first, in one statement."""
    query = _events().where(Event.workspace_id == workspace_id, *_conditions(workspace_id, wanted))
    return _page(session, query, before)


def load_period_journal(session: Session, period_id: int) -> JournalPage:
    """Load what happened to a period itself, the newest first, in one statement."""
    return _page(
        session, _events().where(Event.subject_kind == "period", Event.subject_id == period_id), None
    )


def load_payment_journal(session: Session, payment_id: int) -> tuple[JournalRow, ...]:
    """Load everything that happened to a payment, the newest first, in one statement."""
    found = session.execute(_events().where(Event.payment_id == payment_id).order_by(Event.id.desc()))
    return tuple(map(_row, found))


def list_group_names(session: Session, workspace_id: int) -> list[Named]:
    """List the groups of a workspace by name, archived ones too."""
    query = select(Group.public_id, Group.name).where(Group.workspace_id == workspace_id)
    return [Named(*row) for row in session.execute(query.order_by(func.lower(Group.name), Group.id))]


def list_user_names(session: Session, workspace_id: int) -> list[Named]:
    """List who administers a workspace, or did, by name."""
    query = select(User.public_id, User.name).join(RoleGrant, RoleGrant.user_id == User.id)
    query = query.where(RoleGrant.workspace_id == workspace_id)
    return [Named(*row) for row in session.execute(query.order_by(func.lower(User.name), User.id))]


def _conditions(workspace_id: int, wanted: JournalFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.group:
        found.append(Group.public_id == wanted.group)
    if not wanted.person:
        found.append(_is_told_alone())
    else:
        people = select(Contact.id).where(Contact.workspace_id == workspace_id, named_like(wanted.person))
        found.append(_subject_contact().in_(people))
    if wanted.kind:
        found.append(_is_of(wanted.kind))
    if wanted.actor:
        found.append(Event.actor_kind == wanted.actor)
    if wanted.user:
        found.append(and_(Event.actor_kind == ActorKind.USER, User.public_id == wanted.user))
    return found


def _is_told_alone() -> ColumnElement[bool]:
    """Leave out that a payer's own share follows its period, which the period's line tells already."""
    return or_(Event.verb != Act.ADJUST, Payment.kind.is_(None), Payment.kind != PaymentKind.OWN)


def _is_of(kind: JournalKind) -> ColumnElement[bool]:
    return or_(
        *(
            and_(Event.subject_kind == subject, Event.verb.in_(verbs))
            if verbs
            else Event.subject_kind == subject
            for subject, verbs in ACTS[kind].items()
        )
    )


def _subject_contact() -> ColumnElement[int]:
    """Find whom a line is about."""
    return func.coalesce(
        Payment.contact_id,
        Member.contact_id,
        Receipt.contact_id,
        Message.contact_id,
        case((Event.subject_kind == "contact", Event.subject_id)),
    )


def _page(session: Session, query: Select[*tuple[Any, ...]], before: int | None) -> JournalPage:
    if before is not None:
        query = query.where(Event.id < before)
    found = session.execute(query.order_by(Event.id.desc()).limit(LINES_A_PAGE + 1)).all()
    rows = tuple(map(_row, found[:LINES_A_PAGE]))
    return JournalPage(rows, rows[-1].id if len(found) > LINES_A_PAGE else None)


def _events() -> Select[*tuple[Any, ...]]:
    acts_for_user = Event.actor_kind.in_([ActorKind.USER, ActorKind.CREDIT])
    period_key = func.coalesce(Payment.period_id, case((Event.subject_kind == "period", Event.subject_id)))
    return (
        select(
            Event,
            Period,
            Group,
            func.coalesce(User.name, _Actor.name).label("actor"),
            func.coalesce(Contact.name, _SubjectUser.name).label("person"),
            Payment.public_id.label("payment"),
            Payment.kind.label("payment_kind"),
            func.coalesce(Receipt.currency, Group.currency).label("currency"),
        )
        .outerjoin(Group, Group.id == Event.group_id)
        .outerjoin(User, and_(acts_for_user, User.id == Event.actor_id))
        .outerjoin(_Actor, and_(Event.actor_kind == ActorKind.CONTACT, _Actor.id == Event.actor_id))
        .outerjoin(Payment, Payment.id == Event.payment_id)
        .outerjoin(Member, and_(Event.subject_kind == "member", Member.id == Event.subject_id))
        .outerjoin(Receipt, and_(Event.subject_kind == "receipt", Receipt.id == Event.subject_id))
        .outerjoin(Message, and_(Event.subject_kind == "message", Message.id == Event.subject_id))
        .outerjoin(_SubjectUser, and_(Event.subject_kind == "user", _SubjectUser.id == Event.subject_id))
        .outerjoin(Contact, Contact.id == _subject_contact())
        .outerjoin(Period, Period.id == period_key)
    )


def _row(found: Row[*tuple[Any, ...]]) -> JournalRow:
    event: Event = found.Event
    period: Period | None = found.Period
    group: Group | None = found.Group
    span = Span(group.unit, group.every, period.starts_on, period.ends_on) if period and group else None
    return JournalRow(
        id=event.id,
        at=event.at,
        verb=event.verb,
        subject_kind=event.subject_kind,
        actor_kind=event.actor_kind,
        actor=found.actor,
        via=event.via,
        person=found.person,
        group=group.name if group else None,
        group_public_id=group.public_id if group else None,
        span=span,
        payment_public_id=found.payment,
        is_own=found.payment_kind is PaymentKind.OWN,
        currency=found.currency,
        reason=event.reason,
        before=event.before or {},
        after=event.after or {},
        correlation_id=event.correlation_id,
    )
