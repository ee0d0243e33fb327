"""What was decided last about claims and payments, by whom, and who may decide by a link.

It says what stands in the journal; whether a decision still fits is for the services to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind, Via
from substrack.store import Attempt, AttemptItem, Contact, Event, RoleGrant, User, Workspace

DECIDING: Final = (
    "confirm",
    "reject",
    "withdraw",
    "waive",
    "unwaive",
    "reopen",
    "adjust",
    "release",
    "undo",
    "void",
    "restore",
)
"""The verbs that decide; a claim, a snooze, an objection or the lapse that follow one take nothing back."""


@dataclass(frozen=True)
class LastDecision:
    """What was decided last; `actor` is a name, None for the clock and the operator."""

    verb: str
    kind: ActorKind
    actor_id: int | None
    actor: str | None
    via: Via
    at: datetime
    reason: str | None
    correlation_id: str


@dataclass(frozen=True)
class Decider:
    """The admin whom a link to one claim was sent to, and how they read."""

    name: str
    language: str
    time_zone: str
    contact_id: int


def last_decision_on_claim(session: Session, attempt_id: int) -> LastDecision | None:
    """Find what was decided last about any payment of a claim since it was made."""
    return _last(session, *_about_claim(attempt_id))


def last_act_on_claim(session: Session, attempt_id: int, verb: str, *, user_id: int) -> LastDecision | None:
    """Find the last decision about a claim if it is this act of this user.

    What credit settled in its course is part of it.
    """
    last = last_decision_on_claim(session, attempt_id)
    if last is None:
        return None
    is_it = (Event.correlation_id == last.correlation_id, Event.verb == verb)
    is_theirs = (Event.actor_kind == ActorKind.USER, Event.actor_id == user_id)
    return _last(session, *_about_claim(attempt_id), *is_it, *is_theirs)


def last_decision_on_payment(session: Session, payment_id: int) -> LastDecision | None:
    """Find what was decided last about a payment."""
    return _last(session, Event.payment_id == payment_id)


def name_of(session: Session, kind: ActorKind | None, actor_id: int | None) -> str | None:
    """Name a user or contact who acted."""
    if actor_id is None or kind not in (ActorKind.USER, ActorKind.CONTACT):
        return None
    if kind is ActorKind.USER:
        return session.scalar(select(User.name).where(User.id == actor_id))
    return session.scalar(select(Contact.name).where(Contact.id == actor_id))


def find_decider(session: Session, workspace_id: int, user_id: int) -> Decider | None:
    """Find an admin of the workspace who is still active."""
    row = session.execute(
        select(
            User.name,
            func.coalesce(User.language, Workspace.language),
            Workspace.time_zone,
            RoleGrant.contact_id,
        )
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .join(Workspace, Workspace.id == RoleGrant.workspace_id)
        .where(Workspace.id == workspace_id, User.id == user_id, User.deactivated_at.is_(None))
    ).first()
    return Decider(*row) if row else None


def _about_claim(attempt_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    payments = select(AttemptItem.payment_id).where(AttemptItem.attempt_id == attempt_id)
    made_at = select(Attempt.made_at).where(Attempt.id == attempt_id).scalar_subquery()
    return Event.payment_id.in_(payments), Event.at >= made_at


def _last(session: Session, *conditions: ColumnElement[bool]) -> LastDecision | None:
    deciding = select(Event).where(Event.verb.in_(DECIDING), *conditions)
    event = session.scalar(deciding.order_by(Event.id.desc()).limit(1))
    if event is None:
        return None
    name = name_of(session, event.actor_kind, event.actor_id)
    return LastDecision(
        verb=event.verb,
        kind=event.actor_kind,
        actor_id=event.actor_id,
        actor=name,
        via=event.via,
        at=event.at,
        reason=event.reason,
        correlation_id=event.correlation_id,
    )
