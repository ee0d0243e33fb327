"""What time does to payments: requests, lapses, nudges.

A sweep reads payments whose `next_action_at` has come, and nothing else. A request goes to a person, not to a
payment, and for each payment it lists it is that payment's reminder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import TIME, ActorKind
from substrack.domain.asking import ASK_BY_HAND
from substrack.domain.cycles import at_hour, local_hour
from substrack.domain.delivery import WAITING
from substrack.domain.notices import REQUESTS, Notice
from substrack.domain.payments import ASKABLE, Act, PaymentKind, Status
from substrack.domain.requests import (
    initiates,
    is_last_word,
    joins,
    lapses_on,
    may_ask_at,
    next_request_on,
    nudges_on,
)
from substrack.queries.prepared import prepared
from substrack.services.ledger import Decision, move, payments_now
from substrack.services.locks import lock_contacts
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.services.putting_off import OBJECT, SNOOZE
from substrack.services.request_drafts import (
    count_as_asked,
    draft_request,
    workspace_day,
    write_asked_on,
    write_slots,
)
from substrack.services.schedule import DuePayment, due_payments, payments_with_rules
from substrack.services.staleness import cancel_stale_requests
from substrack.store import Event, Message, MessageItem, Payment

BATCH = 200


@dataclass(frozen=True)
class Swept:
    """What one batch of a sweep did."""

    seen: int
    lapsed: int = 0
    messages: int = 0


def sweep_payments(session: Session, *, now: datetime, limit: int = BATCH) -> Swept:
    """Do what time is due to do to up to `limit` payments; call until none is seen.

    Lapses pending payments, asks their contacts (one message each), tells admins whose requests are used
    up, and nudges them about unverified claims. Each payment seen gets a later `next_action_at`.
    """
    return _sweep(session, _lock_due(session, now, limit), now)


def sweep_contact(session: Session, contact_id: int, *, now: datetime) -> Swept:
    """Do what time is due to do to one person's payments: the fallback when their batch failed."""
    return _sweep(session, lock_contacts(session, [contact_id]), now)


def postpone_contact(session: Session, contact_id: int, *, now: datetime) -> None:
    """Leave one person's due payments alone for an hour, because acting on them failed."""
    lock_contacts(session, [contact_id])
    session.execute(
        update(Payment)
        .where(Payment.contact_id == contact_id, Payment.next_action_at <= now)
        .values(next_action_at=now + timedelta(hours=1))
        .execution_options(synchronize_session=False)
    )


def _lock_due(session: Session, now: datetime, limit: int) -> list[int]:
    """Lock the contacts of due payments, leaving those another worker holds."""
    return lock_contacts(session, session.scalars(*_owers_of_due(now, limit)), skip_locked=True)


@prepared
def _owers_of_due(now: datetime, at_most: int) -> Select[int]:
    due = select(Payment.contact_id).where(Payment.next_action_at <= now)
    return due.order_by(Payment.next_action_at, Payment.id).limit(at_most)


def _sweep(session: Session, locked: Sequence[int], now: datetime) -> Swept:
    """Act on what is due of people whose locks are held.

    Payments are plain rows here, many at once: each step gives those it changed, and all are written once.
    """
    if not locked:
        return Swept(0)
    cancel_stale_requests(session, locked, now=now)
    due = _by_key(_load(session, now, Payment.next_action_at <= now, Payment.contact_id.in_(locked)))
    if not due:
        return Swept(0)
    nudged = _nudged(due.values(), now)
    lapsed = _lapse(session, due.values(), now)
    due |= _by_key(nudged) | _by_key(lapsed)
    told, asked = _ask(session, list(due.values()), now)
    drafts = [*_nudges(session, nudged, now), *_exhausted(session, told, now), *_requests(asked, now)]
    messages = queue(session, drafts, now=now)
    counted = [entry for entries in asked.values() for entry in entries]
    _write(session, due | _by_key(told) | _by_key(counted), now)
    write_asked_on(session, counted)
    return Swept(len(due), len(lapsed), messages)


def _by_key(entries: Iterable[DuePayment]) -> dict[int, DuePayment]:
    return {entry.payment.id: entry for entry in entries}


