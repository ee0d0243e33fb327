"""What time does to payments: requests, lapses, nudges.

A sweep reads payments whose `next_action_at` has come, and nothing else. A request goes to a person, not to a
payment, and for each payment it lists it is that payment's reminder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, update
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
    nudges_on,
    today_of,
)
from substrack.services.ledger import Decision, lock_contacts, move
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.services.putting_off import OBJECT, SNOOZE
from substrack.services.request_drafts import draft_request, workspace_day
from substrack.services.schedule import DuePayment, due_payments, payments_with_rules
from substrack.services.staleness import cancel_stale_requests
from substrack.store import Contact, Event, Message, MessageItem, Payment

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
    return _sweep(session, _take_due(session, now, limit), now)


def sweep_contact(session: Session, contact_id: int, *, now: datetime) -> Swept:
    """Do what time is due to do to one person's payments: the fallback when their batch failed."""
    lock_contacts(session, [contact_id])
    cancel_stale_requests(session, [contact_id], now=now)
    due = _load(session, Payment.next_action_at <= now, Payment.contact_id == contact_id)
    return _sweep(session, due, now)


def postpone_contact(session: Session, contact_id: int, *, now: datetime) -> None:
    """Leave one person's due payments alone for an hour, because acting on them failed."""
    lock_contacts(session, [contact_id])
    session.execute(
        update(Payment)
        .where(Payment.contact_id == contact_id, Payment.next_action_at <= now)
        .values(next_action_at=now + timedelta(hours=1))
        .execution_options(synchronize_session=False)
    )


def _sweep(session: Session, due: Sequence[DuePayment], now: datetime) -> Swept:
    if not due:
        return Swept(0)
    messages = _nudge(session, due, now)
    lapsed = _lapse(session, due, now)
    messages += _ask(session, due, now)
    _move_on(session, due, now)
    return Swept(len(due), lapsed, messages)


def _take_due(session: Session, now: datetime, limit: int) -> list[DuePayment]:
    """Lock the contacts of due payments, leaving those another worker holds, and load what is still due."""
    waiting = (
        select(Payment.contact_id)
        .where(Payment.next_action_at <= now)
        .order_by(Payment.next_action_at, Payment.id)
        .limit(limit)
    )
    locked = lock_contacts(session, session.scalars(waiting), skip_locked=True)
    if not locked:
        return []
    cancel_stale_requests(session, locked, now=now)
    return _load(session, Payment.next_action_at <= now, Payment.contact_id.in_(locked))


def _load(session: Session, *conditions: ColumnElement[bool]) -> list[DuePayment]:
    query = payments_with_rules().where(Payment.voided_at.is_(None), *conditions)
    query = query.order_by(Payment.due_on, Payment.id).execution_options(populate_existing=True)
    return due_payments(session, query)


def _nudge(session: Session, due: Sequence[DuePayment], now: datetime) -> int:
    """Remind admins, at most once a day, that claims wait to be checked."""
    waiting = []
    for entry in due:
        day = nudges_on(entry.facts(now))
        if day is not None and day <= today_of(now, entry.rules) and may_ask_at(now, entry.rules):
            entry.payment.nudged_at = now
            waiting.append(entry)
    drafts = [
        Draft(
            workspace_id=workspace_id,
            contact_id=admin,
            notice=Notice.CLAIMS_WAITING,
            dedupe_key=f"waiting:{admin}:{workspace_day(session, workspace_id, now)}",
            due_at=now,
        )
        for workspace_id in sorted({entry.payment.workspace_id for entry in waiting})
        for admin in admin_contacts(session, workspace_id)
    ]
    return queue(session, drafts, now=now)


def _lapse(session: Session, due: Sequence[DuePayment], now: datetime) -> int:
    """Make overdue what is due to lapse and was really asked for, or can't be asked for."""
    ripe = []
    for entry in due:
        day = lapses_on(entry.facts(now), entry.rules)
        if day is not None and day <= today_of(now, entry.rules):
            ripe.append(entry)
    told = _told(session, ripe)
    lapsing = [entry for entry in ripe if entry.payment.id in told or not entry.is_reachable]
    for entry in lapsing:
        move(session, entry.payment, Act.LAPSE, Decision(TIME, now), target=Status.OVERDUE)
    return len(lapsing)


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
    by_hand = since.where(Event.verb == ASK_BY_HAND, Payment.requests_sent > 0)
    known = or_(exists(sent), exists(put_off), exists(by_hand))
    return set(session.scalars(select(Payment.id).where(Payment.id.in_(keys), known)))


