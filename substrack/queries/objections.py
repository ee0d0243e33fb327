"""What members wrote because something is off: what nobody has answered yet, and one note with all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind
from substrack.domain.letters import Item, Span
from substrack.domain.payments import ASKABLE
from substrack.queries.finding import NotListed
from substrack.queries.letter_items import load_owed
from substrack.queries.namesakes import tell_apart
from substrack.queries.prepared import prepared
from substrack.queries.review import name_of
from substrack.store import Contact, Event, Group, Payment, Period

SHOWN: Final = 20
"""How many notes are listed; the rest comes up as these are answered."""

LOOKED_AT: Final = 200
"""How many payments with an open note are looked at for the newest; the rest comes up as well."""

OBJECT: Final = "object"
ENDINGS: Final = ("answer", "dismiss")


@dataclass(frozen=True)
class ObjectionRow:
    """A note that waits for an answer; `id` is that of its act, `about` names group and period."""

    id: str
    contact_public_id: str
    name: str
    text: str
    at: datetime
    about: tuple[tuple[str, Span | None], ...]


@dataclass(frozen=True)
class Ending:
    """How a note was done with: `verb` is answer or dismiss, `by` None for the command line."""

    verb: str
    answer: str | None
    kind: ActorKind
    by: str | None
    at: datetime


@dataclass(frozen=True)
class Objection:
    """One note. `earlier` ones had no answer either, oldest first; `items` are as they stand now."""

    id: str
    contact_public_id: str
    name: str
    text: str
    at: datetime
    earlier: tuple[str, ...]
    items: tuple[Item, ...]
    is_open: bool
    ending: Ending | None


def list_objections(
    session: Session, workspace_id: int, *, group_id: int | None = None
) -> tuple[ObjectionRow, ...]:
    """List what nobody has answered about what is still to be paid, the newest first.

    One statement, and two more where there are namesakes.
    """
    found: dict[str, ObjectionRow] = {}
    for row in session.execute(*_open_notes(workspace_id, group_id)):
        key = row.correlation_id
        span = Span(row.unit, row.every, row.starts_on, row.ends_on) if row.starts_on else None
        before = found[key].about if key in found else ()
        about = (*before, (row.group, span))
        found[key] = ObjectionRow(key, row.public_id, row.name, row.reason or "", row.at, about)
    return tell_apart(session, list(found.values())[:SHOWN])


@prepared
def _open_notes(workspace_id: int, group_id: int | None) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Event.correlation_id,
            Event.reason,
            Event.at,
            Contact.public_id,
            Contact.name,
            Group.name.label("group"),
            Group.unit,
            Group.every,
            Period.starts_on,
            Period.ends_on,
        )
        .select_from(Payment)
        .join(Event, _is_note())
        .join(Contact, Contact.id == Payment.contact_id)
        .join(Group, Group.id == Payment.group_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(Payment.id.in_(_noted(workspace_id, group_id)))
        .order_by(Event.at.desc(), Event.id)
    )


def _noted(workspace_id: int, group_id: int | None) -> Select[int]:
    """Select the payments that the newest notes are about and that are still to be paid.

    In the words of `ix_payments_noted`.
    """
    query = (
        select(Payment.id)
        .join(Event, _is_note())
        .where(
            Payment.workspace_id == workspace_id,
            Payment.objection.is_not(None),
            Payment.closed_at.is_(None),
            Payment.voided_at.is_(None),
            Payment.status.in_(ASKABLE),
        )
    )
    chosen = query if group_id is None else query.where(Payment.group_id == group_id)
    return chosen.order_by(Event.id.desc()).limit(LOOKED_AT)


def _is_note() -> ColumnElement[bool]:
    """An event is the note that its payment waits with."""
    return and_(
        Event.payment_id == Payment.id,
        Event.correlation_id == Payment.objection,
        Event.verb == OBJECT,
    )


def workspace_of_objection(session: Session, objection: str) -> int | None:
    """Find where a note belongs; None when there is no such note."""
    noted = select(Event.workspace_id).where(Event.correlation_id == objection, Event.verb == OBJECT)
    return session.scalar(noted.limit(1))


def load_objection(session: Session, workspace_id: int, objection: str) -> Objection:
    """Load a note and what became of it; raises NotListed."""
    noted = _events(session, workspace_id, Event.correlation_id == objection, verbs=(OBJECT,))
    if not noted:
        raise NotListed("note")
    keys = [event.payment_id for event in noted]
    owed = load_owed(session, [key for key in keys if key is not None])
    contact = session.get_one(Contact, owed[0].payment.contact_id)
    told = _events(session, workspace_id, Event.payment_id.in_(keys), verbs=(OBJECT, *ENDINGS))
    return Objection(
        id=objection,
        contact_public_id=contact.public_id,
        name=contact.name,
        text=noted[0].reason or "",
        at=noted[0].at,
        earlier=_unanswered_before(told, noted[0]),
        items=tuple(row.item for row in owed),
        is_open=any(row.payment.objection == objection for row in owed),
        ending=_ending(session, told, objection),
    )


def _events(
    session: Session, workspace_id: int, condition: ColumnElement[bool], *, verbs: tuple[str, ...]
) -> list[Event]:
    query = select(Event).where(Event.workspace_id == workspace_id, Event.verb.in_(verbs), condition)
    return list(session.scalars(query.order_by(Event.id)))


def _unanswered_before(told: list[Event], noted: Event) -> tuple[str, ...]:
    """Collect what was written since the last answer, each text once."""
    texts: dict[str, None] = {}
    for event in told:
        if event.id >= noted.id:
            break
        if event.verb == OBJECT:
            texts[event.reason or ""] = None
        else:
            texts.clear()
    texts.pop(noted.reason or "", None)
    return tuple(texts)


def _ending(session: Session, told: list[Event], objection: str) -> Ending | None:
    ended = (event for event in told if event.verb in ENDINGS)
    last = next((event for event in ended if (event.after or {}).get("objection") == objection), None)
    if last is None:
        return None
    return Ending(
        last.verb, last.reason, last.actor_kind, name_of(session, last.actor_kind, last.actor_id), last.at
    )