def _load(session: Session, now: datetime, *conditions: ColumnElement[bool]) -> list[DuePayment]:
    query = payments_with_rules().where(Payment.voided_at.is_(None), *conditions)
    return due_payments(session, query.order_by(Payment.due_on, Payment.id), now=now)


def _nudged(due: Iterable[DuePayment], now: datetime) -> list[DuePayment]:
    """Choose the claims of which admins are reminded now."""
    days = [(entry, nudges_on(entry.facts)) for entry in due]
    return [
        entry.changed(nudged_at=now)
        for entry, day in days
        if day is not None and day <= entry.today and may_ask_at(now, entry.rules)
    ]


def _nudges(session: Session, nudged: Sequence[DuePayment], now: datetime) -> list[Draft]:
    """Remind admins, at most once a day, that claims wait to be checked."""
    return [
        Draft(
            workspace_id=workspace_id,
            contact_id=admin,
            notice=Notice.CLAIMS_WAITING,
            dedupe_key=f"waiting:{admin}:{workspace_day(session, workspace_id, now)}",
            due_at=now,
        )
        for workspace_id in sorted({entry.payment.workspace_id for entry in nudged})
        for admin in admin_contacts(session, workspace_id)
    ]


def _lapse(session: Session, due: Iterable[DuePayment], now: datetime) -> list[DuePayment]:
    """Make overdue what is due to lapse and was really asked for, or can't be asked for any more."""
    days = [(entry, lapses_on(entry.facts, entry.rules)) for entry in due]
    ripe = [entry for entry, day in days if day is not None and day <= entry.today]
    if not ripe:
        return []
    told = _told(session, ripe)
    lapsing = _by_key(one for one in ripe if one.payment.id in told) | _by_key(_given_up(session, ripe, now))
    for payment in payments_now(session, Payment.id.in_(lapsing)):
        move(session, payment, Act.LAPSE, Decision(TIME, now), target=Status.OVERDUE)
    return [entry.changed(status=Status.OVERDUE) for entry in lapsing.values()]


def _given_up(session: Session, ripe: Sequence[DuePayment], now: datetime) -> list[DuePayment]:
    """Choose what is never asked for again in its round, once nothing of it is on its way any more."""
    unasked = [entry for entry in ripe if next_request_on(entry.facts, entry.rules) is None]
    nowhere = [entry for entry in unasked if not entry.payment.is_reachable]
    return [*nowhere, *_without_waiting(session, [one for one in unasked if one.payment.is_reachable], now)]


def _told(session: Session, entries: Sequence[DuePayment]) -> set[int]:
    """Find those payments of which their contact knows: asked since it became pending, or put off."""
    sent = (
        select(MessageItem.id)
        .join(Message, Message.id == MessageItem.message_id)
        .where(
            MessageItem.payment_id == Payment.id,
            Message.notice.in_(REQUESTS),
            Message.sent_at >= Payment.pending_at,
        )
    )
    keys = [entry.payment.id for entry in entries]
    since = select(Event.id).where(Event.payment_id == Payment.id, Event.at >= Payment.pending_at)
    put_off = since.where(Event.verb.in_((SNOOZE, OBJECT)), Event.actor_kind == ActorKind.CONTACT)
    by_hand = since.where(Event.verb == ASK_BY_HAND, Payment.requests_sent > Payment.requests_before)
    known = or_(exists(sent), exists(put_off), exists(by_hand))
    return set(session.scalars(select(Payment.id).where(Payment.id.in_(keys), known)))


def _ask(
    session: Session, due: Sequence[DuePayment], now: datetime
) -> tuple[list[DuePayment], dict[int, list[DuePayment]]]:
    """Choose what is asked for: what admins are told of instead, and what each person is asked for.

    Both as they stand after it.
    """
    ready = _without_waiting(session, [entry for entry in due if _is_ready(entry)], now)
    exhausted = [entry for entry in ready if is_last_word(entry.facts, entry.rules)]
    used_up = _by_key(exhausted)
    rested = _rested([entry for entry in ready if entry.payment.id not in used_up])
    listed = _listed(session, rested, [entry for entry in due if entry.payment.id not in used_up], now)
    told = [entry.changed(exhausted_at=now) for entry in exhausted]
    return told, {contact_id: count_as_asked(entries) for contact_id, entries in listed.items()}


