"""What members wrote because something is off: what nobody has answered yet, and one note with all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, select, union_all
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind
from substrack.domain.bills import Item
from substrack.domain.payments import ASKABLE
from substrack.domain.spans import Span
from substrack.queries.deciding import name_of
from substrack.queries.finding import NotListed
from substrack.queries.letter_items import load_owed
from substrack.queries.namesakes import tell_apart
from substrack.queries.prepared import prepared, written
from substrack.store import Contact, Event, Group, Payment, Period

SHOWN: Final = 20
"""How many notes are listed; the rest comes up as these are answered."""

LOOKED_AT: Final = 60
"""How many of the last notes, and of the payments with an open one, are looked at for the newest."""

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

    @property
    def askable(self) -> frozenset[str]:
        """The public ids of those payments that are still to be paid, as far as anybody has said."""
        return frozenset(item.payment_id for item in self.items if item.status in ASKABLE)

    @property
    def is_asked(self) -> bool:
        """Tell whether requests begin again after an answer."""
        return bool(self.askable)


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
    return tell_apart(session, list(found.values()))


@prepared
def _open_notes(workspace_id: int, group_id: int | None) -> Select[*tuple[Any, ...]]:
    """Select each payment of the notes that are listed; of a group, those of the group alone."""
    query = (
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
        .select_from(Event)
        .join(Payment, _is_note())
        .join(Contact, Contact.id == Payment.contact_id)
        .join(Group, Group.id == Payment.group_id)
        .outerjoin(Period, Period.id == Payment.period_id)
        .where(
            Event.correlation_id.in_(_newest(workspace_id, group_id)),
            (Payment.workspace_id + 0) == workspace_id,
            *_is_to_be_paid(),
        )
        .order_by(Event.at.desc(), Event.id)
    )  # "+ 0" keeps SQLite from looking through all payments with a note, or of the group
    return query if group_id is None else query.where((Payment.group_id + 0) == group_id)


def _newest(workspace_id: int, group_id: int | None) -> Select[str]:
    """Select the notes that are listed: the newest of those looked at.

    These are the last that were written, answered or not, and some that still wait. The first alone would
    hide what has waited long, the second what has just come where many wait.
    """
    written_last = _written_last(workspace_id, group_id).subquery()
    waiting = _waiting(workspace_id, group_id).limit(LOOKED_AT).subquery()
    of_last = (
        select(written_last.c.id, written_last.c.correlation_id)
        .join(Payment, Payment.id == written_last.c.payment_id)
        .where(Payment.objection == written_last.c.correlation_id, *_is_to_be_paid())
    )
    of_waiting = (
        select(Event.id, Event.correlation_id)
        .join(waiting, waiting.c.id == Event.payment_id)
        .where(Event.correlation_id == waiting.c.objection, Event.verb == OBJECT)
    )
    both = union_all(of_last, of_waiting).subquery()
    newest = select(both.c.correlation_id).group_by(both.c.correlation_id)
    return newest.order_by(func.max(both.c.id).desc()).limit(SHOWN)


def _written_last(workspace_id: int, group_id: int | None) -> Select[*tuple[Any, ...]]:
    """Select the last notes; those of a group only where more of its payments wait than are looked at anyway.

    Its notes are found among those of the workspace: of its events most are no notes.
    """
    query = (
        select(Event.id, Event.correlation_id, Event.payment_id)
        .where(Event.workspace_id == workspace_id, Event.verb == written(OBJECT))
        .order_by(Event.id.desc())
        .limit(LOOKED_AT)
    )
    if group_id is None:
        return query
    are_more = _waiting(workspace_id, group_id).limit(1).offset(LOOKED_AT).exists()
    return query.where(are_more, (Event.group_id + 0) == group_id)  # "+ 0" as above


def _waiting(workspace_id: int, group_id: int | None) -> Select[*tuple[Any, ...]]:
    """Select payments with a note in the order of their index: the newest group first, its newest first."""
    query = select(Payment.id, Payment.objection).where(*_waits(workspace_id, group_id))
    return query.order_by(Payment.group_id.desc(), Payment.id.desc())


def _waits(workspace_id: int, group_id: int | None) -> tuple[ColumnElement[bool], ...]:
    """Select payments with a note that are still to be paid, in the words of `ix_payments_noted`."""
    waits = (Payment.workspace_id == workspace_id, Payment.objection.is_not(None), *_is_to_be_paid())
    return waits if group_id is None else (*waits, Payment.group_id == group_id)


def _is_to_be_paid() -> tuple[ColumnElement[bool], ...]:
    return (Payment.closed_at.is_(None), Payment.voided_at.is_(None), Payment.status.in_(ASKABLE))


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
