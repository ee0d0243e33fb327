"""What stands below a chat message now: read afresh at the first send, at every edit and after every press.

A constant number of statements a card. Nothing here decides who may press; it only knows whose message it is.
A decision that can still be undone is not shown to the member yet, just as its answer waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain import chat_cards
from substrack.domain.actors import UNDO_SECONDS, ActorKind
from substrack.domain.chat_buttons import Subject, SubjectKind, seen
from substrack.domain.chat_cards import Card, ClaimCard, MemberCard, MemberItem, NoteCard, PlainCard, Standing
from substrack.domain.cycles import local_date
from substrack.domain.notices import Notice
from substrack.domain.payments import ASKABLE, OPEN, Act, PaymentKind, Status
from substrack.queries.claims import load_claim
from substrack.queries.deciding import name_of
from substrack.queries.letter_items import Owed, load_owed
from substrack.queries.objections import load_objection
from substrack.store import (
    Attachment,
    Attempt,
    AttemptItem,
    AttemptState,
    Contact,
    Event,
    Message,
    MessageItem,
    Payment,
    RoleGrant,
    Workspace,
)

_ACTS: Final = frozenset(act.value for act in Act) - {Act.RELEASE.value} | {"void", "restore"}
_DECISIONS: Final = frozenset({Act.CONFIRM.value, Act.REJECT.value, Act.WAIVE.value})


def load_card(session: Session, message: Message, *, now: datetime) -> Card | None:
    """Read what stands below a message; None when nothing ever does."""
    reader = _CARDS.get(message.notice)
    return reader(session, message, now) if reader else None


def payments_of_message(session: Session, message: Message) -> list[int]:
    """List the keys of the payments a message to a member names."""
    payload = message.payload
    if message.notice in (Notice.REQUEST, Notice.REMINDER):
        query = select(MessageItem.payment_id).where(MessageItem.message_id == message.id)
        return list(session.scalars(query.order_by(MessageItem.id)))
    if message.notice is Notice.PART_RECEIVED:
        return [item["payment_id"] for item in payload["items"]]
    return list(payload.get("payment_ids", ()))


def open_payments_of(session: Session, contact_id: int) -> list[int]:
    """List the keys of everything a person owes or has said they paid."""
    query = select(Payment.id).where(
        Payment.contact_id == contact_id,
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(OPEN),
        Payment.voided_at.is_(None),
    )
    return list(session.scalars(query.order_by(Payment.due_on, Payment.id)))


def load_contact_card(session: Session, contact_id: int, *, now: datetime) -> MemberCard:
    """Read everything a person owes or has said they paid, as one card."""
    contact = session.get_one(Contact, contact_id)
    subject = Subject(SubjectKind.CONTACT, contact.public_id)
    return _member_card(session, subject, open_payments_of(session, contact_id), contact, now)


def load_claim_card(session: Session, attempt: Attempt, *, user_id: int | None, now: datetime) -> ClaimCard:
    """Read a claim as one admin sees it."""
    row = load_claim(session, attempt.workspace_id, attempt.id)
    here = now.astimezone(ZoneInfo(session.get_one(Workspace, attempt.workspace_id).time_zone))
    owed = {each.payment.id: each for each in load_owed(session, [item.payment_id for item in row.items])}
    closings = _closings(session, attempt)
    names = _Names(session)
    items = tuple(
        chat_cards.ClaimItem(
            item=owed[item.payment_id].item,
            version=item.version,
            decision=names.decision(closings.get(item.payment_id), here),
            waits=item.state is AttemptState.OPEN,
            expected=row.expected_for(item),
        )
        for item in row.items
    )
    undoable = _undoable(closings.values(), user_id, now)
    return ClaimCard(
        claim_id=attempt.public_id,
        name=row.name,
        amount=row.amount,
        items=items,
        seen=seen((item.public_id, item.version) for item in row.waiting),
        proofs=_count_proofs(session, attempt.id),
        now=here,
        undo=undoable.correlation_id if undoable else None,
        changes_at=_until(undoable) if undoable else None,
        made_on=row.made_at.astimezone(here.tzinfo).date(),
        paid_on=row.paid_on,
        note=row.note,
    )


def _owed_card(session: Session, message: Message, now: datetime) -> Card | None:
    contact = session.get(Contact, message.contact_id) if message.contact_id else None
    if contact is None:
        return None
    subject = Subject(SubjectKind.MESSAGE, message.public_id)
    return _member_card(session, subject, payments_of_message(session, message), contact, now)


def _claim_card(session: Session, message: Message, now: datetime) -> Card | None:
    attempt = session.get(Attempt, message.payload["attempt_id"])
    if attempt is None:
        return None
    user = select(RoleGrant.user_id).where(
        RoleGrant.contact_id == message.contact_id, RoleGrant.workspace_id == message.workspace_id
    )
    return load_claim_card(session, attempt, user_id=session.scalar(user), now=now)


def _pending_card(session: Session, message: Message, _now: datetime) -> Card | None:
    contact = session.get(Contact, message.contact_id) if message.contact_id else None
    return PlainCard(pending_for=contact.public_id) if contact else None


def _replaced_card(_session: Session, message: Message, _now: datetime) -> Card:
    return PlainCard(former_of=message.address_id)


def _stale_card(session: Session, message: Message, _now: datetime) -> Card | None:
    contact = session.get(Contact, message.payload["contact_id"])
    return PlainCard(invites=contact.public_id) if contact else None


def _note_card(session: Session, message: Message, now: datetime) -> Card | None:
    if message.correlation_id is None:
        return None
    here = now.astimezone(ZoneInfo(session.get_one(Workspace, message.workspace_id).time_zone))
    ending = load_objection(session, message.workspace_id, message.correlation_id).ending
    if ending is None:
        return NoteCard(message.correlation_id, here)
    at = ending.at.astimezone(here.tzinfo)
    decision = chat_cards.Decision(ending.verb, ending.kind, ending.by, at, ending.answer)
    return NoteCard(message.correlation_id, here, decision)


_CARDS: Final[Mapping[Notice, Callable[[Session, Message, datetime], Card | None]]] = MappingProxyType(
    {
        Notice.REQUEST: _owed_card,
        Notice.REMINDER: _owed_card,
        Notice.PERIOD_OPENED: _owed_card,
        Notice.REJECTED: _owed_card,
        Notice.OBJECTION_ANSWERED: _owed_card,
        Notice.OBJECTION: _note_card,
        Notice.PART_RECEIVED: _owed_card,
        Notice.CLAIM_RECEIVED: _claim_card,
        Notice.CLAIMS_WAITING: _pending_card,
        Notice.CHAT_REPLACED: _replaced_card,
        Notice.STALE_CODE: _stale_card,
    }
)


def _member_card(
    session: Session, subject: Subject, payment_ids: Sequence[int], contact: Contact, now: datetime
) -> MemberCard:
    zone = contact.time_zone or session.get_one(Workspace, contact.workspace_id).time_zone
    here = now.astimezone(ZoneInfo(zone))
    last, names = _last_acts(session, payment_ids), _Names(session)
    hidden = {key: event for key, event in last.items() if _can_be_undone(event, now)}
    items = tuple(
        _member_item(row, hidden.get(row.payment.id), names.decision(last.get(row.payment.id), here), now)
        for row in load_owed(session, payment_ids)
    )
    return MemberCard(subject, items, here, min(map(_until, hidden.values()), default=None))


def _member_item(
    row: Owed, hidden: Event | None, decision: chat_cards.Decision | None, now: datetime
) -> MemberItem:
    payment = row.payment
    status = Status((hidden.before or {})["status"]) if hidden else payment.status
    until = payment.snoozed_until
    rests = until is not None and until > local_date(now, row.group.time_zone)
    return MemberItem(
        item=row.item,
        standing=Standing.VOID if payment.voided_at is not None else _standing(status),
        decision=None if hidden else decision,
        asks_again_on=until if rests and status in ASKABLE else None,
    )


def _standing(status: Status) -> Standing:
    if status in ASKABLE:
        return Standing.OPEN
    return Standing.CLAIMED if status is Status.MEMBER_CONFIRMED else Standing.CLOSED


def _last_acts(session: Session, payment_ids: Collection[int]) -> dict[int, Event]:
    """Load the last thing that was done to each payment."""
    newest = (
        select(func.max(Event.id))
        .where(Event.payment_id.in_(sorted(payment_ids)), Event.verb.in_(_ACTS))
        .group_by(Event.payment_id)
    )
    return {
        event.payment_id or 0: event for event in session.scalars(select(Event).where(Event.id.in_(newest)))
    }


def _closings(session: Session, attempt: Attempt) -> dict[int, Event]:
    """Find what closed each decided item of a claim, by the rows that the event says it touched."""
    closed = {
        row.payment_id: row.id
        for row in session.execute(
            select(AttemptItem.payment_id, AttemptItem.id).where(
                AttemptItem.attempt_id == attempt.id, AttemptItem.closed_at.is_not(None)
            )
        )
    }
    query = select(Event).where(
        Event.payment_id.in_(sorted(closed)), Event.at >= attempt.made_at, Event.verb.in_(_ACTS)
    )
    return {
        event.payment_id or 0: event
        for event in session.scalars(query.order_by(Event.id))
        if closed[event.payment_id or 0] in (event.after or {}).get("rows", {}).get("items_closed", ())
    }


def _undoable(events: Iterable[Event], user_id: int | None, now: datetime) -> Event | None:
    """Find this admin's latest decision that can still be taken back."""
    mine = [
        event
        for event in events
        if event.actor_id == user_id and event.actor_kind is ActorKind.USER and _can_be_undone(event, now)
    ]
    return max(mine, key=lambda event: event.id, default=None)