def _is_ready(entry: DuePayment) -> bool:
    return initiates(entry.facts, entry.rules, entry.today) and may_ask_at(entry.now, entry.rules)


def _without_waiting(session: Session, ready: Sequence[DuePayment], now: datetime) -> list[DuePayment]:
    """Leave out people whose last request has not left yet: they were not asked, so they are not reminded."""
    if not ready:
        return []
    waiting = set(
        session.scalars(
            select(Message.contact_id).where(
                Message.contact_id.in_({entry.payment.contact_id for entry in ready}),
                Message.notice.in_(REQUESTS),
                Message.state.in_(WAITING),
                Message.expires_at > now,
            )
        )
    )
    return [entry for entry in ready if entry.payment.contact_id not in waiting]


def _rested(ready: Sequence[DuePayment]) -> set[int]:
    """Find the contacts whom nobody asked within the repeat of any payment that is now due, whatever for."""
    by_contact: dict[int, list[DuePayment]] = {}
    for entry in ready:
        by_contact.setdefault(entry.payment.contact_id, []).append(entry)
    return {contact_id for contact_id, entries in by_contact.items() if _has_rested(entries)}


def _has_rested(entries: Sequence[DuePayment]) -> bool:
    first = entries[0]
    asked_on = first.payment.anything_requested_on
    repeat = min(entry.rules.repeat_every_days for entry in entries)
    return asked_on is None or asked_on + timedelta(days=repeat) <= first.home_today


def _listed(
    session: Session, contact_ids: Collection[int], due: Sequence[DuePayment], now: datetime
) -> dict[int, list[DuePayment]]:
    """List what each person is asked for: what is due, and what would be due within its own repeat."""
    if not contact_ids:
        return {}
    coming = _load(
        session,
        now,
        Payment.contact_id.in_(sorted(contact_ids)),
        Payment.status.in_(ASKABLE),
        Payment.kind == PaymentKind.DUES,
        or_(Payment.next_action_at.is_(None), Payment.next_action_at > now),
    )
    mine = [entry for entry in due if entry.payment.contact_id in contact_ids]
    listed: dict[int, list[DuePayment]] = {}
    for entry in sorted([*mine, *coming], key=_by_age):
        if joins(entry.facts, entry.rules, entry.today):
            listed.setdefault(entry.payment.contact_id, []).append(entry)
    return listed


def _by_age(entry: DuePayment) -> tuple[date, int]:
    return entry.payment.due_on or date.max, entry.payment.id


def _requests(asked: Mapping[int, Sequence[DuePayment]], now: datetime) -> list[Draft]:
    return [draft_request(contact_id, entries, now=now) for contact_id, entries in asked.items()]


def _exhausted(session: Session, told: Sequence[DuePayment], now: datetime) -> list[Draft]:
    """Tell the admins instead of asking once more; no two rounds of a payment end on one day."""
    by_contact: dict[int, list[DuePayment]] = {}
    for entry in told:
        by_contact.setdefault(entry.payment.contact_id, []).append(entry)
    return [
        _no_answer(entries, admin, now)
        for entries in by_contact.values()
        for admin in admin_contacts(session, entries[0].payment.workspace_id)
    ]


def _no_answer(entries: Sequence[DuePayment], admin: int, now: datetime) -> Draft:
    first = entries[0]
    return Draft(
        workspace_id=first.payment.workspace_id,
        contact_id=admin,
        notice=Notice.REQUESTS_EXHAUSTED,
        dedupe_key=f"exhausted:{first.payment.id}:{first.home_today}:{admin}",
        due_at=now,
        payload={"payment_ids": [entry.payment.id for entry in entries]},
    )


def _write(session: Session, entries: Mapping[int, DuePayment], now: datetime) -> None:
    """Write what was done, and a later instant for all that was due: its next one, or the next hour."""
    slots = [(entry, entry.next_action_at()) for entry in entries.values()]
    write_slots(
        session,
        [(entry, _next_hour(entry, now) if at is not None and at <= now else at) for entry, at in slots],
    )


def _next_hour(entry: DuePayment, now: datetime) -> datetime | None:
    rules = entry.rules
    if local_hour(now, rules.time_zone) < rules.hour:
        return at_hour(entry.today, rules.hour, rules.time_zone)
    return entry.next_action_at(after=entry.today)