def _ask(session: Session, due: Sequence[DuePayment], now: datetime) -> int:
    ready = _without_waiting(session, [entry for entry in due if _is_ready(entry, now)], now)
    exhausted = [entry for entry in ready if is_last_word(entry.facts(now), entry.rules)]
    used_up = {entry.payment.id for entry in exhausted}
    asking = _rested(session, [entry for entry in ready if entry.payment.id not in used_up], now)
    drafts = [*_exhausted(session, exhausted, now), *_requests(session, asking, now)]
    return queue(session, drafts, now=now)


def _is_ready(entry: DuePayment, now: datetime) -> bool:
    today = today_of(now, entry.rules)
    return initiates(entry.facts(now), entry.rules, today) and may_ask_at(now, entry.rules)


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


def _rested(session: Session, ready: Sequence[DuePayment], now: datetime) -> dict[int, list[DuePayment]]:
    """Keep the contacts whom nobody asked within the repeat of any payment that is now due, whatever for."""
    by_contact: dict[int, list[DuePayment]] = {}
    for entry in ready:
        by_contact.setdefault(entry.payment.contact_id, []).append(entry)
    rested = {}
    for contact_id, entries in by_contact.items():
        asked_on = session.get_one(Contact, contact_id).requested_on
        repeat = min(entry.group.repeat_every_days for entry in entries)
        today = workspace_day(session, entries[0].payment.workspace_id, now)
        if asked_on is None or asked_on + timedelta(days=repeat) <= today:
            rested[contact_id] = entries
    return rested


def _requests(session: Session, asking: dict[int, list[DuePayment]], now: datetime) -> list[Draft]:
    """Write one request per contact: what is due, and what would be due within its own repeat."""
    if not asking:
        return []
    candidates = _load(
        session,
        Payment.contact_id.in_(sorted(asking)),
        Payment.status.in_(ASKABLE),
        Payment.kind == PaymentKind.DUES,
    )
    listed: dict[int, list[DuePayment]] = {}
    for entry in candidates:
        if joins(entry.facts(now), entry.rules, today_of(now, entry.rules)):
            listed.setdefault(entry.payment.contact_id, []).append(entry)
    return [draft_request(session, contact_id, entries, now=now) for contact_id, entries in listed.items()]


def _exhausted(session: Session, entries: Sequence[DuePayment], now: datetime) -> list[Draft]:
    """Tell the admins instead of asking once more."""
    by_contact: dict[int, list[Payment]] = {}
    for entry in entries:
        entry.payment.requests_sent += 1
        by_contact.setdefault(entry.payment.contact_id, []).append(entry.payment)
    return [
        Draft(
            workspace_id=payments[0].workspace_id,
            contact_id=admin,
            notice=Notice.REQUESTS_EXHAUSTED,
            dedupe_key=f"exhausted:{payments[0].id}:{payments[0].requests_sent}:{admin}",
            due_at=now,
            payload={"payment_ids": [payment.id for payment in payments]},
        )
        for payments in by_contact.values()
        for admin in admin_contacts(session, payments[0].workspace_id)
    ]


def _move_on(session: Session, due: Sequence[DuePayment], now: datetime) -> None:
    """Give every payment seen a later instant: its next one, or the group's next hour."""
    session.flush()
    rows: list[dict[str, Any]] = []
    for entry in due:
        at = entry.next_action_at(now)
        if at is not None and at <= now:
            at = _next_hour(entry, now)
        rows.append({"id": entry.payment.id, "next_action_at": at})
    session.execute(update(Payment), rows)


def _next_hour(entry: DuePayment, now: datetime) -> datetime | None:
    rules, today = entry.rules, today_of(now, entry.rules)
    if local_hour(now, rules.time_zone) < rules.hour:
        return at_hour(today, rules.hour, rules.time_zone)
    return entry.next_action_at(now, after=today)