def _can_be_undone(event: Event, now: datetime) -> bool:
    return event.verb in _DECISIONS and event.actor_kind is ActorKind.USER and now < _until(event)


def _until(event: Event) -> datetime:
    return event.at + timedelta(seconds=UNDO_SECONDS.get(event.via, 0))


def _count_proofs(session: Session, attempt_id: int) -> int:
    query = select(func.count()).select_from(Attachment).where(Attachment.attempt_id == attempt_id)
    return int(session.scalar(query) or 0)


def _verb_of(event: Event) -> str:
    left_a_rest = (event.after or {}).get("status") == Status.PENDING
    return chat_cards.CONFIRMED_IN_PART if event.verb == Act.CONFIRM and left_a_rest else event.verb


class _Names:
    """The names of those who acted, each looked up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[ActorKind, int | None], str | None] = {}

    def decision(self, event: Event | None, here: datetime) -> chat_cards.Decision | None:
        """Tell of an event in the reader's zone."""
        if event is None:
            return None
        key = (event.actor_kind, event.actor_id)
        if key not in self._known:
            self._known[key] = name_of(self._session, *key)
        return chat_cards.Decision(
            _verb_of(event),
            event.actor_kind,
            self._known[key],
            event.at.astimezone(here.tzinfo),
            event.reason,
        )
